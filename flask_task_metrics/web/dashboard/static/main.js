// The page: it asks for the secret, then asks the endpoints again and again, one at a time.

import { getJson, getMarkdown, Problem } from "./api.js";
import { latencyChart, throughputChart } from "./chart.js";
import { copy, forgetCopy, say } from "./copy.js";
import { byId, fill } from "./dom.js";
import { capitalized, time } from "./format.js";
import { showControls } from "./controls.js";
import { hideNotice, showNotice } from "./notice.js";
import { showSnapshot } from "./sections.js";
import { dimensionsOf, queryOf, viewOf } from "./view.js";

/** @typedef {import("./types").Sources} Sources */
/** @typedef {import("./view.js").View} View */

const EVERY_MS = 10_000;
const POINTS = 30;

/** A secret for each app of an origin; session storage is the tab's alone. */
const SECRET = `task-metrics-secret:${location.pathname}`;

const charts = [
  throughputChart(byId("throughput")),
  latencyChart(byId("waiting"), "Time to processing", "timeToProcessingMs"),
  latencyChart(byId("running"), "Time to complete", "timeToCompleteMs"),
];

/** @type {Sources | null} */
let sources = null;
/** @type {View | null} */
let view = null;
/** @type {Date | null} */
let shownAt = null;
let requests = new AbortController();
let copying = new AbortController();
let timer = 0;
/** @type {number | null} When to ask again; null while the page is asking. */
let due = null;
let areSourcesOld = true;

const secret = () => sessionStorage.getItem(SECRET);

/** Ask for everything once, then again later. A round that is still going on is given up. */
async function round() {
  clearTimeout(timer);
  due = null;
  requests.abort();
  requests = new AbortController();
  const { signal } = requests;
  const began = performance.now();
  const took = () => performance.now() - began;
  try {
    await show(signal);
    hideNotice();
    later(Math.max(EVERY_MS, 10 * took()));
  } catch (error) {
    if (!signal.aborted) fail(error, took());
  }
}

/** @param {AbortSignal} signal */
async function show(signal) {
  const { known, shown } = await choices(signal);
  history.replaceState(null, "", `?${queryOf(shown)}`);
  showControls(known, shown);
  showSnapshot(await ask(`metrics-snapshot?compare=previous&${queryOf(shown)}`, signal), shown);
  byId("figures").hidden = byId("figures").inert = false;
  shownAt = new Date();
  /** @type {import("./types").Series} */
  const { points } = await ask(`metrics-timeseries?${seriesQuery(shown)}`, signal);
  for (const chart of charts) chart.show(points);
  setStatus("live", "Live");
  fill(byId("updated"), time(shownAt));
}

/**
 * Return the sources and the view, after a look at the URL if either is not known.
 * @param {AbortSignal} signal
 */
async function choices(signal) {
  if (sources === null || areSourcesOld) {
    sources = /** @type {Sources} */ (await ask("metrics-dashboard/sources", signal));
    areSourcesOld = false;
    view = null;
  }
  return { known: sources, shown: (view ??= viewOf(location.search, sources)) };
}

/** @param {View} shown */
function seriesQuery(shown) {
  const query = queryOf({ ...shown, groupBy: null });
  query.append("points", String(POINTS));
  return query;
}

/**
 * @template T
 * @param {string} path
 * @param {AbortSignal} signal
 * @returns {Promise<T>}
 */
const ask = (path, signal) => getJson(path, secret() ?? "", signal);

/**
 * @param {unknown} error
 * @param {number} took
 */
function fail(error, took) {
  const problem = problemOf(error);
  if (problem.code === "ADMIN_UNAUTHORIZED") return lock("That is not the admin secret.");
  const wait = waitAfter(problem, took);
  setStatus("stale", shownAt ? "Stale since" : "No figures yet");
  fill(byId("updated"), shownAt && time(shownAt));
  byId("figures").hidden = shownAt === null;
  showNotice(problem, new Date(Date.now() + wait), view);
  // Another version of the app may have other sources and dimensions.
  areSourcesOld = problem.code === "INVALID_QUERY";
  later(wait);
}

/**
 * Return what stopped a round. An error of the page itself must not leave it "live" for ever.
 * @param {unknown} error
 */
function problemOf(error) {
  if (error instanceof Problem) return error;
  console.error(error);
  return new Problem("UNEXPECTED", "The page can't show the answer.");
}

/**
 * Return how long to wait after a problem: as the server asks for, and at random up to half as long
 * again, so that not all pages come back at once.
 * @param {Problem} problem
 * @param {number} took
 */
function waitAfter({ code, retryAfter }, took) {
  const asked = (retryAfter * 1000 || EVERY_MS) * (1 + Math.random() / 2);
  return code === "METRICS_TIMEOUT" ? Math.max(asked, 10 * took) : asked;
}

/** @param {number} wait */
function later(wait) {
  clearTimeout(timer);
  due = Date.now() + wait;
  if (!document.hidden) timer = setTimeout(round, wait);
}

/**
 * @param {string} kind
 * @param {string} text
 */
function setStatus(kind, text) {
  document.body.dataset.status = kind;
  if (kind !== "live") document.title = `${capitalized(kind)} · Task metrics`;
  if (byId("status").textContent !== text) byId("status").textContent = text;
}

/**
 * Forget the secret and all figures, and ask for the secret.
 * @param {string} [why]
 */
function lock(why) {
  clearTimeout(timer);
  requests.abort();
  copying.abort();
  forgetCopy();
  sessionStorage.removeItem(SECRET);
  sources = view = shownAt = due = null;
  hideNotice();
  for (const id of ["state", "backlog-tiles", "count-tiles", "window", "latency-table"])
    fill(byId(id));
  for (const id of ["error-table", "group-table", "dimensions", "filters", "updated"])
    fill(byId(id));
  for (const chart of charts) chart.clear();
  byId("figures").hidden = byId("controls").hidden = true;
  byId("unlock").hidden = false;
  byId("unlock-why").className = why === undefined ? "" : "wrong";
  byId("unlock-why").textContent = why ?? "This tab keeps the admin secret until you close it.";
  setStatus("locked", "Locked");
  byId("secret").focus();
}

/** Ask for the figures of another view; the old figures belong to the view before. */
function load() {
  byId("unlock").hidden = true;
  byId("figures").inert = true;
  copying.abort();
  shownAt = null;
  fill(byId("updated"));
  for (const chart of charts) chart.clear();
  setStatus("loading", "Loading …");
  round();
}

/**
 * Change the view, and remember it in the URL.
 * @param {Partial<View>} change
 */
function look(change) {
  if (view === null || sources === null) return;
  view = { ...view, ...change };
  if (change.source !== undefined) {
    const names = dimensionsOf(sources, view.source);
    view.filters = view.filters.filter(([name]) => names.includes(name));
    view.groupBy = names.find((name) => name === view?.groupBy) ?? null;
  }
  history.pushState(null, "", `?${queryOf(view)}`);
  showControls(sources, view);
  load();
}

async function copyMarkdown() {
  if (view === null) return;
  copying.abort();
  copying = new AbortController();
  const { signal } = copying;
  const path = `metrics-snapshot?compare=previous&${queryOf(view)}`;
  try {
    const text = await getMarkdown(path, secret() ?? "", signal);
    if (!signal.aborted) await copy(text, "the snapshot");
  } catch (error) {
    if (!signal.aborted) say(`Not copied. ${problemOf(error).message}`);
  }
}

/** @param {DOMStringMap} dataset */
function act({ copy: text, filter, by, unfilter, dimension, window: minutes }) {
  if (view === null) return;
  const others = view.filters.filter(([name]) => name !== by);
  if (text !== undefined) copy(text, text);
  else if (by !== undefined && filter !== undefined) look({ filters: [...others, [by, filter]] });
  else if (unfilter !== undefined)
    look({ filters: view.filters.filter((_, i) => i !== +unfilter) });
  else if (dimension !== undefined)
    look({ groupBy: view.groupBy === dimension ? null : dimension });
  else if (minutes !== undefined) look({ minutes: Number(minutes) });
}

byId("unlock").addEventListener("submit", (event) => {
  event.preventDefault();
  const input = /** @type {HTMLInputElement} */ (byId("secret"));
  sessionStorage.setItem(SECRET, input.value);
  input.value = "";
  byId("main").focus();
  load();
});
document.addEventListener("click", ({ target }) => {
  const button = target instanceof Element ? target.closest("button") : null;
  if (button) act(button.dataset);
});
byId("windows").addEventListener("change", ({ target }) => {
  look({ minutes: Number(/** @type {HTMLInputElement} */ (target).value) });
});
byId("source").addEventListener("change", ({ target }) => {
  look({ source: /** @type {HTMLSelectElement} */ (target).value });
});
byId("copy-markdown").addEventListener("click", copyMarkdown);
byId("lock").addEventListener("click", () => lock());
byId("retry").addEventListener("click", round);
byId("unfilter").addEventListener("click", () => look({ filters: [] }));
addEventListener("popstate", () => {
  view = null;
  if (secret() !== null) load();
});
document.addEventListener("visibilitychange", () => {
  clearTimeout(timer);
  if (!document.hidden && due !== null) later(Math.max(0, due - Date.now()));
});

if (secret() === null) lock();
else load();
