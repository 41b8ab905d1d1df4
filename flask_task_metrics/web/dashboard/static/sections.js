// The sections of figures, from one snapshot.

import { byId, fill, h, table } from "./dom.js";
import {
  NOT_RECORDED,
  ageText,
  capitalized,
  change,
  duration,
  number,
  percentage,
  time,
  valueText,
  windowText,
} from "./format.js";
import { viewButton } from "./view.js";

/** @import { Child, Column } from "./dom.js" */
/** @import { BacklogCount, CountName, Figures, Group, LatencyName } from "./types" */
/** @import { LatencyStats, Snapshot, TaskReference, TopError, View } from "./types" */

/** The most samples of which the 95th percentile is simply the maximum. */
const FEW_SAMPLES = 20;

/** @type {CountName[]} */
const COUNTS = ["created", "completed", "failed", "cancelled", "processing", "queued"];

/** @type {[string, LatencyName][]} */
const LATENCIES = [
  ["To processing", "timeToProcessingMs"],
  ["To complete", "timeToCompleteMs"],
  ["End to end", "endToEndMs"],
];

/** @type {Column<TopError>[]} */
const ERROR_COLUMNS = [
  ["Code", ({ code }) => h("code", {}, code)],
  ["Count", ({ count }) => number(count)],
  ["Before", errorChange],
  ["Last seen", ({ lastSeenAt }) => time(lastSeenAt)],
  ["Sample", ({ sample }) => taskIds(sample)],
];

/** @type {Column<Figures>[]} */
const GROUP_COLUMNS = [
  ["Queued", ({ backlog }) => number(backlog.queued.count)],
  ["Oldest", ({ backlog }) => ageText(backlog.queued.oldestAgeSeconds)],
  ["Processing", ({ backlog }) => number(backlog.processing.count)],
  ["Created", ({ tasks }) => number(tasks.created)],
  ["Completed", ({ tasks }) => number(tasks.completed)],
  ["Failed", ({ tasks }) => (tasks.failed ? wrong(number(tasks.failed)) : number(tasks.failed))],
  ["p95 to processing", ({ latency }) => duration(latency.timeToProcessingMs?.p95)],
  ["p95 to complete", ({ latency }) => duration(latency.timeToCompleteMs?.p95)],
  ["Top error", ({ topErrors }) => (topErrors?.[0] ? h("code", {}, topErrors[0].code) : "–")],
];

/** @type {(snapshot: Snapshot, view: View) => void} */
export function showSnapshot(snapshot, view) {
  showState(snapshot);
  const { from, to, minutes } = snapshot.window;
  fill(byId("window"), `in the last ${windowText(minutes)}, `, time(from), " to ", time(to));
  fill(byId("backlog-tiles"), backlogTiles(snapshot));
  fill(byId("count-tiles"), ...COUNTS.map((name) => countTile(name, snapshot)));
  fill(byId("latency-table"), latencyTable(snapshot));
  fill(byId("error-table"), errorTable(snapshot));
  if (view.groupBy) fill(byId("group-table"), groupTable(snapshot, view, view.groupBy));
}

/** @type {(snapshot: Snapshot) => void} */
function showState({ state, reason, window, tasks, backlog }) {
  const title = state === null ? `State ${NOT_RECORDED}` : capitalized(state);
  const isWrong = state === "stalled" || state === "stuck";
  const counts = [...Object.values(tasks), backlog.queued.count, backlog.processing.count];
  const isEmpty = counts.every((count) => !count);
  byId("state").classList.toggle("alarm", isWrong);
  fill(
    byId("state"),
    h("h2", { class: isWrong ? "wrong" : "" }, isWrong && "▲ ", title),
    reason !== null && h("p", {}, `${capitalized(reason)}.`),
    isEmpty && note(`No data: no task in the last ${windowText(window.minutes)}.`),
  );
  document.title = `${title} · Task metrics`;
}

/** @type {(text: string, isWrong?: boolean) => HTMLElement} A mark besides the colour says it, too. */
const note = (text, isWrong = false) =>
  h("p", { class: isWrong ? "wrong" : "quiet" }, isWrong && "▲ ", text);

/** @type {(text: string) => HTMLElement} */
const wrong = (text) => h("span", { class: "wrong" }, text);

/** @type {(title: string, count: number | null, ...more: Child[]) => HTMLElement} */
function tile(title, count, ...more) {
  const figure = h("p", { class: "figure" }, number(count));
  return h("div", { class: "tile" }, h("h3", {}, title), figure, more);
}

/** @type {(snapshot: Snapshot) => Child[]} */
function backlogTiles({ backlog: { queued, processing, scheduled }, state }) {
  return [
    tile("Queued", queued.count, ...oldestTask(queued, state === "stalled")),
    tile("Processing", processing.count, ...oldestTask(processing, state === "stuck")),
    scheduled && tile("Scheduled", scheduled.count, note("due later")),
  ];
}

/** @type {(backlog: BacklogCount, isWrong: boolean) => Child[]} */
function oldestTask({ count, oldestAgeSeconds, oldest }, isWrong) {
  const age = oldestAgeSeconds === null ? NOT_RECORDED : ageText(oldestAgeSeconds);
  return [count > 0 && note(`oldest ${age}`, isWrong), oldest && taskIds(oldest)];
}

/** @type {(task: TaskReference) => HTMLElement} Buttons that copy the ids. */
function taskIds({ taskId, requestId }) {
  const id = (/** @type {string} */ kind, /** @type {string} */ value) =>
    h("button", { class: "link", "data-copy": value, title: `Copy ${value}` }, `${kind} ${value}`);
  const ids = [id("task", taskId), requestId !== null && id("request", requestId)];
  return h("p", {}, ids);
}

/** @type {(name: CountName, snapshot: Snapshot) => HTMLElement} */
function countTile(name, { tasks, previous }) {
  const title = capitalized(name);
  const count = tasks[name];
  const before = previous?.[name] ?? null;
  if (count === null) return tile(title, count, note(NOT_RECORDED));
  if (before === null) return tile(title, count, note("updated in the window"));
  const changed = `${change(count - before)} on ${number(before)}`;
  if (name !== "failed") return tile(title, count, note(changed));
  const ended = count + (tasks.completed ?? 0);
  const rate = ended > 0 && note(`${percentage(count / ended)} of ended`);
  return tile(title, count, note(changed, count > before), rate);
}

/** @type {(snapshot: Snapshot) => HTMLElement} */
function latencyTable({ latency, previous }) {
  const before = previous?.latency;
  /** @type {Column<[string, LatencyName]>[]} */
  const columns = [
    ["Time", ([title]) => title],
    ["p50", ([, name]) => [duration(latency[name]?.p50), wasBefore(before?.[name]?.p50)]],
    ["p95", ([, name]) => [duration(latency[name]?.p95), wasBefore(before?.[name]?.p95)]],
    ["p99", ([, name]) => [duration(latency[name]?.p99), wasBefore(before?.[name]?.p99)]],
    ["Max", ([, name]) => [duration(latency[name]?.max), wasBefore(before?.[name]?.max)]],
    ["Samples", ([, name]) => samplesOf(latency[name])],
  ];
  return table("Latency", columns, LATENCIES);
}

/** @type {(value: number | null | undefined) => Child} */
const wasBefore = (value) => value !== undefined && beside(`${duration(value)} before`);

/** @type {(text: string) => HTMLElement} */
const beside = (text) => h("small", {}, ` ${text}`);

/** @type {(stats: LatencyStats | null) => Child[]} */
function samplesOf(stats) {
  if (stats === null) return [NOT_RECORDED];
  const remark = stats.samples === 0 ? "no data" : "too few: p95 is the max";
  return [number(stats.samples), stats.samples <= FEW_SAMPLES && beside(remark)];
}

/** @type {(snapshot: Snapshot) => HTMLElement} */
function errorTable({ topErrors }) {
  if (topErrors === null) return note(capitalized(NOT_RECORDED));
  if (topErrors.length === 0) return note("No task failed.");
  return table("Top errors", ERROR_COLUMNS, topErrors);
}

/** @type {(error: TopError) => Child[]} */
function errorChange({ count, previousCount = 0 }) {
  if (previousCount === 0) return [wrong("new")];
  return [number(previousCount), beside(`(${change(count - previousCount)})`)];
}

/** @type {(snapshot: Snapshot, view: View, dimension: string) => HTMLElement} */
function groupTable({ groups = [], otherGroups, groupCount = 0 }, view, dimension) {
  if (groups.length === 0) return note("No task to break down.");
  const others = groupCount - groups.length;
  const nameOf = (/** @type {Group} */ group) =>
    group === otherGroups
      ? `${number(others)} ${others === 1 ? "other" : "others"}`
      : groupButton(view, dimension, String(group[dimension] ?? ""));
  const rows = otherGroups ? [...groups, otherGroups] : groups;
  return table(`Breakdown by ${dimension}`, [[dimension, nameOf], ...GROUP_COLUMNS], rows);
}

/** @type {(view: View, dimension: string, value: string) => HTMLElement} */
function groupButton({ filters }, dimension, value) {
  const others = filters.filter(([name]) => name !== dimension);
  const text = valueText(value);
  const attributes = { class: "link", title: `Show ${dimension} ${text} alone` };
  return viewButton({ filters: [...others, [dimension, value]] }, attributes, text);
}
