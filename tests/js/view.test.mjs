// The pure half of the live view's script. `make js` runs this; it needs node and nothing else.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

const source = await readFile(new URL("../../drawer_ipy/display/view.js", import.meta.url), "utf8");
const view = await import(`data:text/javascript,${encodeURIComponent(source)}`);
const [WAITING, RUNNING, OK, FAILED, CANCELLED, SKIPPED] = view.STATES.keys();

const head = (over = {}) => ({
  drawer: "pages",
  status: "running",
  step: "each",
  position: 1,
  steps: 2,
  steps_done: 0,
  steps_failed: 0,
  loop: "each",
  counts: [110, 8, 78, 2, 2, 0],
  ...over,
});

test("it is one module that anywidget can load, and it fetches nothing", () => {
  assert.equal(typeof view.default.render, "function");
  assert.equal(typeof view.default.initialize, "function");
  assert.doesNotMatch(source, /\bimport\b[^;]*\bfrom\b|import\(|fetch\(|https?:|XMLHttp|innerHTML|outerHTML|insertAdjacent|eval\(/);
});

test("a page that has loaded it says hello", () => {
  const sent = [];
  view.default.initialize({ model: { send: (content) => sent.push(content) } });
  assert.deepEqual(sent, [{ kind: "hello" }]);
});

for (const [byte, expected] of [
  [WAITING, { state: WAITING, level: 0, busy: false }],
  [SKIPPED, { state: SKIPPED, level: 0, busy: false }],
  [OK | (1 << 3), { state: OK, level: 1, busy: false }],
  [FAILED | (3 << 3), { state: FAILED, level: 3, busy: false }],
  [OK | (2 << 3) | (1 << 5), { state: OK, level: 2, busy: true }],
]) {
  test(`byte ${byte} is decoded`, () => assert.deepEqual(view.decode(byte), expected));
}

test("bytes come as whatever the front end makes of them", () => {
  const all = new Uint8Array([9, 2, 3, 1]);
  for (const [value, expected] of [
    [new Uint8Array([2, 3]), [2, 3]],
    [new Uint8Array([2, 3]).buffer, [2, 3]],
    [new DataView(all.buffer, 1, 2), [2, 3]],
    [undefined, []],
    [null, []],
    ["23", []],
  ]) {
    assert.deepEqual([...view.toBytes(value)], expected);
  }
});

for (const ratio of [1, 1.25, 1.5, 2, 3]) {
  for (const width of [40, 320, 600, 960]) {
    for (const n of [1, 7, 60, 999, 10_000]) {
      test(`${n} cells fit into ${width} px at ${ratio} device pixels`, () => {
        const layout = view.layOut(n, width, ratio);
        assert.ok(layout.width <= width || layout.columns === 1, "no wider than there is room");
        assert.ok(layout.columns * layout.rows >= n, "all have a place");
        assert.ok(layout.columns * (layout.rows - 1) < n, "no row is empty");
        const device = layout.pitch * ratio;
        assert.ok(Math.abs(device - Math.round(device)) < 1e-9, "cells begin at whole device pixels");
        if (width >= 600) assert.ok(layout.height <= 200, `${layout.height} px are low enough`);
        for (const cell of [0, n >> 1, n - 1]) {
          const { x, y } = view.cornerOf(cell, layout);
          assert.equal(view.cellAt(x + 0.5, y + 0.5, layout), cell);
        }
      });
    }
  }
}

test("few cells are large, and rows have a round number of cells", () => {
  assert.equal(view.layOut(60, 900).pitch, 16);
  assert.equal(view.layOut(5, 900).columns, 5);
  assert.equal(view.layOut(10_000, 900).columns % 10, 0);
});

test("beside the cells there is none", () => {
  const layout = view.layOut(25, 200); // 12 columns of 16 px, 3 rows, the last with one cell
  for (const [x, y] of [[-1, 5], [5, -1], [12 * 16 + 1, 5], [20, 2 * 16 + 5], [5, 3 * 16 + 5]]) {
    assert.equal(view.cellAt(x, y, layout), -1);
  }
  assert.equal(view.cellAt(5, 2 * 16 + 5, layout), 24);
});

for (const [key, from, to] of [
  ["ArrowRight", 3, 4],
  ["ArrowRight", 24, 24],
  ["ArrowLeft", 0, 0],
  ["ArrowDown", 3, 15],
  ["ArrowDown", 14, 14],
  ["ArrowUp", 3, 3],
  ["ArrowUp", 15, 3],
  ["PageDown", 3, 24],
  ["PageUp", 20, 0],
  ["Home", 20, 0],
  ["End", 3, 24],
  ["a", 3, null],
  ["Tab", 3, null],
]) {
  test(`${key} leads from ${from} to ${to}`, () => {
    assert.equal(view.moveBy(key, from, view.layOut(25, 200)), to);
  });
}

test("no key leads anywhere in an empty picture", () => {
  assert.equal(view.moveBy("ArrowRight", 0, view.layOut(0, 200)), null);
});

test("f finds failures one after the other, in shared cells too", () => {
  const bytes = new Uint8Array([OK, FAILED, OK, OK | (1 << 3), WAITING]);
  assert.equal(view.nextFailed(bytes, 0), 1);
  assert.equal(view.nextFailed(bytes, 1), 3);
  assert.equal(view.nextFailed(bytes, 3), 1);
  assert.equal(view.nextFailed(new Uint8Array([OK, OK]), 0), -1);
  assert.equal(view.nextFailed(new Uint8Array(0), 0), -1);
});

test("only what has changed is drawn again", () => {
  const before = new Uint8Array([OK, RUNNING, WAITING]);
  assert.deepEqual(view.changed(before, new Uint8Array([OK, OK, RUNNING])), [1, 2]);
  assert.deepEqual(view.changed(before, before), []);
  assert.deepEqual(view.changed(null, before), [0, 1, 2]);
  assert.deepEqual(view.changed(before, new Uint8Array([OK])), [0]);
});

test("the parts of a bar are shares in a fixed order, never more than the whole", () => {
  const parts = view.segments([50, 10, 30, 5, 5, 0]);
  assert.deepEqual(parts, [[OK, 0.3], [FAILED, 0.05], [CANCELLED, 0.05], [RUNNING, 0.1]]);
  assert.deepEqual(view.segments([0, 0, 0, 0, 0, 0]), []);
  const odd = view.segments([0, 1, 1, 1, 0, 0]);
  assert.ok(odd.reduce((sum, [, share]) => sum + share, 0) <= 1 + 1e-9);
});

test("figures are written for people", () => {
  assert.deepEqual([0, 999, 1000, 1234567].map(view.count), ["0", "999", "1,000", "1,234,567"]);
  assert.deepEqual([-1, 0, 7.9, 245, 3723].map(view.clock), ["0:00", "0:00", "0:07", "4:05", "1:02:03"]);
  assert.deepEqual([0, 0.1, 12.34, 1234].map(view.rate), ["", "10.0 s each", "12.3/s", "1,234/s"]);
  assert.equal(view.percent(9999, 10_000), "99 %");
  assert.equal(view.percent(10_000, 10_000), "100 %");
  assert.equal(view.percent(0, 0), "");
});

test("progress is over the items of a loop, else over the steps", () => {
  assert.deepEqual(view.progress(head()), {
    noun: "items",
    counts: [110, 8, 78, 2, 2, 0],
    done: 80,
    total: 200,
    soFar: false,
  });
  const steps = view.progress(head({ loop: null, steps: 3, steps_done: 1 }));
  assert.deepEqual(steps, { noun: "steps", counts: [1, 1, 1, 0, 0, 0], done: 1, total: 3, soFar: false });
  const ended = view.progress(head({ loop: null, steps: 3, steps_done: 2, steps_failed: 1, status: "failed" }));
  assert.deepEqual(ended.counts, [1, 0, 1, 1, 0, 0]);
});

test("a loop over an iterator has no total and no percentage", () => {
  const going = head({ so_far: true });
  assert.equal(view.doneText(view.progress(going)), "80 items so far");
  assert.equal(view.doneText(view.progress(head())), "80 of 200 items · 40 %");
  assert.equal(view.sentence(going), "pages running, 80 items done so far, 2 failed, 2 cancelled");
  const none = head({ so_far: true, counts: [0, 0, 0, 0, 0, 0] });
  assert.equal(view.doneText(view.progress(none)), "0 items so far");
  const row = { status: "running", counts: [0, 3, 80, 3, 2, 0], loops: 0, per: 1, so_far: true };
  assert.equal(view.rowText(row), "85 so far · 3 failed · 2 cancelled");
});

test("a screen reader hears a sentence", () => {
  assert.equal(view.sentence(head()), "pages running, 80 of 200 items done, 2 failed, 2 cancelled");
  const partly = head({ status: "ok", words: "198 of 200 items ok, 2 failed", counts: [0, 0, 198, 2, 0, 0] });
  assert.match(view.sentence(partly), /^pages 198 of 200 items ok, 2 failed, 200 of 200 items done/);
});

test("a row tells counts, failures, loops and how many items share a cell", () => {
  const row = { status: "running", counts: [10, 5, 80, 3, 2, 0], loops: 0, per: 1 };
  assert.equal(view.rowText(row), "85 of 100 · 3 failed · 2 cancelled");
  assert.equal(view.rowText({ ...row, counts: [0, 0, 4, 0, 0, 0], loops: 1, per: 0 }), "4 of 4 · 1 loop");
  assert.equal(view.rowText({ ...row, counts: [0, 0, 4, 0, 0, 6], per: 25 }), "4 of 10 · 25 items a cell");
  assert.equal(view.rowText({ status: "waiting", counts: [], loops: 0, per: 0 }), "waiting");
});

test("light text means a dark page", () => {
  assert.equal(view.isLight("rgba(255, 255, 255, 0.87)"), true);
  assert.equal(view.isLight("rgb(33, 33, 33)"), false);
  assert.equal(view.isLight("rgb(212, 212, 212)"), true);
  assert.equal(view.isLight(""), false);
});

/** A Cancel whose surroundings are played by hand. */
function play({ can = true } = {}) {
  const log = [];
  const timers = [];
  const state = { answered: false, over: false };
  const click = view.makeCancel({
    send: () => log.push("send"),
    interrupt: () => (log.push("interrupt"), can),
    answered: () => state.answered,
    over: () => state.over,
    later: (action, delay) => timers.push({ action, delay }),
    show: (stage) => log.push(stage),
  });
  return { log, state, timers, click, elapse: () => timers.shift()?.action() };
}

test("a Cancel that is answered interrupts nothing", () => {
  const { log, state, timers, click, elapse } = play();
  click();
  assert.deepEqual(log, ["cancelling", "send"]);
  assert.equal(timers[0].delay, view.PATIENCE);
  state.answered = true;
  elapse();
  assert.equal(timers.length, 0);
  assert.deepEqual(log, ["cancelling", "send"]);
});

test("a Cancel that nobody answers interrupts the kernel, once", () => {
  const { log, timers, click, elapse } = play();
  click();
  click();
  elapse();
  elapse();
  assert.deepEqual(log, ["cancelling", "send", "interrupt", "interrupting"]);
  assert.equal(log.filter((what) => what === "interrupt").length, 1);
  click();
  assert.equal(timers.length, 0);
});

for (const when of ["before the click", "before the first look", "before the second look"]) {
  test(`once the run is over, ${when}, the next cell is left alone`, () => {
    const { log, state, click, elapse } = play();
    if (when === "before the click") state.over = true;
    click();
    if (when === "before the first look") state.over = true;
    elapse();
    if (when === "before the second look") state.over = true;
    elapse();
    assert.ok(!log.includes("interrupt"));
    assert.equal(log.includes("send"), when !== "before the click");
  });
}

test("an answer that waited behind a busy page is seen before the interrupt", () => {
  const { log, state, click, elapse } = play();
  click();
  elapse();
  state.answered = true;
  elapse();
  assert.ok(!log.includes("interrupt"));
});

test("where the kernel cannot be interrupted, Cancel can be tried again", () => {
  const { log, timers, click, elapse } = play({ can: false });
  click();
  elapse();
  elapse();
  assert.equal(log.at(-1), "stuck");
  click();
  assert.equal(log.filter((what) => what === "send").length, 2);
  assert.equal(timers.length, 1);
});
