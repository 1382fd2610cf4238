// What went wrong with a write: beside its field, or at the top of the form.

import { Refused } from "./api.js";
import { h } from "./dom.js";
import { showFaults } from "./enter-form.js";

const NOTHING_LOST = "Nothing is lost: what you entered stays here";

/**
 * Tells people what an error means for what they have entered.
 * `explainStale` is called where somebody else has changed the event, `sendAnew` where what was
 * sent before was recorded and this is to be another report.
 */
export function createTrouble({ form, keyPanel, explainStale, sendAnew }) {
  const place = document.getElementById("trouble");

  function tell(...content) {
    place.replaceChildren(...content.map((part) => (typeof part === "string" ? h("p", { text: part }) : part)));
    place.hidden = false;
    place.focus();
  }

  function explainFaults({ message, problem }) {
    const { elsewhere, first } = showFaults(form, problem.errors ?? []);
    if (elsewhere.some(({ parameter }) => parameter === "Idempotency-Key")) {
      tell(
        "What you sent before was recorded, although no answer came. Look whether it is there before you " +
          "send this as another one.",
        h("button", { type: "button", text: "Send this as another one", onclick: sendAnew }),
      );
    } else if (elsewhere.length || !first) {
      const told = elsewhere.map(({ parameter, detail }) =>
        parameter === "body" ? detail : `${parameter}: ${detail}`,
      );
      tell(...(told.length ? told : [message]));
    } else {
      first.focus();
    }
  }

  return {
    tell,
    clear() {
      place.hidden = true;
      place.replaceChildren();
    },
    explain(error) {
      if (!(error instanceof Refused)) {
        tell(`No answer came. ${NOTHING_LOST}. Send it again when there is a connection: it is recorded only once.`);
      } else if (error.status === 401) {
        keyPanel.refuse("This key does not work (any more).");
      } else if (error.status === 403) {
        keyPanel.refuse("This key may read only. Writing needs another one.");
      } else if (error.status === 412) {
        explainStale();
      } else if (error.status === 429) {
        tell(`Too much was sent with this key just now. ${NOTHING_LOST}; try again in a minute.`);
      } else if (error.status >= 500) {
        tell(`${error.message}. ${NOTHING_LOST}; try again in a while.`);
      } else {
        explainFaults(error);
      }
    },
  };
}
