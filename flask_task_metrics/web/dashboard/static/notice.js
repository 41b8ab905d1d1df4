// The last round's problem, and its remedies.

import { byId, fill, h } from "./dom.js";
import { time, windowText } from "./format.js";

/** @typedef {import("./view.js").View} View */

/** @type {Record<string, string>} */
const TEXTS = {
  METRICS_TIMEOUT: "Timed out: the database takes too long for this window.",
  METRICS_BUSY: "Busy: too many ask for figures at once.",
  METRICS_UNAVAILABLE: "Unreachable: the database does not answer.",
  METRICS_ERROR: "The figures could not be read; the log has the reason.",
  INVALID_QUERY: "The server refuses this view.",
  UNEXPECTED: "The page can't show the answer; the browser's console has the reason.",
};

/**
 * Show a problem.
 * @param {import("./api.js").Problem} problem
 * @param {Date} next When the page tries again.
 * @param {View | null} view
 */
export function showNotice({ code, message, requestId }, next, view) {
  const text = code === "UNREACHABLE" ? `Unreachable: ${message}` : (TEXTS[code] ?? message);
  if (byId("notice-text").textContent !== text) byId("notice-text").textContent = text;
  const known = code in TEXTS && code !== "INVALID_QUERY" ? "" : `${message} `;
  fill(
    byId("notice-more"),
    code !== "UNREACHABLE" && h("span", {}, `${known}${code}`),
    requestId !== null && h("span", {}, " · request ", h("code", {}, requestId)),
    h("span", {}, code === "UNREACHABLE" ? "Next try at " : " · next try at ", time(next)),
  );
  byId("notice").dataset.code = code;
  byId("notice").hidden = false;
  offerShorter(code === "METRICS_TIMEOUT" && view !== null ? shorterThan(view.minutes) : null);
  byId("unfilter").hidden = !(code === "INVALID_QUERY" && view !== null && view.filters.length > 0);
}

export function hideNotice() {
  byId("notice").hidden = true;
  byId("notice-text").textContent = "";
}

/** @param {number} minutes */
const shorterThan = (minutes) => [360, 60, 15, 5].find((shorter) => shorter < minutes) ?? null;

/** @param {number | null} minutes */
function offerShorter(minutes) {
  const button = byId("shorter");
  button.hidden = minutes === null;
  if (minutes === null) return;
  button.dataset.window = String(minutes);
  button.textContent = `Show the last ${windowText(minutes)}`;
}
