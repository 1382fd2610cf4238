// Drawings: elements of SVG, and the colours and hatching of states in them.

const SPACE = "http://www.w3.org/2000/svg";

/** An element of a drawing with attributes (null: left out), and children. */
export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SPACE, tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.flat());
  return element;
}

/**
 * The hatching of contested shapes for one part of the page: `defs` to put into a drawing, and
 * `paint(model, state)`, the attributes that give a shape the colour of a state.
 */
export function paints() {
  const id = `hatch-${(made += 1)}`;
  const size = { width: 6, height: 6 };
  const pattern = svg(
    "pattern",
    { id, patternUnits: "userSpaceOnUse", ...size },
    svg("rect", { ...size, class: "fill-contested" }),
    svg("path", { class: "hatch", d: "M-1 1 1-1M0 6 6 0M5 7 7 5" }),
  );
  return {
    defs: svg("defs", {}, pattern),
    paint(model, state) {
      if (state.status === "controlled") return { fill: model.colourOf(state) };
      return state.status === "contested" ? { fill: `url(#${id})` } : { class: "fill-unknown" };
    },
  };
}

let made = 0;

/** The small square that stands for a state where its name is written. */
export function chip(model, state) {
  const edge = { x: 0.5, y: 0.5, width: 13, height: 13, rx: 2 };
  const fill = state.status === "controlled"
    ? { fill: model.colourOf(state) }
    : { class: `fill-${state.status}` };
  return svg(
    "svg",
    { class: "chip", width: 14, height: 14, viewBox: "0 0 14 14", "aria-hidden": "true" },
    svg("rect", { ...edge, ...fill }),
    state.status === "contested" ? svg("path", { class: "hatch", d: "M1 8 8 1M3 13 13 3M9 13 13 9" }) : [],
    svg("rect", { ...edge, class: "chip-edge" }),
  );
}
