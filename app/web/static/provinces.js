// Every province as a small bar of who holds its districts, those that changed most first.

import { dayOf } from "./dates.js";
import { counted, h } from "./dom.js";
import { addDays, written } from "./model.js";
import { provincePage } from "./places.js";
import { paints, svg } from "./svg.js";

const FIRST = 10;
const DAYS_BEFORE = 30;
/** What stands behind the parties in every bar. */
const NO_PARTY = ["contested", "unknown"];

/**
 * Show the provinces in an element.
 * @param {HTMLElement} element
 * @param {{store: object, getModel: () => object|null, onModel: (listener: Function) => void}} page
 */
export function mountProvinces(element, page) {
  new Provinces(element, page);
}

/**
 * The day that changes are counted from, and how it is called: the one to compare with; else 30
 * days before; else, where the record has long ended by then, the day before its first change.
 */
export function baseDay(model, asOf, compare) {
  if (compare !== null) return { day: dayOf(compare), why: "the day to compare with" };
  const shown = dayOf(asOf) ?? model.today;
  const before = addDays(shown, -DAYS_BEFORE);
  if (model.last === null || before <= model.last) {
    return { day: before, why: `${DAYS_BEFORE} days before` };
  }
  return { day: addDays(model.first, -1), why: "before the first change on record" };
}

/** The provinces with their counts and changes, most changes first, then by name. */
export function ranked(model, { asOf, reportedBy, compare }) {
  const day = dayOf(asOf);
  const told = dayOf(reportedBy);
  const changes = new Map();
  for (const { id } of model.differences(baseDay(model, asOf, compare).day, day, told)) {
    const { province_id: province } = model.byId.get(id);
    changes.set(province, (changes.get(province) ?? 0) + 1);
  }
  const found = new Map();
  for (const { id, province_id: province } of model.districts) {
    if (!found.has(province)) found.set(province, new Map());
    const state = model.stateOf(id, day, told);
    const key = state.controller ?? state.status;
    const held = found.get(province);
    if (!held.has(key)) held.set(key, { state, districts: 0 });
    held.get(key).districts += 1;
  }
  return [...found]
    .map(([id, held]) => ({
      id,
      name: model.provinces.get(id)?.name ?? id,
      changed: changes.get(id) ?? 0,
      held: [...held.values()].sort((one, other) => rank(model, one) - rank(model, other)),
    }))
    .sort((one, other) => other.changed - one.changed || one.name.localeCompare(other.name));
}

/** Parties in the order of recording, then contested, then unknown: in every bar the same. */
function rank(model, { state }) {
  if (state.controller === null) return model.actors.size + NO_PARTY.indexOf(state.status);
  return [...model.actors.keys()].indexOf(state.controller);
}

class Provinces {
  constructor(element, { store, getModel, onModel }) {
    this.store = store;
    this.getModel = getModel;
    this.rows = new Map();
    this.all = false;
    this.frame = 0;
    this.paints = paints();
    this.said = h("p", { class: "small soft" });
    this.list = h("ol", { class: "provinces" });
    this.more = h("button", { type: "button", "aria-expanded": "false", onclick: () => this.toggleAll() });
    element.replaceChildren(
      h("h2", { text: "Provinces by change" }),
      this.said,
      svg("svg", { class: "visually-hidden", "aria-hidden": "true" }, this.paints.defs),
      this.list,
      this.more,
    );
    onModel(() => this.soon());
    store.on(["asOf", "reportedBy", "compare"], () => this.soon());
  }

  toggleAll() {
    this.all = !this.all;
    this.more.setAttribute("aria-expanded", String(this.all));
    this.show();
  }

  /** Draw once for a frame, however often the day changes within it. */
  soon() {
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.show();
    });
  }

  show() {
    const model = this.getModel();
    if (!model) return;
    const state = this.store.get();
    const all = ranked(model, state);
    const wanted = this.all ? all : all.slice(0, FIRST);
    const base = baseDay(model, state.asOf, state.compare);
    const shown = written(dayOf(state.asOf) ?? model.today);
    this.said.textContent =
      `Districts whose holder on record changed from ${written(base.day)} (${base.why}) to ${shown}.`;
    this.more.hidden = all.length <= FIRST;
    this.more.textContent = this.all ? `Only the first ${FIRST}` : `All ${all.length} provinces`;
    this.place(wanted.map((one) => this.rowOf(model, one, state)));
  }

  /** Put rows into order; a focus that is in one of them stays with it. */
  place(rows) {
    const now = [...this.list.children];
    const isSame = rows.length === now.length && rows.every((row, number) => row === now[number]);
    const focused = this.list.contains(document.activeElement) ? document.activeElement : null;
    if (isSame) return;
    this.list.replaceChildren(...rows);
    if (focused?.isConnected) focused.focus({ preventScroll: true });
  }

  rowOf(model, { id, name, changed, held }, state) {
    if (!this.rows.has(id)) {
      const parts = {
        link: h("a"),
        changed: h("span", { class: "province-changed" }),
        bar: svg("svg", { class: "province-bar", height: 12, width: "100%", "aria-hidden": "true" }),
        counts: h("span", { class: "province-counts" }),
      };
      this.rows.set(id, { ...parts, row: h("li", {}, ...Object.values(parts)) });
    }
    const { row, link, changed: number, bar, counts } = this.rows.get(id);
    const total = held.reduce((sum, one) => sum + one.districts, 0);
    link.textContent = name;
    link.href = provincePage(id, state);
    number.textContent = changed ? counted(changed, "change") : "no change";
    number.classList.toggle("soft", !changed);
    bar.replaceChildren(...this.bar(model, held, total));
    counts.textContent = held
      .map(({ state: one, districts }) => `${model.nameOf(one)} ${districts}`)
      .join(", ")
      .concat(` of ${total}`);
    return row;
  }

  bar(model, held, total) {
    let x = 0;
    return held.map(({ state, districts }) => {
      const part = svg("rect", {
        ...this.paints.paint(model, state),
        x: `${(100 * x) / total}%`,
        width: `${(100 * districts) / total}%`,
        height: "100%",
      });
      x += districts;
      return part;
    });
  }
}
