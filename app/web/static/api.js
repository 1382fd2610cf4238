// The public API, asked from a page. Every module asks through here.

const KEY = "district-control-key";
const rootOf = document.querySelector('meta[name="root"]').content;

/** The address of something of this service, wherever it is mounted. */
export const root = new URL(rootOf, document.baseURI).href;

/** The API key of whoever sits here, kept for this tab only; null without one. */
export function key() {
  return sessionStorage.getItem(KEY);
}

/** Keep a key for this tab, or forget it (null). */
export function setKey(token) {
  if (token) sessionStorage.setItem(KEY, token);
  else sessionStorage.removeItem(KEY);
}

/** What the API refused: `status`, and the problem document (RFC 9457), if it sent one. */
export class Refused extends Error {
  constructor(status, problem) {
    super(problem?.detail ?? `The service answered with status ${status}.`);
    this.status = status;
    this.problem = problem ?? {};
  }
}

/** An address with those parameters that are set. */
export function address(path, params = {}) {
  const url = new URL(path.replace(/^\//, ""), root);
  for (const [name, value] of Object.entries(params)) {
    if (value !== null && value !== undefined && value !== "") url.searchParams.set(name, value);
  }
  return url.href;
}

/**
 * Ask the API; the JSON answer. Throws Refused for a problem, TypeError where there is no network.
 * @param {{params?: object, signal?: AbortSignal, method?: string, headers?: object, body?: unknown}} [options]
 */
export async function ask(path, { params, signal, method = "GET", headers = {}, body } = {}) {
  const response = await fetch(address(path, params), {
    method,
    signal,
    headers: {
      Accept: "application/json",
      ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      ...(key() ? { Authorization: `Bearer ${key()}` } : {}),
      ...headers,
    },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await response.text();
  let answer = null;
  try {
    answer = text ? JSON.parse(text) : null;
  } catch {
    // An answer that is not ours, as of a proxy: the status says all there is.
  }
  if (!response.ok) throw new Refused(response.status, answer);
  return answer;
}
