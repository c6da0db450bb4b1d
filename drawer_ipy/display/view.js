// The live view of a run. anywidget loads this file unchanged: no build step, no other files.
//
// The model has the whole state (see view.py), so a reloaded page and a second view draw the same. Texts of a
// run are inserted only with textContent. The first half are pure functions, exported for the tests; the second
// half changes the page.

export const STATES = ["waiting", "running", "ok", "failed", "cancelled", "skipped"];
const [WAITING, RUNNING, OK, FAILED, CANCELLED, SKIPPED] = STATES.keys();

/** States in the order of a bar and a legend. */
export const ORDER = [OK, FAILED, CANCELLED, RUNNING, SKIPPED, WAITING];

const TALLEST = 200;
const PITCHES = [16, 14, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3];

/** Milliseconds after which an unanswered Cancel becomes an interrupt. */
export const PATIENCE = 700;

/** The contents of a byte of the picture (cells.py): a state; for several items also how many failed, and
 * whether any is running. */
export function decode(byte) {
  return { state: byte & 7, level: (byte >> 3) & 3, busy: Boolean((byte >> 5) & 1) };
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

/** The parts of a bar as [state, share of the whole]; the rest are waiting items. */
export function segments(counts) {
  const total = counts.reduce((sum, n) => sum + n, 0);
  if (!total) return [];
  return ORDER.filter((s) => s !== WAITING && counts[s]).map((s) => [s, counts[s] / total]);
}

/** Whole numbers with thin spaces between groups, the same in every locale. */
export function count(n) {
  return String(Math.round(n)).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** Seconds as 0:07, 4:05 or 1:02:03. */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const pad = (n) => String(n).padStart(2, "0");
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return h ? `${h}:${pad(m)}:${pad(s)}` : `${m}:${pad(s)}`;
}

/** Items per second; below one, the seconds per item. */
export function rate(perSecond) {
  if (perSecond >= 100) return `${count(perSecond)}/s`;
  if (perSecond >= 1) return `${perSecond.toFixed(1)}/s`;
  return perSecond > 0 ? `${(1 / perSecond).toFixed(1)} s each` : "";
}

/** Percent, which is 100 only at the end. */
export function percent(done, total) {
  if (!total) return "";
  return done >= total ? "100 %" : `${Math.min(99, Math.floor((100 * done) / total))} %`;
}

/** What the bar counts: the items of the current loop, or the steps if there is no loop. */
export function progress(head) {
  if (head.loop == null) {
    const running = head.status === "running" && head.steps_done < head.steps ? 1 : 0;
    const [ok, failed] = [head.steps_done - head.steps_failed, head.steps_failed];
    const counts = [head.steps - head.steps_done - running, running, ok, failed, 0, 0];
    return { noun: "steps", counts, done: head.steps_done, total: head.steps, soFar: false };
  }
  const counts = head.counts;
  const total = counts.reduce((sum, n) => sum + n, 0);
  return { noun: "items", counts, done: counts[OK] + counts[FAILED], total, soFar: Boolean(head.so_far) };
}

/** How far it is in words, with a share of the whole where the whole is known. */
export function doneText({ noun, done, total, soFar }) {
  return soFar ? `${count(done)} ${noun} so far` : `${count(done)} of ${count(total)} ${noun} · ${percent(done, total)}`;
}

/** One sentence for screen readers. */
export function sentence(head) {
  const { noun, counts, done, total, soFar } = progress(head);
  const amount = soFar ? `${count(done)} ${noun} done so far` : `${count(done)} of ${count(total)} ${noun} done`;
  const words = [`${head.drawer} ${head.words ?? head.status}`, amount];
  for (const state of [FAILED, CANCELLED, SKIPPED]) {
    if (counts[state]) words.push(`${count(counts[state])} ${STATES[state]}`);
  }
  return words.join(", ");
}

/** The text of a row after its bar. */
export function rowText(row) {
  if (!row.counts.length) return row.status;
  const total = row.counts.reduce((sum, n) => sum + n, 0);
  const ended = total - row.counts[WAITING] - row.counts[RUNNING] - row.counts[SKIPPED];
  const words = [row.so_far ? `${count(ended)} so far` : `${count(ended)} of ${count(total)}`];
  for (const state of [FAILED, CANCELLED]) {
    if (row.counts[state]) words.push(`${count(row.counts[state])} ${STATES[state]}`);
  }
  if (row.loops) words.push(`${count(row.loops)} ${row.loops === 1 ? "loop" : "loops"}`);
  if (row.per > 1) words.push(`${count(row.per)} items a cell`);
  return words.join(" · ");
}

/** Whether a CSS colour of text is light, which means that the page is dark. */
export function isLight(colour) {
  const [r, g, b] = (colour.match(/[\d.]+/g) ?? []).map(Number);
  return b !== undefined && 0.299 * r + 0.587 * g + 0.114 * b > 140;
}

/**
 * The two stages of Cancel: a message, and if there is no reply in time and the run is not over, an interrupt
 * of the kernel. It never interrupts after the run is over, when the kernel may run another cell.
 *
 * `send` and `interrupt` act (`interrupt` returns whether it could), `answered` and `over` return the state,
 * `later` is setTimeout, and `show` is called with "cancelling", "interrupting" or "stuck".
 */
export function makeCancel({ send, interrupt, answered, over, later, show }) {
  let asked = false;
  const settled = () => answered() || over();
  return () => {
    if (asked || over()) return;
    asked = true;
    show("cancelling");
    send();
    later(() => {
      // A busy page may run its timers before it handles messages that have arrived; so check again.
      if (!settled()) later(() => {
        if (settled()) return;
        const could = interrupt();
        asked = could;
        show(could ? "interrupting" : "stuck");
      }, 60);
    }, PATIENCE);
  };
}

// The functions below need a page.

/** An element with classes, attributes and text. */
function make(tag, name, attributes = {}, text = "") {
  const el = document.createElement(tag);
  if (name) el.className = name;
  for (const [key, value] of Object.entries(attributes)) el.setAttribute(key, value);
  if (text) el.textContent = text;
  return el;
}

/** Set text and attributes only if they change, for less layout work and fewer screen reader announcements. */
function put(el, text) {
  if (el.textContent !== text) el.textContent = text;
}
function mark(el, name, value) {
  if (el.getAttribute(name) !== String(value)) el.setAttribute(name, value);
}

/** A bar split by state. */
function makeBar(name) {
  const el = make("div", name);
  const parts = new Map();
  for (const state of ORDER) {
    if (state === WAITING) continue;
    const part = make("div", "dv-part", { "data-state": STATES[state] });
    parts.set(state, part);
    el.append(part);
  }
  return {
    el,
    set(counts) {
      const shares = new Map(segments(counts));
      for (const [state, part] of parts) part.style.flexBasis = `${(100 * (shares.get(state) ?? 0)).toFixed(3)}%`;
    },
  };
}

function paintCell(pen, x, y, pitch, byte, ink) {
  const { state, level, busy } = decode(byte);
  const size = pitch - (pitch >= 8 * ink.ratio ? 2 : 1) * Math.max(1, Math.round(ink.ratio));
  const third = Math.max(1, Math.round(size / 3));
  pen.clearRect(x, y, pitch, pitch);
  pen.fillStyle = ink[STATES[state]];
  if (state === CANCELLED) {
    pen.fillRect(x, y + third, size, Math.max(1, size - 2 * third));
  } else if (state === SKIPPED) {
    pen.fillRect(x + third, y + third, Math.max(1, size - 2 * third), Math.max(1, size - 2 * third));
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
  if (busy && state !== RUNNING) {
    pen.fillStyle = ink.running;
    pen.fillRect(x, y, size, third);
  }
}

/** The picture of one row: a canvas, the selected cell, the keyboard. */
class Picture {
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
    this.#chosen = cell < this.#bytes.length ? cell : -1;
    this.cursor.hidden = this.#chosen < 0 || !layout;
    if (this.cursor.hidden) return this.view.point(null);
    const { x, y } = cornerOf(cell, layout);
    const [left, top, width, height] = [x, y, layout.pitch, layout.pitch].map((n) => `${n}px`);
    Object.assign(this.cursor.style, { left, top, width, height });
    mark(this.canvas, "aria-valuemin", 0);
    mark(this.canvas, "aria-valuenow", cell);
    mark(this.canvas, "aria-valuemax", this.#bytes.length - 1);
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
    canvas.addEventListener("blur", () => this.choose(-1));
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

/** A row of the outline: name, bar, words, time, and a picture if it has cells. */
function makeRow(row, view) {
  const el = make("div", "dv-row", { role: "listitem" });
  const sign = make("span", "dv-sign", { "aria-hidden": "true" });
  const name = make("span", "dv-name");
  const bar = makeBar("dv-bar dv-small");
  const text = make("span", "dv-words");
  const time = make("span", "dv-time");
  const line = make("div", "dv-line");
  line.append(sign, name, bar.el, text, time);
  el.append(line);
  const picture = row.per ? new Picture(row, view) : null;
  if (picture) el.append(picture.el);
  return {
    el,
    picture,
    set(now) {
      mark(el, "data-status", now.status);
      el.style.setProperty("--depth", Math.min(now.depth, 6));
      mark(el, "data-failures", now.counts[FAILED] || now.status === "failed" ? "yes" : "no");
      put(sign, view.mark(now.status));
      put(name, now.name);
      mark(name, "title", now.name);
      bar.el.style.visibility = now.counts.length && !picture ? "" : "hidden"; // the picture shows it better
      bar.set(now.counts);
      put(text, rowText(now));
      put(time, now.seconds >= 1 ? clock(now.seconds) : "");
      if (picture) picture.per = now.per;
    },
  };
}

/** Name, state and figures at the top, with the Cancel button. */
function makeHead(cancel) {
  const el = make("div", "dv-head");
  const name = make("span", "dv-title");
  const state = make("span", "dv-state");
  const figures = make("span", "dv-figures");
  const button = make("button", "dv-cancel", { type: "button", title: "Stop this run; completed items are kept" });
  const label = make("span", "", {}, "Cancel");
  button.append(make("span", "dv-stop", { "aria-hidden": "true" }), label);
  button.addEventListener("click", cancel);
  el.append(name, state, figures, button);
  return {
    el,
    set(head, { seconds, silent, over, stage, sign }) {
      put(name, head.drawer || "drawer");
      const at = head.position && !over ? `${head.step} (${head.position} of ${head.steps})` : "";
      put(state, [`${sign} ${head.words}`, head.steps > 1 ? at : ""].filter(Boolean).join(" · "));
      const words = [];
      if (head.retries) words.push(`${count(head.retries)} ${head.retries === 1 ? "retry" : "retries"}`);
      if (!over && head.width != null) words.push(`${count(head.width)} at once`);
      if (head.cached) words.push(`${count(head.cached)} cached`);
      if (silent > 3) words.push(`kernel busy for ${clock(silent)}`);
      else if (!over && head.rate) words.push(rate(head.rate));
      if (!over && silent <= 3 && head.eta != null) words.push(`ETA ${clock(head.eta)}`);
      words.push(clock(seconds));
      put(figures, words.join(" · "));
      button.hidden = over;
      const labels = { cancelling: "Cancelling…", interrupting: "Interrupting…", stuck: "Cancel (kernel busy)" };
      put(label, labels[stage] ?? "Cancel");
      button.disabled = stage === "cancelling" || stage === "interrupting";
    },
  };
}

/** The number of items in each state, with the state's shape. */
function makeLegend() {
  const el = make("div", "dv-legend");
  const parts = ORDER.map((state) => {
    const part = make("span", "dv-count", { "data-state": STATES[state] });
    const words = make("span", "");
    part.append(make("span", "dv-swatch", { "aria-hidden": "true" }), words);
    el.append(part);
    return [state, part, words];
  });
  const total = make("span", "dv-total");
  el.append(total);
  return {
    el,
    set(head) {
      const now = progress(head);
      const { counts } = now;
      for (const [state, part, words] of parts) {
        part.hidden = !counts[state] && state !== OK && state !== FAILED;
        mark(part, "data-none", counts[state] ? "no" : "yes");
        put(words, `${count(counts[state])} ${STATES[state]}`);
      }
      put(total, doneText(now));
    },
  };
}

/** The latest failures, newest first. */
function makeErrors(show, mark) {
  const el = make("div", "dv-errors", { role: "list", "aria-label": "latest errors" });
  let told = "";
  return {
    el,
    set(errors) {
      const now = JSON.stringify(errors);
      if (now === told) return;
      told = now;
      el.replaceChildren(
        ...[...errors].reverse().map(({ index, step, text }) => {
          const line = make("div", "dv-error", { role: "listitem", title: text });
          const where = make("button", "dv-where", { type: "button" });
          where.textContent = `${mark("failed")} ${index == null ? step : `item ${count(index)}`}`;
          where.disabled = index == null;
          where.addEventListener("click", () => show(index));
          const why = make("bdi", "dv-why");
          why.textContent = index == null ? text : `${step}: ${text}`;
          line.append(where, why);
          return line;
        }),
      );
    },
  };
}

/** The description of the selected cell. */
function makeTip(root) {
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

function inkOf(root) {
  const style = getComputedStyle(root);
  const ink = Object.fromEntries(STATES.map((s) => [s, style.getPropertyValue(`--drawer-${s}`).trim()]));
  return { ...ink, paper: style.getPropertyValue("--drawer-paper").trim(), ratio: window.devicePixelRatio || 1 };
}

// So that no front end reads dollar signs in texts as mathematics (see style/html_frame.py).
const UNTOUCHED = "mathjax_ignore tex2jax_ignore";

/** One view of the model, in `el`. */
class LiveView {
  #model;
  #rows = new Map();
  #pointed = null;
  #acked = false;
  #gone = false;
  #stage = "";
  #frame = 0;
  #asking = 0;
  #since = performance.now();
  #newsAt = performance.now();
  #spoken = { at: 0, status: "" };

  constructor(model, el) {
    this.#model = model;
    const root = (this.root = make("div", `drawer-view ${UNTOUCHED}`, { role: "group" }));
    this.tip = makeTip(root);
    this.head = makeHead(this.#canceller());
    this.bar = makeBar("dv-bar");
    mark(this.bar.el, "role", "progressbar");
    mark(this.bar.el, "aria-valuemin", 0);
    this.legend = makeLegend();
    this.list = make("div", "dv-rows", { role: "list", "aria-label": "steps" });
    this.warning = make("div", "dv-warning", { role: "status" });
    this.warning.hidden = true;
    this.errors = makeErrors((index) => this.#goTo(index), (state) => this.mark(state));
    this.live = make("div", "dv-spoken", { role: "status", "aria-live": "polite" });
    root.append(this.head.el, this.bar.el, this.legend.el, this.list, this.warning);
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
    const first = per > 1 ? `items ${count(cell * per)}…` : `item ${cell}`;
    this.tip.show(where, [`${first} · ${STATES[state]}`]);
    mark(where.canvas, "aria-valuetext", `${first}, ${STATES[state]}`);
    this.#asking = setTimeout(() => this.#model.send({ kind: "ask", row: key, cell }), 50);
  }

  #canceller() {
    const model = this.#model;
    return makeCancel({
      send: () => model.send({ kind: "cancel" }),
      interrupt: () => {
        const kernel = model.get("may_interrupt") ? model.widget_manager?.kernel : null;
        if (typeof kernel?.interrupt !== "function") return false;
        Promise.resolve(kernel.interrupt()).catch(() => this.#show("stuck"));
        return true;
      },
      answered: () => this.#acked || Boolean(model.get("cancelling")),
      over: () => this.#gone || Boolean(model.get("over")),
      later: setTimeout,
      show: (stage) => this.#show(stage),
    });
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
    const head = this.#model.get("head");
    if (this.#gone || !head?.status) return;
    this.#drawHead(head);
    this.#drawBar(head);
    this.#drawRows();
    const warning = this.#model.get("warning") ?? "";
    const words = warning && `${this.mark("partial")} ${warning}`;
    if (this.warning.textContent !== words) this.warning.textContent = words;
    this.warning.hidden = !warning;
    this.errors.set(this.#model.get("errors") ?? []);
  }

  #drawHead(head) {
    const model = this.#model;
    const over = Boolean(model.get("over"));
    const ago = (moment) => (over ? 0 : (performance.now() - moment) / 1000);
    if (model.get("cancelling") && this.#stage !== "interrupting") this.#stage = "cancelling";
    const seconds = (model.get("elapsed") ?? 0) + ago(this.#since);
    this.head.set(head, {
      seconds,
      silent: ago(this.#newsAt),
      over,
      stage: this.#stage,
      sign: this.mark(head.outcome),
    });
    mark(this.root, "data-status", head.outcome);
    mark(this.root, "aria-label", `run of drawer ${head.drawer}`);
    this.legend.set(head);
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
    // A screen reader announces the progress every ten seconds, and the end at once.
    const due = performance.now() - this.#spoken.at > 10_000 || head.status !== this.#spoken.status;
    if (due && words !== this.live.textContent) {
      this.#spoken = { at: performance.now(), status: head.status };
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
      row.set(now);
      if (row.picture && pictures[now.key]) row.picture.set(pictures[now.key]);
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
    const ticking = setInterval(() => !model.get("over") && this.#soon(), 500);
    return () => {
      this.#gone = true;
      cancelAnimationFrame(this.#frame);
      clearInterval(ticking);
      clearTimeout(this.#asking);
      sizes.disconnect();
      themes.disconnect();
      scheme.removeEventListener("change", theme);
    };
  }
}

/** Draws the model into `el`; returns a function that removes the view. */
function render({ model, el }) {
  return new LiveView(model, el).remove;
}

/** Notify the kernel that there is a page that can draw the view. */
function initialize({ model }) {
  model.send({ kind: "hello" });
}

export default { initialize, render };
