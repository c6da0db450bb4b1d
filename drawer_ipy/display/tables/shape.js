// What the grid computes without a page: which rows are visible, how numbers align, what may be a link.

import { grouped } from "../elements.js";

/** The tallest element in CSS pixels that all browsers place correctly; Firefox ends at 17.8 million. */
export const TALLEST = 6_000_000;

/** Rows and columns that are requested beyond the visible ones. */
export const MARGIN = 40;
export const SIDE = 3;

/** The heights of a scrolling area of `total` rows: `virtual` of all rows, `height` of the element. */
export function sizesOf(total, rowHeight, viewport) {
  const virtual = total * rowHeight;
  return { virtual, height: Math.min(virtual, TALLEST), viewport };
}

/**
 * Where the area is after its element has been scrolled to `to`.
 *
 * If the rows are taller than an element may be, a small movement (a wheel, a key) moves the rows by the same
 * distance, and a large one (the thumb) moves them in proportion. `top` is the distance above the visible rows.
 */
export function scrolled({ scroll, top }, to, sizes) {
  const { virtual, height, viewport } = sizes;
  const most = Math.max(0, virtual - viewport);
  if (virtual <= height) return { scroll: to, top: Math.min(Math.max(0, to), most) };
  const moved = to - scroll;
  const next = Math.abs(moved) < 2 * viewport ? top + moved : (to * most) / Math.max(1, height - viewport);
  return { scroll: to, top: Math.min(Math.max(0, next), most) };
}

/** Where the element's scrollbar belongs for `top`. */
export function thumbOf(top, { virtual, height, viewport }) {
  const most = Math.max(0, virtual - viewport);
  if (virtual <= height || !most) return top;
  return (top * (height - viewport)) / most;
}

/** The first visible row and the one after the last. */
export function visibleRows(top, total, rowHeight, viewport) {
  const first = Math.min(total, Math.floor(top / rowHeight));
  return [first, Math.min(total, Math.ceil((top + viewport) / rowHeight) + 1)];
}

/** The offsets of the left edges of columns, and at the end their width together. */
export function edgesOf(widths) {
  const edges = [0];
  for (const width of widths) edges.push(edges.at(-1) + width);
  return edges;
}

/** The first visible column and the one after the last. */
export function visibleColumns(edges, left, width) {
  const n = edges.length - 1;
  let first = 0;
  while (first < n - 1 && edges[first + 1] <= left) first += 1;
  let end = first;
  while (end < n && edges[end] < left + width) end += 1;
  return [first, Math.max(end, Math.min(n, first + 1))];
}

/** The text of a number before and from its decimal point. */
export function splitNumber(text) {
  const found = /^([-+]?\d+)(\.\d+(?:e[-+]?\d+)?|e[-+]?\d+)?$/i.exec(text);
  return found ? [found[1], found[2] ?? ""] : [text, ""];
}

/** The width of a column in pixels, for texts in its head and cells. */
export function widthOf(texts, least = 64, most = 340) {
  const longest = Math.max(0, ...texts.map((text) => [...text].length));
  return Math.min(most, Math.max(least, Math.round(longest * 7.3) + 22));
}

/** `address` if it is one that a click may open: http or https; else null. */
export function safeLink(address) {
  try {
    const { protocol } = new URL(address);
    return protocol === "http:" || protocol === "https:" ? address : null;
  } catch {
    return null;
  }
}

const PICTURES = ["image/png", "image/jpeg", "image/gif", "image/webp"];

/** Whether a media type is one of the pictures that the kernel sends. */
export function isPicture(mime) {
  return PICTURES.includes(mime);
}

/** A cell as the kernel sends it (values.py), with names. */
export function readCell(cell) {
  if (typeof cell === "string") return { kind: "t", text: cell };
  if (!Array.isArray(cell)) return { kind: "0", text: "" };
  const [kind, text, third, fourth] = cell;
  if (kind === "u") return { kind, text, link: safeLink(third) };
  if (kind === "i" && third !== undefined) return { kind, text, mime: third, buffer: fourth };
  return { kind, text, cut: third === 1 };
}

/** The next order when a column's head is clicked: up, down, as in the table. */
export function nextSort({ sort, reverse }, column) {
  if (sort !== column) return { sort: column, reverse: false };
  return reverse ? { sort: null, reverse: false } : { sort: column, reverse: true };
}

/** Where a key moves the active cell; row -1 is the head, column -1 the row's number. Null: not a movement. */
export function moveTo({ row, column }, key, { rows, columns, page, control = false }) {
  const to = { row, column };
  if (key === "ArrowUp") to.row -= 1;
  else if (key === "ArrowDown") to.row += 1;
  else if (key === "ArrowLeft") to.column -= 1;
  else if (key === "ArrowRight") to.column += 1;
  else if (key === "PageUp") to.row = row < 0 ? row : Math.max(0, row - page);
  else if (key === "PageDown") to.row += page;
  else if (key === "Home") Object.assign(to, { column: -1 }, control ? { row: 0 } : {});
  else if (key === "End") Object.assign(to, { column: columns - 1 }, control ? { row: rows - 1 } : {});
  else return null;
  to.row = Math.min(rows - 1, Math.max(-1, to.row));
  to.column = Math.min(columns - 1, Math.max(-1, to.column));
  return to;
}

/** What a filter of a column says. */
export function conditionWords(name, { operator, text, shown }) {
  if (operator === "missing") return `${name} has no value`;
  if (operator === "present") return `${name} has a value`;
  if (operator === "is") return `${name} is ${shown}`;
  return `${name} ${operator} ${text}`;
}

/** How many rows are shown, in words. */
export function countWords(count, total) {
  const rows = total === 1 ? "row" : "rows";
  return count === total ? `${grouped(total)} ${rows}` : `${grouped(count)} of ${grouped(total)} ${rows}`;
}
