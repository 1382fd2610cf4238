// Events on record, for whoever enters something about them.

import { address, ask } from "./api.js";
import { dated } from "./dates.js";
import { counted, h } from "./dom.js";
import { happened } from "./phrases.js";
import { linkOut } from "./places.js";

const MOST = 100;

/** The events of a district, of every confidence, the newest first. */
export async function eventsOf(district, signal) {
  const { events } = await ask("/events", { params: { district, limit: MOST }, signal });
  return events;
}

/** One event with its versions and changes. */
export function eventOf(id, signal) {
  return ask(`/events/${encodeURIComponent(id)}`, { signal });
}

/** What an event says, in a few words. */
export function saidBy(event) {
  return `${happened(event)} ${dated(event.occurred)}`;
}

/** How sure an event is, in a few words. */
export function sureness({ confidence, disputed, citations }) {
  const documents = counted(citations.length, "document");
  return `${confidence}${disputed ? ", disputed" : ""}, ${documents}`;
}

/** What a document says, in a line. */
export function cited({ source, title, url, published, asserted, stance }) {
  const dates = asserted ? `, dates it ${dated(asserted)}` : "";
  return [
    h("bdi", { text: source.name }),
    `, published ${dated(published)}${dates}, ${stance} it`,
    title || url ? ": " : "",
    h("bdi", {}, linkOut(url, title ?? url ?? "")),
  ];
}

/** An event with its documents. */
export function shownEvent(event) {
  return h(
    "div",
    { class: "event" },
    h("p", {}, h("strong", { text: `${event.district.name} (${event.district.id})` }), ` ${saidBy(event)}`),
    h("p", { class: "soft small", text: `On record as ${sureness(event)}; version ${event.version}` }),
    h("ul", { class: "small" }, ...event.citations.map((citation) => h("li", {}, ...cited(citation)))),
  );
}

/** The address of the form with a task for an event. */
export function entryOf(task, event) {
  return address("/enter", { task, event });
}

/**
 * The events of a district as a list, each with what may be done with it.
 * @param {object[]} events
 * @param {[string, string][]} tasks Pairs of a task and the words of its link.
 */
export function listed(events, tasks) {
  return h(
    "ul",
    { class: "events" },
    ...events.map((event) =>
      h(
        "li",
        {},
        h("span", {}, saidBy(event), " ", h("span", { class: "soft small", text: `(${sureness(event)})` })),
        ...tasks.map(([task, words]) =>
          h("a", {
            class: "button",
            href: entryOf(task, event.id),
            text: words,
            "aria-label": `${words}: ${saidBy(event)}`,
          }),
        ),
      ),
    ),
  );
}

/** What was recorded about an event after the version that somebody has read. */
export function changesSince(detail, version) {
  const read = detail.versions.find((one) => one.version === version);
  const later = detail.changes.filter((change) => change.revision > (read?.revision ?? 0));
  return h(
    "ul",
    {},
    ...later.map(({ author, action, reason, version: number }) =>
      h("li", {}, `${author}: ${action}${number ? `, now version ${number}` : ""}${reason ? ` (“${reason}”)` : ""}`),
    ),
  );
}
