// The picture of a loop without the page: its bytes, the layout of its cells, and where keys move.

import { FAILED, PAUSED } from "./states.js";

const TALLEST = 200;
const PITCHES = [16, 14, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3];

/** The contents of a byte of the picture (cells.py): a state; for several items also how many failed, and
 * whether any is running. */
export function decode(byte) {
  return { state: byte & 7, level: (byte >> 3) & 3, busy: Boolean((byte >> 5) & 1) };
}

/** Whether any of the items of a byte is paused. */
export function isHeld(byte) {
  return Boolean((byte >> 6) & 1) || (byte & 7) === PAUSED;
}

/** The bytes of a picture, in any form that a front end passes them. */
export function toBytes(value) {
  if (value instanceof Uint8Array) return value;
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (value?.buffer instanceof ArrayBuffer) {
    return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  }
  return new Uint8Array(0);
}

/** The layout of `n` cells in `width` CSS pixels, with the largest cells that are not too high together. Cells
 * begin at whole device pixels, and rows have a round number of cells, so that items can be counted. */
export function layOut(n, width, ratio = 1, tallest = TALLEST) {
  for (const wanted of PITCHES) {
    const pitch = Math.max(2, Math.round(wanted * ratio)) / ratio;
    let columns = Math.max(1, Math.floor(width / pitch));
    if (columns >= 20) columns -= columns % 10;
    columns = Math.min(columns, Math.max(1, n));
    const rows = Math.ceil(n / columns);
    if (rows * pitch <= tallest || wanted === PITCHES.at(-1)) {
      return { n, pitch, columns, rows, width: columns * pitch, height: rows * pitch };
    }
  }
}

/** The cell at a point of the picture, or -1. */
export function cellAt(x, y, layout) {
  const column = Math.floor(x / layout.pitch);
  const row = Math.floor(y / layout.pitch);
  if (column < 0 || row < 0 || column >= layout.columns) return -1;
  const cell = row * layout.columns + column;
  return cell < layout.n ? cell : -1;
}

/** The upper left corner of a cell. */
export function cornerOf(cell, layout) {
  return { x: (cell % layout.columns) * layout.pitch, y: Math.floor(cell / layout.columns) * layout.pitch };
}

/** The cell that a key moves to; null for a key that does not move. */
export function moveBy(key, cell, layout) {
  const steps = {
    ArrowLeft: -1,
    ArrowRight: 1,
    ArrowUp: -layout.columns,
    ArrowDown: layout.columns,
    PageUp: -10 * layout.columns,
    PageDown: 10 * layout.columns,
    Home: -layout.n,
    End: layout.n,
  };
  if (!(key in steps) || !layout.n) return null;
  const small = key === "ArrowUp" || key === "ArrowDown";
  const to = cell + steps[key];
  if (small && (to < 0 || to >= layout.n)) return cell;
  return Math.min(layout.n - 1, Math.max(0, to));
}

/** The next cell after `cell` with a failure, continuing at the start; -1 if there is none. */
export function nextFailed(bytes, cell) {
  for (let i = 1; i <= bytes.length; i += 1) {
    const at = (cell + i) % bytes.length;
    const { state, level } = decode(bytes[at]);
    if (state === FAILED || level > 0) return at;
  }
  return -1;
}

/** The cells that differ; all of them if there is nothing to compare with. */
export function changed(before, now) {
  const out = [];
  const same = before?.length === now.length;
  for (let i = 0; i < now.length; i += 1) if (!same || before[i] !== now[i]) out.push(i);
  return out;
}
