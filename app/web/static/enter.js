// The entry form: report an event, add a document, correct, take back.

import { address, ask, key, Refused } from "./api.js";
import { counted, h, settled } from "./dom.js";
import { createDocuments } from "./enter-documents.js";
import { leaveDraft, openDraft } from "./enter-draft.js";
import { changesSince, entryOf, eventOf, eventsOf, listed, saidBy, shownEvent } from "./enter-events.js";
import * as fields from "./enter-form.js";
import { createKeyPanel } from "./enter-key.js";
import { allActors, CONTESTED, nameOfDistrict, offerActors, pickDistrict } from "./enter-pickers.js";
import { inOneSentence, shownPreview } from "./enter-preview.js";
import { createTrouble } from "./enter-trouble.js";

const PAUSE = 500;
const PATHS = {
  new: () => "/events",
  cite: (id) => `/events/${id}/citations`,
  correct: (id) => `/events/${id}/corrections`,
  retract: (id) => `/events/${id}/retraction`,
};
const CHOOSE = { cite: "Add a document", correct: "Correct", retract: "Take back" };

const find = (id) => document.getElementById(id);
const form = find("entry");
const task = document.querySelector(".entry").dataset.task;
const asked = new URLSearchParams(location.search);
const eventId = task === "new" ? null : asked.get("event");
const draft = openDraft(task, eventId);
const documents = task === "retract" ? null : createDocuments(task);

let event = null; // as it was read; what is entered changes this version of it
let before = {}; // what the fields of a correction held when it was read
let parties = [];
let looking = null;
let isSending = false;

// What is sent --------------------------------------------------------------------------------

function isMeant(input) {
  if (task !== "correct" || !(input.name in before)) return true;
  return fields.valueOf(input) !== before[input.name].value;
}

function body() {
  const sent = fields.bodyOf(form, isMeant);
  if (sent.controller === CONTESTED) {
    delete sent.controller;
    sent.status = "contested";
  }
  if (task === "correct") pin(sent);
  return sent;
}

/** A date of the editor's is corrected as a whole: with its reason, or taken away. */
function pin(sent) {
  const now = fields.entered(form);
  const [date, reason] = ["pinned.occurred", "pinned.reason"].map((name) => now[name]?.value);
  if (sent.pinned) sent.pinned = { occurred: date, reason };
  else if (!date && !reason && before["pinned.occurred"].value) sent.pinned = null;
}

function request(extra = {}) {
  const versioned = task === "correct" || task === "retract";
  const headers = { ...extra, ...(versioned ? { "If-Match": `"${event.version}"` } : {}) };
  return { method: "POST", body: body(), headers };
}

// The preview ---------------------------------------------------------------------------------

function tellPreview(words, shown = []) {
  find("preview-told").textContent = words;
  find("preview-shown").replaceChildren(...shown);
}

async function look() {
  if (form.hidden || isSending) return;
  looking?.abort();
  const missing = fields.lacking(form).map(({ input }) => fields.labelOf(input));
  if (missing.length) {
    tellPreview(`Shown here before you record anything. Still needed: ${[...new Set(missing)].join(", ")}.`);
    return;
  }
  if (!key()) {
    tellPreview("A preview needs your key.");
    return;
  }
  const mine = new AbortController();
  looking = mine;
  try {
    const path = `/previews${PATHS[task](eventId)}`;
    const preview = await ask(path, { ...request(), signal: mine.signal });
    if (looking !== mine) return;
    fields.clearWrongs(form);
    fields.showDates(form, preview.dates);
    keyPanel.signed(preview.author);
    tellPreview(inOneSentence(preview), shownPreview(preview, parties));
  } catch (error) {
    if (looking === mine && error.name !== "AbortError") refusePreview(error);
  }
}

function refusePreview(error) {
  if (!(error instanceof Refused)) {
    tellPreview("No connection: there is no preview now.");
    return;
  }
  fields.clearWrongs(form);
  const { elsewhere } = fields.showFaults(form, error.problem.errors ?? []);
  const isShown = error.problem.errors?.length && !elsewhere.length;
  tellPreview(isShown ? "No preview: something entered cannot be taken as it is." : `No preview: ${error.message}`);
}

const lookSoon = settled(look, PAUSE);

function changed() {
  if (form.hidden) return;
  looking?.abort();
  draft.keep(worthKeeping());
  lookSoon();
}

/** What a draft keeps: of a correction only what differs, for the event may change meanwhile. */
function worthKeeping() {
  const now = fields.entered(form);
  for (const [name, held] of Object.entries(before)) {
    if ((now[name]?.value ?? "") === held.value) delete now[name];
    else now[name] ??= { value: "", shown: "" };
  }
  return now;
}

// Recording -----------------------------------------------------------------------------------

async function save() {
  if (isSending) return;
  looking?.abort();
  looking = null;
  fields.clearWrongs(form);
  trouble.clear();
  const missing = fields.lacking(form);
  for (const { input, detail } of missing) {
    fields.markWrong(input, input.closest(".field").querySelector(".wrong"), detail);
  }
  if (missing.length) {
    missing[0].input.focus();
    return;
  }
  if (!key()) {
    keyPanel.demand();
    return;
  }
  isSending = true;
  find("save").setAttribute("aria-busy", "true");
  try {
    const path = PATHS[task](eventId);
    done(await ask(path, request({ "Idempotency-Key": draft.word() })));
  } catch (error) {
    trouble.explain(error);
  } finally {
    isSending = false;
    find("save").removeAttribute("aria-busy");
  }
}

function sendAnew() {
  draft.renew();
  save();
}

/** Somebody else has changed the event: show what is new, and let the form go on from there. */
async function explainStale() {
  try {
    const detail = await eventOf(eventId);
    const changes = changesSince(detail, event.version);
    if (!detail.event) {
      trouble.tell("Somebody has taken this event back in the meantime:", changes);
      return;
    }
    trouble.tell(
      "Somebody else has changed this event since you read it. Nothing was recorded. What is new:",
      changes,
      `It now says: ${saidBy(detail.event)}.`,
      h("button", {
        type: "button",
        text: `Go on with version ${detail.event.version}`,
        onclick() {
          trouble.clear();
          takeEvent(detail.event);
          look();
          find("save").focus();
        },
      }),
    );
  } catch {
    trouble.tell("Somebody else has changed this event since you read it, and what is new cannot be shown now. Try again in a while.");
  }
}

function showForm(isShown) {
  for (const part of [form, find("preview"), find("send")]) part.hidden = !isShown;
}

function done(answer) {
  const place = (answer.event ?? event).district;
  draft.forget();
  showForm(false);
  for (const section of ["chosen", "choose"]) find(section)?.setAttribute("hidden", "");
  find("done-title").textContent = `Recorded as revision ${answer.revision}`;
  // Whichever process answers, it is to have heard of it.
  const least = { min_revision: answer.revision };
  find("done-told").replaceChildren(
    h("p", { text: answer.event ? `${place.name}: ${saidBy(answer.event)}.` : `The event of ${place.name} was taken back.` }),
    h("p", { class: "soft", text: `By ${answer.changes.at(-1).author}. ${counted(answer.versions.length, "version")} on record.` }),
    h(
      "ul",
      {},
      ...[
        [address(`/d/${place.id}`, least), `${place.name}: the district’s page`],
        [address(`/events/${answer.id}`, least), "The event with all its versions, as data"],
        answer.event ? [entryOf("cite", answer.id), "Add a document to it"] : null,
        [entryOf("new"), "Report another event"],
      ]
        .filter(Boolean)
        .map(([href, text]) => h("li", {}, h("a", { href, text }))),
    ),
  );
  find("done").hidden = false;
  find("done-title").focus();
}

// The event that is spoken of -----------------------------------------------------------------

/** What the fields of a correction hold for an event, before anything is entered. */
function heldBy({ district, province, kind, controller, day_order: order, pinned }) {
  const texts = {
    kind,
    controller: controller?.id ?? CONTESTED,
    day_order: String(order),
    "pinned.occurred": pinned?.occurred ?? "",
    "pinned.reason": pinned?.reason ?? "",
  };
  return {
    district: { value: district.id, shown: nameOfDistrict({ ...district, province }) },
    ...Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, { value: text, shown: text }])),
  };
}

/** Go on from this version of the event: fields that nobody has changed follow it. */
function takeEvent(read) {
  event = read;
  find("chosen-event").replaceChildren(
    shownEvent(event),
    h("p", { class: "small" }, h("a", { href: entryOf(task), text: "Another event" })),
  );
  if (task !== "correct") return;
  const now = fields.entered(form);
  const held = heldBy(event);
  const untouched = Object.keys(held).filter(
    (name) => !(name in before) || (now[name]?.value ?? "") === before[name].value,
  );
  fields.fill(form, Object.fromEntries(untouched.map((name) => [name, held[name]])));
  before = held;
  documents.offerToWithdraw(event.citations, now.withdraw_citations ?? []);
}

async function beginWithEvent() {
  const detail = await eventOf(eventId);
  find("chosen").hidden = false;
  if (!detail.event) {
    const moved = detail.replaced_by;
    find("chosen-event").replaceChildren(
      h("p", { class: "notice", text: "This event was taken back." }),
      ...(moved ? [h("p", {}, h("a", { href: entryOf(task, moved), text: "It was moved to another district." }))] : []),
    );
    return false;
  }
  takeEvent(detail.event);
  return true;
}

/** The events of a district that was picked, with what may be done with them. */
async function showEvents(district, element, intro, tasks) {
  element.replaceChildren(h("p", { class: "soft", text: "Looking …" }));
  try {
    const events = await eventsOf(district.id);
    element.replaceChildren(
      h("p", { text: events.length ? intro : `Nothing is on record about ${district.name}.` }),
      ...(events.length ? [listed(events, tasks)] : []),
    );
  } catch {
    element.replaceChildren(h("p", { class: "notice", text: "What is on record cannot be shown now." }));
  }
}

function showOnRecord(district) {
  const intro = `On record about ${district.name}. Is it one of these? Then add your document to it instead.`;
  return showEvents(district, find("on-record"), intro, [["cite", "Add a document"]]);
}

// The first document that was entered goes along to the event that it is about.
find("on-record")?.addEventListener("click", ({ target }) => {
  const link = target.closest("a");
  if (!link) return;
  const first = Object.entries(fields.entered(form)).filter(([name]) => name.startsWith("citations.0."));
  const values = Object.fromEntries(first.map(([name, value]) => [name.replace("citations.0.", ""), value]));
  leaveDraft("cite", new URL(link.href).searchParams.get("event"), values);
});

// The beginning -------------------------------------------------------------------------------

async function begin() {
  parties = await allActors();
  trouble.clear();
  offerActors(document, parties);
  if (documents) offerActors(documents.template, parties);
  if (task !== "new" && !eventId) {
    find("choose").hidden = false;
    return;
  }
  if (eventId && !(await beginWithEvent())) return;
  fields.fill(form, draft.values ?? {});
  showForm(true);
  if (task === "new") await beginWithDistrict();
  look();
}

async function beginWithDistrict() {
  const input = form.elements.district;
  const id = asked.get("district") ?? input.dataset.value;
  if (!id) return;
  const district = await ask(`/districts/${encodeURIComponent(id)}`);
  fields.fill(form, { district: { value: district.id, shown: nameOfDistrict(district) } });
  await showOnRecord(district);
}

let hasBegun = false;
async function beginOnce() {
  if (hasBegun) return;
  hasBegun = true;
  try {
    await begin();
  } catch (error) {
    hasBegun = false;
    // Nothing could be read yet, perhaps for want of a key.
    trouble.tell(error instanceof Refused ? error.message : "No connection. Load the page again when there is one.");
  }
}

fields.adopt(form);
documents?.restore(draft.values);
const keyPanel = createKeyPanel(async () => {
  await beginOnce();
  look();
});
const trouble = createTrouble({ form, keyPanel, explainStale, sendAnew });
if (form.elements.district) pickDistrict(form.elements.district, task === "new" ? showOnRecord : undefined);
if (find("choose-district")) {
  pickDistrict(find("choose-district"), (district) =>
    showEvents(district, find("choices"), `On record about ${district.name}:`, [[task, CHOOSE[task]]]),
  );
}
form.addEventListener("input", changed);
form.addEventListener("change", changed);
form.addEventListener("documents", changed);
form.addEventListener("submit", (submitted) => {
  submitted.preventDefault();
  save();
});
// Nobody holds what is fought over.
form.elements.kind?.addEventListener("change", ({ target }) => {
  if (target.value === "contested") form.elements.controller.value = CONTESTED;
});
find("clear").addEventListener("click", () => {
  if (!confirm("Empty the form?")) return;
  draft.forget();
  location.assign(entryOf(task, eventId));
});
beginOnce();
