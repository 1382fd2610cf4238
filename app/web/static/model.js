// The whole record of a country in memory, from one download (`/replay`): what held where on any
// day, as told by any day's documents. No step of a slider asks the service for anything.

import { ask } from "./api.js";

const UNKNOWN = Object.freeze({ status: "unknown", controller: null, confidence: null, disputed: false });

/**
 * Download the replay, the parties and the provinces.
 * @param {{country?: string|null, knownAt?: string|null, minConfidence?: string}} asked
 */
export async function loadModel({ country, knownAt, minConfidence } = {}) {
  const [replay, { actors }, { provinces }] = await Promise.all([
    ask("/replay", { params: { country, known_at: knownAt, min_confidence: minConfidence } }),
    ask("/actors"),
    ask("/provinces", { params: { country, limit: 1000 } }),
  ]);
  return new Model(replay, actors, provinces);
}

/** The last of `items` whose `key` is not after `day`; null day: the last of all. Binary search. */
function lastBy(items, day, key) {
  if (day === null) return items.at(-1);
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (key(items[middle]) <= day) low = middle + 1;
    else high = middle;
  }
  return items[low - 1];
}

export class Model {
  constructor(replay, actors, provinces) {
    this.country = replay.country;
    this.revision = replay.revision;
    this.knownAt = replay.known_at;
    /** The day that it is, in the country. */
    this.today = replay.as_of;
    /** First and last day on which anything changes; and on which a publication changes anything. */
    this.first = replay.first;
    this.last = replay.last;
    this.firstReported = replay.first_reported;
    this.lastReported = replay.last_reported;
    this.districts = replay.districts;
    this.states = replay.states;
    this.actors = new Map(actors.map((actor) => [actor.id, actor]));
    this.provinces = new Map(provinces.map((province) => [province.id, province]));
    this.byId = new Map(replay.districts.map((district) => [district.id, district]));
  }

  /**
   * What holds in a district at the end of a day (null: today), by what had been published by the
   * end of `reportedBy` (null: everything): {status, controller, confidence, disputed}.
   */
  stateOf(id, day, reportedBy = null) {
    const district = this.byId.get(id);
    const edition = district && this.editionOf(district, reportedBy);
    const run = edition && lastBy(edition.runs, day, (r) => r[0]);
    return run ? this.states[run[1]] : UNKNOWN;
  }

  /** What the documents published by the end of a day (null: all) tell of a district, if any do. */
  editionOf(district, reportedBy = null) {
    return lastBy(district.editions, reportedBy, (edition) => edition.reported_from);
  }

  /** What holds everywhere: a Map from district id to state. */
  statesOn(day, reportedBy = null) {
    return new Map(this.districts.map((d) => [d.id, this.stateOf(d.id, day, reportedBy)]));
  }

  /** How many districts each party holds, and how many are contested and unknown. */
  countsOn(day, reportedBy = null, province = null) {
    const counts = { byController: new Map(), contested: 0, unknown: 0, disputed: 0, total: 0 };
    for (const district of this.districts) {
      if (province && district.province_id !== province) continue;
      const state = this.stateOf(district.id, day, reportedBy);
      counts.total += 1;
      if (state.disputed) counts.disputed += 1;
      if (state.status === "controlled") {
        counts.byController.set(state.controller, (counts.byController.get(state.controller) ?? 0) + 1);
      } else counts[state.status] += 1;
    }
    return counts;
  }

  /** For each day on which something changes hands (as told by `reportedBy`), in how many districts. */
  changesPerDay(reportedBy = null) {
    const changes = new Map();
    for (const district of this.districts) {
      const edition = this.editionOf(district, reportedBy);
      let before = UNKNOWN;
      for (const [day, number] of edition?.runs ?? []) {
        const state = this.states[number];
        if (!sameHolder(before, state)) changes.set(day, (changes.get(day) ?? 0) + 1);
        before = state;
      }
    }
    return new Map([...changes].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** The districts whose status or holder differs between two days: [{id, before, after}]. */
  differences(before, after, reportedBy = null) {
    return this.districts
      .map(({ id }) => ({
        id,
        before: this.stateOf(id, before, reportedBy),
        after: this.stateOf(id, after, reportedBy),
      }))
      .filter((one) => !sameHolder(one.before, one.after));
  }

  /** What a state is called: "Taliban", "contested", "unknown". */
  nameOf(state) {
    return state.status === "controlled" ? this.actors.get(state.controller).name : state.status;
  }

  /** The colour of a state: a party's own, or a custom property of colours.css. */
  colourOf(state) {
    return state.status === "controlled"
      ? this.actors.get(state.controller).colour
      : getComputedStyle(document.documentElement).getPropertyValue(`--${state.status}`).trim();
  }
}

/** Whether two states have the same status and holder. */
export function sameHolder(one, other) {
  return one.status === other.status && one.controller === other.controller;
}

/** The kind of the border between two states, as the API's `/frontline` tells it; null: none. */
export function lineKind(one, other) {
  if (sameHolder(one, other)) return null;
  if (one.status === "unknown" || other.status === "unknown") return "unknown";
  if (one.status === "contested" || other.status === "contested") return "contested";
  return "front";
}

const MS = 86_400_000;

/** A day some days later or earlier: days are texts, YYYY-MM-DD. */
export function addDays(day, number) {
  return new Date(Date.parse(`${day}T00:00Z`) + number * MS).toISOString().slice(0, 10);
}

/** How many days lie from one day to another. */
export function daysBetween(from, to) {
  return Math.round((Date.parse(`${to}T00:00Z`) - Date.parse(`${from}T00:00Z`)) / MS);
}

/** A day as people write it: 6 June 2021. */
export function written(day) {
  return new Date(`${day}T00:00Z`).toLocaleDateString("en-GB", {
    day: "numeric", month: "long", year: "numeric", timeZone: "UTC",
  });
}
