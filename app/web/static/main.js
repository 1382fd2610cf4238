// The page with the map: everything that it consists of, put together.

import { address, setKey } from "./api.js";
import { mountChart } from "./chart.js";
import { mountCite } from "./cite.js";
import { mountClocks } from "./clocks.js";
import { mountCompare } from "./compare.js";
import { h } from "./dom.js";
import { mountLegend, mountSentence } from "./legend.js";
import { loadTiles, mountMap } from "./map.js";
import { mountNews } from "./news.js";
import { createNotice } from "./notice.js";
import { mountPanel } from "./panel.js";
import { mountProvinces } from "./provinces.js";
import { createRecord } from "./record.js";
import { mountSearch } from "./search.js";
import { clocksOf, createStore, readState, wholeDays } from "./state.js";
import { mountTime } from "./time.js";

const UNAUTHORIZED = 401;
const part = (id) => document.getElementById(id);

async function main() {
  const say = createNotice(part("notice"));
  const asked = readState();
  const store = createStore(wholeDays(asked));
  if (store.get().asOf !== asked.asOf) say("The map shows whole days: what held at the end of the day.");
  const record = createRecord(store);
  const tiles = loadTiles(store.get().country);
  try {
    await Promise.all([record.ready, tiles]);
  } catch (problem) {
    showPicture(store.get(), problem);
    return;
  }

  let shown = null;
  // Before the map stands there is nothing to fly to, and no harm in it.
  const focusOn = (id) => shown?.focusOn(id);
  const page = { store, focusOn, say, tiles: await tiles, ...record };
  mountSentence(part("sentence"), page);
  mountTime(part("time"), page);
  mountClocks(part("clocks"), page);
  mountLegend(part("legend"), page);
  mountCompare(part("compare"), page);
  mountChart(part("chart"), page);
  mountProvinces(part("provinces"), page);
  mountPanel(part("panel"), page, page);
  mountSearch(part("search"), page);
  mountCite(part("cite"), page);
  mountNews(part("news"), page);
  shown = await mountMap(part("map"), page);
  // For tests and for the curious: the map (MapLibre's), the store of the state, the model.
  window.districtControl = { map: shown.map, store, getModel: record.getModel };
}

/** Without data there is still the picture that the service draws, and the reason. */
function showPicture({ country, ...state }, problem) {
  const why = problem.status ? problem.message : "There is no connection.";
  part("map").replaceChildren(
    h("p", { class: "error", role: "alert" }, `The map's data could not be loaded. ${why} `,
      h("button", { type: "button", text: "Try again", onclick: () => location.reload() })),
    problem.status === UNAUTHORIZED
      ? askForKey()
      : h("img", { src: address("/map.svg", { ...clocksOf(state), country }), alt: "Map of who controls which district" }),
  );
}

/** A service may answer only people whom it gave a key. */
function askForKey() {
  const field = h("input", { type: "password", id: "key", autocomplete: "off", required: true });
  function keep(event) {
    event.preventDefault();
    setKey(field.value.trim());
    location.reload();
  }
  return h("form", { class: "row", onsubmit: keep },
    h("label", { for: field.id, text: "Your key, kept for this tab only" }), field,
    h("button", { type: "submit", text: "Use this key" }));
}

main();
