// Which districts differ between the day that is shown and another one.

import { counted, h, swatch } from "./dom.js";
import { addDays, written } from "./model.js";

const MONTH = 30;

/** The control and the list of what differs; `focusOn` shows a district on the map. */
export function mountCompare(element, { store, getModel, onModel, focusOn }) {
  const toggle = h("input", { type: "checkbox", id: "comparing" });
  const day = h("input", { type: "date", id: "compared", "aria-label": "The other day" });
  const picked = h("div", { class: "row", hidden: true }, day);
  const total = h("p", { role: "status", class: "small" });
  const list = h("ol", { class: "differences" });
  element.replaceChildren(
    h("h2", { text: "Compare" }),
    h("div", { class: "row" }, toggle, h("label", { for: "comparing", text: "Compare with another day" }), picked),
    total,
    list,
  );

  toggle.addEventListener("change", () => {
    store.set({ compare: toggle.checked ? usual(getModel(), store.get()) : null });
  });
  day.addEventListener("change", () => {
    if (day.value) store.set({ compare: day.value });
  });

  function show() {
    const state = store.get();
    const model = getModel();
    toggle.checked = state.compare !== null;
    picked.hidden = !toggle.checked;
    list.hidden = !toggle.checked;
    total.hidden = !toggle.checked;
    if (!toggle.checked) return;
    day.value = state.compare;
    day.max = model.today;
    const found = model.differences(state.compare, state.asOf, state.reportedBy);
    total.textContent = said(model, state, found);
    list.replaceChildren(...found.map((one) => row(model, one)));
  }

  function row(model, { id, before, after }) {
    const district = model.byId.get(id);
    const open = () => {
      store.set({ district: id });
      focusOn(id);
    };
    return h("li", {},
      h("button", { type: "button", class: "plain", text: district.name, onclick: open }),
      h("span", { class: "soft", text: model.provinces.get(district.province_id)?.name ?? "" }),
      h("span", { class: "change" },
        ...told(model, before), h("span", { text: "→" }), ...told(model, after)),
    );
  }

  onModel(show);
  store.on(["compare", "asOf", "reportedBy"], show);
}

function told(model, state) {
  const mark = state.status === "controlled" ? swatch(model.colourOf(state)) : swatch(null, state.status);
  return [mark, h("span", { text: model.nameOf(state) })];
}

/** A month before the day that is shown; of today, the day before anything is on record. */
function usual(model, { asOf }) {
  if (asOf !== null && asOf <= (model.last ?? model.today)) return addDays(asOf, -MONTH);
  return model.first === null ? addDays(model.today, -MONTH) : addDays(model.first, -1);
}

function said(model, { compare, asOf }, found) {
  const days = [compare, asOf ?? model.today].sort().map(written);
  if (!found.length) return `No district differs between ${days[0]} and ${days[1]}.`;
  const differ = found.length === 1 ? "differs" : "differ";
  return (
    `${counted(found.length, "district")} ${differ} between ${days[0]} and ${days[1]}. ` +
    `Each row goes from ${written(compare)} to ${written(asOf ?? model.today)}.`
  );
}
