// The day that is shown: a slider over the days of the record, and ways to step through them.

import { h, stillness } from "./dom.js";
import { addDays, daysBetween, written } from "./model.js";
import { mountMarks } from "./marks.js";

const WEEK = 7;
const STEP_MS = 250;
const STILL_STEP_MS = 1000;
/** However long a record is, it plays within about two minutes. */
const STEPS_AT_MOST = 480;

/**
 * The days that a slider goes over. Position 0 is the first day of the record; the last position is
 * today (null), which may be years after the last day on which anything changed.
 */
export class Days {
  constructor(model) {
    this.first = model.first ?? model.today;
    const end = model.last === null || model.last >= model.today ? addDays(model.today, -1) : model.last;
    this.last = end < this.first ? this.first : end;
    this.today = daysBetween(this.first, this.last) + 1;
  }

  /** The day at a position; null: today. */
  at(position) {
    return position >= this.today ? null : addDays(this.first, Math.max(0, position));
  }

  /** The position of a day; the nearest one of a day that has none. */
  of(day) {
    if (day === null) return this.today;
    return Math.min(this.today - 1, Math.max(0, daysBetween(this.first, day)));
  }
}

/** The control of the day. `compact` leaves out all but the slider, play, and the date. */
export function mountTime(element, { store, getModel, onModel, compact = false }) {
  let days = new Days(getModel());
  const slider = h("input", { type: "range", min: 0, step: 1, "aria-label": "Day shown" });
  const day = h("output", { class: "day", "aria-hidden": "true" });
  const play = h("button", { type: "button", class: "play primary" });
  const date = h("input", { type: "date", "aria-label": "Day shown, as a date" });
  const step = (number, text, label) =>
    h("button", { type: "button", class: "step", "aria-label": label, title: label, text, onclick: () => move(number) });
  const back = step(-1, "‹", "One day back");
  const on = step(1, "›", "One day on");
  const today = h("button", { type: "button", text: "Today", onclick: () => show(null) });
  const marks = h("div", { class: "marks" });
  const track = h("div", { class: "track" }, marks, slider);
  const ends = h("div", { class: "ends small soft", "aria-hidden": "true" });
  element.replaceChildren(
    h("div", { class: "row" }, back, play, on, day, h("span", { class: "row end" }, compact ? null : date, today)),
    track,
    ends,
  );

  const show = (shown) => store.set({ asOf: shown });
  const position = () => days.of(store.get().asOf);
  const move = (number) => {
    player.stop();
    show(days.at(Math.min(days.today, Math.max(0, position() + number))));
  };

  const player = createPlayer({
    next() {
      const from = position();
      show(days.at(from + Math.ceil(days.today / STEPS_AT_MOST)));
      return position() < days.today;
    },
    onChange(playing) {
      play.textContent = playing ? "❚❚" : "▶";
      play.setAttribute("aria-label", playing ? "Pause" : "Play");
      play.title = playing ? "Pause (space)" : "Play (space)";
    },
  });

  function toggle() {
    if (!player.playing && position() >= days.today) show(days.at(0));
    player.toggle();
  }

  play.addEventListener("click", toggle);
  slider.addEventListener("input", () => {
    player.stop();
    show(days.at(Number(slider.value)));
  });
  slider.addEventListener("keydown", (event) => {
    const weeks = { PageUp: WEEK, PageDown: -WEEK }[event.key];
    if (weeks) move(weeks);
    else if (event.key === " ") toggle();
    else return;
    event.preventDefault();
  });
  date.addEventListener("change", () => {
    player.stop();
    if (date.value) show(date.value >= getModel().today ? null : date.value);
  });

  function write() {
    const { asOf } = store.get();
    const model = getModel();
    const text = asOf === null ? `Today, ${written(model.today)}` : written(asOf);
    slider.value = position();
    slider.setAttribute("aria-valuetext", text);
    day.textContent = text;
    date.value = asOf ?? model.today;
    today.setAttribute("aria-pressed", String(asOf === null));
    back.disabled = position() === 0;
    on.disabled = asOf === null;
  }

  function build() {
    const model = getModel();
    days = new Days(model);
    slider.max = days.today;
    date.max = model.today;
    ends.replaceChildren(h("span", { text: written(days.first) }), h("span", { text: `${written(days.last)} · today` }));
    mountMarks(marks, { model, days, onPick: show });
    write();
  }

  onModel(build);
  build();
  store.on(["asOf"], write);
  return { stop: player.stop };
}

/** Calls `next` at a steady pace until it says that there is no more. */
function createPlayer({ next, onChange }) {
  const player = { playing: false, toggle, stop };
  let due = 0;

  function frame(now) {
    if (!player.playing) return;
    if (now >= due) {
      due = now + (stillness() ? STILL_STEP_MS : STEP_MS);
      if (!next()) return stop();
    }
    requestAnimationFrame(frame);
  }

  function stop() {
    player.playing = false;
    onChange(false);
  }

  function toggle() {
    if (player.playing) return stop();
    player.playing = true;
    due = performance.now() + (stillness() ? STILL_STEP_MS : STEP_MS);
    onChange(true);
    requestAnimationFrame(frame);
  }

  onChange(false);
  return player;
}
