// Charts over time, with a cursor that mouse and arrow keys move, and a table behind each.

import { byId, fill, h, table } from "./dom.js";
import { NOT_RECORDED, duration, number, time, timeText } from "./format.js";

/** @import { Column } from "./dom.js" */
/** @import { LatencyName, Point } from "./types" */
/** @import { Options, Series, default as UPlot } from "uplot" */

/** @typedef {(point: Point) => number | null | undefined} Value Undefined if it is not recorded. */
/** @typedef {[label: string, look: keyof typeof LOOKS, value: Value]} Line */

const HEIGHT = 180;

/** Lines differ by more than their colours, which are properties of the style sheet. */
const LOOKS = {
  bars: { sign: "■", colour: "--wrong", width: 0 },
  thin: { sign: "──", colour: "--muted", width: 1.25 },
  strong: { sign: "━━", colour: "--accent", width: 2.5 },
};

class Chart {
  /**
   * @param {string} id The section's; its label is the chart's title.
   * @param {(value: number | null) => string} format
   * @param {boolean} isLogarithmic
   * @param {Line[]} lines
   */
  constructor(id, format, isLogarithmic, lines) {
    this.format = format;
    this.isLogarithmic = isLogarithmic;
    this.lines = lines;
    /** @type {Point[]} */
    this.points = [];
    this.title = byId(id).ariaLabel ?? "";
    this.legend = h("p", { class: "row legend" });
    this.plot = h("div", {
      class: "plot",
      tabindex: "0",
      role: "application",
      "aria-roledescription": "chart",
      "aria-label": `${this.title} over time. Left and right arrow keys read the points.`,
    });
    this.spoken = h("p", { class: "unseen", "aria-live": "polite" });
    const label = { role: "group", "aria-label": this.title };
    this.table = h("div", { class: "scroll", tabindex: "0", ...label });
    const details = h("details", {}, h("summary", {}, "Table"), this.table);
    byId(id).append(this.legend, this.plot, this.spoken, details);
    this.uplot = new uPlot(this.options(), [[]], this.plot);
    this.plot.addEventListener("keydown", (event) => this.moveCursor(event));
    new ResizeObserver(() => this.resize()).observe(this.plot);
    matchMedia("(prefers-color-scheme: dark)").onchange = () => this.uplot.redraw();
  }

  /** @type {() => Options} */
  options() {
    const none = { show: false };
    const axis = { stroke: colour("--muted"), font: "12px system-ui, sans-serif", ticks: none };
    const grid = {
      stroke: colour("--line"),
      width: 1,
      ...(this.isLogarithmic && { filter: marks }),
    };
    const text = (/** @type {number | null} */ value) => (value === null ? "" : this.format(value));
    return {
      width: 300,
      height: HEIGHT,
      legend: none,
      cursor: { y: false, drag: { x: false, y: false } },
      scales: { y: this.isLogarithmic ? { distr: 3 } : { range: fromZero } },
      series: [{}, ...this.lines.flatMap(([, look]) => [seriesOf(look), seriesOf(look, true)])],
      axes: [
        { ...axis, size: 30, grid: none, values: (_, moments) => moments.map(clockText) },
        { ...axis, size: 60, grid, values: (_, values) => values.map(text) },
      ],
      hooks: { setCursor: [({ cursor }) => this.read(cursor.idx)] },
    };
  }

  /** @type {(points: Point[]) => void} */
  show(points) {
    this.points = points;
    const times = points.map(({ at }) => Date.parse(at) / 1000);
    const least = this.isLogarithmic ? 1 : 0;
    const values = this.lines.map(([, , value]) => parted(points, value, least));
    this.uplot.setData([times, ...values.flat()]);
    /** @type {Column<Point>} */
    const first = ["From", (point) => [time(point.at), incomplete(point)]];
    /** @type {Column<Point>[]} */
    const others = this.lines.map(([label, , value]) => [
      label,
      (point) => this.text(value(point)),
    ]);
    fill(this.table, table(this.title, [first, ...others], [...points].reverse()));
  }

  clear() {
    this.show([]);
    fill(this.spoken);
  }

  resize() {
    if (this.plot.clientWidth) this.uplot.setSize({ width: this.plot.clientWidth, height: HEIGHT });
  }

  /** @type {(event: KeyboardEvent) => void} */
  moveCursor(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const last = this.points.length - 1;
    const present = this.uplot.cursor.idx ?? (event.key === "ArrowRight" ? -1 : last + 1);
    /** @type {Record<string, number>} */
    const targets = { ArrowLeft: present - 1, ArrowRight: present + 1, Home: 0, End: last };
    const index = Math.min(Math.max(targets[event.key] ?? NaN, 0), last);
    const point = this.points[index];
    if (point === undefined) return;
    event.preventDefault();
    const left = this.uplot.valToPos(this.uplot.data[0][index] ?? 0, "x");
    this.uplot.setCursor({ left, top: HEIGHT / 3 });
    const figures = this.lines.map(([label, , value]) => `${label} ${this.text(value(point))}`);
    fill(this.spoken, `${momentOf(point)}: ${figures.join(", ")}`);
  }

  /** @type {(index: number | null | undefined) => void} Shows a point's figures in the legend. */
  read(index) {
    const point = this.points[index ?? -1];
    const entries = this.lines.map(([label, look, value]) => {
      const figure = point && h("b", {}, ` ${this.text(value(point))}`);
      const sign = h("span", { class: look, "aria-hidden": "true" }, LOOKS[look].sign);
      return h("span", {}, sign, ` ${label}`, figure);
    });
    fill(this.legend, entries, point && h("span", {}, momentOf(point)));
  }

  /** @type {(value: number | null | undefined) => string} */
  text(value) {
    if (value === undefined) return NOT_RECORDED;
    return value === null ? "no data" : this.format(value);
  }
}

/** @type {(point: Point) => string} */
const incomplete = ({ partial }) => (partial ? " (not complete)" : "");

/** @type {(point: Point) => string} */
const momentOf = (point) => `${timeText(new Date(point.at))}${incomplete(point)}`;

/** @type {(second: number) => string} */
const clockText = (second) => timeText(new Date(second * 1000));

/** @type {(plot: UPlot, min: number, max: number) => [number, number]} */
const fromZero = (_, __, max) => [0, Math.max(4, max)];

/** @type {(plot: UPlot, values: number[]) => (number | null)[]} Those that begin with 1, 2 or 5. */
const marks = (_, values) =>
  values.map((value) => (/^[125]/.test(value.toExponential()) ? value : null));

/** @type {(property: string) => () => string} A colour of the style sheet, in the system's theme. */
const colour = (property) => () =>
  getComputedStyle(document.documentElement).getPropertyValue(property).trim();

/** @type {(look: keyof typeof LOOKS, isPartial?: boolean) => Series} */
function seriesOf(look, isPartial = false) {
  const { width } = LOOKS[look];
  const stroke = colour(LOOKS[look].colour);
  if (look !== "bars") {
    const points = { size: 5, fill: stroke, filter: isolated };
    return { stroke, width, points, dash: isPartial ? [4, 4] : [] };
  }
  const paths = uPlot.paths.bars?.({ size: [0.6, 12] });
  const fill = isPartial ? () => `${stroke()}66` : stroke;
  return { fill, width, points: { show: false }, ...(paths && { paths }) };
}

/**
 * Return a line's complete points, and its dashed ends with the points that they begin at.
 * @param {Point[]} points
 * @param {Value} value
 * @param {number} least A logarithmic axis has no 0.
 */
function parted(points, value, least) {
  const values = points.map((point) => {
    const figure = value(point) ?? null;
    return figure === null ? null : Math.max(least, figure);
  });
  const isEnd = (/** @type {number} */ at) => [-1, 0, 1].some((by) => points[at + by]?.partial);
  const complete = values.map((figure, at) => (points[at]?.partial ? null : figure));
  const ends = values.map((figure, at) => (isEnd(at) ? figure : null));
  return [complete, ends];
}

/** @type {(plot: UPlot, index: number) => number[]} The points of a series that no line leads to. */
function isolated({ data }, index) {
  const values = data[index] ?? [];
  const isGap = (/** @type {number} */ at) => (values[at] ?? null) === null;
  return [...values.keys()].filter((at) => !isGap(at) && isGap(at - 1) && isGap(at + 1));
}

/** @type {(id: string, name: LatencyName) => Chart} */
const latencyChart = (id, name) =>
  new Chart(id, duration, true, [
    ["p50", "thin", (point) => point[name]?.p50],
    ["p95", "strong", (point) => point[name]?.p95],
  ]);

export const charts = [
  new Chart("throughput", number, false, [
    ["failed", "bars", ({ failed }) => failed],
    ["created", "thin", ({ created }) => created ?? undefined],
    ["completed", "strong", ({ completed }) => completed],
  ]),
  latencyChart("waiting", "timeToProcessingMs"),
  latencyChart("running", "timeToCompleteMs"),
];
