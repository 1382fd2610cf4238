// The other two clocks: what had been published by a day, and what the record held at an instant.

import { h } from "./dom.js";
import { addDays, daysBetween, written } from "./model.js";

const LEVELS = {
  claimed: "claimed: a party's word is enough",
  reported: "reported: not only a party says so (usual)",
  confirmed: "confirmed: two independent sources",
};

/** The controls of `reported_by`, `known_at` and `min_confidence`. */
export function mountClocks(element, { store, getModel, onModel, onProblem }) {
  const press = h("div", { class: "press" });
  const held = h("details", { class: "held" });
  element.replaceChildren(press, held);
  mountPress(press, { store, getModel, onModel });
  mountHeld(held, { store, getModel, onModel, onProblem });
}

/** The fog of a day: only what had been published by then counts. */
function mountPress(element, { store, getModel, onModel }) {
  const toggle = h("input", { type: "checkbox", id: "as-reported" });
  const slider = h("input", { type: "range", min: 0, step: 1, "aria-label": "Published by" });
  const follow = h("button", {
    type: "button",
    text: "Follow the date",
    title: "Replay the days as each of them was told on the day itself",
    "aria-pressed": "false",
  });
  const said = h("p", { class: "small", role: "status" });
  const body = h("div", { class: "body" }, h("div", { class: "row" }, slider, follow), said);
  element.replaceChildren(
    h("div", { class: "row" }, toggle, h("label", { for: "as-reported", text: "Only what had been published by a day" })),
    body,
  );
  let following = false;

  const lastDay = () => getModel().lastReported ?? getModel().today;
  const firstDay = () => getModel().firstReported ?? getModel().today;

  function chase() {
    const { asOf } = store.get();
    if (following) store.set({ reportedBy: asOf });
  }

  toggle.addEventListener("change", () => {
    const { asOf } = store.get();
    following = false;
    store.set({ reportedBy: toggle.checked ? (asOf ?? lastDay()) : null });
    write();
  });
  follow.addEventListener("click", () => {
    following = !following;
    chase();
    write();
  });
  slider.addEventListener("input", () => {
    following = false;
    store.set({ reportedBy: addDays(firstDay(), Number(slider.value)) });
    write();
  });

  function write() {
    const { reportedBy } = store.get();
    const on = following || reportedBy !== null;
    const day = reportedBy ?? lastDay();
    toggle.checked = on;
    body.hidden = !on;
    follow.setAttribute("aria-pressed", String(following));
    slider.max = daysBetween(firstDay(), lastDay());
    slider.value = Math.max(0, daysBetween(firstDay(), day));
    slider.setAttribute("aria-valuetext", written(day));
    said.textContent =
      reportedBy === null
        ? "Everything published until today."
        : `What the press had published by ${written(day)}.`;
  }

  onModel(write);
  store.on(["reportedBy"], write);
  store.on(["asOf"], chase);
}

/** What this record itself held at an instant, and how sure an event must be to count. */
function mountHeld(element, { store, getModel, onModel, onProblem }) {
  const instant = h("input", { type: "datetime-local", id: "known-at", step: 1 });
  const level = h("select", { id: "min-confidence" },
    Object.entries(LEVELS).map(([value, text]) => h("option", { value, text })));
  const now = h("button", { type: "button", text: "Now", onclick: () => store.set({ knownAt: null }) });
  const said = h("p", { class: "small soft", role: "status" });
  const error = h("p", { class: "error small", role: "alert", hidden: true });
  element.replaceChildren(
    h("summary", { text: "What this record held, and how sure it must be" }),
    h("div", { class: "fields" },
      h("label", { for: "known-at", text: "As this record stood at (UTC)" }),
      h("span", { class: "row" }, instant, now),
      h("label", { for: "min-confidence", text: "Least confidence that counts" }),
      level),
    said,
    error,
  );

  instant.addEventListener("change", () => store.set({ knownAt: instant.value ? `${instant.value}Z` : null }));
  level.addEventListener("change", () => store.set({ minConfidence: level.value }));

  function write() {
    const { knownAt, minConfidence } = store.get();
    instant.value = knownAt ? instantOf(knownAt) : "";
    level.value = minConfidence;
    now.setAttribute("aria-pressed", String(knownAt === null));
    if (knownAt !== null || minConfidence !== "reported") element.open = true;
  }

  function tell() {
    const model = getModel();
    error.hidden = true;
    said.textContent = `Shown from revision ${model.revision} of the record, of ${model.knownAt}.`;
  }

  onModel(tell);
  tell();
  onProblem((problem) => {
    error.hidden = false;
    error.textContent = problem.status ? problem.message : "The record could not be asked again: there is no connection.";
  });
  store.on(["knownAt", "minConfidence"], write);
}

/** An instant as the field has it: in UTC, without a zone; empty where it cannot be read. */
function instantOf(text) {
  const time = Date.parse(text);
  return Number.isNaN(time) ? "" : new Date(time).toISOString().slice(0, 19);
}
