// The map in a frame of somebody else's page: the map, the date, the legend, and the way back.

import { mountLegend, mountSentence, pageAt } from "./legend.js";
import { loadTiles, mountMap } from "./map.js";
import { createNotice } from "./notice.js";
import { createRecord } from "./record.js";
import { createStore, readState, wholeDays } from "./state.js";
import { mountTime } from "./time.js";

const part = (id) => document.getElementById(id);

async function main() {
  const say = createNotice(part("notice"));
  const store = createStore(wholeDays(readState()));
  const record = createRecord(store);
  const tiles = loadTiles(store.get().country);
  try {
    await Promise.all([record.ready, tiles]);
  } catch (problem) {
    say(problem.status ? problem.message : "The map's data could not be loaded.");
    return;
  }
  const page = { store, say, tiles: await tiles, ...record, compact: true, options: { cooperativeGestures: true } };
  mountSentence(part("sentence"), page);
  mountTime(part("time"), page);
  mountLegend(part("legend"), page);
  store.on(["asOf", "reportedBy", "knownAt", "minConfidence", "district"], (state) => {
    part("whole").href = pageAt(state);
  });
  const { map } = await mountMap(part("map"), page);
  window.districtControl = { map, store, getModel: record.getModel };
}

main();
