// The map: shapes from the vector tiles, everything else by feature state from the model.

import { address, ask, key, root } from "./api.js";
import { h, settled, stillness } from "./dom.js";
import { drawLabel, placesOf, showLabels } from "./labels.js";
import { FADED, HATCH, hatch, PLAIN, SHAPES, styleOf } from "./layers.js";
import { lineKind } from "./model.js";
import { clocksOf } from "./state.js";

const LAYERS = "districts,provinces,borders";
const NARROW = 640;
const ENGLISH = {
  "Map.Title": "Map of districts. Arrows move it, plus and minus zoom; the legend and the lists say what it shows.",
};

/** The TileJSON document of the shapes; it depends on no clock, so that tiles are kept for long. */
export function loadTiles(country) {
  return ask("/tiles.json", { params: { layers: LAYERS, country } });
}

/**
 * Show the map in an element. Where there is no WebGL, a picture drawn by the service stands in.
 * `say` tells the reader what went wrong. The answer: {map, focusOn(id), nameOf(id)}; `map` is null
 * for a picture.
 */
export async function mountMap(element, { store, getModel, onModel, tiles, say, options = {} }) {
  let map;
  try {
    map = createMap(element, tiles, options);
  } catch {
    showPicture(element, store);
    say("This browser cannot draw the map (it has no WebGL). A picture stands in its place.");
    return { map: null, focusOn() {} };
  }
  map.on("error", ({ error }) => {
    // A tile that was given up because the view moved on is no trouble.
    if (error?.name !== "AbortError") say("Parts of the map could not be loaded. What is loaded goes on working.");
  });
  await map.once("load");
  if (element.clientWidth < NARROW) foldAttribution(element);
  const painter = createPainter(map, store, getModel);
  onModel(painter.repaint);
  store.on(["asOf", "reportedBy", "compare"], painter.recolour);
  store.on(["compare"], ({ compare }) => map.setPaintProperty("districts", "fill-opacity", compare ? FADED : PLAIN));
  followPointer(map, store, getModel, element);
  outlineSelected(map, store);
  const places = await findPlaces(map, painter);
  return { map, focusOn: (id) => focus(map, places(), id) };
}

function createMap(element, tiles, options) {
  const [west, south, east, north] = tiles.bounds;
  const [wide, high] = [east - west, north - south];
  const map = new maplibregl.Map({
    container: element,
    style: styleOf(tiles),
    bounds: tiles.bounds,
    // The attribution lies along the lower edge, where there is room for it.
    fitBoundsOptions: { padding: { top: 10, right: 10, bottom: element.clientWidth < NARROW ? 10 : 36, left: 10 } },
    maxBounds: [west - wide, Math.max(-85, south - high), east + wide, Math.min(85, north + high)],
    dragRotate: false,
    pitchWithRotate: false,
    touchPitch: false,
    fadeDuration: 0,
    attributionControl: { compact: true },
    locale: ENGLISH,
    transformRequest: (url) =>
      key() && url.startsWith(root) ? { url, headers: { Authorization: `Bearer ${key()}` } } : { url },
    ...options,
  });
  map.touchZoomRotate.disableRotation();
  map.keyboard.disableRotation();
  map.addControl(new maplibregl.NavigationControl({ showCompass: false }), "top-right");
  // Pictures are drawn when the map first needs them.
  map.on("styleimagemissing", ({ id }) => {
    const { image, ratio } = id === HATCH ? hatch() : drawLabel(id);
    map.addImage(id, image, { pixelRatio: ratio });
  });
  return map;
}

/** On a narrow map the attribution would hide the south; the legend has it too, and a tap opens it. */
function foldAttribution(element) {
  const attribution = element.querySelector(".maplibregl-ctrl-attrib");
  attribution?.classList.remove("maplibregl-compact-show");
  attribution?.removeAttribute("open");
}

/** The country as a picture of the same clocks, for browsers that cannot draw it. */
function showPicture(element, store) {
  const picture = h("img", { alt: "Map of who controls which district; the legend has the numbers." });
  const draw = ({ country, ...state }) => {
    picture.src = address("/map.svg", { ...clocksOf(state), country });
  };
  element.className = "";
  element.replaceChildren(picture);
  store.on(["asOf", "reportedBy", "knownAt", "minConfidence"], settled(draw, 300));
}

/** Keeps the feature states of districts and borders equal to the model's answer. */
function createPainter(map, store, getModel) {
  const shown = new Map();
  const borders = new Map();
  const bordersOf = new Map();
  let differing = new Set();
  let colours = new Map();

  const mark = (layer, id, state) => map.setFeatureState({ source: SHAPES, sourceLayer: layer, id }, state);

  function colourOf(model, state) {
    if (!colours.has(state)) colours.set(state, model.colourOf(state));
    return colours.get(state);
  }

  function paint(model, id, state) {
    shown.set(id, state);
    mark("districts", id, {
      colour: colourOf(model, state),
      contested: state.status === "contested",
      disputed: state.disputed,
    });
  }

  function draw(id) {
    const border = borders.get(id);
    const [one, other] = border.ends.map((end) => shown.get(end));
    const kind = one && other ? lineKind(one, other) : null;
    if (kind === border.kind) return;
    border.kind = kind;
    mark("borders", id, { line: kind });
  }

  function compare(model, { compare: before, asOf, reportedBy }) {
    const found = new Set(before ? model.differences(before, asOf, reportedBy).map((one) => one.id) : []);
    for (const id of differing) if (!found.has(id)) mark("districts", id, { differs: false });
    for (const id of found) if (!differing.has(id)) mark("districts", id, { differs: true });
    differing = found;
  }

  /** Show the moment of the store; only what differs from what is shown is touched. */
  function recolour() {
    const start = performance.now();
    const state = store.get();
    const model = getModel();
    const changed = [];
    for (const { id } of model.districts) {
      const now = model.stateOf(id, state.asOf, state.reportedBy);
      if (now === shown.get(id)) continue;
      paint(model, id, now);
      changed.push(id);
    }
    for (const id of changed) for (const border of bordersOf.get(id) ?? []) draw(border);
    compare(model, state);
    performance.measure("recolour", { start, detail: { changed: changed.length } });
  }

  return {
    recolour,
    /** Show another model: none of its states is one that is shown. */
    repaint() {
      colours = new Map();
      recolour();
    },
    /** Learn of borders that came with tiles. */
    learn(features) {
      for (const { properties } of features) {
        if (borders.has(properties.id)) continue;
        const ends = [properties.district_id_1, properties.district_id_2];
        borders.set(properties.id, { ends, kind: null });
        for (const end of ends) bordersOf.set(end, [...(bordersOf.get(end) ?? []), properties.id]);
        draw(properties.id);
      }
    },
  };
}

/**
 * Learn from each tile that comes which borders there are, and from those of the whole country
 * where to write names. Gives where places lie.
 */
async function findPlaces(map, painter) {
  let fresh = true;
  let places = new Map();
  const featuresOf = (sourceLayer) => map.querySourceFeatures(SHAPES, { sourceLayer });
  function look() {
    if (!fresh) return;
    fresh = false;
    painter.learn(featuresOf("borders"));
    if (places.size) return;
    const found = { province: placesOf(featuresOf("provinces")), district: placesOf(featuresOf("districts")) };
    places = new Map([...found.province, ...found.district]);
    showLabels(map, found);
  }
  map.on("sourcedata", (event) => {
    if (event.sourceId === SHAPES && event.tile) fresh = true;
  });
  map.on("idle", look);
  await map.once("idle");
  look();
  return () => places;
}

function focus(map, places, id) {
  const place = places.get(id);
  if (!place) return;
  const [west, south, east, north] = place.box;
  map.fitBounds([west, south, east, north], { padding: 60, maxZoom: 8, animate: !stillness() });
}

/** The mouse shows what a district is; a click or a tap opens it. */
function followPointer(map, store, getModel, element) {
  const tip = h("div", { class: "tip", hidden: true, "aria-hidden": "true" });
  element.append(tip);
  const mark = (id, hovered) =>
    id && map.setFeatureState({ source: SHAPES, sourceLayer: "districts", id }, { hovered });
  let over = null;

  function show({ point, features }) {
    const { id } = features[0];
    if (id !== over) {
      mark(over, false);
      mark(id, true);
      over = id;
      tip.replaceChildren(...tellings(getModel(), store.get(), id));
      tip.hidden = false;
      map.getCanvas().style.cursor = "pointer";
    }
    const left = Math.min(point.x + 14, element.clientWidth - tip.offsetWidth - 6);
    const above = point.y > element.clientHeight / 2;
    const top = above ? point.y - tip.offsetHeight - 10 : point.y + 18;
    tip.style.transform = `translate(${Math.max(4, left)}px, ${top}px)`;
  }

  function hide() {
    mark(over, false);
    over = null;
    tip.hidden = true;
    map.getCanvas().style.cursor = "";
  }

  if (matchMedia("(hover: hover)").matches) {
    map.on("mousemove", "districts", show);
    map.on("mouseleave", "districts", hide);
    store.on(["asOf", "reportedBy"], hide);
  }
  map.on("click", "districts", ({ features }) => store.set({ district: features[0].id }));
}

function tellings(model, { asOf, reportedBy }, id) {
  const district = model.byId.get(id);
  if (!district) return [h("strong", { text: id })];
  const state = model.stateOf(id, asOf, reportedBy);
  const besides = [state.confidence, state.disputed ? "disputed" : null].filter(Boolean).join(", ");
  return [
    h("strong", { text: district.name }),
    h("span", { text: model.provinces.get(district.province_id)?.name ?? "" }),
    h("span", { text: model.nameOf(state) + (besides ? ` (${besides})` : "") }),
  ];
}

function outlineSelected(map, store) {
  let before = null;
  store.on(["district"], ({ district }) => {
    for (const [id, selected] of [[before, false], [district, true]]) {
      if (id) map.setFeatureState({ source: SHAPES, sourceLayer: "districts", id }, { selected });
    }
    before = district;
  });
}
