// The controls of the view: window, source, filters and the dimension that is open.

import { byId, fill, h } from "./dom.js";
import { windowText } from "./format.js";
import { valueText } from "./sections.js";
import { dimensionsOf, windowsOf } from "./view.js";

/** @typedef {import("./types").Sources} Sources */
/** @typedef {import("./view.js").View} View */

/**
 * @param {Sources} sources
 * @param {View} view
 */
export function showControls(sources, view) {
  byId("controls").hidden = false;
  showWindows(windowsOf(sources, view.minutes), view.minutes);
  showSources(sources, view.source);
  showFilters(view.filters);
  showDimensions(dimensionsOf(sources, view.source), view.groupBy);
}

/**
 * @param {number[]} windows
 * @param {number} chosen
 */
function showWindows(windows, chosen) {
  fill(byId("windows"), ...windows.map(windowChoice));
  // The attribute "checked" is the choice at the start alone.
  for (const input of byId("windows").querySelectorAll("input")) {
    input.checked = input.value === String(chosen);
  }
}

/** @param {number} minutes */
const windowChoice = (minutes) =>
  h(
    "label",
    {},
    h("input", { type: "radio", name: "window", value: String(minutes), class: "unseen" }),
    windowText(minutes),
  );

/**
 * @param {Sources} sources
 * @param {string | null} chosen
 */
function showSources({ sources }, chosen) {
  const select = /** @type {HTMLSelectElement} */ (byId("source"));
  fill(select, ...sources.map(({ name }) => h("option", {}, name)));
  if (chosen !== null) select.value = chosen;
  byId("source-choice").hidden = chosen === null;
}

/** @param {[string, string][]} filters */
function showFilters(filters) {
  byId("filters").hidden = filters.length === 0;
  fill(byId("filters"), h("span", {}, "Only"), ...filters.map(filterChip));
}

/**
 * @param {[string, string]} filter
 * @param {number} index
 */
const filterChip = ([name, value], index) =>
  h(
    "button",
    { type: "button", class: "chosen", "data-unfilter": String(index), title: "Remove" },
    `${name}: ${valueText(value)} `,
    h("span", { "aria-hidden": "true" }, "×"),
  );

/**
 * @param {string[]} dimensions
 * @param {string | null} open
 */
function showDimensions(dimensions, open) {
  byId("breakdown").hidden = dimensions.length === 0;
  byId("group-table").hidden = open === null;
  const buttons = dimensions.map((dimension) => {
    const expanded = String(dimension === open);
    const attributes = { "aria-expanded": expanded, "aria-controls": "group-table" };
    const look = dimension === open ? "chosen" : "";
    return h(
      "button",
      { type: "button", class: look, "data-dimension": dimension, ...attributes },
      dimension === open ? "▾ " : "▸ ",
      dimension,
    );
  });
  fill(byId("dimensions"), ...buttons);
}
