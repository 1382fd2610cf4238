// Districts by controller over time, stacked. The layers are drawn once for each record and each
// day of reporting; when the day that is shown changes, only a line moves.

import { address } from "./api.js";
import { countEachDay, placeOf } from "./counts.js";
import { dayOf } from "./dates.js";
import { counted, h } from "./dom.js";
import { written } from "./model.js";
import { clocksOf } from "./state.js";
import { chip, paints, svg } from "./svg.js";

const HEIGHT = 220;
const MARGIN = { top: 10, right: 12, bottom: 24, left: 38 };
const TICKS = 5;
const WEEK = 7;

/**
 * Show the chart in an element.
 * @param {HTMLElement} element
 * @param {{store: object, getModel: () => object|null, onModel: (listener: Function) => void}} page
 */
export function mountChart(element, page) {
  new Chart(element, page);
}

class Chart {
  constructor(element, { store, getModel, onModel }) {
    this.store = store;
    this.getModel = getModel;
    this.counts = null;
    this.withUnknown = false;
    this.paints = paints();
    this.key = h("ul", { class: "chart-key" });
    this.toggle = h("button", {
      type: "button", text: "Show unknown", "aria-pressed": "false", onclick: () => this.toggleUnknown(),
    });
    this.plot = h("div", { class: "chart-plot" });
    this.table = h("details", { class: "chart-table", ontoggle: () => this.fillTable() });
    this.said = h("p", { class: "small" });
    element.classList.add("chart");
    element.replaceChildren(
      h("div", { class: "part-head" }, h("h2", { text: "Districts by who holds them" }), this.toggle),
      this.said, this.key, this.plot, this.table,
    );
    this.followPointer();
    new ResizeObserver(() => this.draw()).observe(this.plot);
    onModel(() => this.count());
    store.on(["reportedBy"], () => this.count());
    store.on(["asOf", "compare"], () => this.moveCursor());
  }

  count() {
    const model = this.getModel();
    this.counts = model && countEachDay(model, dayOf(this.store.get().reportedBy));
    this.toggle.hidden = !this.counts;
    this.draw();
    this.fillTable();
  }

  toggleUnknown() {
    this.withUnknown = !this.withUnknown;
    this.toggle.setAttribute("aria-pressed", String(this.withUnknown));
    this.draw();
  }

  /** Draw axes and layers for the width there is. */
  draw() {
    const width = this.plot.clientWidth;
    if (!this.counts || width < MARGIN.left + MARGIN.right + 20) {
      this.plot.replaceChildren();
      this.moveCursor();
      return;
    }
    const { days, layers } = this.counts;
    const shown = layers.filter(({ state }) => this.withUnknown || state.status !== "unknown");
    const most = Math.max(...days.map((_, day) => sum(shown.map((layer) => layer.counts[day]))));
    const { top, step } = scaleFor(most);
    const bottom = HEIGHT - MARGIN.bottom;
    // Every day is a column; `x(place)` is where it begins.
    this.x = (place) => MARGIN.left + (place * (width - MARGIN.left - MARGIN.right)) / days.length;
    const y = (number) => bottom - (number * (bottom - MARGIN.top)) / top;
    this.compared = this.line("compared");
    this.cursor = this.line("cursor");
    this.drawing = svg(
      "svg",
      { width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}`, role: "img" },
      this.paints.defs,
      this.levels(top, step, width, y),
      this.layers(shown, y),
      this.months(days, bottom),
      this.compared,
      this.cursor,
    );
    this.plot.replaceChildren(this.drawing);
    this.moveCursor();
  }

  line(name) {
    return svg(
      "g",
      { class: `chart-${name}` },
      svg("line", { y1: MARGIN.top - 4, y2: HEIGHT - MARGIN.bottom }),
      svg("circle", { cy: MARGIN.top - 2, r: 5 }),
    );
  }

  levels(top, step, width, y) {
    const group = svg("g", { class: "chart-levels" });
    for (let level = 0; level <= top; level += step) {
      group.append(
        svg("line", { x1: MARGIN.left, x2: width - MARGIN.right, y1: y(level), y2: y(level) }),
        svg("text", { x: MARGIN.left - 6, y: y(level) + 4, "text-anchor": "end" }, String(level)),
      );
    }
    return group;
  }

  layers(shown, y) {
    const model = this.getModel();
    const group = svg("g", { class: "chart-layers" });
    let below = this.counts.days.map(() => 0);
    for (const { state, counts } of shown) {
      const above = below.map((number, day) => number + counts[day]);
      const edge = this.steps(above, y);
      const back = this.steps(below, y).reverse();
      if (counts.some(Boolean)) {
        group.append(
          svg("path", { ...this.paints.paint(model, state), d: `M${edge.join("L")}L${back.join("L")}Z` }),
          svg("path", { class: "chart-edge", d: `M${edge.join("L")}` }),
        );
      }
      below = above;
    }
    return group;
  }

  /** The corners of a line that keeps its height through each day. */
  steps(numbers, y) {
    return numbers.flatMap((number, day) =>
      [day, day + 1].map((place) => `${round(this.x(place))} ${round(y(number))}`),
    );
  }

  months(days, bottom) {
    const group = svg("g", { class: "chart-months" });
    const firsts = days.flatMap((day, place) => (day.endsWith("-01") ? [place] : []));
    const width = this.x(days.length) - this.x(0);
    const every = Math.ceil(firsts.length / Math.max(1, Math.floor(width / 70)));
    firsts.forEach((place, number) => {
      group.append(
        svg("line", { x1: this.x(place), x2: this.x(place), y1: bottom, y2: bottom + 5 }),
      );
      if (number % every) return;
      const [, month, year] = written(days[place]).split(" ");
      const isFirst = number === 0 || month === "January";
      const text = isFirst ? `${month} ${year}` : month;
      const nearEnd = this.x(place) > this.x(0) + width - 60;
      group.append(
        svg(
          "text",
          { x: this.x(place) + (nearEnd ? -3 : 3), y: bottom + 18, "text-anchor": nearEnd ? "end" : "start" },
          text,
        ),
      );
    });
    return group;
  }

  moveCursor() {
    const model = this.getModel();
    if (!model) return;
    if (!this.counts) {
      this.said.textContent = "Nothing is on record at these settings.";
      this.key.replaceChildren();
      return;
    }
    const { asOf, compare } = this.store.get();
    const day = dayOf(asOf);
    const place = placeOf(this.counts.days, day);
    this.say(model, day ?? model.today, place);
    if (!this.plot.firstChild) return;
    this.cursor.setAttribute("transform", `translate(${round(this.x(place + 0.5))} 0)`);
    this.compared.toggleAttribute("hidden", compare === null);
    if (compare !== null) {
      const at = this.x(placeOf(this.counts.days, dayOf(compare)) + 0.5);
      this.compared.setAttribute("transform", `translate(${round(at)} 0)`);
    }
  }

  say(model, day, place) {
    const { layers, total } = this.counts;
    const { reportedBy } = this.store.get();
    const unknown = layers.at(-1).counts[place];
    const told = reportedBy ? `, by what had been published by ${written(dayOf(reportedBy))}` : "";
    this.said.textContent =
      `On ${written(day)}${told}: ${counted(total - unknown, "district")} of ${total} with an answer on ` +
      `record, ${unknown} unknown.`;
    const rows = layers.map(({ state, counts }) =>
      h("li", { class: counts[place] ? "" : "soft" },
        chip(model, state), " ", model.nameOf(state), " ", h("b", { text: counts[place] })),
    );
    this.key.replaceChildren(...rows);
    this.drawing?.setAttribute("aria-label", this.inWords(model));
  }

  /** What the drawing shows, for whoever does not see it. */
  inWords(model) {
    const { days, layers, total } = this.counts;
    const parts = layers
      .filter(({ counts }) => counts.some(Boolean))
      .map(({ state, counts }) => `${model.nameOf(state)} ${counts[0]} to ${counts.at(-1)}`);
    return (
      `Chart of ${total} districts from ${written(days[0])} to ${written(days.at(-1))}: ` +
      `${parts.join(", ")}. The figures are in the table below.`
    );
  }

  /** A click, or a drag, on the drawing shows that day. */
  followPointer() {
    const follow = (event) => {
      if (!this.counts || !this.plot.firstChild) return;
      const { days } = this.counts;
      const from = this.plot.getBoundingClientRect().left;
      const share = (event.clientX - from - this.x(0)) / (this.x(days.length) - this.x(0));
      const place = Math.floor(share * days.length);
      this.store.set({ asOf: days[Math.min(Math.max(place, 0), days.length - 1)] });
    };
    this.plot.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      this.plot.setPointerCapture(event.pointerId);
      follow(event);
    });
    this.plot.addEventListener("pointermove", (event) => {
      if (this.plot.hasPointerCapture(event.pointerId)) follow(event);
    });
  }

  /** The same figures week by week; made when somebody opens it. */
  fillTable() {
    const summary = this.table.querySelector("summary") ?? h("summary", { text: "The figures as a table" });
    if (!this.counts || !this.table.open) {
      this.table.hidden = !this.counts;
      this.table.replaceChildren(summary);
      return;
    }
    this.table.replaceChildren(summary, this.weekly(), this.asData());
  }

  weekly() {
    const model = this.getModel();
    const { days, layers } = this.counts;
    const names = ["Day", ...layers.map(({ state }) => model.nameOf(state))];
    const row = (day, place) =>
      h("tr", {}, h("th", { scope: "row", text: written(day) }), layers.map(({ counts }) => h("td", { text: counts[place] })));
    return h("div", { class: "scroll", tabIndex: 0, role: "region", "aria-label": "Districts by who holds them, week by week" },
      h("table", {},
        h("thead", {}, h("tr", {}, names.map((name) => h("th", { scope: "col", text: name })))),
        h("tbody", {}, days.flatMap((day, place) => (place % WEEK ? [] : [row(day, place)])))));
  }

  asData() {
    const { days } = this.counts;
    const state = this.store.get();
    const asked = { ...clocksOf(state), as_of: null, country: state.country, from: days[0], to: days.at(-1) };
    const link = (step, text) => h("a", { href: address("/series", { ...asked, step }), text });
    return h("p", { class: "small" }, "The same as data (JSON): ", link("week", "by week"), ", ", link("day", "by day"), ".");
  }
}

/** The top of an axis that holds a number, and the step between its marks: a round one. */
function scaleFor(most) {
  const rough = Math.max(most, 1) / TICKS;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = Math.ceil(power * [1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough));
  return { step, top: Math.ceil(Math.max(most, 1) / step) * step };
}

function sum(numbers) {
  return numbers.reduce((one, other) => one + other, 0);
}

function round(number) {
  return Math.round(number * 10) / 10;
}
