// A chart over time, with a cursor that mouse and arrow keys move, and a table behind it.

import { fill, h, table } from "./dom.js";
import { NOT_RECORDED, duration, number, time, timeText } from "./format.js";

/** @typedef {import("./types").Point} Point */
/** @typedef {import("./types").LatencyName} LatencyName */

/**
 * @typedef {object} Line
 * @property {string} label
 * @property {"strong" | "thin" | "bars"} look Lines differ by more than their colours.
 * @property {string} colour The name of a custom property of the style sheet.
 * @property {(point: Point) => number | null | undefined} value Null without data, undefined if the
 *   source does not record it.
 */

const HEIGHT = 180;

/** The width and the dashes of a line; bars have neither. */
const WIDTHS = { strong: 2.5, thin: 1.25, bars: 1 };

/**
 * Return the chart of the counts.
 * @param {HTMLElement} section
 */
export function throughputChart(section) {
  return new Chart(section, "Throughput", "tasks per step", number, false, [
    { label: "failed", look: "bars", colour: "--wrong", value: ({ failed }) => failed },
    {
      label: "created",
      look: "thin",
      colour: "--muted",
      value: ({ created }) => created ?? undefined,
    },
    {
      label: "completed",
      look: "strong",
      colour: "--accent",
      value: (point) => point.completed,
    },
  ]);
}

/**
 * Return the chart of a latency.
 * @param {HTMLElement} section
 * @param {string} title
 * @param {LatencyName} name
 */
export function latencyChart(section, title, name) {
  return new Chart(section, title, "logarithmic", duration, true, [
    {
      label: "p50",
      look: "thin",
      colour: "--muted",
      value: (point) => point[name]?.p50,
    },
    {
      label: "p95",
      look: "strong",
      colour: "--accent",
      value: (point) => point[name]?.p95,
    },
  ]);
}

class Chart {
  /**
   * @param {HTMLElement} section
   * @param {string} title
   * @param {string} unit
   * @param {(value: number) => string} format
   * @param {boolean} isLogarithmic
   * @param {Line[]} lines
   */
  constructor(section, title, unit, format, isLogarithmic, lines) {
    this.title = title;
    this.format = format;
    this.isLogarithmic = isLogarithmic;
    this.lines = lines;
    /** @type {Point[]} */
    this.points = [];
    this.spoken = h("p", { class: "unseen", "aria-live": "polite" });
    this.plot = h("div", {
      class: "plot",
      tabindex: "0",
      role: "application",
      "aria-roledescription": "chart",
      "aria-label": `${title} over time. Left and right arrow keys read the points.`,
    });
    this.table = h("div", {
      class: "scroll",
      tabindex: "0",
      role: "group",
      "aria-label": title,
    });
    this.details = /** @type {HTMLDetailsElement} */ (
      h("details", {}, h("summary", {}, "Table"), this.table)
    );
    this.legend = h("p", { class: "row legend" });
    const head = h("h2", {}, `${title} `, h("small", {}, unit));
    section.setAttribute("aria-label", title);
    section.append(head, this.legend, this.plot, this.spoken, this.details);
    this.uplot = new uPlot(this.options(isLogarithmic), [[]], this.plot);
    this.details.addEventListener("toggle", () => this.showTable());
    this.plot.addEventListener("keydown", (event) => this.moveCursor(event));
    new ResizeObserver(() => this.resize()).observe(this.plot);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.redraw());
  }

  /**
   * @param {boolean} isLogarithmic
   * @returns {import("uplot").Options}
   */
  options(isLogarithmic) {
    const axis = { stroke: () => colourOf("--muted"), font: "12px system-ui, sans-serif" };
    const none = { show: false };
    return {
      width: 300,
      height: HEIGHT,
      legend: none,
      cursor: { y: false, drag: { x: false, y: false }, points: { size: 7 } },
      scales: {
        y: isLogarithmic ? { distr: 3 } : { range: (_, __, max) => [0, Math.max(4, max)] },
      },
      series: [{}, ...this.lines.flatMap((line) => [seriesOf(line, false), seriesOf(line, true)])],
      axes: [
        {
          ...axis,
          grid: none,
          ticks: none,
          size: 30,
          space: 50,
          values: (_, moments) => moments.map((moment) => timeText(new Date(moment * 1000))),
        },
        {
          ...axis,
          grid: { stroke: () => colourOf("--line"), width: 1, filter: labelled },
          ticks: none,
          size: 60,
          values: (_, values) => values.map((value) => this.axisText(value)),
        },
      ],
      hooks: { setCursor: [(uplot) => this.read(uplot.cursor.idx ?? null)] },
    };
  }

  /** @param {number | null} value Null where a logarithmic axis has no room for a label. */
  axisText(value) {
    return value === null || !Number.isInteger(value) ? "" : this.format(value);
  }

  /** @param {Point[]} points */
  show(points) {
    this.points = points;
    const times = points.map(({ at }) => Date.parse(at) / 1000);
    const least = this.isLogarithmic ? 1 : 0;
    const values = this.lines.flatMap((line) => parted(points, line, least));
    this.uplot.setData([times, ...values]);
    this.showTable();
  }

  clear() {
    this.show([]);
    fill(this.table);
    this.spoken.textContent = "";
  }

  resize() {
    if (this.plot.clientWidth) this.uplot.setSize({ width: this.plot.clientWidth, height: HEIGHT });
  }

  redraw() {
    this.uplot.redraw();
  }

  /** @param {KeyboardEvent} event */
  moveCursor(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const last = this.points.length - 1;
    const present = this.uplot.cursor.idx ?? (event.key === "ArrowRight" ? -1 : last + 1);
    /** @type {Record<string, number>} */
    const targets = { ArrowLeft: present - 1, ArrowRight: present + 1, Home: 0, End: last };
    const target = targets[event.key];
    if (target === undefined || last < 0) return;
    event.preventDefault();
    const index = Math.min(Math.max(target, 0), last);
    const left = this.uplot.valToPos(this.uplot.data[0][index] ?? 0, "x");
    this.uplot.setCursor({ left, top: HEIGHT / 3 });
    this.spoken.textContent = this.text(/** @type {Point} */ (this.points[index]));
  }

  /**
   * Show the figures of a point beside the names of their lines.
   * @param {number | null} index
   */
  read(index) {
    const point = index === null ? undefined : this.points[index];
    const entries = this.lines.map((line) =>
      legendEntry(line, point === undefined ? "" : ` ${this.cell(line.value(point))}`),
    );
    fill(this.legend, ...entries, point !== undefined && h("span", {}, timeOf(point)));
  }

  /** @param {Point} point */
  text(point) {
    const figures = this.lines.map(({ label, value }) => `${label} ${this.cell(value(point))}`);
    return `${timeOf(point)}: ${figures.join(", ")}`;
  }

  /** @param {number | null | undefined} value */
  cell(value) {
    if (value === undefined) return NOT_RECORDED;
    return value === null ? "no data" : this.format(value);
  }

  showTable() {
    if (!this.details.open) return;
    const rows = this.points.map((point) => [
      h("span", {}, time(point.at), point.partial ? " (not complete)" : ""),
      ...this.lines.map(({ value }) => this.cell(value(point))),
    ]);
    const head = ["From", ...this.lines.map(({ label }) => label)];
    fill(this.table, table(this.title, head, rows.reverse()));
  }
}

/**
 * @param {Line} line
 * @param {string} figure
 */
const legendEntry = ({ label, look }, figure) =>
  h("span", {}, h("i", { class: `key ${look}`, "aria-hidden": "true" }), label, h("b", {}, figure));

/** @param {Point} point */
const timeOf = ({ at, partial }) => `${timeText(new Date(at))}${partial ? " (not complete)" : ""}`;

/**
 * Return the values of an axis at which a line is drawn: whole ones, and of a logarithmic axis those
 * that begin with 1, 2 or 5.
 * @param {import("uplot")} uplot
 * @param {number[]} values
 */
const labelled = ({ scales }, values) =>
  values.map((value) =>
    (scales.y?.distr === 3 ? isMark(value) : Number.isInteger(value)) ? value : null,
  );

/** @param {number} value */
const isMark = (value) => [1, 2, 5].includes(value / 10 ** Math.floor(Math.log10(value)));

/**
 * Return a line's complete points, and those of its dashed ends with the points that they begin at.
 * @param {Point[]} points
 * @param {Line} line
 * @param {number} least A logarithmic axis has no 0.
 */
function parted(points, { look, value }, least) {
  const reach = look === "bars" ? [0] : [-1, 0, 1];
  const isEnd = (/** @type {number} */ at) => reach.some((by) => points[at + by]?.partial);
  // A bar without a height would be a line.
  const values = points.map((point) => {
    const figure = value(point) ?? null;
    if (figure === null || (look === "bars" && figure === 0)) return null;
    return Math.max(least, figure);
  });
  const complete = values.map((figure, at) => (points[at]?.partial ? null : figure));
  const ends = values.map((figure, at) => (isEnd(at) ? figure : null));
  return [complete, ends];
}

/**
 * @param {Line} line
 * @param {boolean} isPartial
 * @returns {import("uplot").Series}
 */
function seriesOf({ look, colour }, isPartial) {
  const stroke = () => colourOf(colour);
  const shape = { stroke, width: WIDTHS[look], dash: isPartial && look !== "bars" ? [4, 4] : [] };
  if (look !== "bars") return { ...shape, points: { size: 5, fill: stroke, filter: isolated } };
  const paths = uPlot.paths.bars?.({ size: [0.6, 12] });
  return {
    ...shape,
    ...(paths && { paths }),
    fill: isPartial ? "transparent" : stroke,
    points: { show: false },
  };
}

/**
 * Return the points of a series that no line leads to.
 * @param {import("uplot")} uplot
 * @param {number} index
 */
function isolated({ data }, index) {
  const values = data[index] ?? [];
  const isGap = (/** @type {number} */ at) => (values[at] ?? null) === null;
  return [...values.keys()].filter((at) => !isGap(at) && isGap(at - 1) && isGap(at + 1));
}

/**
 * Return a colour of the style sheet, in the system's theme.
 * @param {string} property
 */
const colourOf = (property) =>
  getComputedStyle(document.documentElement).getPropertyValue(property).trim();
