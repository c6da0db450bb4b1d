// Questions to a kernel that may lose them.

import assert from "node:assert/strict";
import { test } from "node:test";

const { sendUntilAnswered } = await import(new URL("../../drawer_ipy/display/asking.js", import.meta.url));

/** A kernel that answers the question that is sent as the `answered`th. */
function askedOf(answered, pauses) {
  const [waited, timers] = [[], []];
  let sent = 0;
  const later = (act, pause) => {
    waited.push(pause);
    timers.push(act);
  };
  sendUntilAnswered({ send: () => (sent += 1) }, {}, () => sent >= answered, pauses, later);
  while (timers.length) timers.shift()();
  return { sent, waited };
}

test("a question is sent again until it is answered", () => {
  assert.deepEqual(askedOf(1, [1000, 2000]), { sent: 1, waited: [1000] });
  assert.deepEqual(askedOf(2, [1000, 2000]), { sent: 2, waited: [1000, 2000] });
});

test("a question is not sent for ever", () => {
  assert.deepEqual(askedOf(9, [1000, 2000]), { sent: 3, waited: [1000, 2000] });
  assert.deepEqual(askedOf(9, []), { sent: 1, waited: [] });
});
