// The grid: a table of any length of which only the visible rows are in the page and are requested.

import { make } from "../elements.js";
import { Details, copyValue } from "./details.js";
import { Drawing, LABEL } from "./drawing.js";
import { Menu, Tools } from "./filters.js";
import {
  edgesOf,
  moveTo,
  nextSort,
  scrolled,
  sizesOf,
  thumbOf,
  visibleColumns,
  visibleRows,
  widthOf,
} from "./shape.js";
import { Retry } from "./retry.js";
import { Source } from "./source.js";

const HEAD = 44;
const LOW = 26;
const HIGH = 66;
const MOST_VISIBLE = 15;
let made = 0;

/** One table in one place of a page. `ask` puts a question to the kernel and returns a promise of its answer. */
export class Grid {
  #position = { scroll: 0, top: 0 };
  active = { row: 0, column: -1 };
  #drawn = "";
  #pressed = null;
  #frame = 0;
  #tries = 0;
  #settling = 0;
  #ended = false;
  #isWrapped = false;

  constructor(el, { ask, marks }) {
    this.uid = `drawer-grid-${(made += 1)}`;
    this.marks = marks;
    this.source = new Source(ask, {
      opened: (isNew) => this.#opened(isNew, el),
      news: () => this.#news(),
      say: (words) => this.tools.say(words),
      busy: (isBusy) => this.#busy(isBusy),
    });
    this.drawing = new Drawing(this.source, marks);
    this.root = make("div", "drawer-grid");
    this.#build();
    this.#listen();
    void this.source.open();
  }

  /** The run was pressed again, from this table if `isHere`; `problem` is what went wrong, in words. */
  async changed(isHere, problem) {
    await this.source.open();
    if (this.#ended) return;
    if (this.details.row !== null) void this.details.open(this.details.row, this.source.names, this.marks, true);
    if (isHere) this.retry.end(this.root, this.source, problem);
  }

  /** Stop, and release what the page holds. */
  end() {
    this.#ended = true;
    cancelAnimationFrame(this.#frame);
    clearTimeout(this.#settling);
    this.sizes?.disconnect();
    this.tools.end();
    this.retry.stop();
    this.details.end();
    this.source.end();
  }

  // The page

  #build() {
    this.tools = new Tools({ uid: this.uid, changed: (part) => this.#change(part), wrap: () => this.#wrap() });
    this.scroller = make("div", "dg-scroll", { role: "grid", tabindex: "0" });
    this.head = make("div", "dg-head", { role: "rowgroup" });
    this.body = make("div", "dg-body", { role: "rowgroup" });
    this.layer = make("div", "dg-layer", { role: "presentation" });
    this.body.append(this.layer);
    this.scroller.append(this.head, this.body);
    this.menu = new Menu({
      ask: this.source.ask,
      sort: (part) => this.#change(part),
      add: (condition) => this.#change({ conditions: [...this.source.query.conditions, condition] }),
      closed: () => this.scroller.focus({ preventScroll: true }),
    });
    this.details = new Details({
      ask: this.source.ask,
      say: (words) => this.tools.say(words),
      step: (by) => this.#step(by),
      closed: () => this.scroller.focus({ preventScroll: true }),
    });
    this.retry = new Retry({
      ask: this.source.ask,
      nothingLeft: () => void this.source.open(),
      ended: (words) => this.tools.say(words),
      focus: () => this.scroller.focus({ preventScroll: true }),
    });
    this.tools.status.before(this.retry.button);
    this.frame = make("div", "dg-frame");
    this.frame.append(this.scroller, this.menu.el);
    this.root.append(this.tools.el, this.tools.chips, this.retry.notice, this.frame, this.details.el);
  }

  #listen() {
    const { scroller } = this;
    scroller.addEventListener("scroll", () => this.#scroll(), { passive: true });
    scroller.addEventListener("keydown", (event) => this.#key(event));
    scroller.addEventListener("click", (event) => this.#click(event));
    scroller.addEventListener("dblclick", (event) => {
      if (!event.target.closest("a")) this.#openRow();
    });
    scroller.addEventListener("pointerdown", ({ target }) => (this.#pressed = target.closest(".dg-cell")));
    // A notebook's own shortcuts delete cells and run them. JupyterLab listens in the bubbling phase, and
    // Notebook 7 in the capturing phase, where only an attribute of the focused element itself keeps it away.
    this.root.addEventListener("keydown", (event) => event.stopPropagation());
    this.root.addEventListener("focusin", ({ target }) => target.setAttribute("data-lm-suppress-shortcuts", "true"));
    if (typeof ResizeObserver !== "undefined") {
      this.sizes = new ResizeObserver(() => this.#drawSoon());
      this.sizes.observe(scroller);
    }
  }

  #opened(isNew, el) {
    this.scroller.setAttribute("aria-label", `table of drawer ${this.source.drawer}`);
    this.#setWidths(isNew);
    this.#showQuery();
    this.retry.set(this.source.retry);
    this.#setTall(this.#isWrapped || this.source.hasPictures);
    if (!this.root.isConnected) el.append(this.root);
    this.#drawn = "";
    this.#draw();
  }

  /** Columns fit the first rows; later, only those of numbers grow, since a number must not be cut. */
  #setWidths(isNew) {
    const { names, loadedTexts, numberLengths } = this.source;
    const widths = isNew ? [] : this.drawing.widths;
    this.drawing.widths = names.map((name, column) => {
      const most = name === "error" ? 200 : 280;
      const width = widths[column] ?? widthOf([`${name}  ▾`, ...loadedTexts(column)], 64, most);
      return Math.max(width, widthOf(["0".repeat(numberLengths.get(column) ?? 0)], 0, 600));
    });
    this.drawing.edges = edgesOf(this.drawing.widths);
  }

  // The query

  #change(part) {
    this.source.change(part);
    this.#showQuery();
    this.#position = { scroll: 0, top: 0 };
    this.scroller.scrollTop = 0;
    if (this.active.row > 0) this.active = { ...this.active, row: 0 };
    // How many rows there are is not known yet; these are asked for in any case.
    this.source.want([0, MOST_VISIBLE], this.#columnsWanted());
  }

  #showQuery() {
    const { query, counts, names } = this.source;
    this.tools.setStates(counts, query.states, this.marks);
    this.tools.setConditions(query.conditions, names);
  }

  #busy(isBusy) {
    this.scroller.setAttribute("aria-busy", String(isBusy));
    if (isBusy) this.tools.say("working…");
  }

  #news() {
    this.#setWidths(false);
    this.#setTall(this.#isWrapped || this.source.hasPictures);
    this.#drawSoon(true);
  }

  #setTall(tall) {
    this.drawing.rowHeight = tall ? HIGH : LOW;
    this.root.classList.toggle("dg-tall", tall);
    this.root.style.setProperty("--dg-row", `${this.drawing.rowHeight}px`);
  }

  #wrap() {
    const first = Math.floor(this.#position.top / this.drawing.rowHeight);
    this.#isWrapped = !this.#isWrapped;
    this.tools.wrap.setAttribute("aria-pressed", String(this.#isWrapped));
    this.#setTall(this.#isWrapped || this.source.hasPictures);
    this.#drawn = "";
    this.#layOut();
    this.#scrollTo(first * this.drawing.rowHeight);
    this.#draw();
  }

  // Scrolling

  get #viewport() {
    const rows = Math.min(MOST_VISIBLE * LOW, Math.max(1, this.source.count) * this.drawing.rowHeight);
    return Math.max(LOW, (this.scroller.clientHeight || rows + HEAD) - HEAD);
  }

  get #sizes() {
    return sizesOf(this.source.count, this.drawing.rowHeight, this.#viewport);
  }

  #scroll() {
    const { scrollTop } = this.scroller;
    if (Math.abs(scrollTop - this.#position.scroll) > 0.5) {
      this.#position = scrolled(this.#position, scrollTop, this.#sizes);
      clearTimeout(this.#settling);
      this.#settling = setTimeout(() => this.#scrollTo(this.#position.top), 200);
    }
    this.menu.close(false);
    this.#drawSoon();
  }

  /** Show the rows at `top`, and put the scrollbar's thumb where it belongs. */
  #scrollTo(top) {
    const { virtual, viewport } = this.#sizes;
    const to = Math.min(Math.max(0, top), Math.max(0, virtual - viewport));
    const thumb = thumbOf(to, this.#sizes);
    if (Math.abs(this.scroller.scrollTop - thumb) > 0.5) this.scroller.scrollTop = thumb;
    this.#position = { scroll: this.scroller.scrollTop, top: to };
    this.#drawSoon();
  }

  #rowsWanted() {
    return visibleRows(this.#position.top, this.source.count, this.drawing.rowHeight, this.#viewport);
  }

  #columnsWanted() {
    const width = Math.max(0, (this.scroller.clientWidth || 600) - LABEL);
    return visibleColumns(this.drawing.edges, this.scroller.scrollLeft, width);
  }

  // Drawing

  #drawSoon(anew = false) {
    if (anew) this.#drawn = "";
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(() => this.#draw());
  }

  /** Whether the grid has no size at the moment, as while a theme is changed; then it is drawn a little later. */
  #isHidden() {
    if (!this.root.isConnected || this.scroller.clientWidth) {
      this.#tries = 0;
      return false;
    }
    if ((this.#tries += 1) < 20) this.#settling = setTimeout(() => this.#drawSoon(true), 50);
    return true;
  }

  #layOut() {
    const { height } = this.#sizes;
    this.body.style.height = `${height}px`;
    this.body.style.width = this.head.style.width = `${LABEL + this.drawing.edges.at(-1)}px`;
    // A scrollbar below the rows needs room.
    const rows = Math.min(MOST_VISIBLE * LOW, Math.max(1, this.source.count) * this.drawing.rowHeight);
    const bar = this.drawing.edges.at(-1) + LABEL > this.scroller.clientWidth ? 18 : 2;
    this.scroller.style.height = `${HEAD + rows + bar}px`;
    this.scroller.setAttribute("aria-rowcount", this.source.count + 1);
    this.scroller.setAttribute("aria-colcount", this.source.names.length + 1);
  }

  #draw() {
    if (this.#ended || !this.source.names) return;
    if (this.#isHidden()) return;
    this.#layOut();
    const rows = this.#rowsWanted();
    const columns = this.#columnsWanted();
    const offset = this.#position.top - rows[0] * this.drawing.rowHeight;
    this.layer.style.transform = `translateY(${this.scroller.scrollTop - offset}px)`;
    const key = JSON.stringify([rows, columns]);
    if (key !== this.#drawn) {
      this.#drawn = key;
      this.head.replaceChildren(this.drawing.head(columns));
      this.layer.replaceChildren(...this.drawing.rows(rows, columns));
    }
    this.#pointToActive();
    this.source.want(rows, columns);
  }

  /** Mark the active cell. Other elements stay, or a click that has begun on one of them would be lost. */
  #pointToActive() {
    const { row, column } = this.active;
    const found = this.scroller.querySelector(`.dg-cell[data-row="${row}"][data-column="${column}"]`);
    const before = this.scroller.querySelector(".dg-active");
    if (found && found === before) return;
    before?.classList.remove("dg-active");
    before?.removeAttribute("id");
    found?.classList.add("dg-active");
    if (found) found.id = `${this.uid}-active`;
    if (found) this.scroller.setAttribute("aria-activedescendant", found.id);
    else this.scroller.removeAttribute("aria-activedescendant");
  }

  // The keyboard and the mouse

  #key(event) {
    const { key, ctrlKey, metaKey, altKey } = event;
    const control = ctrlKey || metaKey;
    if (event.target !== this.scroller) return;
    if (control && key.toLowerCase() === "c") {
      if (getSelection()?.toString()) return;
      void this.#copy();
    } else if (altKey && key === "ArrowDown") this.#openMenu(Math.max(0, this.active.column));
    else if (key === "Enter" || key === " ") this.#press();
    else if (key === "Escape") this.details.close();
    else {
      const page = Math.max(1, Math.floor(this.#viewport / this.drawing.rowHeight) - 1);
      const to = moveTo(this.active, key, { rows: this.source.count, columns: this.source.names.length, page, control });
      if (!to || altKey) return;
      this.#activate(to);
    }
    event.preventDefault();
  }

  #activate(to) {
    this.active = to;
    const { top } = this.#position;
    const [above, below] = [to.row * this.drawing.rowHeight, (to.row + 1) * this.drawing.rowHeight - this.#viewport];
    if (to.row >= 0 && above < top) this.#scrollTo(above);
    else if (to.row >= 0 && below > top) this.#scrollTo(below);
    if (to.column >= 0) {
      const [left, right] = [this.drawing.edges[to.column], this.drawing.edges[to.column + 1]];
      const width = this.scroller.clientWidth - LABEL;
      if (left < this.scroller.scrollLeft || right - left > width) this.scroller.scrollLeft = left;
      else if (right > this.scroller.scrollLeft + width) this.scroller.scrollLeft = right - width;
    }
    this.#draw();
  }

  #press() {
    const { row, column } = this.active;
    if (row >= 0) this.#openRow();
    else if (column >= 0) this.#change(nextSort(this.source.query, column));
  }

  #click({ target }) {
    // Rows that arrive between pressing and releasing the button replace the element.
    const cell = target.closest(".dg-cell") ?? this.#pressed;
    this.#pressed = null;
    if (!cell || target.closest("a")) return;
    const [row, column] = [Number(cell.dataset.row), Number(cell.dataset.column)];
    this.active = { row, column };
    this.#pointToActive();
    if (row < 0 && target.closest(".dg-open-menu")) this.#openMenu(column);
    else if (row < 0 && column >= 0) this.#press();
    else if (row >= 0 && (column < 0 || this.details.row !== null)) this.#openRow();
  }

  #openMenu(column) {
    const left = LABEL + this.drawing.edges[column] - this.scroller.scrollLeft;
    const most = Math.max(0, this.frame.clientWidth - 280);
    this.menu.open(column, this.source.names[column], this.source.types[column], Math.min(Math.max(0, left), most), HEAD);
  }

  #openRow() {
    const found = this.source.rowAt(this.active.row);
    if (found) void this.details.open(found.row, this.source.names, this.marks);
  }

  #step(by) {
    const row = Math.min(this.source.count - 1, Math.max(0, this.active.row + by));
    this.#activate({ ...this.active, row });
    this.#openRow();
  }

  async #copy() {
    const { row, column } = this.active;
    const found = this.source.rowAt(row);
    if (row < 0 || !found) return;
    const name = column < 0 ? "the row's number" : this.source.names[column];
    const asked = column < 0 ? Promise.resolve({ text: String(found.row) })
      : this.source.ask({ ask: "whole", row: found.row, column });
    await copyValue(asked, name, (words) => this.tools.say(words));
  }
}
