// The panel below the grid that shows one row: its values, whole and unfolded, and its story.

import { make } from "../elements.js";
import { addWhole, button, copyText, fillCell, makeNode } from "./parts.js";
import { isPicture, readCell } from "./shape.js";

/** Shows one row; `ask` puts a question to the kernel, `closed` is called when the panel closes. */
export class Details {
  #addresses = [];
  #asked = 0;

  constructor({ ask, closed, step, say }) {
    this.ask = ask;
    this.say = say;
    this.el = make("section", "dg-details", { tabindex: "-1" });
    this.el.hidden = true;
    this.closed = closed;
    this.step = step;
    this.row = null;
    this.el.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.preventDefault();
      this.close();
    });
  }

  /** Show a row; `quietly`: leave the focus and the page where they are. */
  async open(row, names, marks, quietly = false) {
    const number = (this.#asked += 1);
    const answer = await this.ask({ ask: "row", row });
    if (number !== this.#asked || answer.problem || !answer.cells) return;
    this.#release();
    this.row = row;
    this.el.setAttribute("aria-label", `row ${row}`);
    const bar = make("div", "dg-details-bar");
    bar.append(
      make("strong", "", {}, `Row ${row}`),
      button("Previous", () => this.step(-1), { label: "previous row" }),
      button("Next", () => this.step(1), { label: "next row" }),
      button("Close", () => this.close(), { label: "close the row" }),
    );
    const values = make("dl", "dg-values");
    answer.cells.forEach((cell, column) => values.append(...this.#value(names[column], cell, column)));
    this.el.replaceChildren(bar, values, ...answer.story.map((part) => makePart(part, marks)));
    this.el.hidden = false;
    if (quietly) return;
    this.el.scrollTop = 0;
    this.el.focus({ preventScroll: true });
    this.el.scrollIntoView?.({ block: "nearest" });
  }

  close() {
    if (this.el.hidden) return;
    this.#asked += 1;
    this.#release();
    this.el.hidden = true;
    this.el.replaceChildren();
    this.row = null;
    this.closed();
  }

  end() {
    this.#release();
  }

  #release() {
    for (const address of this.#addresses.splice(0)) URL.revokeObjectURL(address);
  }

  #value(name, cell, column) {
    const row = this.row;
    const source = {
      children: (path, start) => this.ask({ ask: "children", row, column, path, start }),
      whole: (path) => this.ask({ ask: "whole", row, column, path }),
    };
    const shown = readCell(cell);
    const value = make("dd", shown.kind === "n" ? "dg-number" : "");
    if (shown.kind === "d") value.append(makeNode(null, cell, [], source));
    else {
      const text = make("span", "dg-value");
      fillCell(text, shown, { tabbable: true });
      value.append(text);
      if (shown.cut) addWhole(value, [], source);
      if (shown.kind === "i") this.#addPicture(value, row, column);
    }
    const copy = () => void copyValue(source.whole([]), name, this.say);
    value.append(" ", button("Copy", copy, { name: "dg-copy", label: `copy ${name}` }));
    return [make("dt", "", {}, name), value];
  }

  async #addPicture(el, row, column) {
    const { mime, words, buffers, problem } = await this.ask({ ask: "image", row, column });
    if (this.row !== row) return;
    if (problem || !isPicture(mime)) {
      el.append(make("span", "dg-note", {}, ` ${problem ?? ""}`));
      return;
    }
    const address = URL.createObjectURL(new Blob([buffers[0]], { type: mime }));
    this.#addresses.push(address);
    el.prepend(make("img", "dg-large", { src: address, alt: words }));
    el.querySelector(".dg-value").textContent = words;
  }
}

/** Copy the text of the answer that `asked` promises, and say whether that was possible. */
export async function copyValue(asked, name, say) {
  let answer = {};
  const coming = asked.then((whole) => (answer = whole).text ?? "");
  say(copyWords(await copyText(coming), name, answer));
}

/** What is said after a value was copied, or could not be. */
export function copyWords(done, name, { problem, text = "", characters = 0, exact = true }) {
  if (problem) return `${name} was not copied: ${problem}`;
  if (!done) return `${name} was not copied: the browser does not allow it here`;
  if (text.length < characters) return `copied the first ${text.length} of ${characters} characters of ${name}`;
  if (!exact) return `copied ${name}; characters that are not valid Unicode were replaced by ?`;
  return `copied ${name}`;
}

/** One part of the story: a heading, facts, and longer texts. */
function makePart({ heading, state, facts, texts }) {
  const el = make("div", "dg-part");
  el.append(make("div", "dg-part-head", { "data-state": state }, heading));
  const list = make("dl", "dg-values");
  for (const [name, value] of facts) {
    list.append(make("dt", "", {}, name), make("dd", "", {}, value));
  }
  if (facts.length) el.append(list);
  for (const [name, text] of texts) {
    const box = make("details", "dg-node");
    box.open = state === "failed";
    box.append(make("summary", "", {}, name), make("pre", "", {}, text));
    el.append(box);
  }
  return el;
}
