// Copying, also on plain HTTP, where a browser has no navigator.clipboard.

import { byId, fill } from "./dom.js";

const SHOWN_MS = 5000;

const dialog = /** @type {HTMLDialogElement} */ (byId("by-hand"));
const area = /** @type {HTMLTextAreaElement} */ (byId("by-hand-text"));
let timer = 0;

/** @type {(text: string, name: string) => Promise<void>} Names a text such as `the snapshot`. */
export async function copy(text, name) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    if (!copyBySelection(text)) return say("");
  }
  say(`Copied ${name}`);
}

/** @type {(text: string) => boolean} The dialog stays open for whom the browser does not copy. */
function copyBySelection(text) {
  area.value = text;
  dialog.showModal();
  area.select();
  const isCopied = document.execCommand("copy");
  if (isCopied) forget();
  return isCopied;
}

/** @type {(text: string) => void} Tells for some seconds how copying went. */
export function say(text) {
  clearTimeout(timer);
  fill(byId("copied"), text);
  if (text) timer = setTimeout(say, SHOWN_MS, "");
}

/** Forget the text that was to be copied by hand. */
export function forget() {
  area.value = "";
  dialog.close();
  say("");
}

byId("by-hand-close").addEventListener("click", forget);
