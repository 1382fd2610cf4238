// What is being recorded, as it is recorded: `/stream`, taken up again when it breaks off.
// Read by fetch and not by EventSource, which cannot send a key.

import { address, key } from "./api.js";

const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 60_000;
/** A stream that is alive says so every 15 seconds; one of before a laptop slept never ends. */
const SILENCE = 45_000;

/**
 * Follow the stream until the returned function is called.
 * @param {object} options
 * @param {(told: {revision: number, action: string, districts: object[]|null,
 *   districts_total: number}) => void} options.onRevision  called once for each revision
 * @param {(state: "open"|"lost"|"refused") => void} [options.onState]
 * @param {number|null} [options.after]  the newest revision that is known already
 * @param {object} [options.params]  country, province, district
 */
export function followStream({ onRevision, onState = () => {}, after = null, params = {} }) {
  const stop = new AbortController();
  follow({ onRevision, onState, after, params, signal: stop.signal });
  return () => stop.abort();
}

async function follow({ onRevision, onState, after, params, signal }) {
  let last = after;
  let pause = FIRST_PAUSE;
  while (!signal.aborted) {
    const silence = new Silence(SILENCE);
    try {
      const response = await fetch(address("/stream", { ...params, last_event_id: last }), {
        headers: { Accept: "text/event-stream", ...(key() ? { Authorization: `Bearer ${key()}` } : {}) },
        cache: "no-store",
        signal: AbortSignal.any([signal, silence.signal]),
      });
      if (response.status >= 400 && response.status < 500 && response.status !== 429) {
        onState("refused"); // asking again would not help
        return;
      }
      if (response.ok) {
        onState("open");
        pause = FIRST_PAUSE;
        for await (const event of eventsOf(response.body, () => silence.broken())) {
          last = event.id ?? last;
          if (event.type === "revision") onRevision(JSON.parse(event.data));
        }
      }
    } catch (error) {
      if (signal.aborted) return;
      const isNetwork = error instanceof TypeError || silence.signal.aborted;
      if (!isNetwork) throw error; // a fault of the page
    } finally {
      silence.end();
    }
    onState("lost");
    await new Promise((resume) => setTimeout(resume, pause));
    pause = Math.min(2 * pause, LONGEST_PAUSE);
  }
}

/** Aborts what nothing has come from for so many milliseconds. */
class Silence {
  #stop = new AbortController();
  #timer;

  constructor(length) {
    this.length = length;
    this.signal = this.#stop.signal;
    this.broken();
  }

  broken() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#stop.abort(), this.length);
  }

  end() {
    clearTimeout(this.#timer);
  }
}

/**
 * The events in a stream of bytes, as the HTML standard writes them; comments are left out. One
 * with an id alone says from where to go on. `onBytes` is called whenever anything comes.
 */
async function* eventsOf(body, onBytes) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    onBytes();
    // Lines may end in CR LF; alone, no CR stands in a document of JSON.
    const blocks = (rest + value.replaceAll("\r", "")).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const fields = Object.fromEntries(
        block.split("\n").filter((line) => line.includes(": ") && line[0] !== ":")
          .map((line) => [line.slice(0, line.indexOf(": ")), line.slice(line.indexOf(": ") + 2)]),
      );
      if (fields.id) yield { id: fields.id, type: fields.event, data: fields.data };
    }
  }
}
