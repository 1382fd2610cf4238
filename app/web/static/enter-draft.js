// What is entered, kept in this tab until it is recorded: a lost connection or a closed lid loses nothing.

const NAME = "district-control-draft";

/** An Idempotency-Key: the same for every attempt to send one filled form, and no other has it. */
export function newWord() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return `form-${[...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

function placeOf(task, event) {
  return [NAME, task, event].filter(Boolean).join(" ");
}

/** Keep a draft for a task and an event, unless there is one. */
export function leaveDraft(task, event, values) {
  const place = placeOf(task, event);
  if (!sessionStorage.getItem(place)) {
    sessionStorage.setItem(place, JSON.stringify({ word: newWord(), values }));
  }
}

/**
 * The draft for a task and an event.
 * `word` is its Idempotency-Key; `values` is what was entered, null where nothing was.
 */
export function openDraft(task, event) {
  const place = placeOf(task, event);
  let { word, values } = JSON.parse(sessionStorage.getItem(place)) ?? { word: newWord(), values: null };
  const keep = () => sessionStorage.setItem(place, JSON.stringify({ word, values }));
  return {
    values,
    word: () => word,
    keep(entered) {
      values = entered;
      keep();
    },
    /** From now on this is another report than the one that was sent. */
    renew() {
      word = newWord();
      keep();
    },
    forget: () => sessionStorage.removeItem(place),
  };
}
