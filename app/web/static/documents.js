// Lists of documents: who published what when, what it says, on whose word, and where to read it.

import { dated } from "./dates.js";
import { h } from "./dom.js";
import { asserts, reliedOn } from "./phrases.js";
import { linkOut } from "./places.js";

const FIRST = 4;

/**
 * The documents behind an event: the first few, and the rest when somebody asks for them. Another
 * spelling of the place than `name` is told.
 */
export function documentsOf(event, citations, name) {
  const items = citations.map((citation) => documentOf(citation, event, name));
  const rest = items.splice(FIRST);
  const list = h("ul", { class: "documents" }, items);
  if (!rest.length) return [list];
  const more = h("summary", { text: `${rest.length} more` });
  return [list, h("details", {}, more, h("ul", { class: "documents" }, rest))];
}

function documentOf(citation, event, name) {
  const { stance, source, origin, title, url, archived_url: archived, note } = citation;
  const isCopy = origin.toLowerCase() !== source.name.toLowerCase();
  const place = citation.place_as_written;
  return h("li", { class: `document ${stance}` },
    h("p", {},
      h("span", { class: "stance", text: stance === "supports" ? "Supports" : "Disputes" }), " ",
      h("cite", { text: source.name }),
      isCopy ? `, the account of ${origin}` : null,
      `, published ${dated(citation.published)}`),
    h("p", { class: "title", dir: "auto" }, linkOut(url, title ?? "Read the document")),
    h("p", { dir: "auto" },
      `It says: ${asserts(citation, event)}; ${reliedOn(citation)}.`,
      place && place !== name ? ` It writes the place “${place}”.` : null),
    note ? h("p", { class: "soft", dir: "auto", text: note }) : null,
    archived ? h("p", {}, linkOut(archived, "Archived copy")) : null,
  );
}
