// The endpoints. The secret goes out in a header alone.

/** A connection may fall silent without an end. */
const ANSWER_WITHIN_MS = 60_000;

/** An error answer, or no answer at all. */
export class Problem extends Error {
  /**
   * @param {string} code Such as METRICS_TIMEOUT; UNREACHABLE if nothing answers.
   * @param {string} detail
   * @param {{ requestId?: string | null, retryAfter?: number }} [more]
   */
  constructor(code, detail, { requestId = null, retryAfter = 0 } = {}) {
    super(detail);
    this.code = code;
    this.requestId = requestId;
    this.retryAfter = retryAfter;
  }
}

/**
 * Return the body of an endpoint's answer; throw a `Problem` unless the status is 200.
 * @param {string} path Relative to the page, so that any prefix works.
 * @param {string} secret
 * @param {AbortSignal} signal
 * @param {string} [accept]
 */
async function get(path, secret, signal, accept = "application/json") {
  const headers = { Accept: accept, "X-Admin-Secret": headerValue(secret) };
  let answer, body;
  try {
    answer = await fetch(path, {
      headers,
      signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_WITHIN_MS)]),
      cache: "no-store",
      credentials: "same-origin",
    });
    body = await answer.text();
  } catch {
    throw new Problem("UNREACHABLE", "The server does not answer.");
  }
  if (answer.status !== 200) throw problemOf(answer, body);
  return body;
}

/**
 * @template T
 * @param {string} path
 * @param {string} secret
 * @param {AbortSignal} signal
 * @returns {Promise<T>}
 */
export async function getJson(path, secret, signal) {
  const body = await get(path, secret, signal);
  try {
    return JSON.parse(body, exact);
  } catch {
    throw new Problem("UNREACHABLE", "The answer isn't JSON.");
  }
}

/**
 * Return a value of JSON. An integer that JavaScript would round, such as a customer's id, stays a
 * text, in browsers that show the text to a reviver.
 * @param {string} _
 * @param {unknown} value
 * @param {{ source?: string }} [context]
 */
function exact(_, value, { source = "" } = {}) {
  return typeof value === "number" && !Number.isSafeInteger(value) && /^-?\d+$/.test(source)
    ? source
    : value;
}

/**
 * @param {string} path
 * @param {string} secret
 * @param {AbortSignal} signal
 */
export const getMarkdown = (path, secret, signal) => get(path, secret, signal, "text/markdown");

/**
 * @param {Response} answer
 * @param {string} body
 */
function problemOf({ status, headers }, body) {
  const retryAfter = Number(headers.get("Retry-After")) || 0;
  // Another answer is, for example, a proxy's own page while the app restarts.
  if (!headers.get("Content-Type")?.startsWith("application/problem+json"))
    return new Problem("UNREACHABLE", `The server answered ${status}.`, { retryAfter });
  const { code, detail, errors = {}, requestId } = JSON.parse(body);
  const wrong = Object.entries(errors).map(([name, texts]) => `${name}: ${texts}`);
  return new Problem(code, wrong.join(" ") || detail, { requestId, retryAfter });
}

/**
 * Return the UTF-8 bytes of a secret, each as a character: a header holds no others.
 * @param {string} secret
 */
const headerValue = (secret) => String.fromCharCode(...new TextEncoder().encode(secret));
