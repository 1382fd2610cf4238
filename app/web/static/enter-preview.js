// What a write would change, shown before it is recorded.

import { h, swatch } from "./dom.js";
import { saidBy, sureness } from "./enter-events.js";
import { written } from "./model.js";

const DAY = 86_400_000;
const MARGIN = 30 * DAY;

const LEFT_OUT = {
  below_min_confidence:
    "It would be on record, and not count: only a party to the conflict says so. " +
    "Another document would change that.",
  not_yet_certain: "It would be on record, and not count yet: it may not have happened by today.",
};

function holderOf(period) {
  return period.controller?.name ?? period.status;
}

/** One period as people say it. */
function periodInWords({ from, to, confidence, disputed, ...period }) {
  let stretch = "at all times";
  if (from && to) stretch = `from ${written(from)} to ${written(to)}`;
  else if (from) stretch = `since ${written(from)}`;
  else if (to) stretch = `before ${written(to)}`;
  const sure = confidence ? ` (${confidence}${disputed ? ", disputed" : ""})` : "";
  return `${holderOf(period)} ${stretch}${sure}`;
}

/** The stretch of time that two timelines are drawn in: from a month before to a month after. */
function reachOf(standings) {
  const turns = standings.flatMap(({ periods }) =>
    periods.flatMap(({ from_at: from }) => (from ? [Date.parse(from)] : [])),
  );
  if (!turns.length) return [0, 1];
  return [Math.min(...turns) - MARGIN, Math.max(...turns) + MARGIN];
}

/** A timeline as a bar. The list beside it says the same in words. */
function bar(periods, [first, last], colours) {
  const parts = periods.map((period) => {
    const from = period.from_at ? Math.max(first, Date.parse(period.from_at)) : first;
    const to = period.to_at ? Math.min(last, Date.parse(period.to_at)) : last;
    const part = h("span", { class: `part ${period.status}` });
    part.style.flexGrow = String(Math.max(to - from, (last - first) / 200) / (last - first));
    const colour = colours.get(period.controller?.id);
    if (colour) part.style.backgroundColor = colour;
    return part;
  });
  return h("div", { class: "bar", "aria-hidden": "true" }, ...parts);
}

function standing(title, { in_words: words, periods }, reach, colours) {
  return h(
    "div",
    { class: "standing" },
    h("h4", { text: title }),
    h("p", { text: words }),
    bar(periods, reach, colours),
    h(
      "ol",
      { class: "small" },
      ...periods.map((period) =>
        h("li", {}, swatch(colours.get(period.controller?.id), period.status), periodInWords(period)),
      ),
    ),
  );
}

function without(periods) {
  return JSON.stringify(periods.map(({ event_id: _, ...said }) => said));
}

function ofDistrict({ district, before, after, changed }, colours) {
  const reach = reachOf([before, after]);
  const isTimelineSame = without(before.periods) === without(after.periods);
  const told = changed
    ? isTimelineSame && "The timeline stays as it is; what is known of it changes."
    : "Nothing changes here.";
  return h(
    "section",
    { class: "of-district" },
    h("h3", {}, h("bdi", { text: district.name }), ` (${district.province.name})`),
    told ? h("p", { class: "notice", text: told }) : null,
    ...(changed
      ? [standing("Now", before, reach, colours), standing("Then", after, reach, colours)]
      : [standing("Now and then", after, reach, colours)]),
  );
}

function ofEvent(preview) {
  const { event, counts, left_out: reason } = preview;
  if (!event) return h("p", { text: "The event would count no more. It stays on record for every question about the past of this record." });
  return h(
    "div",
    {},
    h("p", {}, "The event would say: ", h("strong", { text: saidBy(event) }), ` (${sureness(event)}).`),
    counts ? null : h("p", { class: "notice", text: LEFT_OUT[reason] ?? "It would not count as of today." }),
  );
}

/** The preview as elements. `actors` are the parties with their colours. */
export function shownPreview(preview, actors) {
  const colours = new Map(actors.map(({ id, colour }) => [id, colour]));
  return [
    ofEvent(preview),
    ...preview.districts.map((district) => ofDistrict(district, colours)),
    h("p", { class: "soft small", text: `It would be recorded under the name “${preview.author}”.` }),
  ];
}

/** The preview in one sentence. */
export function inOneSentence({ changed, districts }) {
  const names = districts.filter((one) => one.changed).map((one) => one.district.name);
  return changed ? `This would change what is answered about ${names.join(" and ")}.` : "Nothing changes.";
}
