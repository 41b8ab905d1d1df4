// The view: window, source, filters and grouping. All of it is in the URL.

import { h } from "./dom.js";

/** @import { Sources, View } from "./types" */

export const WINDOWS = [5, 15, 60, 360, 1440];

/** @type {(sources: Sources, source: string | null) => string[]} */
export const dimensionsOf = ({ sources }, source) =>
  sources.find(({ name }) => name === source)?.dimensions ?? [];

/**
 * Read the view of a query string; drop names that the sources lack.
 * @type {(query: string, sources: Sources) => View}
 */
export function viewOf(query, sources) {
  const given = new URLSearchParams(query);
  const minutes = Number(given.get("minutes") ?? NaN);
  const isWindow = Number.isInteger(minutes) && minutes >= 1 && minutes <= sources.minutes.max;
  const names = sources.sources.map(({ name }) => name);
  const source = names.find((name) => name === given.get("source")) ?? names[0] ?? null;
  const dimensions = dimensionsOf(sources, source);
  return {
    minutes: isWindow ? minutes : sources.minutes.default,
    source,
    groupBy: dimensions.find((name) => name === given.get("groupBy")) ?? null,
    filters: [...given].filter(([name]) => dimensions.includes(name)),
  };
}

/**
 * Return the query string of a view: for the page's own URL, and for the snapshot.
 * @type {(view: View) => URLSearchParams}
 */
export function queryOf({ minutes, source, groupBy, filters }) {
  const query = new URLSearchParams({ minutes: String(minutes) });
  if (source !== null) query.append("source", source);
  if (groupBy !== null) query.append("groupBy", groupBy);
  for (const [name, value] of filters) query.append(name, value);
  return query;
}

/**
 * Create a button that changes the view.
 * @param {Partial<View>} change
 * @param {Record<string, string>} attributes
 * @param {...string} texts
 */
export const viewButton = (change, attributes, ...texts) =>
  h("button", { type: "button", "data-view": JSON.stringify(change), ...attributes }, ...texts);
