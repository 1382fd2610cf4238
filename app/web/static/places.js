// What is shown, for questions about it: its clocks, the pages of places, documents elsewhere.

import { address } from "./api.js";
import { h } from "./dom.js";
import { clocksOf } from "./state.js";

/**
 * The clocks of what is shown, for the API: the state of the record is that of the model, so that
 * no part of the page tells of what was recorded since.
 */
export function clocksShown(state, model) {
  return { ...clocksOf(state), known_at: state.knownAt ?? model?.knownAt };
}

/** The address of a district's own page. */
export function districtPage(id, state) {
  return address(`/d/${id}`, clocksOf(state));
}

/** The address of a province's own page. */
export function provincePage(id, state) {
  return address(`/p/${id}`, clocksOf(state));
}

/**
 * A link to a document of somebody else's: the bare text, where its address is none of the web.
 */
export function linkOut(url, text) {
  let address = null;
  try {
    address = new URL(url ?? "");
  } catch {
    // None on record, or none that can be read.
  }
  if (!["http:", "https:"].includes(address?.protocol)) return h("span", { text });
  return h("a", { href: address.href, rel: "noopener noreferrer", text });
}
