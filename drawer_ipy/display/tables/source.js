// The part of a table that is on the page: requests it from the kernel, and keeps only what is visible.

import { grouped } from "../elements.js";
import { Pictures } from "./parts.js";
import { MARGIN, SIDE, countWords, readCell, splitNumber } from "./shape.js";

const FIRST_ROWS = 60;
const FIRST_COLUMNS = 24;
const PATIENCE = 150;

/**
 * The rows and columns of one table.
 *
 * `ask` puts a question to the kernel and returns a promise of its answer. `opened` is called when the table is
 * known, `news` when rows have come, `say` with words for the user, `busy` with whether the kernel works.
 */
export class Source {
  query = { text: "", states: [], conditions: [], sort: null, reverse: false };
  types = [];
  count = 0;
  fractions = new Map();
  numberLengths = new Map();
  #loaded = null;
  #pictures = new Pictures();
  #asking = false;
  #wanted = null;
  #changes = 0;
  #isNew = false;
  #giveUp = () => {};
  #ended = false;

  constructor(ask, { opened, news, say, busy }) {
    this.ask = async (question) => (this.#ended ? {} : ask(question));
    Object.assign(this, { opened, news, say, busy });
  }

  end() {
    this.#ended = true;
    this.#giveUp();
    this.#pictures.release();
  }

  /** Ask for the table and its first rows, and afterwards for the types of its columns. */
  async open() {
    const answer = await this.ask({ ask: "open", rows: [0, FIRST_ROWS], columns: [0, FIRST_COLUMNS] });
    if (this.#ended || !answer.columns) return;
    const isNew = this.names?.join("\n") !== answer.columns.join("\n");
    Object.assign(this, { version: answer.version, names: answer.columns, counts: answer.counts });
    Object.assign(this, { total: answer.total, drawer: answer.drawer, retry: answer.retry });
    if (isNew) this.numberLengths.clear();
    if (isNew) this.query = { ...this.query, conditions: [], sort: null, reverse: false };
    // Another press may have left no row in a state that was chosen, and then nothing to undo the choice.
    this.query = { ...this.query, states: this.query.states.filter((state) => answer.counts[state]) };
    const { text, states, conditions, sort } = this.query;
    const isPlain = !text && !states.length && !conditions.length && sort === null;
    if (isPlain) this.#take(answer.first, answer.buffers);
    else this.#loaded = null;
    this.opened(isNew);
    const { types = [] } = await this.ask({ ask: "types" });
    this.types = types;
    if (!this.#ended) this.news();
  }

  /** Change the query; what was requested for the old one is not waited for. */
  change(part) {
    this.query = { ...this.query, ...part };
    this.#changes += 1;
    this.#isNew = true;
    this.#loaded = null;
    this.#giveUp();
  }

  /** The row at a position of the current order, if it is on the page. */
  rowAt(at) {
    const loaded = this.#loaded;
    return loaded && at >= loaded.from && at < loaded.to ? loaded.rows[at - loaded.from] : undefined;
  }

  /** The cell of a row that is on the page. */
  cellOf(row, column) {
    return row?.cells[column - this.#loaded.left];
  }

  /** The texts of a column that are on the page. */
  loadedTexts = (column) => {
    const left = this.#loaded?.left ?? 0;
    return (this.#loaded?.rows ?? []).map(({ cells }) => cells[column - left]?.text ?? "");
  };

  /** The address of a thumbnail. */
  picture(cell) {
    return this.#pictures.address(cell);
  }

  get hasPictures() {
    return Boolean(this.#loaded?.rows.some(({ cells }) => cells.some((cell) => cell.mime)));
  }

  /** Request these rows and columns unless they are on the page; one question at a time. */
  want(rows, columns) {
    const loaded = this.#loaded;
    if (loaded && loaded.from <= rows[0] && loaded.to >= rows[1]) {
      if (loaded.left <= columns[0] && loaded.right >= columns[1]) return;
    }
    this.#wanted = { rows, columns };
    if (!this.#asking) void this.#request();
  }

  async #request() {
    this.#asking = true;
    while (this.#wanted && !this.#ended) {
      const { rows, columns } = this.#wanted;
      this.#wanted = null;
      const changes = this.#changes;
      const question = {
        ask: "rows",
        query: this.query,
        rows: [Math.max(0, rows[0] - MARGIN), rows[1] + MARGIN],
        columns: [Math.max(0, columns[0] - SIDE), columns[1] + SIDE],
        soon: this.#isNew,
      };
      const waiting = setTimeout(() => this.busy(true), PATIENCE);
      const givenUp = new Promise((done) => (this.#giveUp = () => done({})));
      const answer = await Promise.race([this.ask(question), givenUp]);
      clearTimeout(waiting);
      if (this.#ended) return;
      if (changes !== this.#changes) continue;
      this.#isNew = false;
      this.#hear(answer);
      // The first rows of a long search are shown, and the others requested.
      if (answer.partial) this.#wanted ??= { rows, columns };
    }
    this.#asking = false;
  }

  #hear(answer) {
    this.busy(Boolean(answer.partial));
    if (answer.problem) this.say(answer.problem);
    else if (answer.version && answer.version !== this.version) void this.open();
    else if (answer.rows) {
      this.#take(answer, answer.buffers);
      this.news();
    }
  }

  #take({ rows, from, left, count, width, partial }, buffers = []) {
    this.#pictures.release();
    this.#pictures = new Pictures(buffers);
    const read = rows.map(([row, state, cells]) => ({ row, state, cells: cells.map(readCell) }));
    this.#loaded = { from, to: from + rows.length, left, right: left + width, rows: read };
    this.count = count;
    const { whole, fractions } = lengthsOf(read, left);
    this.fractions = fractions;
    for (const [column, length] of whole) {
      const all = length + (fractions.get(column) ?? 0);
      this.numberLengths.set(column, Math.max(all, this.numberLengths.get(column) ?? 0));
    }
    this.say(partial ? `${grouped(count)} rows so far…` : countWords(count, this.total));
  }
}

/** How long the numbers of each column are before and from their decimal point, in characters. */
export function lengthsOf(rows, left) {
  const [whole, fractions] = [new Map(), new Map()];
  const longer = (lengths, column, length) => {
    if (length > (lengths.get(column) ?? 0)) lengths.set(column, length);
  };
  for (const { cells } of rows) {
    cells.forEach((cell, at) => {
      if (cell.kind !== "n") return;
      const [before, after] = splitNumber(cell.text);
      longer(whole, left + at, before.length);
      longer(fractions, left + at, after.length);
    });
  }
  return { whole, fractions };
}
