// Who held a district when, as the model tells it: as a list of stretches, and as a bar.

import { h } from "./dom.js";
import { addDays, daysBetween, sameHolder, written } from "./model.js";
import { chip, svg } from "./svg.js";

const HEIGHT = 14;
const UNKNOWN = { status: "unknown", controller: null, confidence: null, disputed: false };

/**
 * The stretches of a district, as told by the documents published by the end of `reportedBy`
 * (null: by all): [{state, from, to}], where `to` is the day on which the next one begins, and null
 * stands for an open end. Their state is the one that they begin with.
 */
export function periodsOf(model, id, reportedBy) {
  const periods = [{ state: UNKNOWN, from: null, to: null }];
  for (const [day, number] of model.editionOf(model.byId.get(id), reportedBy)?.runs ?? []) {
    const state = model.states[number];
    const last = periods.at(-1);
    if (sameHolder(last.state, state)) continue;
    last.to = day;
    periods.push({ state, from: day, to: null });
  }
  return periods;
}

/** The bar and the list; `day` (null: today) is the one that is shown. */
export function timelineOf(model, periods, day, paints) {
  if (model.first === null) return [];
  return [
    h("h3", { text: "Timeline" }),
    bar(model, periods, day, paints),
    h("ol", { class: "periods" }, periods.map((period) => item(model, period, day ?? model.today))),
  ];
}

function item(model, { state, from, to }, day) {
  const isShown = (from === null || from <= day) && (to === null || day < to);
  const when = [from && `from ${written(from)}`, to && `until ${written(to)}`].filter(Boolean).join(" ");
  return h("li", { class: isShown ? "shown" : "", "aria-current": isShown ? "date" : null },
    chip(model, state), " ", h("b", { text: model.nameOf(state) }), ` ${when || "all along"}`,
    isShown ? h("span", { class: "soft", text: " (the day shown)" }) : null);
}

/** The record's days from end to end, in the colours of who held the district, with a line at a day. */
function bar(model, periods, day, { defs, paint }) {
  const first = addDays(model.first, -1);
  const days = daysBetween(first, model.last) + 2;
  const at = (one) => Math.min(Math.max(daysBetween(first, one), 0), days);
  const share = (number) => `${(100 * number) / days}%`;
  const parts = periods.map(({ state, from, to }) => {
    const start = from === null ? 0 : at(from);
    const end = to === null ? days : at(to);
    return svg("rect", { ...paint(model, state), x: share(start), width: share(end - start), height: HEIGHT });
  });
  const shown = share(day === null ? days : at(day));
  return svg(
    "svg",
    { class: "period-bar", width: "100%", height: HEIGHT, "aria-hidden": "true" },
    defs,
    parts,
    svg("rect", { class: "frame", x: 0.5, y: 0.5, width: "100%", height: HEIGHT - 1 }),
    svg("line", { class: "now", x1: shown, x2: shown, y1: 0, y2: HEIGHT }),
  );
}
