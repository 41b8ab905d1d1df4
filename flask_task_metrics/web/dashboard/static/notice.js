// The last round's problem, and its remedies.

import { byId, fill } from "./dom.js";
import { time, windowText } from "./format.js";
import { WINDOWS, viewButton } from "./view.js";

/** @import { Problem } from "./api.js" */
/** @import { View } from "./types" */

/** @type {Record<string, string>} The texts of problems whose own message is for machines. */
const TEXTS = {
  METRICS_TIMEOUT: "Timed out: the database takes too long for this window.",
  METRICS_BUSY: "Busy: too many ask for figures at once.",
  METRICS_UNAVAILABLE: "Unreachable: the database does not answer.",
  METRICS_ERROR: "The figures could not be read; the log has the reason.",
  INVALID_QUERY: "The server refuses this view.",
};

/** @type {(problem: Problem, next: Date, view: View | null) => void} */
export function showNotice({ code, message, requestId }, next, view) {
  fill(byId("notice-text"), TEXTS[code] ?? message);
  fill(
    byId("notice-more"),
    code === "INVALID_QUERY" && `${message} `,
    requestId === null ? code : `${code} · request ${requestId}`,
    " · next try at ",
    time(next),
  );
  fill(byId("remedies"), view && remedy(code, view));
  byId("notice").hidden = false;
}

/** @type {(code: string, view: View) => HTMLElement | false} */
function remedy(code, { minutes, filters }) {
  const shorter = WINDOWS.filter((window) => window < minutes).at(-1);
  if (code === "METRICS_TIMEOUT" && shorter)
    return viewButton({ minutes: shorter }, {}, `Show the last ${windowText(shorter)}`);
  const isRefused = code === "INVALID_QUERY" && filters.length > 0;
  return isRefused && viewButton({ filters: [] }, {}, "Clear all filters");
}

export function hideNotice() {
  byId("notice").hidden = true;
  fill(byId("notice-text"));
}
