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
