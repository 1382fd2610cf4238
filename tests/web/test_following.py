"""The script that follows `/stream`, in a browser, with a server that falls silent."""

from typing import Any

from playwright.sync_api import Page

from tests.web.conftest import Live

FOLLOW = """async () => {
  const { followStream } = await import("/static/stream.js");
  const encoder = new TextEncoder();
  const seen = { asked: [], told: [], states: [] };
  window.seen = seen;
  window.fetch = async (address, { signal }) => {
    seen.asked.push(new URL(address).searchParams.get("last_event_id"));
    const body = new ReadableStream({
      start(controller) {
        signal.addEventListener("abort", () => controller.error(signal.reason));
        window.say = (text) => controller.enqueue(encoder.encode(text));
        if (seen.asked.length === 1) window.say(": here\\nid: 5\\nretry: 3000\\n\\n: ping\\n\\n");
      },
    });
    return new Response(body, { status: 200 });
  };
  followStream({
    onRevision: ({ revision }) => seen.told.push(revision),
    onState: (state) => seen.states.push(state),
  });
}"""


def test_a_stream_that_falls_silent_is_taken_up_where_it_was(page: Page, service: Live) -> None:
    """A connection of before a laptop slept never ends by itself, and says nothing any more."""

    def seen(name: str, expected: list[Any]) -> None:
        """Wait until it has been seen."""
        written = f"[{','.join('' if one is None else str(one) for one in expected)}]"
        page.wait_for_function(f"() => `[${{window.seen.{name}}}]` === '{written}'")

    page.clock.install()
    page.goto(f"{service.url}/p")
    page.evaluate(FOLLOW)
    seen("states", ["open"])
    page.clock.run_for(60_000)
    # From where the first one began, though it had told of nothing.
    seen("asked", [None, 5])
    for part in ("id: 8\nevent: revi", 'sion\ndata: {"revision": 8}\n', "\n"):
        page.evaluate("(text) => window.say(text)", part)
    seen("told", [8])
    page.clock.run_for(30_000)
    page.evaluate("(text) => window.say(text)", 'id: 9\nevent: revision\ndata: {"revision": 9}\n\n')
    seen("told", [8, 9])
    page.clock.run_for(30_000)  # it says something every now and then
    seen("states", ["open", "lost", "open"])
    page.clock.run_for(30_000)
    seen("asked", [None, 5, 9])
    seen("states", ["open", "lost", "open", "lost", "open"])
