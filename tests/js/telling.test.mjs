// Messages of the view: over the comm, or on the channel of a kernel in the browser.

import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";

import { teller } from "../../drawer_ipy/display/telling.js";

/** A model with the trait `channel`, and what was sent over its comm. */
function modelOn(channel) {
  const sent = [];
  return { sent, get: (name) => (name === "channel" ? channel : undefined), send: (message) => sent.push(message) };
}

test("a model without a channel sends over its comm", () => {
  const model = modelOn("");
  teller(model)({ kind: "cancel" });
  assert.deepEqual(model.sent, [{ kind: "cancel" }]);
});

test("a model of an older kernel has no such trait, and sends over its comm", () => {
  const model = modelOn(undefined);
  teller(model)({ kind: "hello" });
  assert.deepEqual(model.sent, [{ kind: "hello" }]);
});

test("a message on a channel arrives at who listens there, and nowhere else", async () => {
  const model = modelOn("drawer_ipy a1");
  const kernel = new BroadcastChannel("drawer_ipy a1");
  const other = new BroadcastChannel("drawer_ipy a2");
  other.onmessage = () => assert.fail("a message for another run");
  try {
    const heard = once(kernel, "message");
    teller(model)({ kind: "ask", row: "r0", cell: 3 });
    const [{ data }] = await heard;
    assert.deepEqual(data, { kind: "ask", row: "r0", cell: 3 });
    assert.deepEqual(model.sent, []);
  } finally {
    kernel.close();
    other.close();
  }
});
