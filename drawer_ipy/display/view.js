// The live view of a run. anywidget loads this file together with those that it imports (see script.py).
//
// The model has the whole state (see view.py), so a reloaded page and a second view draw the same. Texts of a
// run are inserted only with textContent.

import { makeCancel } from "./cancel.js";
import { STATES, UNTOUCHED, grouped, make, mark, put } from "./elements.js";
import { progress, sentence, waitsText } from "./figures.js";
import { makeBar, makeHead, makeLegend } from "./head.js";
import { cellsCutOff, countsCutOff, headCutOff, lostText, watchKernel } from "./kernel_watch.js";
import { mount } from "./mount.js";
import { inkOf, isLight, makeTip } from "./picture.js";
import { rescue } from "./rescue.js";
import { makeErrors, makeRow } from "./rows.js";
import { teller } from "./telling.js";

/** One view of the model, in `el`. */
class LiveView {
  #model;
  #tell;
  #rows = new Map();
  #pointed = null;
  #acked = false;
  #gone = false;
  #lost = "";
  #away = false;
  #stage = "";
  #frame = 0;
  #asking = 0;
  #since = performance.now();
  #newsAt = performance.now();
  #spoken = { at: 0, status: "", loop: null };

  constructor(model, el) {
    this.#model = model;
    this.#tell = teller(model);
    const root = (this.root = make("div", `drawer-view ${UNTOUCHED}`, { role: "group" }));
    this.tip = makeTip(root);
    this.head = makeHead(this.#canceller());
    this.bar = makeBar("dv-bar");
    mark(this.bar.el, "role", "progressbar");
    mark(this.bar.el, "aria-valuemin", 0);
    this.legend = makeLegend();
    this.kept = make("div", "dv-kept");
    this.waits = make("div", "dv-waits");
    this.list = make("div", "dv-rows", { role: "list", "aria-label": "steps" });
    this.warning = make("div", "dv-warning", { role: "status" });
    this.warning.hidden = true;
    this.errors = makeErrors((index) => this.#goTo(index), (state) => this.mark(state));
    this.live = make("div", "dv-spoken", { role: "status", "aria-live": "polite" });
    root.append(this.head.el, this.bar.el, this.legend.el, this.kept, this.waits, this.list, this.warning);
    root.append(this.errors.el, this.live, this.tip.el);
    el.append(root);
    this.#theme();
    this.remove = this.#watch();
    this.#draw();
  }

  /** The mark of a state. */
  mark(state) {
    return this.#model.get("marks")?.[state] ?? "";
  }

  /** A cell is selected, or none (null). */
  point(where) {
    this.#pointed = where;
    clearTimeout(this.#asking);
    if (!where) return this.tip.hide();
    const { key, cell, state } = where;
    const per = this.#rows.get(key)?.picture.per ?? 1;
    const first = per > 1 ? `items ${grouped(cell * per)}…` : `item ${cell}`;
    this.tip.show(where, [`${first} · ${STATES[state]}`]);
    mark(where.canvas, "aria-valuetext", `${first}, ${STATES[state]}`);
    this.#asking = setTimeout(() => this.#tell({ kind: "ask", row: key, cell }), 50);
  }

  #canceller() {
    const model = this.#model;
    return makeCancel({
      send: () => this.#tell({ kind: "cancel" }),
      interrupt: () => {
        const kernel = model.get("may_interrupt") ? model.widget_manager?.kernel : null;
        if (typeof kernel?.interrupt !== "function") return false;
        Promise.resolve(kernel.interrupt()).catch(() => this.#show("stuck"));
        return true;
      },
      answered: () => this.#acked || Boolean(model.get("cancelling")),
      over: () => this.#gone || this.#isOver(),
      later: setTimeout,
      show: (stage) => this.#show(stage),
    });
  }

  #isOver() {
    return this.#lost !== "" || Boolean(this.#model.get("over"));
  }

  #show(stage) {
    this.#stage = stage;
    this.#soon();
  }

  /** Select an item of the loop that the head counts. */
  #goTo(index) {
    const picture = this.#rows.get(this.#model.get("head").loop)?.picture;
    picture?.focus();
    picture?.choose(Math.floor(index / picture.per));
  }

  #soon() {
    if (!this.#frame && !this.#gone) this.#frame = requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    this.#frame = 0;
    const told = this.#model.get("head");
    if (this.#gone || !told?.status) return;
    const lost = this.#lost && !this.#model.get("over") ? this.#lost : "";
    const head = lost ? headCutOff(told, lost) : told;
    this.#drawHead(head);
    this.#drawBar(head);
    this.#drawRows();
    const warning = lost ? lostText(told, lost) : (this.#model.get("warning") ?? "");
    const words = warning && `${this.mark("partial")} ${warning}`;
    if (this.warning.textContent !== words) this.warning.textContent = words;
    this.warning.hidden = !warning;
    this.errors.set(this.#model.get("errors") ?? []);
  }

  #drawHead(head) {
    const model = this.#model;
    const over = this.#isOver();
    const ago = (moment) => (over ? 0 : (performance.now() - moment) / 1000);
    if (model.get("cancelling") && this.#stage !== "interrupting") this.#stage = "cancelling";
    const seconds = (model.get("elapsed") ?? 0) + ago(this.#since);
    const quiet = this.#away ? "no connection" : "kernel busy";
    this.head.set(head, {
      seconds,
      silent: ago(this.#newsAt),
      quiet,
      over,
      stage: this.#stage,
      sign: this.mark(head.outcome),
    });
    mark(this.root, "data-status", head.outcome);
    mark(this.root, "aria-label", `run of drawer ${head.drawer}`);
    this.legend.set(head);
    const kept = over ? "" : (head.kept ?? "");
    put(this.kept, kept && `${this.mark("kept")} ${kept}`);
    this.kept.hidden = !kept;
    const waits = over ? "" : waitsText(head.waits, seconds);
    put(this.waits, waits && `${this.mark("paused")} ${waits}`);
    mark(this.waits, "title", waits);
    this.waits.hidden = !waits;
  }

  #drawBar(head) {
    const { counts, done, total, noun, soFar } = progress(head);
    const words = sentence(head);
    this.bar.set(counts);
    if (soFar) for (const name of ["aria-valuemax", "aria-valuenow"]) this.bar.el.removeAttribute(name);
    else {
      mark(this.bar.el, "aria-valuemax", total);
      mark(this.bar.el, "aria-valuenow", done);
    }
    mark(this.bar.el, "aria-label", `${noun} done`);
    mark(this.bar.el, "aria-valuetext", words);
    // A screen reader announces the progress every ten seconds; the end, and what is counted from now on, at once.
    const { at, status, loop } = this.#spoken;
    const due = performance.now() - at > 10_000 || head.status !== status || head.loop !== loop;
    if (due && words !== this.live.textContent) {
      this.#spoken = { at: performance.now(), status: head.status, loop: head.loop };
      put(this.live, words);
    }
  }

  #drawRows() {
    const wanted = this.#model.get("rows") ?? [];
    const pictures = { ...this.#model.get("ended_cells"), ...this.#model.get("cells") };
    const kinds = new Map(wanted.map((row) => [row.key, Boolean(row.per)]));
    for (const [key, row] of this.#rows) {
      if (kinds.get(key) !== Boolean(row.picture)) {
        row.el.remove();
        this.#rows.delete(key);
      }
    }
    let before = null;
    for (const now of wanted) {
      let row = this.#rows.get(now.key);
      if (!row) this.#rows.set(now.key, (row = makeRow(now, this)));
      if (row.el.previousElementSibling !== before || row.el.parentElement !== this.list) {
        before ? before.after(row.el) : this.list.prepend(row.el);
      }
      row.set(this.#lost && now.status === "running" ? { ...now, status: "cancelled", counts: countsCutOff(now.counts) } : now);
      const cells = pictures[now.key];
      if (row.picture && cells) row.picture.set(this.#lost ? cellsCutOff(cells) : cells);
      before = row.el;
    }
    mark(this.list, "data-rows", wanted.length);
  }

  #theme() {
    mark(this.root, "data-theme", isLight(getComputedStyle(this.root).color) ? "dark" : "light");
    this.ink = inkOf(this.root);
    for (const row of this.#rows.values()) row.picture?.resize();
  }

  #hear({ kind, row, cell, lines }) {
    if (kind === "ack") this.#acked = true;
    const pointed = this.#pointed;
    if (kind === "told" && pointed?.key === row && pointed.cell === cell && lines?.length) {
      this.tip.show(pointed, lines);
      mark(pointed.canvas, "aria-valuetext", lines.join(", "));
    }
  }

  /** Follow the model, the clock, the size and the theme; returns a function that stops that. */
  #watch() {
    const model = this.#model;
    const news = () => {
      this.#newsAt = performance.now();
      this.#soon();
    };
    const names = ["head", "rows", "cells", "ended_cells", "errors", "warning", "cancelling", "over"];
    for (const name of names) model.on(`change:${name}`, news);
    model.on("change:elapsed", () => {
      this.#since = performance.now();
      news();
    });
    model.on("msg:custom", (message) => this.#hear(message ?? {}));
    const theme = () => this.#theme();
    const sizes = new ResizeObserver(theme);
    sizes.observe(this.root);
    const themes = new MutationObserver(() => requestAnimationFrame(theme));
    const attributeFilter = ["class", "style", "theme", "data-jp-theme-light", "data-theme"];
    for (const el of [document.body, document.documentElement]) themes.observe(el, { attributeFilter });
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    scheme.addEventListener("change", theme);
    const ticking = setInterval(() => !this.#isOver() && this.#soon(), 500);
    const forget = this.#watchKernel();
    return () => {
      this.#gone = true;
      cancelAnimationFrame(this.#frame);
      clearInterval(ticking);
      clearTimeout(this.#asking);
      sizes.disconnect();
      themes.disconnect();
      scheme.removeEventListener("change", theme);
      forget();
      return this.#isOver(); // the last state stays, until the output is replaced
    };
  }

  /** Follow the kernel; returns a function that stops that. */
  #watchKernel() {
    const lost = (why, isGuess) => {
      if (!why || this.#gone || this.#model.get("over")) return;
      this.#lost = isGuess ? this.#lost || why : why;
      this.#draw();
    };
    return watchKernel(this.#model, { lost, connected: (isConnected) => (this.#away = !isConnected) });
  }
}

/** Draws the model into `el`; returns a function that removes the view. */
function render({ model, el }) {
  return new LiveView(model, el).remove;
}

/** Notify the kernel that a page can draw the view, and draw it wherever the page has a place for it. */
function initialize({ model }) {
  teller(model)({ kind: "hello" });
  const end = mount(model, model.get("place"), (el) => new LiveView(model, el).remove);
  const leave = rescue(model);
  return () => {
    leave();
    end();
  };
}

export default { initialize, render };
