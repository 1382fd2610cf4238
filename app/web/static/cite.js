// Citing what is shown, and taking it away: everything here fixes the clocks, so that it says the
// same for ever.

import { address, ask } from "./api.js";
import { h } from "./dom.js";
import { clocksShown } from "./places.js";

const FORMATS = { csv: "CSV", geojson: "GeoJSON", gpkg: "GeoPackage" };
const FRAME = { width: 720, height: 560 };

/**
 * Put the button into an element; its dialog also opens for a `cite` event anywhere on the page,
 * about the district that is open then.
 */
export function mountCite(element, page) {
  new Cite(element, page);
}

class Cite {
  constructor(element, { store, getModel }) {
    this.store = store;
    this.getModel = getModel;
    this.asked = 0;
    this.build();
    element.replaceChildren(
      h("button", { type: "button", text: "Cite or take away", "aria-haspopup": "dialog", onclick: () => this.open(false) }),
      this.dialog,
    );
    document.addEventListener("cite", () => this.open(true));
  }

  build() {
    const title = h("h2", { id: "cite-title", text: "Cite or take away", tabIndex: -1 });
    this.about = h("fieldset", { class: "about" });
    this.said = h("p", { class: "copied", role: "status" });
    this.content = h("div", { class: "content" });
    const close = h("button", {
      type: "button", class: "close", text: "×", "aria-label": "Close", onclick: () => this.dialog.close(),
    });
    this.dialog = h("dialog", { class: "citing", "aria-labelledby": title.id },
      h("div", { class: "part-head" }, title, close),
      h("p", { class: "small soft", text: "All of this keeps its date and the state of the record: it gives the same answer later." }),
      this.about, this.content, this.said);
  }

  open(ofDistrict) {
    const { district } = this.store.get();
    this.district = ofDistrict ? district : null;
    this.choose(district);
    this.content.replaceChildren();
    this.dialog.showModal();
    this.ask();
  }

  /** What is cited: the country, or the district that is open. */
  choose(district) {
    const model = this.getModel();
    const choice = (value, text) => {
      const input = h("input", {
        type: "radio", name: "cited", checked: value === this.district,
        onchange: () => {
          this.district = value;
          this.ask();
        },
      });
      return h("label", {}, input, ` ${text}`);
    };
    this.about.hidden = district === null;
    this.about.replaceChildren(h("legend", { class: "visually-hidden", text: "What to cite" }));
    if (district === null) return;
    this.about.append(
      choice(null, model?.country.name ?? "The whole map"),
      choice(district, model?.byId.get(district)?.name ?? district),
    );
  }

  async ask() {
    const turn = (this.asked += 1);
    const state = this.store.get();
    this.said.textContent = "";
    this.content.setAttribute("aria-busy", "true");
    const params = { ...clocksShown(state, this.getModel()), country: state.country, district: this.district, f: "json" };
    let shown;
    try {
      shown = this.show(await ask("/cite", { params }));
    } catch (problem) {
      const text = problem.status ? problem.message : "There is no connection to the service.";
      const again = h("button", { type: "button", text: "Try again", onclick: () => this.ask() });
      shown = [h("p", { class: "error", role: "alert", text }), again];
    }
    if (turn !== this.asked) return;
    this.content.setAttribute("aria-busy", "false");
    this.content.replaceChildren(...shown);
  }

  show(cited) {
    const fixed = fixedOf(cited);
    const of = { ...fixed, country: this.store.get().country };
    const file = (path, text, more = {}) =>
      h("a", { class: "button", href: address(path, { ...of, ...more }), download: "", text });
    const data = this.district === null
      ? Object.entries(FORMATS).map(([f, text]) => file("/control", text, { f }))
      : [
        h("a", { class: "button", href: cited.api_permalink, text: "This answer (JSON)" }),
        h("a", { class: "button", href: address(`/districts/${this.district}/timeline`, fixed), text: "Timeline (JSON)" }),
      ];
    const province = cited.province?.id ?? null;
    const where = cited.province?.name ?? cited.country.name;
    return [
      this.form("Permanent address", cited.permalink),
      this.form("As text", cited.text),
      this.form("BibTeX", cited.bibtex, "code"),
      this.form("CSL-JSON", JSON.stringify([cited.csl], null, 2), "code"),
      h("h3", { text: `Picture of ${where}` }),
      h("p", { class: "actions" }, file("/map.png", "PNG", { province }), file("/map.svg", "SVG", { province })),
      h("h3", { text: "Data" }),
      h("p", { class: "actions" }, data),
      this.form("Map for your own page", frameOf(cited, of), "code"),
    ];
  }

  form(name, text, kind = "") {
    const shown = h("pre", { class: kind, tabIndex: 0, role: "group", "aria-label": name, text });
    const copy = h("button", {
      type: "button", text: "Copy", "aria-label": `Copy: ${name}`, onclick: () => this.copy(name, text, shown),
    });
    return h("section", { class: "form" }, h("div", { class: "part-head" }, h("h3", { text: name }), copy), shown);
  }

  async copy(name, text, shown) {
    this.said.textContent = "";
    let copied = true;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // Not allowed, or no secure address: the text is selected, and the browser asked to copy it.
      getSelection().selectAllChildren(shown);
      copied = document.execCommand("copy");
    }
    this.said.textContent = copied ? `Copied: ${name}` : `${name} is selected: copy it with the keyboard.`;
  }
}

/** The clocks of an answer, as parameters that ask for the same one again. */
function fixedOf({ as_of, reported_by, known_at, min_confidence }) {
  return { as_of, reported_by, known_at, min_confidence };
}

/** The code of a frame. An address in it is part of HTML, where `&` has a meaning of its own. */
function frameOf(cited, params) {
  const source = address("/embed", params).replaceAll("&", "&amp;");
  const title = `Who controls which district: ${cited.country.name}`.replaceAll("&", "&amp;").replaceAll('"', "&quot;");
  return `<iframe src="${source}" title="${title}" width="${FRAME.width}" height="${FRAME.height}" loading="lazy"></iframe>`;
}
