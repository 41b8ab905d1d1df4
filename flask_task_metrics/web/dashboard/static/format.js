// Numbers, durations and times, as people read them.

import { h } from "./dom.js";

const numbers = new Intl.NumberFormat("en");
const percentages = new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: 1 });

const HOUR_MINUTE = /** @type {const} */ ({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const clock = new Intl.DateTimeFormat(undefined, HOUR_MINUTE);
const seconds = new Intl.DateTimeFormat(undefined, { ...HOUR_MINUTE, second: "2-digit" });
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });

export const NOT_RECORDED = "not recorded";

/** @param {number} value */
export const number = (value) => numbers.format(value);

/**
 * Return a share of the whole: `16.5%`; one that is nearly 0 or 1 is not rounded to that.
 * @param {number} value
 */
export function percentage(value) {
  if (value > 0 && value < 0.001) return "<0.1%";
  if (value > 0.999 && value < 1) return ">99.9%";
  return percentages.format(value);
}

/** @param {string} text */
export const capitalized = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/**
 * Return a change with its sign: `+12`, `−3`, `±0`.
 * @param {number} value
 */
export function change(value) {
  const sign = value > 0 ? "+" : value < 0 ? "−" : "±";
  return `${sign}${number(Math.abs(value))}`;
}

/**
 * Return a duration: `412 ms`, `5.2 s`, `3.4 min`, `1.5 h`.
 * @param {number | null | undefined} milliseconds
 */
export function duration(milliseconds) {
  if (milliseconds === null || milliseconds === undefined) return "–";
  if (milliseconds < 1000) return `${milliseconds} ms`;
  const inSeconds = milliseconds / 1000;
  if (inSeconds < 120) return `${tenths(inSeconds)} s`;
  if (inSeconds < 7200) return `${tenths(inSeconds / 60)} min`;
  return `${tenths(inSeconds / 3600)} h`;
}

/** @param {number} value */
const tenths = (value) => number(Math.floor(value * 10) / 10);

/**
 * Return an age in one unit, cut to the whole, as the state's sentence has it: `41 s`, `14 min`.
 * @param {number} age
 */
export function ageText(age) {
  if (age < 120) return `${Math.max(0, age)} s`;
  if (age < 7200) return `${Math.floor(age / 60)} min`;
  if (age < 172_800) return `${Math.floor(age / 3600)} h`;
  return `${Math.floor(age / 86_400)} days`;
}

/**
 * Return the length of a window: `15 min`, `24 h`.
 * @param {number} minutes
 */
export const windowText = (minutes) =>
  minutes % 60 === 0 ? `${minutes / 60} h` : `${minutes} min`;

/**
 * Return a local time: `14:03`, and the day if it is another one.
 * @param {Date} moment
 */
export function timeText(moment, format = clock) {
  const isToday = moment.toDateString() === new Date().toDateString();
  return isToday ? format.format(moment) : `${day.format(moment)} ${format.format(moment)}`;
}

/**
 * Create a local time that shows UTC to whoever points at it or tabs to it.
 * @param {string | Date} moment
 */
export function time(moment) {
  const date = new Date(moment);
  const utc = `${date.toISOString().slice(0, 19).replace("T", " ")} UTC`;
  const attributes = { datetime: date.toISOString(), "data-utc": utc, tabindex: "0" };
  return h("time", attributes, timeText(date, seconds));
}
