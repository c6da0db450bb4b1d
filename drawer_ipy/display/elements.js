// What the scripts of the live view and of the tables share: elements, numbers and the names of the states.

/** The names of the states, by their number. The last one is for items that are ok and were not pressed again. */
export const STATES = ["waiting", "running", "ok", "failed", "cancelled", "skipped", "paused", "kept"];

/** The classes that keep front ends from reading dollar signs in texts as mathematics (see style/html_frame.py). */
export const UNTOUCHED = "mathjax_ignore tex2jax_ignore";

/** An element with classes, attributes and text. */
export function make(tag, name = "", attributes = {}, text = "") {
  const el = document.createElement(tag);
  if (name) el.className = name;
  for (const [key, value] of Object.entries(attributes)) el.setAttribute(key, value);
  if (text) el.textContent = text;
  return el;
}

/** Set text and attributes only if they change, for less layout work and fewer screen reader announcements. */
export function put(el, text) {
  if (el.textContent !== text) el.textContent = text;
}
export function mark(el, name, value) {
  if (el.getAttribute(name) !== String(value)) el.setAttribute(name, value);
}

/** Whole numbers with commas between groups, the same in every locale. */
export function grouped(n) {
  return String(Math.round(n)).replace(/\B(?=(\d{3})+$)/g, ",");
}
