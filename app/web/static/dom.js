// Making elements: texts are always texts, never markup.

/**
 * An element with properties (`class`, `text`, `on...` listeners, DOM properties, or attributes for
 * names with a dash and `role`, `for`), and children; null and undefined are left out.
 */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined) continue;
    if (name === "class") element.className = value;
    else if (name === "text") element.textContent = value;
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "role" || name === "for" || name.includes("-")) element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

/** A small square that shows a colour; `kind` says which pattern it has besides. */
export function swatch(colour, kind = "") {
  const element = h("span", { class: `swatch ${kind}`.trim(), "aria-hidden": "true" });
  if (colour) element.style.backgroundColor = colour;
  return element;
}

/** A number with its noun: "1 district", "12 districts". */
export function counted(number, noun) {
  return `${number.toLocaleString("en-GB")} ${noun}${number === 1 ? "" : "s"}`;
}

/** The function, called once when no call came for `ms` milliseconds. */
export function settled(action, ms) {
  let timer = 0;
  return (...given) => {
    clearTimeout(timer);
    timer = setTimeout(() => action(...given), ms);
  };
}

/** Whether whoever looks has asked for less motion. */
export function stillness() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}
