// Finding a district or a province by its name, in any spelling and in any script.

import { ask } from "./api.js";
import { createCombobox } from "./combobox.js";
import { h } from "./dom.js";
import { provincePage } from "./places.js";

const SHOWN = 8;
/** Of 100: a name that is less like the one written is hardly meant, unless nothing is more. */
const LIKELY = 30;

/**
 * Put the search into an element. A district that is picked opens its panel and is shown on the
 * map; a province leads to its page.
 */
export function mountSearch(element, { store, focusOn }) {
  const input = h("input", {
    type: "search", id: "search-input", dir: "auto", placeholder: "District or province",
  });
  const list = h("ul", { "aria-label": "Places found" });
  element.setAttribute("role", "search");
  element.replaceChildren(
    h("label", { for: input.id, class: "visually-hidden", text: "Find a district or province, in any spelling or script" }),
    h("div", { class: "combobox" }, input, list),
  );
  createCombobox({
    input,
    list,
    search: (text, signal) => find(text, store.get().country, signal),
    onPick(place) {
      if (place.kind === "province") {
        location.assign(provincePage(place.id, store.get()));
        return;
      }
      store.set({ district: place.id });
      focusOn(place.id);
    },
  });
}

/** The places that a text may mean, the best first, as options of a combobox. */
export async function find(text, country, signal) {
  const query = { query: text, limit: SHOWN };
  if (country !== null) query.properties = [{ pid: "country", v: country }];
  const params = { queries: JSON.stringify({ places: query }) };
  const { places } = await ask("/reconcile", { params, signal });
  const likely = places.result.filter(({ score }) => score >= LIKELY);
  return (likely.length ? likely : places.result).map(({ id, name, description, type }) => ({
    id,
    kind: type[0].id,
    label: name,
    detail: description,
  }));
}
