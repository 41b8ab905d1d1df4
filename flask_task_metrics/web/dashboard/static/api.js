// The endpoints. The secret goes out in a header alone.

/** A connection may fall silent without an end. */
const ANSWER_WITHIN_MS = 60_000;

/** A secret for each app of an origin; session storage is the tab's alone. */
const SECRET = `task-metrics-secret:${location.pathname}`;

export const hasSecret = () => sessionStorage.getItem(SECRET) !== null;
export const forgetSecret = () => sessionStorage.removeItem(SECRET);

/** @type {(secret: string) => void} */
export const keepSecret = (secret) => sessionStorage.setItem(SECRET, secret);

/** An error answer, or no answer at all. */
export class Problem extends Error {
  /**
   * @param {string} code Such as METRICS_TIMEOUT; UNREACHABLE if nothing answers.
   * @param {string} message
   * @param {{ requestId?: string | null, retryAfter?: number }} [more]
   */
  constructor(code, message, { requestId = null, retryAfter = 0 } = {}) {
    super(message);
    this.code = code;
    this.requestId = requestId;
    this.retryAfter = retryAfter;
  }
}

/**
 * Return the body of an endpoint's answer; throw a `Problem` unless the status is 200.
 * @param {string} path Relative to the page, so that any prefix works.
 * @param {string} accept
 * @param {AbortSignal} given
 */
async function get(path, accept, given) {
  const headers = { Accept: accept, "X-Admin-Secret": headerValue() };
  const signal = AbortSignal.any([given, AbortSignal.timeout(ANSWER_WITHIN_MS)]);
  let answer, body;
  try {
    answer = await fetch(path, { headers, signal, cache: "no-store" });
    body = await answer.text();
  } catch {
    throw new Problem("UNREACHABLE", "Unreachable: The server does not answer.");
  }
  if (answer.status !== 200) throw problemOf(answer, body);
  return body;
}

/** @type {(path: string, signal: AbortSignal) => Promise<string>} */
export const getMarkdown = (path, signal) => get(path, "text/markdown", signal);

/** @type {<T>(path: string, signal: AbortSignal) => Promise<T>} */
export async function getJson(path, signal) {
  const body = await get(path, "application/json", signal);
  try {
    return JSON.parse(body, exact);
  } catch {
    throw new Problem("UNREACHABLE", "Unreachable: The answer isn't JSON.");
  }
}

/**
 * Return a value of JSON. An integer that JavaScript would round, such as a customer's id, stays a
 * text, in browsers that show the text to a reviver.
 * @type {(name: string, value: unknown, context?: { source?: string }) => unknown}
 */
function exact(_, value, { source = "" } = {}) {
  const isRounded = typeof value === "number" && !Number.isSafeInteger(value);
  return isRounded && /^-?\d+$/.test(source) ? source : value;
}

/** @type {(answer: Response, body: string) => Problem} */
function problemOf({ status, headers }, body) {
  const retryAfter = Number(headers.get("Retry-After")) || 0;
  // Another answer is, for example, a proxy's own page while the app restarts.
  if (!headers.get("Content-Type")?.startsWith("application/problem+json"))
    return new Problem("UNREACHABLE", `Unreachable: The server answered ${status}.`, {
      retryAfter,
    });
  const { code, detail, errors = {}, requestId } = JSON.parse(body);
  const wrong = Object.entries(errors).map(([name, texts]) => `${name}: ${texts}`);
  return new Problem(code, wrong.join(" ") || detail, { requestId, retryAfter });
}

/** Return the UTF-8 bytes of the secret, each as a character: a header holds no others. */
const headerValue = () =>
  String.fromCharCode(...new TextEncoder().encode(sessionStorage.getItem(SECRET) ?? ""));
