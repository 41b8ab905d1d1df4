// The endpoints. The secret goes out in a header alone.

/** What an endpoint refuses, or that it can't be reached. */
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
 * Return the answer of an endpoint; throw a `Problem` for any but a 200.
 * @param {string} path Relative to the page, so that any prefix works.
 * @param {string} secret
 * @param {AbortSignal} signal
 * @param {string} [accept]
 */
async function get(path, secret, signal, accept = "application/json") {
  const headers = { Accept: accept, "X-Admin-Secret": headerValue(secret) };
  let answer;
  try {
    answer = await fetch(path, {
      headers,
      signal,
      cache: "no-store",
      credentials: "same-origin",
    });
  } catch {
    throw new Problem("UNREACHABLE", "The server does not answer.");
  }
  if (answer.status !== 200) throw await problemOf(answer);
  return answer;
}

/**
 * @template T
 * @param {string} path
 * @param {string} secret
 * @param {AbortSignal} signal
 * @returns {Promise<T>}
 */
export async function getJson(path, secret, signal) {
  const answer = await get(path, secret, signal);
  try {
    return await answer.json();
  } catch {
    throw new Problem("UNREACHABLE", "The answer is no JSON.");
  }
}

/**
 * @param {string} path
 * @param {string} secret
 * @param {AbortSignal} signal
 */
export async function getMarkdown(path, secret, signal) {
  return (await get(path, secret, signal, "text/markdown")).text();
}

/** @param {Response} answer */
async function problemOf(answer) {
  const retryAfter = Number(answer.headers.get("Retry-After")) || 0;
  const isProblem = answer.headers.get("Content-Type")?.startsWith("application/problem+json");
  const body = isProblem ? await answer.json().catch(() => null) : null;
  // Such as a proxy's own page while the app restarts.
  if (body === null) {
    return new Problem("UNREACHABLE", `The server answered ${answer.status}.`, { retryAfter });
  }
  const wrong = Object.entries(body.errors ?? {}).map(([name, texts]) => `${name}: ${texts}`);
  const detail = wrong.length ? wrong.join(" ") : body.detail;
  return new Problem(body.code, detail, { requestId: body.requestId, retryAfter });
}

/**
 * Return the UTF-8 bytes of a secret, each as a character: a header holds no others.
 * @param {string} secret
 */
const headerValue = (secret) => String.fromCharCode(...new TextEncoder().encode(secret));
