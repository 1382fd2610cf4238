// Fields that are filled by searching: districts and publishers; and the parties to choose from.

import { ask } from "./api.js";
import { createCombobox } from "./combobox.js";
import { newWord } from "./enter-draft.js";
import { describe, markWrong } from "./enter-form.js";
import { h } from "./dom.js";

const MOST = 8;

/** What a picked district looks like in its field. */
export function nameOfDistrict({ id, name, province }) {
  return `${name}, ${province.name} (${id})`;
}

/** Keep the id that was picked with the field; whatever is written over it is not that any more. */
function hold(input, id) {
  input.dataset.value = id;
  // After the field has its new text.
  queueMicrotask(() => input.dispatchEvent(new Event("change", { bubbles: true })));
}

function forgetWhenWritten(input) {
  input.addEventListener("input", () => delete input.dataset.value);
}

/** Let a field find a district in any spelling; `onPick` is told of the district. */
export function pickDistrict(input, onPick = () => {}) {
  forgetWhenWritten(input);
  createCombobox({
    input,
    list: input.nextElementSibling,
    async search(q, signal) {
      const { districts } = await ask("/districts", { params: { q, limit: MOST }, signal });
      return districts.map((district) => ({
        label: district.name,
        detail: [
          district.province.name,
          district.id,
          district.match?.how === "exact" ? null : district.match?.name,
        ]
          .filter(Boolean)
          .join(" · "),
        district,
      }));
    },
    onPick({ district }) {
      hold(input, district.id);
      onPick(district);
      return nameOfDistrict(district);
    },
  });
}

let sources = null;

/** Every publisher on record, asked once. */
function allSources() {
  sources ??= ask("/sources", { params: { limit: 1000 } }).then((answer) => answer.sources);
  sources.catch(() => {
    sources = null;
  });
  return sources;
}

/** Letters and digits only, so that "rfe rl" finds RFE/RL. */
function plain(text) {
  return text.normalize("NFKD").toLowerCase().replace(/[^\p{L}\p{N}]/gu, "");
}

/** Let a field find a publisher, or record a new one by the part of the form beside it. */
export function pickSource(input) {
  forgetWhenWritten(input);
  const beside = input.closest(".field").nextElementSibling;
  const name = beside.querySelector("input");
  let word = newWord();
  describe(name.closest(".field"), name);
  createCombobox({
    input,
    list: input.nextElementSibling,
    onEmpty: true,
    async search(text) {
      const sought = plain(text);
      const found = (await allSources())
        .filter((source) => plain(source.name + source.id).includes(sought))
        .sort((one, other) => other.citations - one.citations)
        .slice(0, MOST)
        .map((source) => ({ label: source.name, detail: source.id, source }));
      return text ? [...found, { label: `Record “${text}” as a new publisher …`, text }] : found;
    },
    onPick({ source, text }) {
      if (!source) {
        word = newWord();
        beside.hidden = false;
        name.value = text;
        queueMicrotask(() => name.focus());
        return text;
      }
      beside.hidden = true;
      hold(input, source.id);
      return source.name;
    },
  });

  input.addEventListener("blur", async () => {
    const written = plain(input.value);
    const found = written && !input.dataset.value ? await allSources().catch(() => []) : [];
    const meant = found.find((source) => [plain(source.name), plain(source.id)].includes(written));
    if (meant && plain(input.value) === written) {
      input.value = meant.name;
      hold(input, meant.id);
    }
  });

  async function record() {
    const wrong = name.closest(".field").querySelector(".wrong");
    wrong.hidden = true;
    wrong.textContent = "";
    name.removeAttribute("aria-invalid");
    try {
      const headers = { "Idempotency-Key": word };
      const added = await ask("/sources", { method: "POST", headers, body: { name: name.value.trim() } });
      sources = null;
      beside.hidden = true;
      input.value = added.name;
      hold(input, added.id);
      input.focus();
    } catch (error) {
      markWrong(name, wrong, error.problem?.errors?.[0]?.detail ?? error.message);
      name.focus();
    }
  }
  beside.querySelector(".record-source").addEventListener("click", record);
  name.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    record();
  });
  beside.querySelector(".leave-source").addEventListener("click", () => {
    beside.hidden = true;
    input.focus();
  });
}

let actors = null;

/** Every party: {id, name, colour}. */
export function allActors() {
  actors ??= ask("/actors").then((answer) => answer.actors);
  actors.catch(() => {
    actors = null;
  });
  return actors;
}

/** The value of the choice that nobody holds a district. No party has such an id. */
export const CONTESTED = "+contested";

/** Put the parties into the lists that ask for one. */
export function offerActors(element, found) {
  for (const select of element.querySelectorAll('[data-name="controller"], [data-name="speaker"]')) {
    if (select.length > 1) continue;
    if (select.dataset.name === "controller") {
      select.append(h("option", { value: CONTESTED, text: "nobody: it is contested" }));
    }
    select.append(...found.map(({ id, name }) => h("option", { value: id, text: name })));
  }
}
