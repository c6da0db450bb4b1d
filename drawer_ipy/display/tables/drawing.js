// The elements of the rows that are visible.

import { STATES, make } from "../elements.js";
import { fillCell } from "./parts.js";

/** The width of the column with the rows' numbers, in pixels. */
export const LABEL = 84;

/**
 * Draws rows and cells. `source` has their values; `widths` and `edges` say where columns are.
 */
export class Drawing {
  rowHeight = 0;
  widths = [];
  edges = [0];

  constructor(source, marks) {
    Object.assign(this, { source, marks });
  }

  #cell(role, row, column, left) {
    const el = make("div", "dg-cell", { role, "aria-colindex": column + 2 });
    el.style.left = `${left}px`;
    el.style.width = `${column < 0 ? LABEL : this.widths[column]}px`;
    el.dataset.row = row;
    el.dataset.column = column;
    return el;
  }

  /** The row of the columns' names. */
  head([left, right]) {
    const row = make("div", "dg-row", { role: "row", "aria-rowindex": 1 });
    const corner = this.#cell("columnheader", -1, -1, 0);
    corner.classList.add("dg-label");
    corner.append(make("span", "dg-name", {}, "row"));
    row.append(corner);
    for (let column = left; column < right; column += 1) {
      const el = this.#cell("columnheader", -1, column, LABEL + this.edges[column]);
      const { sort, reverse } = this.source.query;
      const order = sort !== column ? "none" : reverse ? "descending" : "ascending";
      el.setAttribute("aria-sort", order);
      el.title = `${this.source.names[column]}\n${this.source.types[column] ?? ""}`;
      const arrow = { none: "", ascending: " ▲", descending: " ▼" }[order];
      el.append(make("span", "dg-name", {}, this.source.names[column]), make("span", "dg-arrow", {}, arrow));
      el.append(make("span", "dg-open-menu", { "aria-hidden": "true" }, "▾"));
      el.append(make("span", "dg-type", {}, this.source.types[column] ?? ""));
      row.append(el);
    }
    return row;
  }

  /** The rows at positions of the current order. */
  rows([first, end], columns) {
    const out = [];
    for (let at = first; at < end; at += 1) out.push(this.#row(at, columns, at - first));
    return out;
  }

  #row(at, [left, right], line) {
    const found = this.source.rowAt(at);
    const el = make("div", "dg-row", { role: "row", "aria-rowindex": at + 2 });
    el.style.top = `${line * this.rowHeight}px`;
    const state = found ? STATES[found.state] : "";
    el.dataset.state = state;
    const label = this.#cell("rowheader", at, -1, 0);
    label.classList.add("dg-label");
    if (found) {
      label.title = `${state}: click to open`;
      label.append(make("span", "dg-mark", { role: "img", "aria-label": state }, this.marks[state] ?? ""));
      label.append(make("span", "dg-number", {}, String(found.row)));
    }
    el.append(label);
    for (let column = left; column < right; column += 1) {
      const cell = this.#cell("gridcell", at, column, LABEL + this.edges[column]);
      const shown = this.source.cellOf(found, column);
      if (shown) this.#fill(cell, shown, column);
      el.append(cell);
    }
    return el;
  }

  #fill(el, shown, column) {
    el.dataset.kind = shown.kind;
    if (["status", "error"].includes(this.source.names[column])) el.classList.add("dg-of-state");
    const inner = make("div", "dg-text");
    const fraction = this.source.fractions.get(column) ?? 0;
    fillCell(inner, shown, { fraction, picture: (cell) => this.source.picture(cell) });
    el.append(inner);
  }
}
