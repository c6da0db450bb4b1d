// The tools above the grid, and the menu of a column.

import { grouped, make } from "../elements.js";
import { button, fillCell } from "./parts.js";
import { conditionWords, readCell } from "./shape.js";

const PAUSE = 120;

/** The states with rows, which can be chosen, the text to search for, and what is shown, in words. */
export class Tools {
  #timer = 0;
  #words = "";

  constructor({ changed, wrap, uid }) {
    this.el = make("div", "dg-tools", { role: "group", "aria-label": "filters of the table" });
    this.search = make("input", "dg-search", {
      type: "search",
      placeholder: "Filter rows",
      "aria-label": "show rows that contain this text",
      spellcheck: "false",
      id: `${uid}-search`,
    });
    this.search.addEventListener("input", () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => changed({ text: this.search.value }), PAUSE);
    });
    this.search.addEventListener("keydown", (event) => {
      if (event.key === "Enter") {
        clearTimeout(this.#timer);
        changed({ text: this.search.value });
      }
    });
    this.states = make("div", "dg-states", { role: "group", "aria-label": "states" });
    this.wrap = button("Wrap", () => wrap(), { label: "wrap long text" });
    this.wrap.setAttribute("aria-pressed", "false");
    this.status = make("div", "dg-status", { role: "status" });
    this.chips = make("div", "dg-chips", { role: "group", "aria-label": "conditions" });
    this.chips.hidden = true;
    this.el.append(this.search, this.states, this.wrap, this.status);
    this.changed = changed;
  }

  end() {
    clearTimeout(this.#timer);
  }

  /** Draw the states that rows have, and which of them are chosen. */
  setStates(counts, chosen, marks) {
    const names = Object.keys(counts);
    this.states.hidden = names.length < 2;
    const focused = this.states.contains(document.activeElement) && document.activeElement.dataset.state;
    this.states.replaceChildren(
      ...names.map((state) => {
        const toggle = () => this.changed({ states: chosen.includes(state) ? [] : [state] });
        const el = button(`${marks[state] ?? ""} ${grouped(counts[state])} ${state}`, toggle, { name: "dg-state" });
        el.dataset.state = state;
        el.setAttribute("aria-pressed", String(chosen.includes(state)));
        return el;
      }),
    );
    if (focused) [...this.states.children].find((el) => el.dataset.state === focused)?.focus();
  }

  setConditions(conditions, names) {
    this.chips.hidden = !conditions.length;
    this.chips.replaceChildren(
      ...conditions.map((condition, at) => {
        const words = conditionWords(names[condition.column], condition);
        const remove = () => this.changed({ conditions: conditions.filter((_, other) => other !== at) });
        return button(`${words} ×`, remove, { name: "dg-chip", label: `remove the filter ${words}` });
      }),
    );
  }

  say(words) {
    if (words !== this.#words) this.status.textContent = this.#words = words;
  }
}

const OPERATORS = ["contains", "=", "<", "<=", ">", ">=", "present", "missing"];
const WORDS = { present: "has a value", missing: "has no value" };

/** The menu of one column: its order, a condition, its most common values. */
export class Menu {
  #asked = 0;

  constructor({ ask, sort, add, closed }) {
    Object.assign(this, { ask, sort, add, closed });
    this.el = make("div", "dg-menu", { role: "dialog", tabindex: "-1" });
    this.el.hidden = true;
    this.el.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.preventDefault();
      this.close(true);
    });
    this.el.addEventListener("focusout", ({ relatedTarget }) => {
      if (relatedTarget && !this.el.contains(relatedTarget)) this.close(false);
    });
  }

  get isOpen() {
    return !this.el.hidden;
  }

  open(column, name, words, left, top) {
    const number = (this.#asked += 1);
    this.column = column;
    this.el.setAttribute("aria-label", `column ${name}`);
    const order = make("div", "dg-line");
    for (const [text, sort, reverse] of [
      ["Sort up", column, false],
      ["Sort down", column, true],
      ["Table order", null, false],
    ]) {
      order.append(button(text, () => this.#end(() => this.sort({ sort, reverse }))));
    }
    this.values = make("div", "dg-choices", {}, "counting values…");
    this.el.replaceChildren(
      make("div", "dg-menu-head", {}, words ? `${name}: ${words}` : name),
      order,
      this.#form(column, name),
      this.values,
    );
    this.el.style.left = `${left}px`;
    this.el.style.top = `${top}px`;
    this.el.hidden = false;
    this.el.querySelector("input").focus();
    void this.#fill(column, number);
  }

  close(back) {
    if (this.el.hidden) return;
    this.#asked += 1;
    this.el.hidden = true;
    if (back) this.closed();
  }

  #end(action) {
    this.close(true);
    action();
  }

  #form(column, name) {
    const form = make("form", "dg-line");
    const operator = make("select", "", { "aria-label": `condition for ${name}` });
    for (const value of OPERATORS) operator.append(make("option", "", { value }, WORDS[value] ?? value));
    const text = make("input", "", { type: "text", "aria-label": `value for ${name}`, spellcheck: "false" });
    operator.addEventListener("change", () => (text.hidden = operator.value in WORDS));
    form.append(operator, text, make("button", "dg-button", { type: "submit" }, "Filter"));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (!text.value && !(operator.value in WORDS)) return;
      const condition = { column, operator: operator.value, text: text.value };
      this.#end(() => this.add(condition));
    });
    return form;
  }

  async #fill(column, number) {
    const { values = [], others = 0, missing = 0, problem } = await this.ask({ ask: "values", column });
    if (number !== this.#asked) return;
    const choices = values.map(([cell, n, row]) => {
      const shown = readCell(cell);
      const pick = () => this.#end(() => this.add({ column, operator: "is", row, shown: shown.text }));
      const el = button("", pick, { name: "dg-choice" });
      const text = make("span", "dg-choice-text");
      fillCell(text, { ...shown, link: null });
      el.append(text, make("span", "dg-amount", {}, grouped(n)));
      return el;
    });
    if (missing) {
      const pick = () => this.#end(() => this.add({ column, operator: "missing", text: "" }));
      const el = button("", pick, { name: "dg-choice" });
      el.append(make("span", "dg-none", {}, "no value"), make("span", "dg-amount", {}, grouped(missing)));
      choices.push(el);
    }
    if (others) choices.push(make("div", "dg-note", {}, `${grouped(others)} rows with other values`));
    this.values.replaceChildren(...(choices.length ? choices : [problem ?? "no values"]));
  }
}
