// Events and documents in plain words, as the pages made on the server say them
// (`app/web/phrases.py`; a test holds the two together).

import { dated } from "./dates.js";

/** What each level of confidence means. */
export const CONFIDENCE = {
  claimed: "only a party to the conflict says so",
  reported: "reported, and not confirmed by a second independent source",
  confirmed: "independent sources agree, or one that is graded reliable says so",
};

/** Why something that was reported did not decide. */
export const WHY_NOT = {
  below_min_confidence: "too weakly supported to count",
  not_yet_certain: "may have begun, and had not certainly happened by then",
  contradicts: "says something else, and may in truth have happened since",
  disputes: "a document denies an event that the answer rests on",
};

const BASIS = {
  official: "on the word of officials",
  claimant: "on the word of the party that gains by it",
  local: "on the word of people there",
  agency: "as a news agency reports it",
  journalist: "as its own reporter tells it",
  analyst: "as an analyst judges it",
  social: "from posts on social media",
};

function the(party) {
  return party.toLowerCase().startsWith("the ") ? party : `the ${party}`;
}

/** A state within a sentence: "controlled by the Taliban". */
export function stateInWords({ status, controller }) {
  return controller ? `controlled by ${the(controller.name)}` : status;
}

/** What an event was: "Captured by the Taliban". */
export function happened({ kind, controller }) {
  if (!controller) {
    if (kind === "withdrawal") return "Left by those who held it, and contested";
    return kind === "assessment" ? "Described as contested" : "Contested";
  }
  const party = the(controller.name);
  switch (kind) {
    case "capture": return `Captured by ${party}`;
    case "recapture": return `Recaptured by ${party}`;
    case "transfer": return `Passed to ${party} without fighting`;
    case "withdrawal": return `Left to ${party} by those who held it`;
    default: return `Described as held by ${party}`;
  }
}

function lowered(sentence) {
  return sentence.charAt(0).toLowerCase() + sentence.slice(1);
}

/** On whose word a document relies. */
export function reliedOn({ basis, speaker }) {
  if (!speaker) return BASIS[basis];
  const party = the(speaker.name);
  if (basis === "claimant") return `on the word of ${party}`;
  if (basis === "official") return `on the word of officials of ${party}`;
  return `on the word of ${party}, ${BASIS[basis]}`;
}

/** What a document says happened, and when. */
export function asserts({ stance, says, asserted }, event) {
  const when = asserted ? ` ${dated(asserted)}` : "";
  if (stance === "disputes") {
    return `that this did not happen${says ? `, and that it is ${stateInWords(says)}` : ""}${when}`;
  }
  return `${lowered(happened(says ?? event))}${when || ", without giving a date"}`;
}
