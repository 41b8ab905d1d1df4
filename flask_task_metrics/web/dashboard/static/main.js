// The page: it asks for the secret, then asks the endpoints again and again, one at a time.

import { Problem, forgetSecret, getJson, getMarkdown, hasSecret, keepSecret } from "./api.js";
import { charts } from "./chart.js";
import { showControls } from "./controls.js";
import { copy, forget, say } from "./copy.js";
import { byId, fill } from "./dom.js";
import { capitalized, time } from "./format.js";
import { hideNotice, showNotice } from "./notice.js";
import { showSnapshot } from "./sections.js";
import { queryOf, viewOf } from "./view.js";

/** @import { Series, Snapshot, Sources, View } from "./types" */

const EVERY_MS = 10_000;

/** The places of figures, and of names from the database. */
const FIGURES = "#state, #window, #filters, #dimensions, .tiles, .scroll";

/** @type {Sources | null} */
let sources = null;
/** @type {View | null} */
let view = null;
/** @type {Date | null} */
let shownAt = null;
let requests = new AbortController();
let copying = new AbortController();
let timer = 0;

/** Ask for everything once, then again later. A round that is still going on is given up. */
async function round() {
  stop();
  // Nobody sees a hidden tab; it asks as soon as it is shown.
  if (document.hidden) return document.addEventListener("visibilitychange", round, { once: true });
  requests = new AbortController();
  const { signal } = requests;
  const began = performance.now();
  const took = () => performance.now() - began;
  try {
    await show(signal);
    hideNotice();
    timer = setTimeout(round, Math.max(EVERY_MS, 10 * took()));
  } catch (error) {
    if (!signal.aborted) fail(problemOf(error), took());
  }
}

function stop() {
  clearTimeout(timer);
  requests.abort();
}

/** @type {(signal: AbortSignal) => Promise<void>} */
async function show(signal) {
  sources ??= /** @type {Sources} */ (await getJson("metrics-dashboard/sources", signal));
  const shown = (view = viewOf(location.search, sources));
  history.replaceState(null, "", `?${queryOf(shown)}`);
  showControls(sources, shown);
  /** @type {Snapshot} */
  const snapshot = await getJson(snapshotPath(shown), signal);
  showSnapshot(snapshot, shown);
  byId("figures").hidden = byId("figures").inert = false;
  shownAt = new Date();
  const query = queryOf({ ...shown, groupBy: null });
  /** @type {Series} */
  const { points } = await getJson(`metrics-timeseries?${query}&points=30`, signal);
  for (const chart of charts) chart.show(points);
  setStatus("live", "Live", shownAt);
}

/** @type {(view: View) => string} */
const snapshotPath = (view) => `metrics-snapshot?compare=previous&${queryOf(view)}`;

/** @type {(problem: Problem, took: number) => void} */
function fail(problem, took) {
  const { code, retryAfter } = problem;
  if (code === "ADMIN_UNAUTHORIZED") return lock("That is not the admin secret.");
  // At random up to half as long again, so that not all pages come back at once.
  const asked = (retryAfter * 1000 || EVERY_MS) * (1 + Math.random() / 2);
  const wait = code === "METRICS_TIMEOUT" ? Math.max(asked, 10 * took) : asked;
  setStatus("stale", shownAt ? "Stale since" : "No figures yet", shownAt);
  byId("figures").hidden = shownAt === null;
  showNotice(problem, new Date(Date.now() + wait), view);
  // Another version of the app may have other sources and dimensions.
  if (code === "INVALID_QUERY") sources = null;
  timer = setTimeout(round, wait);
}

/** @type {(error: unknown) => Problem} An error of the page must not leave it "live" for ever. */
function problemOf(error) {
  if (error instanceof Problem) return error;
  console.error(error);
  const text = "The page can't show the answer; the browser's console has the reason.";
  return new Problem("UNEXPECTED", text);
}

/** @type {(kind: string, text: string, at?: Date | null) => void} */
function setStatus(kind, text, at = null) {
  document.body.dataset.status = kind;
  if (kind !== "live") document.title = `${capitalized(kind)} · Task metrics`;
  fill(byId("status"), text);
  fill(byId("updated"), at && time(at));
}

/** Forget the secret and all figures, and ask for the secret. */
function lock(why = "") {
  stop();
  copying.abort();
  forget();
  forgetSecret();
  sources = view = shownAt = null;
  hideNotice();
  for (const place of document.querySelectorAll(FIGURES)) fill(place);
  for (const chart of charts) chart.clear();
  byId("figures").hidden = byId("controls").hidden = true;
  byId("unlock").hidden = false;
  fill(byId("refusal"), why);
  setStatus("locked", "Locked");
  byId("secret").focus();
}

/** Ask for the figures of another view; the old figures belong to the view before. */
function load() {
  copying.abort();
  byId("unlock").hidden = true;
  byId("figures").inert = true;
  shownAt = null;
  for (const chart of charts) chart.clear();
  setStatus("loading", "Loading …");
  round();
}

/** @type {(change: Partial<View>) => void} */
function visit(change) {
  if (view === null) return;
  view = { ...view, ...change };
  history.pushState(null, "", `?${queryOf(view)}`);
  load();
}

async function copyMarkdown() {
  if (view === null) return;
  copying.abort();
  copying = new AbortController();
  const { signal } = copying;
  try {
    const text = await getMarkdown(snapshotPath(view), signal);
    if (!signal.aborted) await copy(text, "the snapshot");
  } catch (error) {
    if (!signal.aborted) say(`Not copied. ${problemOf(error).message}`);
  }
}

byId("unlock").addEventListener("submit", (event) => {
  event.preventDefault();
  const input = /** @type {HTMLInputElement} */ (byId("secret"));
  keepSecret(input.value);
  input.value = "";
  byId("main").focus();
  load();
});
document.addEventListener("click", ({ target }) => {
  const button = target instanceof Element ? target.closest("button") : null;
  if (button?.dataset.view) visit(JSON.parse(button.dataset.view));
  if (button?.dataset.copy) copy(button.dataset.copy, button.dataset.copy);
});
byId("windows").addEventListener("change", ({ target }) => {
  visit({ minutes: Number(/** @type {HTMLInputElement} */ (target).value) });
});
byId("source").addEventListener("change", ({ target }) => {
  visit({ source: /** @type {HTMLSelectElement} */ (target).value });
});
byId("copy-markdown").addEventListener("click", copyMarkdown);
byId("lock").addEventListener("click", () => lock());
byId("retry").addEventListener("click", round);
addEventListener("popstate", () => hasSecret() && load());

if (hasSecret()) load();
else lock();
