// A run that clears its outputs while it runs; the kernel shows it again.

import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { rescue } from "../../drawer_ipy/display/rescue.js";

const PLACE = "a1";
const SHOWN = { toJSON: () => ({ data: { "text/html": `<div class="drawer-mount drawer-${PLACE}"></div>` } }) };

// No other tab answers, and an open channel would keep Node.js running.
globalThis.BroadcastChannel = class {
  postMessage() {}
  close() {}
};
globalThis.document = { createElement: () => ({ append: () => {}, setAttribute: () => {}, outerHTML: "" }) };

/** The outputs of a cell, which notify listeners as those of JupyterLab do. */
class Outputs {
  list = [];
  listeners = new Set();
  added = 0;
  changed = {
    connect: (listener) => this.listeners.add(listener),
    disconnect: (listener) => this.listeners.delete(listener),
  };

  get length() {
    return this.list.length;
  }

  get = (index) => this.list[index];

  set() {}

  add() {
    this.added += 1;
  }

  show(outputs) {
    this.list = outputs;
    for (const listener of this.listeners) listener(this, { newValues: outputs });
  }
}

function modelOf(outputs) {
  const cells = { length: 1, get: () => ({ id: "c1", type: "code", outputs }) };
  const values = { place: PLACE, cell: "c1", over: false, replaces: [], head: { drawer: "pages", status: "running" } };
  return { get: (key) => values[key], on: () => {}, widget_manager: { context: { model: { cells } } } };
}

test("an output that is there between the checks only is not added a second time", async () => {
  mock.timers.enable({ apis: ["setInterval", "setTimeout"] });
  const outputs = new Outputs();
  const stop = rescue(modelOf(outputs));
  for (let round = 0; round < 20; round += 1) {
    outputs.show([SHOWN]);
    outputs.show([]);
    mock.timers.tick(400);
    for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
  }
  stop();
  mock.timers.reset();
  assert.equal(outputs.added, 0);
  assert.equal(outputs.listeners.size, 0);
});

/** A list of outputs like that of JupyterLab, which alone can remove one. */
class List {
  constructor(...outputs) {
    this.outputs = outputs;
  }

  get length() {
    return this.outputs.length;
  }

  get = (index) => this.outputs[index];

  remove = (index) => this.outputs.splice(index, 1);
}

const OTHER = { toJSON: () => ({ data: { "text/plain": "printed" } }) };

test("what the page has added is removed when the kernel shows the run again", async () => {
  mock.timers.enable({ apis: ["setInterval", "setTimeout"] });
  const outputs = new Outputs();
  const stop = rescue(modelOf(outputs));
  for (let round = 0; round < 3; round += 1) {
    mock.timers.tick(400);
    for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
  }
  assert.equal(outputs.added, 1);
  const ended = { toJSON: () => ({ data: { "text/html": `<div class="drawer-mount drawer-${PLACE} drawer-ended">` } }) };
  const arrives = (...list) => {
    outputs.list = new List(...list);
    for (const listener of outputs.listeners) listener(outputs, { newValues: list.slice(-1) });
  };
  arrives(SHOWN, OTHER, ended);
  assert.equal(outputs.list.length, 3, "not while others are told of the new one");
  await Promise.resolve();
  assert.deepEqual(outputs.list.outputs, [OTHER, ended]);
  arrives(SHOWN, ended); // both by the kernel
  await Promise.resolve();
  assert.equal(outputs.list.length, 2);
  stop();
  mock.timers.reset();
});
