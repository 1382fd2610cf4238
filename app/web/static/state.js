// What the page shows, in one place: modules read it, change it, and are told of changes.
// All of it is in the address, in the API's own words, so that an address can be shared.

/**
 * @typedef {object} State
 * @property {string|null} asOf        day in the world; null: today
 * @property {string|null} reportedBy  only documents published by then; null: all
 * @property {string|null} knownAt     only what the record held then; null: now
 * @property {string} minConfidence    claimed, reported or confirmed
 * @property {string|null} compare     an earlier day to compare with; null: no comparison
 * @property {string|null} district    the district whose panel is open
 * @property {string|null} country     code; null: the service's own
 */

const PARAMETERS = {
  asOf: "as_of",
  reportedBy: "reported_by",
  knownAt: "known_at",
  minConfidence: "min_confidence",
  compare: "compare",
  district: "district",
  country: "country",
};
const USUAL = Object.freeze({
  asOf: null, reportedBy: null, knownAt: null, minConfidence: "reported",
  compare: null, district: null, country: null,
});

/** A change of these is a step that "back" takes back. */
const STEPS = ["district", "compare"];

/** The state that an address's query describes. */
export function readState(query = location.search) {
  const given = new URLSearchParams(query);
  const state = { ...USUAL };
  for (const [name, parameter] of Object.entries(PARAMETERS)) {
    if (given.get(parameter)) state[name] = given.get(parameter);
  }
  return state;
}

/** A state whose days are days: of an instant the day, of what is no moment nothing. */
export function wholeDays(state) {
  const day = (moment) => /^\d{4}-\d{2}-\d{2}(?=$|T)/.exec(moment ?? "")?.[0] ?? null;
  return {
    ...state,
    asOf: day(state.asOf),
    reportedBy: day(state.reportedBy),
    compare: day(state.compare),
  };
}

/** The query that describes a state; what is as usual is left out. */
export function writeState(state) {
  const query = new URLSearchParams();
  for (const [name, parameter] of Object.entries(PARAMETERS)) {
    if (state[name] !== null && state[name] !== USUAL[name]) query.set(parameter, state[name]);
  }
  return query.toString();
}

/** The clocks of a state as parameters of the API. */
export function clocksOf(state) {
  return {
    as_of: state.asOf,
    reported_by: state.reportedBy,
    known_at: state.knownAt,
    min_confidence: state.minConfidence === USUAL.minConfidence ? null : state.minConfidence,
  };
}

/**
 * A store of the state.
 * `set(patch)` changes it and tells, in order, everyone who asked for one of the changed names;
 * the address follows a moment later, so that a dragged slider does not fill the history. Going
 * back restores the state of the address that one comes back to.
 */
export function createStore(initial = readState()) {
  let state = Object.freeze({ ...initial });
  const listeners = [];
  let timer = 0;

  function write(how) {
    clearTimeout(timer);
    const query = writeState(state);
    if (query !== writeState(readState())) history[how](null, "", query ? `?${query}` : location.pathname);
  }

  function follow() {
    clearTimeout(timer);
    timer = setTimeout(write, 250, "replaceState");
  }

  function change(patch, keep) {
    const changed = Object.keys(patch).filter((name) => patch[name] !== state[name]);
    if (!changed.length) return;
    const step = changed.some((name) => STEPS.includes(name));
    if (step && keep) write("replaceState");
    state = Object.freeze({ ...state, ...patch });
    if (step && keep) write("pushState");
    else if (keep) follow();
    for (const [names, listener] of listeners) {
      if (changed.some((name) => names.includes(name))) listener(state);
    }
  }

  addEventListener("popstate", () => {
    clearTimeout(timer);
    change(readState(), false);
  });

  return {
    get: () => state,
    set: (patch) => change(patch, true),
    /** Be told of every change of one of these names; and once now. */
    on(names, listener) {
      listeners.push([names, listener]);
      listener(state);
    },
  };
}
