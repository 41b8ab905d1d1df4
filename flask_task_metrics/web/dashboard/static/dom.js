// Elements and their text. Text from the database goes through text nodes and attributes of data
// alone, so it can't become markup.

/**
 * Return the element of the page with an id.
 * @template {HTMLElement} [T=HTMLElement]
 * @param {string} id
 * @returns {T}
 */
export function byId(id) {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`The page has no element #${id}`);
  return /** @type {T} */ (element);
}

/**
 * Create an element. A child that is null or false is left out.
 * @param {string} tag
 * @param {Record<string, string>} [attributes]
 * @param {...(Node | string | null | false)} children
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  for (const child of children) if (child !== null && child !== false) element.append(child);
  return element;
}

/**
 * Give an element these children. Unchanged nodes stay, with their focus and selection.
 * @param {Element} element
 * @param {...(Node | null | false)} children
 */
export function fill(element, ...children) {
  const wanted = /** @type {Element} */ (element.cloneNode(false));
  for (const child of children) if (child) wanted.append(child);
  morph(element, wanted);
}

/**
 * @param {Element} element
 * @param {Element} wanted
 */
function morph(element, wanted) {
  for (const { name } of [...element.attributes]) {
    if (!wanted.hasAttribute(name)) element.removeAttribute(name);
  }
  for (const { name, value } of wanted.attributes) {
    if (element.getAttribute(name) !== value) element.setAttribute(name, value);
  }
  const present = [...element.childNodes];
  const children = [...wanted.childNodes];
  children.forEach((child, index) => morphChild(element, present[index], child));
  present.slice(children.length).forEach((child) => child.remove());
}

/**
 * @param {Element} parent
 * @param {ChildNode | undefined} present
 * @param {ChildNode} child
 */
function morphChild(parent, present, child) {
  if (present === undefined) parent.append(child);
  else if (present.nodeName !== child.nodeName) present.replaceWith(child);
  else if (present instanceof Element) morph(present, /** @type {Element} */ (child));
  else if (present.nodeValue !== child.nodeValue) present.nodeValue = child.nodeValue;
}

/**
 * Create a table. Its caption is for screen readers. A cell that is no node is a text.
 * @param {string} caption
 * @param {string[]} head The first column's cells are the rows' headers.
 * @param {(Node | string)[][]} rows
 */
export function table(caption, head, rows) {
  const headers = head.map((text) => h("th", { scope: "col" }, text));
  return h(
    "table",
    { "aria-label": caption },
    h("thead", {}, h("tr", {}, ...headers)),
    h("tbody", {}, ...rows.map(([first = "", ...cells]) => tableRow(first, cells))),
  );
}

/**
 * @param {Node | string} first
 * @param {(Node | string)[]} cells
 */
function tableRow(first, cells) {
  const rest = cells.map((cell) => h("td", {}, cell));
  return h("tr", {}, h("th", { scope: "row" }, first), ...rest);
}
