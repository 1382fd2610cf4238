// Names on the map. MapLibre would load fonts for texts; these are pictures drawn on a canvas, with
// the reader's own fonts, in any script.

import { PLACES } from "./layers.js";

const STYLES = {
  province: { font: "600 13px", spacing: "0.5px" },
  district: { font: "500 12px", spacing: "0px" },
};
const HALO = 2;

const imageId = (kind, text) => `${kind}\n${text}`;

/** The picture of a label, named as `showLabels` names them: {image, ratio}. */
export function drawLabel(id) {
  const [kind, text] = id.split("\n");
  const ratio = Math.max(1, Math.ceil(devicePixelRatio));
  const { font, spacing } = STYLES[kind];
  const pen = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const setUp = () => {
    pen.font = `${font} ${getComputedStyle(document.body).fontFamily}`;
    if ("letterSpacing" in pen) pen.letterSpacing = spacing;
    pen.textBaseline = "middle";
    pen.textAlign = "center";
  };
  setUp();
  const width = Math.ceil(pen.measureText(text).width) + 2 * HALO + 2;
  const height = 18;
  pen.canvas.width = width * ratio;
  pen.canvas.height = height * ratio;
  setUp();
  pen.scale(ratio, ratio);
  pen.lineJoin = "round";
  pen.lineWidth = 2 * HALO;
  pen.strokeStyle = "rgb(255 255 255 / 85%)";
  pen.strokeText(text, width / 2, height / 2);
  pen.fillStyle = "#15191d";
  pen.fillText(text, width / 2, height / 2);
  return { image: pen.getImageData(0, 0, pen.canvas.width, pen.canvas.height), ratio };
}

/** Twice the area of a ring, signed, and its centroid; flat, which is near enough for a label. */
function ringOf(points) {
  let [area, x, y] = [0, 0, 0];
  for (let here = 0, before = points.length - 1; here < points.length; before = here++) {
    const [x0, y0] = points[before];
    const [x1, y1] = points[here];
    const cross = x0 * y1 - x1 * y0;
    area += cross;
    x += (x0 + x1) * cross;
    y += (y0 + y1) * cross;
  }
  return { area: Math.abs(area), x: x / (3 * area), y: y / (3 * area) };
}

function contains(points, { x, y }) {
  let inside = false;
  for (let here = 0, before = points.length - 1; here < points.length; before = here++) {
    const [x0, y0] = points[before];
    const [x1, y1] = points[here];
    if (y0 > y !== y1 > y && x < ((x1 - x0) * (y - y0)) / (y1 - y0) + x0) inside = !inside;
  }
  return inside;
}

/**
 * Where features of vector tiles lie, by their id: {name, x, y, box}. A feature in several tiles
 * comes in several pieces, which count together: one place for each.
 */
export function placesOf(features) {
  const pieces = new Map();
  for (const { properties, geometry } of features) {
    const parts = geometry.type === "Polygon" ? [geometry.coordinates] : geometry.coordinates;
    const found = pieces.get(properties.id) ?? { name: properties.name, rings: [] };
    found.rings.push(...parts.map((rings) => rings[0]));
    pieces.set(properties.id, found);
  }
  return new Map([...pieces].map(([id, { name, rings }]) => [id, { name, ...middle(rings), box: boxOf(rings) }]));
}

function middle(rings) {
  const measured = rings.map(ringOf).filter((ring) => ring.area > 0);
  const area = measured.reduce((sum, ring) => sum + ring.area, 0);
  if (!area) return { x: rings[0][0][0], y: rings[0][0][1] };
  const mean = (axis) => measured.reduce((sum, ring) => sum + ring[axis] * ring.area, 0) / area;
  const centre = { x: mean("x"), y: mean("y") };
  // The middle of a bent shape may lie outside it; then that of its largest piece has to do.
  if (rings.some((ring) => contains(ring, centre))) return centre;
  const { x, y } = measured.reduce((largest, ring) => (ring.area > largest.area ? ring : largest));
  return { x, y };
}

function boxOf(rings) {
  const box = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [x, y] of rings.flat()) {
    box[0] = Math.min(box[0], x);
    box[1] = Math.min(box[1], y);
    box[2] = Math.max(box[2], x);
    box[3] = Math.max(box[3], y);
  }
  return box;
}

/** Put names at these places; the largest come first where two would collide. */
export function showLabels(map, byKind) {
  const features = Object.entries(byKind).flatMap(([kind, places]) =>
    [...places.values()].map(({ name, x, y, box }) => ({
      type: "Feature",
      geometry: { type: "Point", coordinates: [x, y] },
      properties: {
        kind,
        image: imageId(kind, name),
        order: -(box[2] - box[0]) * (box[3] - box[1]),
      },
    })),
  );
  map.getSource(PLACES).setData({ type: "FeatureCollection", features });
}
