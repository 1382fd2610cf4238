// The model of the moment: what the page knows, and who wants to hear when it knows something else.

import { loadModel } from "./model.js";

/**
 * Load the record, and load it again whenever it is asked for as of another moment of recording or
 * with another confidence. `ready` is settled by the first download; `onProblem` hears why a later
 * one failed: what was loaded before stays.
 */
export function createRecord(store) {
  const listeners = [];
  const troubled = [];
  let model = null;
  let newest = 0;

  async function download() {
    const { country, knownAt, minConfidence } = store.get();
    const turn = (newest += 1);
    const loaded = await loadModel({ country, knownAt, minConfidence });
    // A later question may be answered sooner.
    if (turn !== newest) return;
    model = loaded;
    for (const listener of listeners) listener(model);
  }

  async function reload() {
    try {
      await download();
    } catch (problem) {
      for (const listener of troubled) listener(problem);
    }
  }

  const ready = download();
  let asked = false;
  store.on(["country", "knownAt", "minConfidence"], () => {
    if (asked) reload();
    asked = true;
  });

  return {
    ready,
    reload,
    getModel: () => model,
    /** Be told of each model that is loaded from now on. */
    onModel: (listener) => listeners.push(listener),
    onProblem: (listener) => troubled.push(listener),
  };
}
