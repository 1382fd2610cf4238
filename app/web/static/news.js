// News: what is recorded while the page is open. It is told, and shown when somebody asks for it;
// nothing moves by itself.

import { counted, h } from "./dom.js";
import { followStream } from "./stream.js";

const NAMED = 3;
const DONE = {
  record: "New report recorded",
  cite: "New document recorded",
  correct: "Report corrected",
  retract: "Report taken back",
  import: "Reports imported",
};

/**
 * Tell of new revisions in an element.
 * @param {HTMLElement} element
 * @param {{store: object, reload: () => Promise<void>, getModel: () => object,
 *   onModel: (listener: Function) => void}} page
 */
export function mountNews(element, { store, reload, getModel, onModel }) {
  const said = h("p", { role: "status" });
  const show = h("button", { type: "button", hidden: true, onclick: take });
  let told = [];
  element.classList.add("news");
  element.replaceChildren(said, show);

  function take() {
    if (store.get().knownAt === null) reload();
    else store.set({ knownAt: null });
  }

  function write() {
    const isFixed = store.get().knownAt !== null;
    show.hidden = told.length === 0;
    show.textContent = isFixed ? "Show the record as it is now" : "Show";
    said.textContent = told.length
      ? `${inWords(told)}.${isFixed ? " What is shown is the record as it stood earlier, without it." : ""}`
      : "";
  }

  const { country, knownAt } = store.get();
  followStream({
    params: { country },
    // Nothing that was recorded since the download is missed; of an older record, only what is new.
    after: knownAt === null ? getModel().revision : null,
    onRevision(revision) {
      // A new publisher or party alone changes nothing that is shown.
      if (!revision.districts_total) return;
      told.push(revision);
      write();
    },
    onState(state) {
      element.dataset.stream = state;
    },
  });
  onModel((model) => {
    const before = told.length;
    told = told.filter(({ revision }) => revision > model.revision);
    write();
    if (told.length < before) said.textContent ||= "The newest reports are shown.";
  });
  store.on(["knownAt"], write);
}

/** "New report recorded: Qaysar (Faryab)", or what several revisions amount to. */
function inWords(told) {
  const what = told.length === 1
    ? (DONE[told[0].action] ?? "Something new recorded")
    : `${counted(told.length, "change")} recorded`;
  const places = new Map(told.flatMap(({ districts }) => districts ?? []).map((one) => [one.id, one]));
  const unnamed = told.filter(({ districts }) => !districts).reduce((sum, one) => sum + one.districts_total, 0);
  const names = [...places.values()].slice(0, NAMED).map(({ name, province }) => `${name} (${province.name})`);
  const more = places.size - names.length + unnamed;
  if (more) names.push(names.length ? `${more} more` : counted(more, "district"));
  return `${what}: ${names.join(", ")}`;
}
