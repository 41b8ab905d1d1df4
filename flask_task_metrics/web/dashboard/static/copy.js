// Copying, also on plain HTTP, where a browser has no navigator.clipboard.

import { byId } from "./dom.js";

/**
 * Copy a text, or show it to be copied by hand; say so.
 * @param {string} text
 * @param {string} name What it is: `the snapshot`.
 */
export async function copy(text, name) {
  const isCopied = (await copyByApi(text)) || copyBySelection(text);
  if (!isCopied) showByHand(text);
  byId("copied").textContent = isCopied ? `Copied ${name}` : "";
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
