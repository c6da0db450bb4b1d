// The parts of mount.js that need no page. tests/browser/test_mount.py tests it in one.

import assert from "node:assert/strict";
import { test } from "node:test";

import { added, homeless, mountClass } from "../../drawer_ipy/display/mount.js";

const element = (name, inner = []) => ({
  nodeType: 1,
  classList: { contains: (other) => other === name },
  getElementsByClassName: (other) => inner.filter((el) => el.classList.contains(other)),
});

test("an element has the class of its view", () => assert.equal(mountClass("a1"), "drawer-a1"));

test("elements of the class are found among the added nodes and in them, each once", () => {
  const [own, inner, other] = [element("x"), element("x"), element("y")];
  const outer = element("y", [inner, other]);
  const text = { nodeType: 3 };
  assert.deepEqual(added([{ addedNodes: [text, own] }, { addedNodes: [outer, own] }], "x"), [own, inner]);
  assert.deepEqual(added([{ addedNodes: [] }], "x"), []);
});

test("a view that lost its element moves to the one at the same place", () => {
  const place = (...els) => ({ isConnected: true, contains: (el) => els.includes(el) });
  const [first, second] = [{}, {}];
  const view = (isConnected, at) => ({ host: { isConnected }, place: at });
  const shown = view(true, place(first));
  const [a, b] = [view(false, place(first)), view(false, place(second))];
  assert.equal(homeless([shown, a, b], second), b);
  assert.equal(homeless([shown, a, b], first), a);
  assert.equal(homeless([shown, a, b], {}), a);
  assert.equal(homeless([shown], first), undefined);
});
