// The button that presses again what did not end ok. The live view then takes the place of the table, and the new
// table that of the view.

import { grouped, make } from "../elements.js";
import { mountClass } from "../mount.js";
import { button } from "./parts.js";

/** Milliseconds without an answer after which the kernel counts as busy. */
const BUSY_AFTER = 700;

/** What the button says, for the rows of each state that would be pressed; "" for no button. */
export function retryWords(left) {
  if (!left) return "";
  const parts = Object.entries(left).map(([state, n]) => `${grouped(n)} ${state}`);
  return parts.length ? `Retry ${parts.join(", ")}` : "Retry what did not end ok";
}

/** What is said when a retry has ended. */
export function endWords({ counts, total }) {
  const parts = Object.entries(counts).map(([state, n]) => `${grouped(n)} ${state}`);
  return `retried: ${parts.join(", ") || `${grouped(total)} rows`}`;
}

/** Whether no element has the focus, as when the one that had it was removed. */
function isFocusFree() {
  return [null, document.body].includes(document.activeElement);
}

/** Call `action` with what `find` returns as soon as that is something; gives up after five seconds. */
function when(find, action, tries = 100) {
  const found = find();
  if (found) action(found);
  else if (tries) setTimeout(() => when(find, action, tries - 1), 50);
}

/**
 * The button and the words about it. `ask` puts a question to the kernel; `nothingLeft` is called if all is ok by
 * now, `ended` with words when a retry from here has ended, and `focus` moves the focus to the table.
 */
export class Retry {
  #isPressed = false;
  #waiting = 0;

  constructor({ ask, nothingLeft, ended, focus }) {
    Object.assign(this, { ask, nothingLeft, ended, focus });
    this.button = button("", () => void this.#press(), { name: "dg-retry" });
    this.button.hidden = true;
    this.notice = make("div", "dg-notice", { role: "status" });
  }

  /** Show the button for what is left to press; hide it for null. */
  set(left) {
    const words = retryWords(left);
    const hadFocus = !words && document.activeElement === this.button;
    this.button.textContent = words;
    this.button.hidden = !words;
    if (hadFocus) this.focus();
  }

  /** A retry from here has ended, maybe from another page; `root` may not be in the page again yet. */
  end(root, source, problem) {
    const wasHere = this.#isPressed;
    this.#rest();
    this.#note(problem ? `The retry ended with an error. ${problem}` : "", problem);
    when(() => root.isConnected, () => {
      if (wasHere && isFocusFree()) this.#takeFocus();
      this.ended(endWords(source));
    });
  }

  stop() {
    clearTimeout(this.#waiting);
  }

  async #press() {
    if (this.#isPressed) return;
    this.#isPressed = true;
    this.button.setAttribute("aria-disabled", "true");
    this.#note("");
    const busy = "The kernel is busy with a cell. The retry begins when it is free.";
    this.#waiting = setTimeout(() => this.#note(busy), BUSY_AFTER);
    const { started, place, problem, gone } = await this.ask({ ask: "retry" });
    clearTimeout(this.#waiting);
    if (started) {
      this.#note("");
      // The button is gone with the table; the view's button is the next thing that one may want.
      const cancel = () => document.querySelector(`.${mountClass(place)} button`);
      when(cancel, (el) => isFocusFree() && el.focus({ preventScroll: true }));
      return;
    }
    this.#rest();
    if (problem) this.#note(`Not retried. ${problem}`, problem);
    else if (!gone) {
      this.#note("Nothing is left to retry.");
      this.nothingLeft();
    }
  }

  #rest() {
    this.#isPressed = false;
    this.button.removeAttribute("aria-disabled");
  }

  #takeFocus() {
    if (this.button.hidden) this.focus();
    else this.button.focus({ preventScroll: true });
  }

  #note(words, problem = "") {
    this.notice.textContent = words;
    this.notice.toggleAttribute("data-problem", Boolean(problem));
  }
}
