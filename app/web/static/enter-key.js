// The key of whoever writes: kept in the session storage of this tab, and nowhere else.

import { ask, key, Refused, setKey } from "./api.js";

const form = document.getElementById("key-form");
const input = document.getElementById("key-input");
const kept = document.getElementById("key-kept");
const told = document.getElementById("key-told");
const wrong = document.getElementById("key-wrong");

function show() {
  form.hidden = Boolean(key());
  kept.hidden = !key();
}

function complain(message) {
  wrong.textContent = message;
  wrong.hidden = !message;
  if (message) input.setAttribute("aria-invalid", "true");
  else input.removeAttribute("aria-invalid");
}

/** What the service says of the key: `good`, `bad` (with the words), or nothing where it cannot. */
async function judge() {
  try {
    // A preview of nothing: it is refused, but only after the key was looked at.
    await ask("/previews/events", { method: "POST", body: {} });
  } catch (error) {
    if (!(error instanceof Refused)) return { told: "No connection: the key could not be tried." };
    if (error.status === 401) return { bad: "This key does not work (any more)." };
    if (error.status === 403) return { bad: "This key may read only. Writing needs another one." };
    if (error.status !== 422) return { told: `The key could not be tried: ${error.message}` };
  }
  return { told: "The key works, and stays in this tab only." };
}

/**
 * Show the key's part of the page. `onKey` is called when there is a key to ask with.
 * @returns {{refuse: (message: string) => void, demand: () => void, signed: (author: string) => void}}
 */
export function createKeyPanel(onKey) {
  async function tryKey() {
    show();
    told.textContent = "Trying the key …";
    const { bad, told: words } = await judge();
    if (bad) refuse(bad);
    else told.textContent = words;
    return !bad;
  }

  function refuse(message) {
    setKey(null);
    show();
    complain(message);
    input.focus();
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const given = input.value.trim();
    if (!given) {
      complain("Paste your key here.");
      return;
    }
    input.value = "";
    complain("");
    setKey(given);
    if (await tryKey()) onKey();
  });
  document.getElementById("key-forget").addEventListener("click", () => {
    setKey(null);
    show();
    complain("");
    input.focus();
  });
  show();
  if (key()) tryKey();

  return {
    refuse,
    /** Ask for a key where one is needed. */
    demand() {
      complain("Give your key first.");
      input.focus();
    },
    /** Tell whose key it is, when the service has said so. */
    signed(author) {
      told.textContent = `The key works. What you enter is recorded under the name “${author}”.`;
    },
  };
}
