// On which days many districts changed hands: bars over the slider.

import { counted, h } from "./dom.js";
import { daysBetween, written } from "./model.js";

const SVG = "http://www.w3.org/2000/svg";
const LARGEST = 6;
/** Days this close together (as a share of the slider) would have marks upon each other. */
const APART = 0.03;

/** Draw the bars; the largest days are buttons that show their date. `onPick(day)` goes to one. */
export function mountMarks(element, { model, days, onPick }) {
  const changes = [...model.changesPerDay()]
    .map(([day, number]) => ({ day, number, at: daysBetween(days.first, day) }))
    .filter(({ at }) => at >= 0 && at < days.today);
  const most = Math.max(1, ...changes.map((one) => one.number));
  element.replaceChildren(
    bars(changes, most, days),
    ...largest(changes, days).map(({ day, number, at }) => {
      const text = `${written(day)}: ${counted(number, "district")} changed`;
      const mark = h("button", { type: "button", class: "mark", "aria-label": `Go to ${text}`, onclick: () => onPick(day) },
        h("span", { class: "label", text }));
      const share = at / days.today;
      mark.style.insetInlineStart = `${share * 100}%`;
      if (share > 0.6) mark.classList.add("late");
      return mark;
    }),
  );
}

function bars(changes, most, days) {
  const svg = document.createElementNS(SVG, "svg");
  for (const [name, value] of Object.entries({
    viewBox: `-0.5 0 ${days.today + 1} 100`,
    preserveAspectRatio: "none",
    "aria-hidden": "true",
  })) svg.setAttribute(name, value);
  const path = document.createElementNS(SVG, "path");
  // Square roots: a day with one change is still seen beside one with twenty.
  path.setAttribute(
    "d",
    changes.map(({ number, at }) => `M${at} 100V${100 - 100 * Math.sqrt(number / most)}`).join(""),
  );
  svg.append(path);
  return svg;
}

/** The days with the most changes that lie far enough apart, in their order. */
function largest(changes, days) {
  const chosen = [];
  for (const one of [...changes].sort((a, b) => b.number - a.number)) {
    if (chosen.length === LARGEST || one.number < 2) break;
    if (chosen.every(({ at }) => Math.abs(at - one.at) >= APART * days.today)) chosen.push(one);
  }
  return chosen.sort((a, b) => a.at - b.at);
}
