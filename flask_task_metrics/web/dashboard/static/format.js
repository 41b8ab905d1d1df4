// Numbers, durations and times, as people read them.

import { h } from "./dom.js";

const numbers = new Intl.NumberFormat("en");
const percentages = new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: 1 });

const HOUR_MINUTE = /** @type {const} */ ({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const clock = new Intl.DateTimeFormat(undefined, HOUR_MINUTE);
const seconds = new Intl.DateTimeFormat(undefined, { ...HOUR_MINUTE, second: "2-digit" });
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });

/** Units of time, and their seconds. */
const UNITS = /** @type {const} */ ([
  ["days", 86_400],
  ["h", 3600],
  ["min", 60],
]);

export const NOT_RECORDED = "not recorded";

/** @type {(value: number | null) => string} */
export const number = (value) => (value === null ? "–" : numbers.format(value));

/** @type {(value: number) => string} Such as `16.5%`; a value near 0 or 1 isn't rounded to that. */
export function percentage(value) {
  if (value > 0 && value < 0.001) return "<0.1%";
  if (value > 0.999 && value < 1) return ">99.9%";
  return percentages.format(value);
}

/** @type {(text: string) => string} */
export const capitalized = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/** @type {(value: string) => string} A dimension's value: null and the empty text are one. */
export const valueText = (value) => (value === "" ? "(none)" : value);

/** @type {(value: number) => string} With its sign: `+12`, `−3`, `±0`. */
export const change = (value) =>
  `${value > 0 ? "+" : value < 0 ? "−" : "±"}${number(Math.abs(value))}`;

/** @type {(milliseconds: number | null | undefined) => string} Such as `412 ms`, `5.2 s`. */
export function duration(milliseconds) {
  if (milliseconds === null || milliseconds === undefined) return "–";
  return milliseconds < 1000 ? `${milliseconds} ms` : inUnit(milliseconds / 1000, 10);
}

/** @type {(age: number | null) => string} As in the state's sentence: `41 s`, `14 min`. */
export const ageText = (age) => (age === null ? "–" : inUnit(Math.max(0, age), 1));

/**
 * Return a time in the largest unit of which it has at least two, cut to a part of the unit.
 * @type {(time: number, parts: number) => string}
 */
function inUnit(time, parts) {
  const [unit, size] = UNITS.find(([, size]) => time >= 2 * size) ?? ["s", 1];
  return `${number(Math.floor((time / size) * parts) / parts)} ${unit}`;
}

/** @type {(minutes: number) => string} The length of a window: `15 min`, `24 h`. */
export const windowText = (minutes) =>
  minutes % 60 === 0 ? `${minutes / 60} h` : `${minutes} min`;

/** @type {(moment: Date, format?: Intl.DateTimeFormat) => string} Local, with another day's date. */
export function timeText(moment, format = clock) {
  const isToday = moment.toDateString() === new Date().toDateString();
  return isToday ? format.format(moment) : `${day.format(moment)} ${format.format(moment)}`;
}

/**
 * Create a local time that shows UTC to whoever points at it or tabs to it.
 * @type {(moment: string | Date) => HTMLElement}
 */
export function time(moment) {
  const date = new Date(moment);
  const utc = `${date.toISOString().slice(0, 19).replace("T", " ")} UTC`;
  const attributes = { datetime: date.toISOString(), "data-utc": utc, tabindex: "0" };
  return h("time", attributes, timeText(date, seconds));
}
