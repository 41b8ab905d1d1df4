// Copying, also on plain HTTP, where a browser has no navigator.clipboard.

import { byId } from "./dom.js";

const SHOWN_MS = 5000;

let timer = 0;

/**
 * Copy a text, or show it to be copied by hand; say so.
 * @param {string} text
 * @param {string} name Such as `the snapshot`.
 */
export async function copy(text, name) {
  const isCopied = (await copyByApi(text)) || copyBySelection(text);
  if (!isCopied) showByHand(text);
  say(isCopied ? `Copied ${name}` : "");
}

/**
 * Tell for some seconds how copying went.
 * @param {string} text
 */
export function say(text) {
  clearTimeout(timer);
  byId("copied").textContent = text;
  if (text) timer = setTimeout(() => say(""), SHOWN_MS);
}

/** Forget the text that was to be copied by hand. */
export function forgetCopy() {
  /** @type {HTMLTextAreaElement} */ (byId("by-hand-text")).value = "";
  /** @type {HTMLDialogElement} */ (byId("by-hand")).close();
  say("");
}

/** @param {string} text */
async function copyByApi(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

/** @param {string} text */
function copyBySelection(text) {
  const focused = document.activeElement;
  const area = document.createElement("textarea");
  area.className = "unseen";
  area.value = text;
  document.body.append(area);
  area.select();
  const isCopied = document.execCommand("copy");
  area.remove();
  if (focused instanceof HTMLElement) focused.focus();
  return isCopied;
}

/** @param {string} text */
function showByHand(text) {
  const area = /** @type {HTMLTextAreaElement} */ (byId("by-hand-text"));
  area.value = text;
  /** @type {HTMLDialogElement} */ (byId("by-hand")).showModal();
  area.select();
}

byId("by-hand-close").addEventListener("click", () => {
  /** @type {HTMLDialogElement} */ (byId("by-hand")).close();
});
