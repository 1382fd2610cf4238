// One quiet line for what went wrong, or is good to know.

/** Says things in an element, which a screen reader hears; an empty text takes the line away. */
export function createNotice(element) {
  element.setAttribute("role", "status");
  function say(text) {
    element.textContent = text;
    element.hidden = !text;
  }
  addEventListener("offline", () => say("There is no connection. The map and its dates go on working."));
  addEventListener("online", () => say(""));
  return say;
}
