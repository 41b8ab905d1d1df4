// The sections of figures, from one snapshot.

import { byId, fill, h, table } from "./dom.js";
import { NOT_RECORDED, ageText, capitalized, change, duration } from "./format.js";
import { number, percentage, time, windowText } from "./format.js";

/** @typedef {import("./types").Snapshot} Snapshot */
/** @typedef {import("./types").Figures} Figures */
/** @typedef {import("./types").CountName} CountName */
/** @typedef {import("./types").LatencyName} LatencyName */
/** @typedef {import("./view.js").View} View */

const COUNTS = /** @type {const} */ ([
  "created",
  "completed",
  "failed",
  "cancelled",
  "processing",
  "queued",
]);

/** @type {[LatencyName, string][]} */
const LATENCIES = [
  ["timeToProcessingMs", "To processing"],
  ["timeToCompleteMs", "To complete"],
  ["endToEndMs", "End to end"],
];

/** The most samples of which the 95th percentile is simply the maximum. */
const FEW_SAMPLES = 20;

/**
 * Show a snapshot, and the controls of its view.
 * @param {Snapshot} snapshot
 * @param {View} view
 */
export function showSnapshot(snapshot, view) {
  showState(snapshot);
  showBacklog(snapshot);
  showCounts(snapshot);
  showLatency(snapshot);
  showErrors(snapshot);
  if (view.groupBy !== null) showGroups(snapshot, view.groupBy);
}

/** @param {Snapshot} snapshot */
function showState({ state, reason, window: { minutes }, tasks, backlog }) {
  const title = state === null ? `State ${NOT_RECORDED}` : capitalized(state);
  const counts = [...Object.values(tasks), backlog.queued.count, backlog.processing.count];
  const isWrong = state === "stalled" || state === "stuck";
  const isEmpty = counts.every((count) => !count);
  byId("state").dataset.state = state ?? "";
  fill(
    byId("state"),
    isWrong ? h("h2", { class: "wrong" }, `▲ ${title}`) : h("h2", {}, title),
    reason !== null && h("p", {}, `${capitalized(reason)}.`),
    isEmpty && h("p", { class: "quiet" }, `No data: no task in the last ${windowText(minutes)}.`),
  );
  document.title = `${title} · Task metrics`;
}

/** @param {Snapshot} snapshot */
function showBacklog({ backlog: { queued, processing, scheduled }, state }) {
  fill(
    byId("backlog-tiles"),
    backlogTile("Queued", queued, state === "stalled"),
    backlogTile("Processing", processing, state === "stuck"),
    scheduled !== undefined && tile("Scheduled", number(scheduled.count), quiet("due later")),
  );
}

/**
 * @param {string} title
 * @param {import("./types").BacklogCount} backlog
 * @param {boolean} isWrong
 */
function backlogTile(title, { count, oldestAgeSeconds, oldest }, isWrong) {
  const age = oldestAgeSeconds === null ? `age ${NOT_RECORDED}` : ageText(oldestAgeSeconds);
  const prefix = oldestAgeSeconds === null || count === 1 ? "" : "oldest ";
  return tile(
    title,
    number(count),
    count > 0 &&
      h("p", { class: isWrong ? "wrong" : "age" }, `${isWrong ? "▲ " : ""}${prefix}${age}`),
    oldest !== null && taskIds(oldest),
  );
}

/**
 * @param {string} title
 * @param {string} figure
 * @param {...(Node | false)} more
 */
const tile = (title, figure, ...more) =>
  h("div", { class: "tile" }, h("h3", {}, title), h("p", { class: "figure" }, figure), ...more);

/** @param {string} text */
const quiet = (text) => h("p", { class: "quiet" }, text);

/** @param {import("./types").TaskReference} task */
const taskIds = ({ taskId, requestId }) =>
  h("p", { class: "ids" }, id("task", taskId), requestId !== null && id("request", requestId));

/**
 * Create a button that copies an id.
 * @param {string} kind
 * @param {string} value
 */
const id = (kind, value) =>
  h(
    "button",
    { type: "button", class: "link", "data-copy": value, title: `Copy ${value}` },
    `${kind} ${value}`,
  );

/** @param {Snapshot} snapshot */
function showCounts({ tasks, previous, window }) {
  const tiles = COUNTS.map((name) => {
    const now = tasks[name];
    if (now === null) return tile(capitalized(name), "–", quiet(NOT_RECORDED));
    const isLive = name === "processing" || name === "queued";
    const before = isLive ? null : (previous?.[name] ?? null);
    return tile(
      capitalized(name),
      number(now),
      before === null ? quiet("updated in the window") : changeOf(name, now, before),
      name === "failed" && failureRate(now, tasks.completed ?? 0),
    );
  });
  fill(byId("count-tiles"), ...tiles);
  const length = `in the last ${windowText(window.minutes)}, `;
  fill(byId("window"), h("span", {}, length, time(window.from), " to ", time(window.to)));
}

/**
 * @param {CountName} name
 * @param {number} now
 * @param {number} before
 */
function changeOf(name, now, before) {
  const isWrong = name === "failed" && now > before;
  const text = `${change(now - before)} on ${number(before)}`;
  return h("p", { class: isWrong ? "wrong" : "quiet" }, `${isWrong ? "▲ " : ""}${text}`);
}

/**
 * @param {number} failed
 * @param {number} completed
 */
const failureRate = (failed, completed) =>
  failed + completed > 0 && quiet(`${percentage(failed / (failed + completed))} of ended`);

/** @param {Snapshot} snapshot */
function showLatency({ latency, previous }) {
  const rows = LATENCIES.map(([name, title]) => {
    const stats = latency[name];
    if (stats === null) return [title, NOT_RECORDED, "", "", "", ""];
    const before = previous?.latency[name];
    const cells = /** @type {const} */ (["p50", "p95", "p99", "max"]).map((figure) =>
      h(
        "span",
        {},
        duration(stats[figure]),
        beside(before && `${duration(before[figure])} before`),
      ),
    );
    return [title, ...cells, samples(stats.samples)];
  });
  const head = ["Time", "p50", "p95", "p99", "Max", "Samples"];
  fill(byId("latency-table"), table("Latency", head, rows));
}

/** @param {string | null | undefined} text */
const beside = (text) => Boolean(text) && h("small", {}, ` ${text}`);

/** @param {number} count */
const samples = (count) =>
  h(
    "span",
    {},
    number(count),
    count === 0 && beside("no data"),
    count > 0 && count <= FEW_SAMPLES && beside("too few: p95 is the max"),
  );

/** @param {Snapshot} snapshot */
function showErrors({ topErrors }) {
  const place = byId("error-table");
  if (topErrors === null) return fill(place, quiet(capitalized(NOT_RECORDED)));
  if (topErrors.length === 0) return fill(place, quiet("No task failed."));
  const rows = topErrors.map((error) => [
    h("code", {}, error.code),
    number(error.count),
    errorChange(error),
    time(error.lastSeenAt),
    taskIds(error.sample),
  ]);
  fill(place, table("Top errors", ["Code", "Count", "Before", "Last seen", "Sample"], rows));
}

/** @param {import("./types").TopError} error */
function errorChange({ count, previousCount = 0 }) {
  if (previousCount === 0) return h("strong", { class: "new wrong" }, "new");
  return h("span", {}, number(previousCount), beside(`(${change(count - previousCount)})`));
}

/**
 * @param {Snapshot} snapshot
 * @param {string} dimension
 */
function showGroups({ groups = [], otherGroups, groupCount = 0 }, dimension) {
  const place = byId("group-table");
  if (groups.length === 0) return fill(place, quiet("No task to break down."));
  const rows = groups.map((group) => groupRow(groupButton(dimension, group[dimension]), group));
  if (otherGroups) rows.push(groupRow(othersText(groupCount - groups.length), otherGroups));
  const head = [dimension, "Queued", "Oldest", "Processing", "Created", "Completed", "Failed"];
  const latencies = ["p95 to processing", "p95 to complete", "Top error"];
  fill(place, table(`Breakdown by ${dimension}`, [...head, ...latencies], rows));
}

/** @param {number} count */
const othersText = (count) => `${number(count)} ${count === 1 ? "other" : "others"}`;

/**
 * @param {Node | string} name
 * @param {Figures} figures
 */
function groupRow(name, { tasks, backlog, latency, topErrors }) {
  const { count, oldestAgeSeconds } = backlog.queued;
  const failed = countText(tasks.failed);
  return [
    name,
    number(count),
    oldestAgeSeconds === null ? "–" : ageText(oldestAgeSeconds),
    number(backlog.processing.count),
    countText(tasks.created),
    countText(tasks.completed),
    tasks.failed ? h("strong", { class: "wrong" }, failed) : failed,
    duration(latency.timeToProcessingMs?.p95),
    duration(latency.timeToCompleteMs?.p95),
    topErrors?.[0] ? h("code", {}, topErrors[0].code) : "–",
  ];
}

/** @param {number | null} count */
const countText = (count) => (count === null ? "–" : number(count));

/**
 * Create a button that filters by a group.
 * @param {string} dimension
 * @param {unknown} value
 */
function groupButton(dimension, value) {
  const text = value === null ? "" : String(value);
  const attributes = { type: "button", class: "link", "data-filter": text, "data-by": dimension };
  return h(
    "button",
    { ...attributes, title: `Show ${dimension} ${valueText(text)} alone` },
    valueText(text),
  );
}

/**
 * Return a dimension's value as it is shown: null and the empty text are one.
 * @param {string} value
 */
export const valueText = (value) => (value === "" ? "(none)" : value);
