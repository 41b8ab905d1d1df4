// Elements and their text. Text from the database goes through text nodes and attributes of data
// alone, so it can't become markup.

/** @typedef {Node | string | null | undefined | false} Child One that is no node or text is left out. */

/**
 * @template T
 * @typedef {[string, (item: T) => Child | Child[]]} Column A title, and the cell of an item.
 */

/** @type {(id: string) => HTMLElement} */
export const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/**
 * Create an element.
 * @param {string} tag
 * @param {Record<string, string>} attributes
 * @param {...(Child | Child[])} children
 */
export function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  for (const child of children.flat()) if (child) element.append(child);
  return element;
}

/**
 * Give an element these children. Unchanged nodes stay, with their focus and selection.
 * @type {(element: Element, ...children: (Child | Child[])[]) => void}
 */
export const fill = (element, ...children) => morphChildren(element, h("div", {}, ...children));

/** @type {(element: Element, wanted: Element) => void} */
function morphChildren(element, wanted) {
  const present = [...element.childNodes];
  const children = [...wanted.childNodes];
  children.forEach((child, index) => morph(element, present[index], child));
  present.slice(children.length).forEach((child) => child.remove());
}

/** @type {(parent: Element, present: ChildNode | undefined, wanted: ChildNode) => void} */
function morph(parent, present, wanted) {
  if (present === undefined) parent.append(wanted);
  else if (present.nodeName !== wanted.nodeName) present.replaceWith(wanted);
  else if (present instanceof Element && wanted instanceof Element) {
    const gone = [...present.attributes].filter(({ name }) => !wanted.hasAttribute(name));
    for (const { name } of gone) present.removeAttribute(name);
    for (const { name, value } of wanted.attributes) present.setAttribute(name, value);
    morphChildren(present, wanted);
  } else if (present.nodeValue !== wanted.nodeValue) present.nodeValue = wanted.nodeValue;
}

/**
 * Create a table of items. Its first column has the rows' headers.
 * @template T
 * @param {string} name
 * @param {Column<T>[]} columns
 * @param {T[]} items
 */
export function table(name, columns, items) {
  const head = columns.map(([title]) => h("th", { scope: "col" }, title));
  const rows = items.map((item) => {
    const [first, ...others] = columns.map(([, cell]) => cell(item));
    const cells = others.map((cell) => h("td", {}, cell));
    return h("tr", {}, h("th", { scope: "row" }, first), cells);
  });
  return h(
    "table",
    { "aria-label": name },
    h("thead", {}, h("tr", {}, head)),
    h("tbody", {}, rows),
  );
}
