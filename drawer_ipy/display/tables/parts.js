// Elements of the grid. Texts of a run are inserted only with textContent.

import { make } from "../elements.js";
import { isPicture, readCell, splitNumber } from "./shape.js";

/** A button with a text, or with a mark and a label for screen readers. */
export function button(text, action, { name = "", label = "" } = {}) {
  const el = make("button", `dg-button ${name}`.trim(), { type: "button" }, text);
  if (label) {
    el.setAttribute("aria-label", label);
    el.title = label;
  }
  el.addEventListener("click", action);
  return el;
}

/** Draw the value `shown` (see `readCell`) into `el`. `picture` returns the address of a thumbnail. */
export function fillCell(el, shown, { fraction = 0, tabbable = false, picture = () => null } = {}) {
  if (shown.kind === "n") {
    const [whole, rest] = fraction ? splitNumber(shown.text) : [shown.text, ""];
    el.append(whole);
    if (fraction) {
      const part = make("span", "dg-fraction", {}, rest);
      part.style.width = `${fraction}ch`;
      el.append(part);
    }
  } else if (shown.kind === "0") {
    el.append(make("span", "dg-none", { title: "no value" }, "–"));
  } else if (shown.link) {
    const link = make("a", "", { href: shown.link, target: "_blank", rel: "noopener noreferrer" }, shown.text);
    link.setAttribute("referrerpolicy", "no-referrer");
    if (!tabbable) link.tabIndex = -1;
    el.append(link);
  } else {
    const address = shown.mime && isPicture(shown.mime) ? picture(shown) : null;
    if (address) el.append(make("img", "dg-picture", { src: address, alt: shown.text }));
    else el.textContent = shown.text;
  }
}

/** The addresses of the pictures of one answer; they must be released. */
export class Pictures {
  #addresses = new Map();

  constructor(buffers = []) {
    this.buffers = buffers;
  }

  address({ mime, buffer }) {
    const data = this.buffers[buffer];
    if (!data || !isPicture(mime)) return null;
    let made = this.#addresses.get(buffer);
    if (!made) this.#addresses.set(buffer, (made = URL.createObjectURL(new Blob([data], { type: mime }))));
    return made;
  }

  release() {
    for (const address of this.#addresses.values()) URL.revokeObjectURL(address);
    this.#addresses.clear();
  }
}

/** Copy a text that is still on its way. Returns whether it was copied. */
export async function copyText(coming) {
  const clipboard = navigator.clipboard;
  try {
    // A browser allows this only while it handles the click, so it gets the promise of the text.
    const blob = coming.then((text) => new Blob([text], { type: "text/plain" }));
    await clipboard.write([new ClipboardItem({ "text/plain": blob })]);
    return true;
  } catch {
    const text = await coming;
    try {
      await clipboard.writeText(text);
      return true;
    } catch {
      return copyBySelection(text); // pages that are not secure have no clipboard
    }
  }
}

function copyBySelection(text) {
  const before = document.activeElement;
  const area = make("textarea", "dg-spoken", { "aria-hidden": "true" });
  area.value = text;
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  before?.focus?.({ preventScroll: true });
  return done;
}

/** A nested value that unfolds: its inner values are requested when it is opened. */
export function makeNode(name, cell, path, source) {
  const shown = readCell(cell);
  const line = (el) => {
    if (name !== null) el.append(make("span", "dg-key", {}, name), " ");
    const value = make("span", "dg-value");
    fillCell(value, shown, { tabbable: true });
    el.append(value);
    return el;
  };
  if (shown.kind !== "d") {
    const el = line(make("div", "dg-leaf"));
    if (shown.cut) addWhole(el, path, source);
    return el;
  }
  const el = make("details", "dg-node");
  el.append(line(make("summary")));
  const inner = make("div", "dg-inner");
  el.append(inner);
  el.addEventListener("toggle", () => {
    if (el.open && !inner.hasChildNodes()) void addChildren(inner, path, source, 0);
  });
  return el;
}

async function addChildren(inner, path, source, start) {
  const { cells = [], total = 0 } = await source.children(path, start);
  cells.forEach(([name, cell], at) => inner.append(makeNode(name, cell, [...path, start + at], source)));
  const next = start + cells.length;
  if (next >= total || !cells.length) return;
  const more = button(`${total - next} more`, () => {
    more.remove();
    void addChildren(inner, path, source, next);
  });
  inner.append(more);
}

/** A button that shows the whole of a text that was cut. */
export function addWhole(el, path, source) {
  const more = button("show all", async () => {
    more.disabled = true;
    const { text = "", characters = 0 } = await source.whole(path);
    const cut = characters > text.length;
    more.remove();
    const value = el.querySelector(".dg-value");
    value.textContent = text;
    value.classList.add("dg-long");
    if (cut) el.append(make("span", "dg-note", {}, ` the first ${text.length} of ${characters} characters`));
  });
  el.append(" ", more);
}
