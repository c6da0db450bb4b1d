// Tests of the pure functions in the live view's script. `make js` runs them; they need only node.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

const read = (name) => readFile(new URL(`../../drawer_ipy/display/${name}.js`, import.meta.url), "utf8");
const NAMES = ["states", "picture_shape", "figures", "kernel_watch", "cancel", "picture", "head", "rows", "telling", "view"];
const source = (await Promise.all(["elements", ...NAMES].map(read))).join("\n");
const modules = await Promise.all(NAMES.map((name) => import(`../../drawer_ipy/display/${name}.js`)));
const view = Object.assign({}, ...modules);
const elements = await import("../../drawer_ipy/display/elements.js");
const [WAITING, RUNNING, OK, FAILED, CANCELLED, SKIPPED, PAUSED, KEPT] = elements.STATES.keys();

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

test("the script is a module that anywidget can load, and it fetches nothing", () => {
  assert.equal(typeof view.default.render, "function");
  assert.equal(typeof view.default.initialize, "function");
  assert.doesNotMatch(source, /import\(|fetch\(|https?:|XMLHttp|innerHTML|outerHTML|insertAdjacent|eval\(/);
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

test("bytes are read from every form that front ends use", () => {
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
        assert.ok(layout.width <= width || layout.columns === 1, "not wider than the available space");
        assert.ok(layout.columns * layout.rows >= n, "every item has a cell");
        assert.ok(layout.columns * (layout.rows - 1) < n, "no row is empty");
        const device = layout.pitch * ratio;
        assert.ok(Math.abs(device - Math.round(device)) < 1e-9, "cells start at whole device pixels");
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

test("there is no cell outside the grid", () => {
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
  test(`${key} moves from ${from} to ${to}`, () => {
    assert.equal(view.moveBy(key, from, view.layOut(25, 200)), to);
  });
}

test("no key moves anywhere in an empty grid", () => {
  assert.equal(view.moveBy("ArrowRight", 0, view.layOut(0, 200)), null);
});

test("f moves to the next failure, in shared cells too", () => {
  const bytes = new Uint8Array([OK, FAILED, OK, OK | (1 << 3), WAITING]);
  assert.equal(view.nextFailed(bytes, 0), 1);
  assert.equal(view.nextFailed(bytes, 1), 3);
  assert.equal(view.nextFailed(bytes, 3), 1);
  assert.equal(view.nextFailed(new Uint8Array([OK, OK]), 0), -1);
  assert.equal(view.nextFailed(new Uint8Array(0), 0), -1);
});

test("only changed cells are drawn again", () => {
  const before = new Uint8Array([OK, RUNNING, WAITING]);
  assert.deepEqual(view.changed(before, new Uint8Array([OK, OK, RUNNING])), [1, 2]);
  assert.deepEqual(view.changed(before, before), []);
  assert.deepEqual(view.changed(null, before), [0, 1, 2]);
  assert.deepEqual(view.changed(before, new Uint8Array([OK])), [0]);
});

test("the parts of a bar have a fixed order and add up to at most the whole", () => {
  const parts = view.segments([50, 10, 30, 5, 5, 0]);
  assert.deepEqual(parts, [[OK, 0.3], [FAILED, 0.05], [CANCELLED, 0.05], [RUNNING, 0.1]]);
  assert.deepEqual(view.segments([0, 0, 0, 0, 0, 0]), []);
  const odd = view.segments([0, 1, 1, 1, 0, 0]);
  assert.ok(odd.reduce((sum, [, share]) => sum + share, 0) <= 1 + 1e-9);
});

test("numbers, times and rates are formatted for readers", () => {
  assert.deepEqual([0, 999, 1000, 1234567].map(elements.grouped), ["0", "999", "1,000", "1,234,567"]);
  assert.deepEqual([-1, 0, 7.9, 245, 3723].map(view.clock), ["0:00", "0:00", "0:07", "4:05", "1:02:03"]);
  assert.deepEqual([0, 0.1, 12.34, 1234].map(view.rate), ["", "10.0 s each", "12.3/s", "1,234/s"]);
  assert.equal(view.percent(9999, 10_000), "99 %");
  assert.equal(view.percent(10_000, 10_000), "100 %");
  assert.equal(view.percent(0, 0), "");
});

test("progress counts the items of a loop, or else the steps", () => {
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

test("a screen reader gets a sentence", () => {
  assert.equal(view.sentence(head()), "pages running, 80 of 200 items done, 2 failed, 2 cancelled");
  const partly = head({ status: "ok", words: "finished · 198 ok · 2 failed", counts: [0, 0, 198, 2, 0, 0] });
  assert.equal(view.sentence(partly), "pages finished, 200 items: 198 ok, 2 failed");
  const steps = head({ status: "ok", loop: null, words: "finished · 3 steps ok", steps: 3, steps_done: 3 });
  assert.equal(view.sentence(steps), "pages finished, 3 steps ok");
  assert.equal(view.sentence(head({ loop: null, steps: 1, steps_done: 0 })), "pages running");
  assert.match(view.sentence(head({ loop: null, steps: 3, steps_done: 1 })), /1 of 3 steps done/);
});

test("a row shows counts, failures, loops and how many items share a cell", () => {
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

/** A Cancel button whose surroundings the test simulates. */
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

test("a Cancel that gets an answer does not interrupt the kernel", () => {
  const { log, state, timers, click, elapse } = play();
  click();
  assert.deepEqual(log, ["cancelling", "send"]);
  assert.equal(timers[0].delay, view.PATIENCE);
  state.answered = true;
  elapse();
  assert.equal(timers.length, 0);
  assert.deepEqual(log, ["cancelling", "send"]);
});

test("a Cancel without an answer interrupts the kernel once", () => {
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

for (const when of ["before the click", "before the first check", "before the second check"]) {
  test(`the next cell is not interrupted if the run ended ${when}`, () => {
    const { log, state, click, elapse } = play();
    if (when === "before the click") state.over = true;
    click();
    if (when === "before the first check") state.over = true;
    elapse();
    if (when === "before the second check") state.over = true;
    elapse();
    assert.ok(!log.includes("interrupt"));
    assert.equal(log.includes("send"), when !== "before the click");
  });
}

test("an answer that arrives late on a busy page prevents the interrupt", () => {
  const { log, state, click, elapse } = play();
  click();
  elapse();
  state.answered = true;
  elapse();
  assert.ok(!log.includes("interrupt"));
});

test("if the kernel cannot be interrupted, Cancel can be clicked again", () => {
  const { log, timers, click, elapse } = play({ can: false });
  click();
  elapse();
  elapse();
  assert.equal(log.at(-1), "stuck");
  click();
  assert.equal(log.filter((what) => what === "send").length, 2);
  assert.equal(timers.length, 1);
});

test("a run whose kernel is gone has no running items, and nothing else changes", () => {
  const counts = elements.STATES.map((_, state) => 10 + state);
  const after = view.countsCutOff(counts);
  assert.equal(after[RUNNING], 0);
  assert.equal(after[CANCELLED], counts[CANCELLED] + counts[RUNNING] + counts[PAUSED]);
  for (const state of [WAITING, OK, FAILED, SKIPPED, KEPT]) assert.equal(after[state], counts[state]);
  const cells = [WAITING, RUNNING, OK, KEPT, FAILED | (3 << 3), OK | (2 << 3) | (1 << 5)];
  const cutOff = [WAITING, CANCELLED, OK, KEPT, FAILED | (3 << 3), OK | (2 << 3)];
  assert.deepEqual([...view.cellsCutOff(new Uint8Array(cells))], cutOff);
});

for (const [over, expected] of [
  [{}, "80 of 200 items had ended"],
  [{ so_far: true }, "80 items had ended"],
  [{ loop: null, steps_done: 1 }, "1 of 2 steps had ended"],
]) {
  test(`it says that ${expected}`, () => {
    const text = view.lostText(head(over), "was restarted");
    assert.ok(text.startsWith(`The kernel was restarted; ${expected}. Run the cell again`), text);
    const told = view.headCutOff(head(over), "was restarted");
    assert.equal(told.words, "the kernel was restarted");
    assert.doesNotMatch(view.sentence(told), /running/);
  });
}

for (const [status, loss] of [
  ["restarting", "was restarted"],
  ["autorestarting", "died and was restarted"],
  ["dead", "died"],
  ["terminating", "was shut down"],
  ["busy", ""],
  ["idle", ""],
  ["unknown", ""],
  ["starting", ""],
]) {
  test(`a kernel that is ${status} ${loss || "is not lost"}`, () => assert.equal(view.lossOf(status), loss));
}
test("what is waited for is one line with a countdown that the page computes", () => {
  const waits = [
    ["host shop.example asks to wait", " ", " · 12 items · 7 retries", 8],
    ["rate limit 5/s: 40 items wait", ", the first for ", "", null],
  ];
  assert.equal(
    view.waitsText(waits, 5.2),
    "host shop.example asks to wait 3 s · 12 items · 7 retries; rate limit 5/s: 40 items wait",
  );
  assert.equal(view.waitsText(waits.slice(0, 1), 8), "host shop.example asks to wait · 12 items · 7 retries");
  assert.equal(view.waitsText([["a", " ", "", 130]], 5), "a 2:05");
  assert.equal(view.waitsText(undefined, 5), "");
});

test("paused items are counted, named and have a shape of their own", () => {
  const head = { drawer: "d", status: "running", loop: "r0", counts: [5, 1, 3, 0, 0, 0, 12] };
  assert.equal(view.progress(head).total, 21);
  assert.equal(view.sentence(head), "d running, 3 of 21 items done, 12 paused");
  assert.deepEqual(view.segments(head.counts).at(-1), [6, 12 / 21]);
  assert.equal(view.rowText({ counts: [0, 1, 3, 0, 0, 0, 2], status: "running" }), "3 of 6 · 2 paused");
  assert.equal(view.ORDER.length, elements.STATES.length);
  assert.equal(elements.STATES[6], "paused");
  assert.deepEqual(view.decode(6), { state: 6, level: 0, busy: false });
  assert.deepEqual([6, 64, 96, 1, 0].map(view.isHeld), [true, true, true, false, false]);
});

test("items that were kept are counted as done, named, and have a part of the bar of their own", () => {
  const resumed = head({ counts: [10, 2, 5, 1, 0, 0, 0, 82], kept: "82 kept · 13 to go" });
  const { done, total } = view.progress(resumed);
  assert.deepEqual([done, total], [88, 100]);
  assert.equal(view.doneText(view.progress(resumed)), "88 of 100 items · 88 %");
  assert.equal(view.sentence(resumed), "pages running, 88 of 100 items done, 82 kept, 1 failed");
  assert.deepEqual(view.segments(resumed.counts)[0], [KEPT, 0.82]);
  assert.equal(view.rowText({ counts: resumed.counts, status: "running" }), "88 of 100 · 1 failed");
  assert.match(view.lostText(resumed, "died"), /88 of 100 items had ended.*--resume/);
  assert.equal(view.nextFailed(new Uint8Array([KEPT, KEPT]), 0), -1);
  assert.equal(view.isHeld(KEPT), false);
});

test("a step that waits counts as paused in a run without a loop", () => {
  const head = { drawer: "d", status: "running", loop: null, steps: 3, steps_done: 1, steps_failed: 0 };
  assert.deepEqual(view.progress({ ...head, waits: [["1 step waits in step nap", "", "", null]] }).counts, [1, 0, 1, 0, 0, 0, 1]);
  assert.deepEqual(view.progress({ ...head, waits: [] }).counts, [1, 1, 1, 0, 0, 0]);
});
