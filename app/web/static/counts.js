// How many districts each party held on every day of the record: what the chart draws.

import { addDays, daysBetween } from "./model.js";

const UNKNOWN = Object.freeze({ status: "unknown", controller: null });

/**
 * @typedef {object} Layer One party, `contested` or `unknown`.
 * @property {{status: string, controller: string|null}} state
 * @property {number[]} counts districts at the end of each day
 */

/**
 * Count once through all districts, day by day, as told by the documents published by the end of
 * `reportedBy` (null: by all). The days go from the one before the first change on record to the
 * one after the last, whatever had been published: so the axis stays when that clock moves. The
 * layers are every party that ever holds a district (the largest first), contested, unknown.
 * @returns {{days: string[], layers: Layer[], total: number}|null} null where nothing is on record
 */
export function countEachDay(model, reportedBy) {
  if (model.first === null) return null;
  const days = everyDay(addDays(model.first, -1), addDays(model.last, 1));
  const states = layersOf(model);
  const place = new Map(states.map((state, number) => [keyOf(state), number]));
  const moves = states.map(() => new Array(days.length).fill(0));
  for (const district of model.districts) {
    const edition = model.editionOf(district, reportedBy);
    let before = UNKNOWN;
    for (const [day, number] of edition?.runs ?? []) {
      const state = model.states[number];
      const on = daysBetween(days[0], day);
      moves[place.get(keyOf(before))][on] -= 1;
      moves[place.get(keyOf(state))][on] += 1;
      before = state;
    }
  }
  moves.at(-1)[0] += model.districts.length;
  return {
    days,
    layers: states.map((state, number) => ({ state, counts: sums(moves[number]) })),
    total: model.districts.length,
  };
}

/** The place of a day among `days`: the last one's for later days and for today (null). */
export function placeOf(days, day) {
  if (day === null || day > days.at(-1)) return days.length - 1;
  return Math.max(0, daysBetween(days[0], day));
}

function everyDay(from, to) {
  return Array.from({ length: daysBetween(from, to) + 1 }, (_, number) => addDays(from, number));
}

function layersOf(model) {
  const held = new Map();
  for (const district of model.districts) {
    const holders = new Set(
      district.editions.flatMap((one) => one.runs.map((run) => model.states[run[1]].controller)),
    );
    for (const holder of holders) {
      if (holder !== null) held.set(holder, (held.get(holder) ?? 0) + 1);
    }
  }
  const parties = [...held].sort(([, one], [, other]) => other - one);
  return [
    ...parties.map(([controller]) => ({ status: "controlled", controller })),
    { status: "contested", controller: null },
    UNKNOWN,
  ];
}

function keyOf(state) {
  return state.controller ?? state.status;
}

function sums(moves) {
  let sum = 0;
  return moves.map((move) => (sum += move));
}
