// The documents of the entry form: as many as there are, each with the same fields.

import { cited } from "./enter-events.js";
import { adopt } from "./enter-form.js";
import { pickSource } from "./enter-pickers.js";
import { h } from "./dom.js";

const LISTS = { new: "citations", correct: "add_citations" };
const LEAST = { new: 1, cite: 1, correct: 0 };

/** The documents of a task. Adding and removing one is told to the form by an event `documents`. */
export function createDocuments(task) {
  const place = document.getElementById("documents");
  const template = document.getElementById("document").content;
  const all = () => [...place.querySelectorAll(".citation")];
  const list = LISTS[task];

  function number() {
    all().forEach((one, index) => {
      adopt(one, list ? `${list}.${index}.` : "");
      one.querySelector("legend").textContent = list ? `Document ${index + 1}` : "Document";
      one.querySelector(".remove").hidden = all().length <= LEAST[task];
    });
  }

  function add() {
    const one = template.cloneNode(true).firstElementChild;
    one.querySelector('[data-name="stance"]').value = "supports";
    one.querySelector(".remove").addEventListener("click", () => {
      one.remove();
      number();
      (document.getElementById("add-document") ?? place).focus();
      place.dispatchEvent(new Event("documents", { bubbles: true }));
    });
    place.append(one);
    number();
    pickSource(one.querySelector('[data-name="source"]'));
    return one;
  }

  document.getElementById("add-document")?.addEventListener("click", () => {
    add().querySelector("input").focus();
    place.dispatchEvent(new Event("documents", { bubbles: true }));
  });

  return {
    template,
    /** Make room for the documents of a draft. */
    restore(values) {
      const indices = Object.keys(values ?? {}).flatMap((name) => {
        const [first, index] = name.split(".");
        return first === list ? [Number(index) + 1] : [];
      });
      const wanted = Math.max(LEAST[task], ...indices);
      while (all().length < wanted) add();
    },
    /** Offer an event's own documents to be taken away from it. */
    offerToWithdraw(citations, chosen) {
      const group = document.getElementById("withdraw");
      group.querySelectorAll("label").forEach((label) => label.remove());
      group.append(
        ...citations.map((citation) =>
          h(
            "label",
            { class: "check" },
            h("input", {
              type: "checkbox",
              name: "withdraw_citations",
              value: citation.id,
              checked: chosen.includes(citation.id),
            }),
            h("span", {}, ...cited(citation)),
          ),
        ),
      );
    },
  };
}
