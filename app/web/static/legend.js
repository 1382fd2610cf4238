// What the colours mean, how many districts have them, and how good the shapes are.

import { address, ask, root } from "./api.js";
import { h, settled, swatch } from "./dom.js";
import { clocksOf } from "./state.js";
import { daysBetween, written } from "./model.js";

const OLD = 30;
const YEAR = 365.25;

const LONG = {
  unknown: "Unknown: nothing on record counts",
  disputed: "of these disputed by a document",
  front: "Front line, dashed where contested",
};
const SHORT = { unknown: "Unknown", disputed: "Disputed", front: "Front line" };

/** The parties that hold a district on any day, those with most districts at the end first. */
export function partiesOf(model) {
  const last = model.countsOn(null).byController;
  const ever = new Set(model.states.map((state) => state.controller).filter(Boolean));
  return [...ever].sort((one, other) => (last.get(other) ?? 0) - (last.get(one) ?? 0) || (one < other ? -1 : 1));
}

/** The moment that is shown, as people say it: "As of 6 June 2021, by what was published by …". */
export function momentOf(model, { asOf, reportedBy }) {
  const by = reportedBy ? `, by what had been published by ${written(reportedBy)}` : "";
  return `As of ${written(asOf ?? model.today)}${by}`;
}

/** What the map shows, in one sentence: "As of 6 June 2021: Taliban 23, contested 2, unknown 376." */
export function sentenceOf(model, state) {
  const counts = model.countsOn(state.asOf, state.reportedBy);
  const parties = [...counts.byController]
    .sort(([, one], [, other]) => other - one)
    .map(([party, number]) => `${model.actors.get(party).name} ${number}`);
  const all = [...parties, `contested ${counts.contested}`, `unknown ${counts.unknown}`];
  return `${momentOf(model, state)}: ${all.join(", ")}.`;
}

/** Keep the sentence over the map, and what a screen reader hears once the moment settles. */
export function mountSentence(element, { store, getModel, onModel }) {
  const heard = h("p", { class: "visually-hidden", role: "status" });
  element.after(heard);
  const tell = settled((sentence) => {
    heard.textContent = sentence;
  }, 700);
  function write() {
    element.textContent = sentenceOf(getModel(), store.get());
    tell(element.textContent);
  }
  onModel(write);
  store.on(["asOf", "reportedBy"], write);
}

/** The legend. `tiles` is the TileJSON document of the shapes; `compact` is for little room. */
export function mountLegend(element, { store, getModel, onModel, tiles, compact = false }) {
  const words = compact ? SHORT : LONG;
  const list = h("ul", { class: "legend" });
  const age = h("p", { class: "small" });
  element.replaceChildren(
    h("h2", { text: "Districts" }),
    list,
    age,
    aboutShapes(tiles),
  );
  let rows = new Map();

  function build() {
    const model = getModel();
    const row = (name, mark, text) => {
      const number = h("span", { class: "number" });
      rows.set(name, number);
      return h("li", {}, mark, h("span", { text }), number);
    };
    rows = new Map();
    list.replaceChildren(
      ...partiesOf(model).map((id) => {
        const party = model.actors.get(id);
        return row(id, swatch(party.colour), party.name);
      }),
      row("contested", swatch(null, "contested"), "Contested"),
      row("unknown", swatch(null, "unknown"), words.unknown),
      row("disputed", swatch(null, "disputed"), words.disputed),
      h("li", {}, swatch(null, "front"), h("span", { text: words.front })),
    );
    count();
  }

  function count() {
    const state = store.get();
    const model = getModel();
    const counts = model.countsOn(state.asOf, state.reportedBy);
    for (const [name, number] of rows) {
      number.textContent = name in counts ? counts[name] : (counts.byController.get(name) ?? 0);
    }
    const { old, text, more } = ageOf(model, state);
    age.textContent = compact ? text : `${text}${more}`;
    age.className = `age small ${old ? "notice" : "soft"}`;
  }

  onModel(build);
  build();
  store.on(["asOf", "reportedBy"], count);
}

/** How old what is shown is: an answer of today may rest on reports of years ago. */
function ageOf(model, { asOf }) {
  if (model.last === null) return { old: true, text: "Nothing is on record at this moment of the record.", more: "" };
  const newest = model.last > model.lastReported ? model.last : model.lastReported;
  const days = daysBetween(newest, asOf ?? model.today);
  const text = `The newest report on record is of ${written(newest)}.`;
  if (days <= OLD) return { old: false, text, more: "" };
  const since = days > 2 * YEAR ? `${Math.floor(days / YEAR)} years` : `${days} days`;
  return { old: true, text, more: ` What happened in the ${since} since then is not in this record.` };
}

function aboutShapes({ boundary_set: set, attribution }) {
  const page = h("a", { href: address(`/boundary-sets/${set.id}`), text: "about them" });
  const lacking = h("span");
  ask(`/boundary-sets/${set.id}`).then(({ without_shape: without }) => {
    if (!without.length) return;
    const names = without.slice(0, 4).map((district) => district.name).join(", ");
    const more = without.length > 4 ? ` and ${without.length - 4} more` : "";
    lacking.textContent = ` Counted but not drawn, for want of a shape: ${names}${more}.`;
  }, () => {
    // The page behind the link says it too.
  });
  const shapes = set.quality === "approximate" ? "Approximate shapes" : "Shapes";
  return h("p", { class: "small soft" }, `${shapes} (`, page, "): ", plain(attribution), lacking);
}

/** The text of an attribution, which is HTML that the service made of a text. */
function plain(html) {
  return new DOMParser().parseFromString(html, "text/html").body.textContent;
}

/** A permanent address of the whole page at these clocks. */
export function pageAt(state) {
  const url = new URL(root);
  for (const [name, value] of Object.entries({ ...clocksOf(state), country: state.country })) {
    if (value) url.searchParams.set(name, value);
  }
  return url.href;
}
