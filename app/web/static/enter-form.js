// Fields of the entry form: their names in the body of a request, their values, what is wrong.

import { dated } from "./dates.js";

let adopted = 0;

/** Give the fields within an element their names, with `prefix` before each, and ids to go with. */
export function adopt(element, prefix = "") {
  for (const field of element.querySelectorAll(".field")) {
    const input = field.querySelector("[data-name]");
    if (!input?.dataset.name) continue;
    input.name = prefix + input.dataset.name;
    describe(field, input);
  }
}

/** Tie a label, a hint and a place for errors to a field, for those who cannot see them together. */
export function describe(field, input) {
  input.id ||= `field-${(adopted += 1)}`;
  field.querySelector("label").htmlFor = input.id;
  const beside = [...field.querySelectorAll(".hint, .read, .wrong")];
  beside.forEach((part) => {
    part.id ||= `field-${(adopted += 1)}`;
  });
  if (beside.length) input.setAttribute("aria-describedby", beside.map((part) => part.id).join(" "));
}

/** The fields of a form that have a name. */
function named(form) {
  return [...form.elements].filter((input) => input.name && !input.disabled);
}

/** What a field holds: the id that was picked, or else what is written in it. */
export function valueOf(input) {
  return (input.dataset.value ?? input.value).trim();
}

/** All that is entered, by name: {value, shown}; checked boxes are listed under theirs. */
export function entered(form) {
  const found = {};
  for (const input of named(form)) {
    if (input.type === "checkbox") {
      if (input.checked) (found[input.name] ??= []).push(input.value);
    } else if (valueOf(input)) {
      found[input.name] = { value: valueOf(input), shown: input.value };
    }
  }
  return found;
}

/** Put back what `entered` gave; fields that it does not name are left as they are. */
export function fill(form, values) {
  for (const input of named(form)) {
    const given = values[input.name];
    if (given === undefined) continue;
    if (input.type === "checkbox") {
      input.checked = given.includes(input.value);
    } else {
      input.value = given.shown;
      if (given.value !== given.shown && input.dataset.search) input.dataset.value = given.value;
      else delete input.dataset.value;
    }
  }
}

/** A body out of names with dots: `citations.0.published` is a member of the first of a list. */
export function bodyOf(form, isMeant = () => true) {
  const body = {};
  for (const input of named(form)) {
    if (input.type === "checkbox") {
      if (input.checked) (body[input.name] ??= []).push(input.value);
    } else if (valueOf(input) && isMeant(input)) {
      put(body, input.name.split("."), numbered(input));
    }
  }
  return body;
}

/** What is no number stays a text: the service says what is wrong with it. */
function numbered(input) {
  const value = valueOf(input);
  return "number" in input.dataset && /^-?\d+$/.test(value) ? Number(value) : value;
}

function put(body, [name, ...rest], value) {
  if (!rest.length) {
    body[name] = value;
    return;
  }
  body[name] ??= /^\d+$/.test(rest[0]) ? [] : {};
  put(body[name], rest, value);
}

/** What keeps the form from being sent: {input, detail} for each field. */
export function lacking(form) {
  return named(form).flatMap((input) => {
    if (input.required && !valueOf(input)) return [{ input, detail: "this is needed" }];
    const isUnpicked = input.dataset.search && input.value.trim() && !input.dataset.value;
    return isUnpicked ? [{ input, detail: "choose one of those that are found" }] : [];
  });
}

/** The words beside a field. */
export function labelOf(input) {
  return input.labels[0]?.firstChild.textContent.trim() ?? input.name;
}

const OTHER_NAMES = { status: "controller", pinned: "pinned.occurred", citations: "documents" };

/** The place for a problem with this parameter: {field, wrong}; null where no field is to blame. */
function placeOf(form, parameter) {
  const name = OTHER_NAMES[parameter] ?? parameter;
  const input = named(form).find((one) => one.name === name);
  if (input) return { input, wrong: input.closest(".field, .group").querySelector(":scope > .wrong") };
  const group = form.querySelector(`#${CSS.escape(name)}.group`);
  return group ? { input: null, wrong: group.querySelector(":scope > .wrong") } : null;
}

/** Forget what was wrong. */
export function clearWrongs(form) {
  for (const wrong of form.querySelectorAll(".wrong")) {
    wrong.hidden = true;
    wrong.textContent = "";
  }
  for (const input of form.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
}

/** Say beside a field what is wrong with it. */
export function markWrong(input, wrong, detail) {
  input?.setAttribute("aria-invalid", "true");
  wrong.textContent = wrong.textContent ? `${wrong.textContent}; ${detail}` : detail;
  wrong.hidden = false;
  const folded = wrong.closest("details");
  if (folded) folded.open = true;
}

/**
 * Put the faults of a problem document beside their fields. Gives those that no field is to blame
 * for, and the first field that is.
 * @param {{parameter: string, detail: string}[]} faults
 */
export function showFaults(form, faults) {
  const elsewhere = [];
  let first = null;
  for (const { parameter, detail } of faults) {
    const place = placeOf(form, parameter);
    if (place) {
      markWrong(place.input, place.wrong, detail);
      first ??= place.input;
    } else {
      elsewhere.push({ parameter, detail });
    }
  }
  return { elsewhere, first };
}

/** Say beside each date how it was read. */
export function showDates(form, dates) {
  for (const read of form.querySelectorAll(".read")) read.hidden = true;
  for (const { parameter, read_as: edtf } of dates) {
    const read = named(form)
      .find((input) => input.name === parameter)
      ?.closest(".field")
      .querySelector(".read");
    if (!read) continue;
    read.textContent = `Read as: ${dated(edtf)}`;
    read.hidden = false;
  }
}
