// A text field with suggestions: the ARIA combobox pattern with a list box.
//
// The focus stays in the field; arrows move through the list, Enter takes an option, Escape closes.

const PAUSE = 150;
let made = 0;

/**
 * @typedef {object} Option What can be picked. `label` is shown, `detail` stands beside it in
 *   soft ink; whatever else it holds is for `onPick`.
 * @property {string} label
 * @property {string} [detail]
 */

/**
 * Make a field a combobox.
 *
 * `search(text, signal)` gives the options for a text, the best first; it may throw, and is aborted
 * when the text changes. `onPick(option)` is told of the one that was taken; what then stands in
 * the field is what it returns, or else the label. With `onEmpty` the field also searches while
 * nothing is written in it.
 *
 * @param {{input: HTMLInputElement, list: HTMLElement, onEmpty?: boolean,
 *   search: (text: string, signal: AbortSignal) => Promise<Option[]>,
 *   onPick: (option: Option) => string | void}} parts
 * @returns {{close: () => void}}
 */
export function createCombobox({ input, list, search, onPick, onEmpty = false }) {
  const name = `combobox-${(made += 1)}`;
  let options = [];
  let active = -1;
  let timer = 0;
  let asking = null;
  let takeFirst = false;
  let picked = "";

  list.id ||= `${name}-list`;
  list.setAttribute("role", "listbox");
  list.hidden = true;
  if (!list.hasAttribute("aria-label")) {
    list.setAttribute("aria-label", input.labels?.[0]?.textContent.trim() || "Suggestions");
  }
  const spoken = document.createElement("span");
  spoken.className = "visually-hidden";
  spoken.setAttribute("role", "status");
  list.after(spoken);
  for (const [attribute, value] of Object.entries({
    role: "combobox",
    autocomplete: "off",
    spellcheck: "false",
    "aria-autocomplete": "list",
    "aria-expanded": "false",
    "aria-controls": list.id,
  })) {
    input.setAttribute(attribute, value);
  }

  function close() {
    clearTimeout(timer);
    asking?.abort();
    asking = null;
    takeFirst = false;
    options = [];
    active = -1;
    list.hidden = true;
    list.replaceChildren();
    spoken.textContent = "";
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }

  function point(to) {
    active = to;
    [...list.children].forEach((item, place) => {
      item.setAttribute("aria-selected", String(place === active));
      if (place === active) item.scrollIntoView({ block: "nearest" });
    });
    if (active < 0) input.removeAttribute("aria-activedescendant");
    else input.setAttribute("aria-activedescendant", list.children[active].id);
  }

  function take(place) {
    const option = options[place];
    close();
    input.value = picked = onPick(option) ?? option.label;
  }

  function show(found) {
    options = found;
    list.replaceChildren(...found.map((option, place) => item(option, `${list.id}-${place}`)));
    list.hidden = found.length === 0;
    input.setAttribute("aria-expanded", String(found.length > 0));
    spoken.textContent = found.length ? `${found.length} to choose from` : "Nothing found";
    point(-1);
    if (takeFirst && found.length) take(0);
    takeFirst = false;
  }

  function item(option, id) {
    const element = document.createElement("li");
    element.id = id;
    element.setAttribute("role", "option");
    const label = document.createElement("bdi");
    label.textContent = option.label;
    element.append(label);
    if (option.detail) {
      const detail = document.createElement("small");
      detail.dir = "auto";
      detail.textContent = option.detail;
      element.append(" ", detail);
    }
    return element;
  }

  async function look() {
    clearTimeout(timer);
    const text = input.value.trim();
    if (!text && !onEmpty) {
      close();
      return;
    }
    asking?.abort();
    const mine = new AbortController();
    asking = mine;
    try {
      const found = await search(text, mine.signal);
      if (asking === mine) show(found);
    } catch {
      if (asking !== mine) return;
      show([]);
      spoken.textContent = "The search does not answer now";
    } finally {
      if (asking === mine) asking = null;
    }
  }

  function soon() {
    clearTimeout(timer);
    asking?.abort();
    asking = null;
    timer = setTimeout(look, PAUSE);
  }

  const keys = {
    ArrowDown() {
      if (list.hidden) look();
      else point((active + 1) % options.length);
    },
    ArrowUp() {
      if (!list.hidden) point(active <= 0 ? options.length - 1 : active - 1);
    },
    Enter() {
      if (!list.hidden) {
        take(Math.max(active, 0));
      } else if (input.value.trim() && input.value !== picked) {
        // The options are still on their way: whoever types and presses Enter means the best one.
        takeFirst = true;
        look();
      } else {
        return false;
      }
      return true;
    },
    Escape() {
      if (list.hidden) return false;
      close();
      return true;
    },
  };

  input.addEventListener("keydown", (event) => {
    if (event.isComposing || event.altKey || event.ctrlKey || event.metaKey) return;
    if (keys[event.key] && keys[event.key]() !== false) event.preventDefault();
  });
  input.addEventListener("input", () => {
    takeFirst = false;
    soon();
  });
  input.addEventListener("focus", () => {
    if (onEmpty && !input.value) look();
  });
  input.addEventListener("blur", close);
  // The focus would leave the field before the click arrives, and close the list.
  list.addEventListener("mousedown", (event) => event.preventDefault());
  list.addEventListener("click", (event) => {
    const place = [...list.children].indexOf(event.target.closest('[role="option"]'));
    if (place >= 0) take(place);
  });

  return { close };
}
