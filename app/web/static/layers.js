// What the map looks like: a style without glyphs, sprites or anything from elsewhere.

/** The name of the one vector source. */
export const SHAPES = "shapes";
/** The name of the points that have labels. */
export const PLACES = "places";
export const HATCH = "hatch";

const NOTHING = { type: "FeatureCollection", features: [] };

const is = (name) => ["boolean", ["feature-state", name], false];
const when = (test, value) => ["case", test, value, 0];
const byZoom = (...stops) => ["interpolate", ["linear"], ["zoom"], ...stops];
const districts = { source: SHAPES, "source-layer": "districts" };
const borders = { source: SHAPES, "source-layer": "borders" };
const provinces = { source: SHAPES, "source-layer": "provinces" };
const ROUND = { "line-join": "round", "line-cap": "round" };

const DISPUTED_WIDTH = byZoom(4, 2, 8, 3.5);
const INWARDS = byZoom(4, 1.4, 8, 2.7);

/** A colour of colours.css. */
export function named(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

const outline = (id, state, colour, width, more = {}) => ({
  id,
  type: "line",
  ...districts,
  layout: { "line-join": "round" },
  paint: { "line-color": colour, "line-width": width, "line-opacity": when(is(state), 1), ...more },
});

const front = (id, kind, colour, width, more = {}) => ({
  id,
  type: "line",
  ...borders,
  layout: ROUND,
  paint: {
    "line-color": colour,
    "line-width": width,
    "line-opacity": when(["==", ["feature-state", "line"], kind], 1),
    ...more,
  },
});

const labels = (id, kind, minzoom) => ({
  id,
  type: "symbol",
  source: PLACES,
  minzoom,
  filter: ["==", ["get", "kind"], kind],
  layout: { "icon-image": ["get", "image"], "icon-padding": 4, "symbol-sort-key": ["get", "order"] },
});

/** The style of the map, for a TileJSON document. */
export function styleOf({ tiles, bounds, minzoom, maxzoom, attribution, promoteId }) {
  const ink = named("front");
  return {
    version: 8,
    transition: { duration: 0, delay: 0 },
    sources: {
      [SHAPES]: { type: "vector", tiles, bounds, minzoom, maxzoom, attribution, promoteId },
      [PLACES]: { type: "geojson", data: NOTHING },
    },
    layers: [
      // Light in both schemes: what steps back does not go dark.
      { id: "ground", type: "fill", ...districts, paint: { "fill-color": "#ffffff" } },
      {
        id: "districts",
        type: "fill",
        ...districts,
        paint: { "fill-color": ["to-color", ["coalesce", ["feature-state", "colour"], named("unknown")]] },
      },
      {
        id: "contested",
        type: "fill",
        ...districts,
        paint: { "fill-pattern": HATCH, "fill-opacity": when(is("contested"), 1) },
      },
      {
        id: "borders",
        type: "line",
        ...borders,
        paint: {
          "line-color": "#ffffff",
          "line-width": byZoom(4, 0.5, 8, 1.2),
          "line-opacity": 0.8,
        },
      },
      {
        id: "provinces",
        type: "line",
        ...provinces,
        layout: ROUND,
        paint: { "line-color": "#5b626a", "line-width": byZoom(4, 0.8, 8, 2) },
      },
      front("front-casing", "front", "#ffffff", byZoom(4, 3.4, 8, 7)),
      front("front-contested", "contested", ink, byZoom(4, 1.2, 8, 2.5), { "line-dasharray": [2, 1.6] }),
      front("front", "front", ink, byZoom(4, 1.8, 8, 4)),
      // White between the dashes: it is seen on dark colours too.
      outline("disputed-casing", "disputed", "#ffffff", DISPUTED_WIDTH, { "line-offset": INWARDS }),
      outline("disputed", "disputed", named("disputed"), DISPUTED_WIDTH, {
        "line-offset": INWARDS,
        "line-dasharray": [2, 0.8],
      }),
      outline("differs", "differs", ink, byZoom(4, 1.4, 8, 2.5)),
      outline("hovered", "hovered", "#000000", byZoom(4, 2, 8, 3)),
      outline("selected-casing", "selected", "#ffffff", byZoom(4, 6, 8, 9)),
      outline("selected", "selected", "#000000", byZoom(4, 3, 8, 4.5)),
      labels("province-labels", "province", 0),
      labels("district-labels", "district", 7),
    ],
  };
}

/** Districts that do not differ step back while two days are compared. */
export const FADED = ["case", is("differs"), 1, 0.3];
/** All of them again. An expression too: MapLibre stumbles over a state that comes with a constant. */
export const PLAIN = ["case", is("differs"), 1, 1];

/** The hatch over contested districts: a tile of 8 by 8 pixels that repeats without a seam. */
export function hatch(ratio = 2) {
  const side = 8 * ratio;
  const canvas = Object.assign(document.createElement("canvas"), { width: side, height: side });
  const pen = canvas.getContext("2d");
  pen.strokeStyle = named("contested-hatch");
  pen.lineWidth = 1.6 * ratio;
  for (const shift of [-side, 0, side]) {
    pen.moveTo(shift - ratio, side + ratio);
    pen.lineTo(shift + side + ratio, -ratio);
  }
  pen.stroke();
  return { image: pen.getImageData(0, 0, side, side), ratio };
}
