// The view: window, source, filters and grouping. All of it is in the URL.

const WINDOWS = [5, 15, 60, 360, 1440];

/** @typedef {import("./types").Sources} Sources */

/**
 * @typedef {object} View
 * @property {number} minutes
 * @property {string | null} source Null if there is only one.
 * @property {string | null} groupBy The dimension that is open.
 * @property {[string, string][]} filters Names and values of dimensions.
 */

/**
 * Return the windows to choose from: the usual ones, and the one that is shown.
 * @param {Sources} sources
 * @param {number} shown
 */
export function windowsOf({ minutes }, shown) {
  const usual = WINDOWS.filter((window) => window <= minutes.max);
  return [...new Set([...usual, minutes.default, shown])].sort((a, b) => a - b);
}

/**
 * Return the dimensions of a source.
 * @param {Sources} sources
 * @param {string | null} source
 */
export function dimensionsOf({ sources }, source) {
  return sources.find(({ name }) => name === source)?.dimensions ?? [];
}

/**
 * Read the view of a query string; drop names that the sources lack.
 * @param {string} query
 * @param {Sources} sources
 * @returns {View}
 */
export function viewOf(query, sources) {
  const given = new URLSearchParams(query);
  const minutes = Number(given.get("minutes") ?? NaN);
  const isWindow = Number.isInteger(minutes) && minutes >= 1 && minutes <= sources.minutes.max;
  const names = sources.sources.map(({ name }) => name);
  const named = given.get("source");
  const source = names.includes(named) ? named : (names[0] ?? null);
  const dimensions = dimensionsOf(sources, source);
  const groupBy = given.get("groupBy");
  return {
    minutes: isWindow ? minutes : sources.minutes.default,
    source,
    groupBy: groupBy !== null && dimensions.includes(groupBy) ? groupBy : null,
    filters: [...given].filter(([name]) => dimensions.includes(name)),
  };
}

/**
 * Return the query string of a view: for the page's own URL, and for the snapshot.
 * @param {View} view
 */
export function queryOf(view) {
  const query = new URLSearchParams({ minutes: String(view.minutes) });
  if (view.source !== null) query.append("source", view.source);
  if (view.groupBy !== null) query.append("groupBy", view.groupBy);
  for (const [name, value] of view.filters) query.append(name, value);
  return query;
}
