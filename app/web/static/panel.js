// The panel of one district: what holds there, since when, who says so and who does not. What the
// model knows is shown at once; the service's own answer follows when the clocks stand still.

import { Refused, ask } from "./api.js";
import { dated, dayOf } from "./dates.js";
import { documentsOf } from "./documents.js";
import { counted, h } from "./dom.js";
import { written } from "./model.js";
import { periodsOf, timelineOf } from "./periods.js";
import { CONFIDENCE, WHY_NOT, happened } from "./phrases.js";
import { clocksShown, districtPage, provincePage } from "./places.js";
import { chip, paints } from "./svg.js";

const PAUSE = 250;
const OLD_DAYS = 30;
const CLOCKS = ["asOf", "reportedBy", "knownAt", "minConfidence"];

/**
 * Show the panel of the store's district in an element.
 * @param {HTMLElement} element
 * @param {{store: object, getModel: () => object|null, onModel: (listener: Function) => void}} page
 * @param {{focusOn: (id: string) => void}} map
 */
export function mountPanel(element, page, map) {
  new Panel(element, page, map);
}

class Panel {
  constructor(element, { store, getModel, onModel }, { focusOn }) {
    this.element = element;
    this.store = store;
    this.getModel = getModel;
    this.paints = paints();
    this.names = new Map();
    this.district = null;
    this.opener = null;
    this.timer = 0;
    this.asking = null;
    this.build(focusOn);
    store.on(CLOCKS, () => this.follow());
    onModel(() => this.follow());
    store.on(["district"], ({ district }) => this.open(district));
    // From now on a district is opened by somebody who is here, and not by the page's address.
    this.isAttended = true;
    document.addEventListener("keydown", (event) => this.escape(event));
  }

  build(focusOn) {
    this.title = h("h2", { id: "panel-title", tabIndex: -1 });
    this.local = h("bdi", { class: "local", dir: "auto" });
    this.province = h("a");
    this.state = h("p", { class: "state" });
    this.words = h("p", { class: "words", role: "status" });
    this.timeline = h("div", { class: "timeline" });
    this.answer = h("div", { class: "answer" });
    this.history = h("a", { class: "button", text: "Full history" });
    this.neighbours = h("a", { text: "Neighbours" });
    const close = h("button", {
      type: "button", class: "close", text: "×", "aria-label": "Close", onclick: () => this.close(),
    });
    const show = h("button", { type: "button", text: "Show on the map", onclick: () => focusOn(this.district) });
    const cite = h("button", {
      type: "button",
      text: "Cite this",
      onclick: () => cite.dispatchEvent(new CustomEvent("cite", { bubbles: true })),
    });
    this.element.setAttribute("role", "region");
    this.element.setAttribute("aria-labelledby", this.title.id);
    this.element.classList.add("district-panel");
    this.element.replaceChildren(
      h("div", { class: "part-head" }, this.title, close),
      h("p", { class: "where" }, this.local, this.province),
      this.state,
      this.words,
      h("div", { class: "actions" }, this.history, cite, show),
      this.timeline,
      this.answer,
      h("p", { class: "small" }, this.neighbours),
    );
  }

  open(district) {
    const before = this.district;
    this.district = district;
    this.element.hidden = district === null;
    this.stop();
    if (district === null) return;
    if (before === null) this.opener = document.activeElement;
    this.answer.replaceChildren();
    this.words.textContent = "";
    this.follow();
    this.ask();
    this.nameLocally(district);
    if (this.isAttended) this.title.focus();
  }

  close() {
    const { opener } = this;
    this.store.set({ district: null });
    if (opener?.isConnected && opener !== document.body) opener.focus();
    else document.getElementById("main")?.focus();
  }

  escape(event) {
    const isOthers = event.defaultPrevented || document.querySelector("dialog[open]");
    if (event.key !== "Escape" || this.district === null || isOthers) return;
    event.preventDefault();
    this.close();
  }

  /** Show what the model knows, and ask the service once the clocks have stood still. */
  follow() {
    if (this.district === null) return;
    this.showModel();
    this.stop();
    this.element.setAttribute("aria-busy", "true");
    this.timer = setTimeout(() => this.ask(), PAUSE);
  }

  stop() {
    clearTimeout(this.timer);
    this.asking?.abort();
  }

  showModel() {
    const { district, store } = this;
    const state = store.get();
    const model = this.getModel();
    const known = model?.byId.get(district);
    this.title.textContent = known?.name ?? district;
    this.local.textContent = this.names.get(district) ?? "";
    this.history.href = districtPage(district, state);
    this.neighbours.href = `${districtPage(district, state)}#neighbours`;
    this.province.textContent = model?.provinces.get(known?.province_id)?.name ?? "";
    if (known) this.province.href = provincePage(known.province_id, state);
    if (!known) {
      this.state.replaceChildren();
      this.timeline.replaceChildren();
      return;
    }
    const day = dayOf(state.asOf);
    const now = model.stateOf(district, day, dayOf(state.reportedBy));
    this.state.replaceChildren(
      chip(model, now), " ", h("b", { text: model.nameOf(now) }),
      now.confidence ? ` · ${now.confidence}` : "",
      now.disputed ? h("span", { class: "disputed", text: " · disputed" }) : "",
    );
    const periods = periodsOf(model, district, dayOf(state.reportedBy));
    this.timeline.replaceChildren(...timelineOf(model, periods, day, this.paints));
  }

  async ask() {
    this.stop();
    const { district } = this;
    const asking = new AbortController();
    this.asking = asking;
    try {
      const control = await ask(`/districts/${district}/control`, {
        params: clocksShown(this.store.get(), this.getModel()),
        signal: asking.signal,
      });
      if (this.asking === asking) this.showAnswer(control);
    } catch (problem) {
      if (this.asking === asking && problem.name !== "AbortError") this.showProblem(problem);
    }
  }

  showAnswer(control) {
    this.element.setAttribute("aria-busy", "false");
    this.title.textContent = control.district.name;
    this.words.textContent = control.in_words;
    this.answer.replaceChildren(
      factsOf(control), ageOf(control), ...evidenceOf(control), ...othersOf(control),
    );
  }

  showProblem(problem) {
    this.element.setAttribute("aria-busy", "false");
    this.words.textContent = "";
    const text = problem instanceof Refused
      ? problem.message
      : "The documents cannot be asked for: there is no connection to the service.";
    const again = h("button", { type: "button", text: "Try again", onclick: () => this.ask() });
    this.answer.replaceChildren(h("p", { class: "error", role: "alert", text }), again);
  }

  /** The name in the country's own script, which is in no other answer; asked once each. */
  async nameLocally(district) {
    if (this.names.has(district)) return;
    try {
      const { name_local: name } = await ask(`/districts/${district}`);
      this.names.set(district, name);
      if (this.district === district) this.local.textContent = name ?? "";
    } catch {
      // The panel does without it.
    }
  }
}

function factsOf({ since, event, confidence, last_reported: reported, disputed }) {
  const facts = [
    ["Since", since && written(since)],
    ["Confidence", confidence && `${confidence}: ${CONFIDENCE[confidence]}`],
    ["Disputed", disputed && "yes: at least one document denies it"],
    ["Newest report", reported && written(reported)],
    ["Date chosen by an editor", event?.pinned?.reason],
  ].filter(([, value]) => value);
  return h("dl", { class: "facts" }, facts.map(([name, text]) => h("div", {}, h("dt", { text: name }), h("dd", { text }))));
}

/** A warning where the answer rests on reports that are long past. */
function ageOf({ as_of: asOf, last_reported: reported }) {
  if (!reported) return h("p", { class: "small soft", text: "Unknown is not contested: nothing on record that counts says who holds it." });
  const days = Math.round((Date.parse(dayOf(asOf)) - Date.parse(reported)) / 86_400_000);
  if (days <= OLD_DAYS) return "";
  const long = days > 730 ? `${Math.floor(days / 365.25)} years` : `${days} days`;
  return h("p", { class: "notice small", text: `No report for ${long}: what has changed since is not on record.` });
}

/** The event that decides, and the documents that support it. */
function evidenceOf({ event, district }) {
  if (!event) return [];
  const supporting = event.citations.filter(({ stance }) => stance === "supports");
  return [
    h("h3", { text: `${happened(event)} ${dated(event.occurred)}` }),
    h("p", { class: "small soft", text: `${counted(supporting.length, "document")} on record say so.` }),
    ...documentsOf(event, supporting, district.name),
  ];
}

/** What did not decide, and why. */
function othersOf({ event, other_claims: others, district }) {
  if (!others.length) return [];
  const parts = others.map((other) => {
    const what = `${happened(other)} ${dated(other.occurred)}`;
    const documents = documentsOf(other, other.citations, district.name);
    if (other.reason === "disputes") {
      const denied = other.id === event?.id ? "Denied" : `Denied: ${what}`;
      return h("section", { class: "other" }, h("h4", { text: denied }), ...documents);
    }
    return h("section", { class: "other" },
      h("h4", { text: what }),
      h("p", { class: "small" }, h("b", { text: "Did not decide: " }), `${WHY_NOT[other.reason]}.`),
      ...documents);
  });
  return [h("h3", { text: "What else was reported" }), ...parts];
}
