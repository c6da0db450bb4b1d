// The picture of a loop: a cell for each item, on a canvas, with the description of the selected one.

import { STATES, make, mark } from "./elements.js";
import { cellAt, changed, cornerOf, decode, isHeld, layOut, moveBy, nextFailed, toBytes } from "./picture_shape.js";
import { CANCELLED, FAILED, KEPT, PAUSED, RUNNING, SKIPPED } from "./states.js";

function paintCell(pen, x, y, pitch, byte, ink) {
  const { state, level, busy } = decode(byte);
  const held = isHeld(byte);
  const size = pitch - (pitch >= 8 * ink.ratio ? 2 : 1) * Math.max(1, Math.round(ink.ratio));
  const third = Math.max(1, Math.round(size / 3));
  pen.clearRect(x, y, pitch, pitch);
  pen.fillStyle = ink[STATES[state]];
  if (state === KEPT) {
    for (let row = 0; row < size; row += 1) pen.fillRect(x, y + row, row + 1, 1); // the lower left half
  } else if (state === CANCELLED) {
    pen.fillRect(x, y + third, size, Math.max(1, size - 2 * third));
  } else if (state === SKIPPED) {
    pen.fillRect(x + third, y + third, Math.max(1, size - 2 * third), Math.max(1, size - 2 * third));
  } else if (state === PAUSED) {
    // Two bars, closer to each other than to those of the next cell; one bar where there is no room for two.
    const bar = size < 4 ? Math.ceil(size / 2) : Math.max(1, Math.round(size / 4));
    const gap = Math.max(1, Math.round(size / 7));
    const left = size < 4 ? 0 : Math.max(0, Math.floor((size - 2 * bar - gap) / 2));
    pen.fillRect(x + left, y, bar, size);
    if (size >= 4) pen.fillRect(x + left + bar + gap, y, bar, size);
  } else if (state === FAILED && size < 6) {
    pen.fillRect(x, y, pitch, pitch); // too small for a cross: larger than the others instead
  } else {
    pen.fillRect(x, y, size, size);
  }
  if (state === RUNNING && size >= 5) {
    const rim = Math.max(1, Math.round(size / 5));
    pen.fillStyle = ink.paper;
    pen.fillRect(x + rim, y + rim, size - 2 * rim, size - 2 * rim);
  } else if (state === FAILED && size >= 6) {
    pen.strokeStyle = ink.paper;
    pen.lineWidth = Math.max(1, size / 7);
    const [a, b] = [size * 0.26, size * 0.74];
    pen.beginPath();
    pen.moveTo(x + a, y + a);
    pen.lineTo(x + b, y + b);
    pen.moveTo(x + b, y + a);
    pen.lineTo(x + a, y + b);
    pen.stroke();
  } else if (level) {
    const side = Math.max(1, Math.round((size * level) / 3));
    pen.fillStyle = ink.failed;
    pen.fillRect(x + size - side, y + size - side, side, side);
  }
  if (state !== RUNNING && state !== PAUSED && (busy || held)) {
    pen.fillStyle = busy ? ink.running : ink.paused;
    pen.fillRect(x, y, size, third);
  }
}

/** The picture of one row: a canvas, the selected cell, the keyboard. */
export class Picture {
  per = 1;
  #bytes = new Uint8Array(0);
  #drawn = null;
  #layout = null;
  #chosen = -1;

  constructor({ key, name }, view) {
    this.key = key;
    this.view = view;
    this.el = make("div", "dv-picture");
    this.canvas = make("canvas", "dv-canvas", {
      tabindex: "0",
      role: "slider",
      "aria-valuemin": "0",
      "aria-valuenow": "0",
      "aria-valuemax": "0",
      "aria-valuetext": "no item selected",
      "aria-roledescription": "map of items",
      "aria-label": `items of ${name}; arrow keys move, f goes to the next failure`,
      "data-lm-suppress-shortcuts": "true",
    });
    this.cursor = make("div", "dv-cursor");
    this.cursor.hidden = true;
    this.el.append(this.canvas, this.cursor);
    this.pen = this.canvas.getContext("2d");
    this.#listen();
  }

  set(value) {
    const before = this.#bytes;
    const now = (this.#bytes = toBytes(value));
    if (before.length !== now.length || !this.#layout) return this.resize();
    this.#paint();
    if (this.#chosen >= 0 && before[this.#chosen] !== now[this.#chosen]) this.choose(this.#chosen);
  }

  resize() {
    const width = this.el.clientWidth;
    const { ratio } = this.view.ink;
    if (!width || !this.#bytes.length) return;
    const layout = (this.#layout = layOut(this.#bytes.length, width, ratio));
    this.canvas.width = Math.round(layout.width * ratio);
    this.canvas.height = Math.round(layout.height * ratio);
    this.canvas.style.width = `${layout.width}px`;
    this.canvas.style.height = `${layout.height}px`;
    mark(this.canvas, "aria-valuemax", this.#bytes.length - 1);
    this.#drawn = null;
    this.#paint();
    this.choose(this.#chosen);
  }

  focus() {
    this.canvas.focus({ preventScroll: true });
  }

  /** Select a cell, or none with -1. */
  choose(cell) {
    const layout = this.#layout;
    this.#chosen = cell < this.#bytes.length || !layout ? cell : -1;
    this.cursor.hidden = this.#chosen < 0 || !layout;
    if (this.cursor.hidden) return this.view.point(null);
    const { x, y } = cornerOf(cell, layout);
    const [left, top, width, height] = [x, y, layout.pitch, layout.pitch].map((n) => `${n}px`);
    Object.assign(this.cursor.style, { left, top, width, height });
    mark(this.canvas, "aria-valuenow", cell);
    const { state } = decode(this.#bytes[cell]);
    this.view.point({ key: this.key, cell, state, canvas: this.canvas, x, y, pitch: layout.pitch });
  }

  #paint() {
    const { view, pen } = this;
    const { columns, pitch: css } = this.#layout;
    const pitch = Math.round(css * view.ink.ratio);
    for (const cell of changed(this.#drawn, this.#bytes)) {
      const [column, row] = [cell % columns, Math.floor(cell / columns)];
      paintCell(pen, column * pitch, row * pitch, pitch, this.#bytes[cell], view.ink);
    }
    this.#drawn = this.#bytes;
  }

  #listen() {
    const { canvas } = this;
    canvas.addEventListener("pointermove", (event) => {
      if (!this.#layout) return;
      const cell = cellAt(event.offsetX, event.offsetY, this.#layout);
      if (cell !== this.#chosen) this.choose(cell);
    });
    canvas.addEventListener("pointerleave", () => this.choose(-1));
    canvas.addEventListener("focus", () => {
      if (this.#chosen < 0 && canvas.matches(":focus-visible")) this.choose(0);
    });
    // When the output is redrawn, the canvas loses its focus and gets it back in the same task (see mount.js).
    canvas.addEventListener("blur", () => setTimeout(() => document.activeElement !== canvas && this.choose(-1)));
    canvas.addEventListener("keydown", (event) => this.#key(event));
  }

  #key(event) {
    if (!this.#layout || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") return this.choose(-1);
    const from = Math.max(0, this.#chosen);
    const to = event.key === "f" ? nextFailed(this.#bytes, from) : moveBy(event.key, from, this.#layout);
    if (to === null) return;
    event.preventDefault();
    event.stopPropagation();
    if (to >= 0) this.choose(to);
  }
}

/** The description of the selected cell. */
export function makeTip(root) {
  const el = make("div", "dv-tip", { role: "tooltip" });
  el.hidden = true;
  return {
    el,
    hide() {
      el.hidden = true;
    },
    show({ canvas, x, y, pitch }, lines) {
      el.replaceChildren(
        ...lines.map((line) => {
          const div = make("div", "");
          div.textContent = line;
          return div;
        }),
      );
      el.hidden = false;
      const [all, own] = [root.getBoundingClientRect(), canvas.getBoundingClientRect()];
      const [left, top] = [own.left - all.left + x, own.top - all.top + y];
      const room = Math.max(0, all.width - el.offsetWidth);
      const below = top + el.offsetHeight + pitch + 6 <= all.height || top < el.offsetHeight + 6;
      el.style.left = `${Math.min(room, Math.max(0, left + pitch + 4))}px`;
      el.style.top = `${below ? top + pitch + 4 : top - el.offsetHeight - 4}px`;
    },
  };
}

export function inkOf(root) {
  const style = getComputedStyle(root);
  const ink = Object.fromEntries(STATES.map((s) => [s, style.getPropertyValue(`--drawer-${s}`).trim()]));
  return { ...ink, paper: style.getPropertyValue("--drawer-paper").trim(), ratio: window.devicePixelRatio || 1 };
}

/** Whether a CSS colour of text is light, which means that the page is dark. */
export function isLight(colour) {
  const [r, g, b] = (colour.match(/[\d.]+/g) ?? []).map(Number);
  return b !== undefined && 0.299 * r + 0.587 * g + 0.114 * b > 140;
}
