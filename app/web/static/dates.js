// Days and uncertain dates in plain words, as the pages made on the server say them.

import { written as writtenDay } from "./model.js";

const DAY = /^\d{4}-\d{2}-\d{2}$/;
const MONTH = /^\d{4}-\d{2}$/;
const INSTANT = /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2})(?::[\d.]+)?(Z|[+-]\d{2}:\d{2})$/;
const ENDS_IN_A_YEAR = /\d{4}$/;

/** The day that a clock's setting falls on: it may be a day, or an instant; null stays null. */
export function dayOf(moment) {
  return moment === null ? null : moment.slice(0, 10);
}

/** A day, a month or an instant by its name, to the minute; other texts as they are. */
export function named(text) {
  if (DAY.test(text)) return writtenDay(text);
  if (MONTH.test(text)) return writtenDay(`${text}-01`).replace(/^1 /, "");
  const [, day, time, offset] = INSTANT.exec(text) ?? [];
  return day ? `${writtenDay(day)} at ${time} (${offset === "Z" ? "UTC" : `UTC${offset}`})` : text;
}

/**
 * An uncertain date (EDTF) within a sentence: `2021-06-05/2021-06-07` is "between 5 and 7 June
 * 2021". What is no EDTF comes back as it is.
 */
export function dated(edtf) {
  const [start, end] = edtf.split("/");
  if (end === undefined) return single(edtf);
  if (start === ".." || start === "") return `by ${MONTH.test(end) ? "the end of " : ""}${named(end)}`;
  return `between ${withoutRepeats(start, end)} and ${named(end)}`;
}

function single(edtf) {
  if (edtf.endsWith("?")) return `on about ${named(edtf.slice(0, -1))}`;
  if (MONTH.test(edtf)) return `in ${named(edtf)}`;
  return named(edtf) === edtf ? edtf : `on ${named(edtf)}`;
}

/** The name of a start without the year, or the month and year, that its end says again. */
function withoutRepeats(start, end) {
  const [first, last] = [named(start), named(end)];
  const [words, others] = [first.split(" "), last.split(" ")];
  if (!ENDS_IN_A_YEAR.test(first) || words.at(-1) !== others.at(-1)) return first;
  const sameMonth = words.length === 3 && words.slice(1).join() === others.slice(1).join();
  return words.slice(0, sameMonth ? -2 : -1).join(" ");
}
