// The controls of the view: window, source, filters and the dimension that is open.

import { byId, fill, h } from "./dom.js";
import { valueText, windowText } from "./format.js";
import { WINDOWS, dimensionsOf, viewButton } from "./view.js";

/** @import { Sources, View } from "./types" */

/** @type {(sources: Sources, view: View) => void} */
export function showControls(sources, view) {
  byId("controls").hidden = false;
  showWindows(sources, view.minutes);
  showSources(sources, view.source);
  showFilters(view.filters);
  showDimensions(dimensionsOf(sources, view.source), view.groupBy);
}

/** @type {(sources: Sources, chosen: number) => void} */
function showWindows({ minutes }, chosen) {
  const usual = WINDOWS.filter((window) => window <= minutes.max);
  const windows = [...new Set([...usual, minutes.default, chosen])].sort((a, b) => a - b);
  fill(byId("windows"), windows.map(windowChoice));
  // The attribute "checked" is the choice at the start alone.
  for (const input of byId("windows").querySelectorAll("input"))
    input.checked = input.value === String(chosen);
}

/** @type {(minutes: number) => HTMLElement} */
function windowChoice(minutes) {
  const attributes = { type: "radio", name: "window", value: String(minutes), class: "unseen" };
  return h("label", {}, h("input", attributes), windowText(minutes));
}

/** @type {(sources: Sources, chosen: string | null) => void} */
function showSources({ sources }, chosen) {
  const options = sources.map(({ name }) => h("option", {}, name));
  fill(byId("source"), options);
  if (chosen !== null) /** @type {HTMLSelectElement} */ (byId("source")).value = chosen;
  byId("source-choice").hidden = chosen === null;
}

/** @type {(filters: View["filters"]) => void} */
function showFilters(filters) {
  const buttons = filters.map((filter) => {
    const text = `${filter[0]}: ${valueText(filter[1])}`;
    const others = filters.filter((other) => other !== filter);
    const attributes = { class: "chosen", "aria-label": `Remove ${text}` };
    return viewButton({ filters: others }, attributes, `${text} ×`);
  });
  fill(byId("filters"), h("span", {}, "Only"), buttons);
  byId("filters").hidden = filters.length === 0;
}

/** @type {(dimensions: string[], open: string | null) => void} */
function showDimensions(dimensions, open) {
  const buttons = dimensions.map((name) => {
    const isOpen = name === open;
    const state = { class: isOpen ? "chosen" : "", "aria-expanded": String(isOpen) };
    const attributes = { ...state, "aria-controls": "group-table", "aria-label": name };
    return viewButton({ groupBy: isOpen ? null : name }, attributes, isOpen ? "▾ " : "▸ ", name);
  });
  fill(byId("dimensions"), buttons);
  byId("breakdown").hidden = dimensions.length === 0;
  byId("group-table").hidden = open === null;
}
