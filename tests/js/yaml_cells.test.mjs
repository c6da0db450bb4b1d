// The extension for JupyterLab and Notebook: what it makes of the text of a cell, and of a share scope. `make js` runs this;
// it needs node and nothing else.

import assert from "node:assert/strict";
import { test } from "node:test";

const folder = new URL("../../drawer_ipy/labextension/static/", import.meta.url);
const load = (name) => import(new URL(name, folder));
const { columnBelow, headLine, headTokens } = await load("cell.js");
const { lineTokens, startState } = await load("yaml.js");
const { drawerLanguage } = await load("language.js");
const { isFromDrawer, proposer } = await load("propose.js");
const { chooseVersion, importShared } = await load("shared.js");

// "key:steps mark::" and so on for the lines of a text, an entry for each line.
function styles(text) {
  const state = startState();
  return text.split("\n").map((line) => shown(line, lineTokens(line, state)));
}

function shown(line, tokens) {
  return tokens.map(({ from, to, style }) => `${style} ${line.slice(from, to)}`);
}

const head = (text) => {
  const lines = text.split("\n");
  return headLine((i) => lines[i]);
};

for (const [text, row] of [
  ["%%drawer", 0],
  ["%%drawer pages --out pages\nsteps: []", 0],
  ["%%time\n%%drawer\nsteps: []", 1],
  ["# note\n\n%%drawer x", 2],
  ["%%each url in urls\n%%drawer", -1],
  ["%%button x\n%%drawer", -1],
  ["%%drawers\nsteps: []", -1],
  ["%%drawer?", -1],
  [" %%drawer", -1],
  ["x = 1\n%%drawer", -1],
  ["%drawer pages", -1],
  ["", -1],
]) {
  test(`the line of the magic in ${JSON.stringify(text)}`, () => assert.equal(head(text), row));
}

test("the first line has options, inputs, texts and variables", () => {
  const line = `%%drawer pages --out x -p 8 urls=$urls t="a b"`;
  assert.deepEqual(shown(line, headTokens(line)), [
    "magic %%drawer", "option --out", "option -p", "number 8", "input urls=", "variable $urls", "input t=", `string "a b"`,
  ]);
});

for (const [text, ...expected] of [
  ["steps:", ["key steps", "mark :"]],
  ["  - id: each # note", ["mark -", "key id", "mark :", "comment # note"]],
  ["over: ${inputs.urls}", ["key over", "mark :", "reference ${inputs.urls}"]],
  ["on: true", ["key on", "mark :", "keyword true"]],
  ["url: http://x:80/a#b", ["key url", "mark :"]],
  ["rate: 5/s", ["key rate", "mark :"]],
  ["n: -1.5e3", ["key n", "mark :", "number -1.5e3"]],
  [`t: "a \${b} \\" c"`, ["key t", "mark :", `string "a `, "reference ${b}", `string  \\" c"`]],
  ["- - a: 1", ["mark -", "mark -", "key a", "mark :", "number 1"]],
  ["- {id: a, 'k': ${x}}", ["mark -", "mark {", "key id", "mark :", "mark ,", "key 'k'", "mark :", "reference ${x}", "mark }"]],
  ["code: |", ["key code", "mark :", "mark |"]],
  ["a: &b !c *d", ["key a", "mark :", "property &b", "property !c", "property *d"]],
  ["---", ["mark ---"]],
  ["code: |\n  x: 1 # no\n\n  y\nb: 1", ["key code", "mark :", "mark |"], ["string x: 1 # no"], [], ["string y"], ["key b", "mark :", "number 1"]],
  ["a: 'x\n  y'\nb: 1", ["key a", "mark :", "string 'x"], ["string y'"], ["key b", "mark :", "number 1"]],
  [`a: "x\nb: 1`, ["key a", "mark :", `string "x`], ["key b", "mark :", "number 1"]],
  [`{"a":1,\n"b": ["x"]}`, ["mark {", `key "a"`, "mark :", "number 1", "mark ,"], [`key "b"`, "mark :", "mark [", `string "x"`, "mark ]", "mark }"]],
  ["it's: \"x\"", ["key it's", "mark :", `string "x"`]],
]) {
  test(`the tokens of ${JSON.stringify(text)}`, () => assert.deepEqual(styles(text), expected));
}

test("tokens are in order and inside their line, whatever the text", () => {
  const pieces = ["a", ":", " ", "- ", "{", "}", "[", "]", ",", '"', "'", "#", "|", ">", "$", "${", "$${", "\\", "&", "*", "!", "%", "---", "\n", "\t", "é", "😀"];
  let seed = 1;
  const random = (n) => (seed = (seed * 48271) % 2147483647) % n;
  for (let round = 0; round < 3000; round++) {
    const text = Array.from({ length: random(30) }, () => pieces[random(pieces.length)]).join("");
    const state = startState();
    for (const line of text.split("\n")) {
      let last = 0;
      for (const { from, to, style } of lineTokens(line, state)) {
        assert.ok(last <= from && from < to && to <= line.length && style, JSON.stringify([text, line, from, to]));
        last = to;
      }
      assert.ok(state.flow >= 0);
    }
  }
});

for (const [line, column] of [
  ["steps:", 2],
  ["  - id: a", 4],
  ["  - a", 2],
  ["  -", 4],
  ["  - - x: 1", 6],
  ["    kind: wait", 4],
  ["    code: |", 6],
  ["    t: >-", 6],
  ["  - {id: page}", 2],
  ['  {"a": [', 4],
  ["# a: comment:", 0],
  ["steps: # all:", 2],
  ["   url: http://x:", 5],
]) {
  test(`the line below ${JSON.stringify(line)} begins at column ${column}`, () => assert.equal(columnBelow(line), column));
}

test("CodeMirror gets the tokens of a line one by one", () => {
  const { token, startState: start, copyState } = drawerLanguage({ StreamLanguage: { define: (parser) => parser } });
  let state = start();
  const read = (string) => {
    const stream = { string, pos: 0, sol: () => stream.pos === 0, skipToEnd: () => (stream.pos = string.length) };
    const found = [];
    while (stream.pos < string.length) {
      const from = stream.pos;
      const name = token(stream, state);
      assert.ok(stream.pos > from, "every call moves on");
      found.push([string.slice(from, stream.pos), name]);
      state = copyState(state);
    }
    return found;
  };
  assert.deepEqual(read("%%drawer x"), [["%%drawer", "keyword"], [" x", null]]);
  assert.deepEqual(read("  a: 1"), [["  ", null], ["a", "atom"], [":", "meta"], [" ", null], ["1", "number"]]);
  assert.deepEqual(read("%%drawer"), [["%%drawer", "comment"]]);
});

for (const [versions, expected] of [
  [{ "6.9.0": {}, "6.12.1": {} }, "6.12.1"],
  [{ "6.12.1": {}, "6.9.0": {} }, "6.12.1"],
  [{ "6.9.0": { loaded: 1 }, "6.12.1": {} }, "6.9.0"],
  [{ "6.12.1": {}, "6.9.0": { loaded: true } }, "6.9.0"],
  [{ "4.5.0-rc.1": {}, "4.5.0": {} }, "4.5.0"],
]) {
  test(`of the versions ${JSON.stringify(versions)} it takes ${expected}`, () => assert.equal(chooseVersion(versions), expected));
}

test("a module that the front end does not share is an error with its name", async () => {
  const scope = { a: { "1.0.0": { get: async () => () => "module" } } };
  assert.equal(await importShared(scope, "a"), "module");
  await assert.rejects(importShared(scope, "b"), /needs b/);
});

const reply = (...types) => ({ matches: types.map((_, i) => `m${i}`), metadata: { _jupyter_types_experimental: types.map((type) => ({ type })) } });

test("Python's names are not taken for drawer_ipy's proposals", () => {
  assert.equal(isFromDrawer(reply("property", "property")), true);
  assert.equal(isFromDrawer(reply("function", "<unknown>")), false);
  assert.equal(isFromDrawer(reply()), false);
  assert.equal(isFromDrawer({ matches: ["abs"], metadata: {} }), false);
  assert.equal(isFromDrawer(undefined), false);
});

// An editor, and what happens when Tab is pressed in it and the kernel replies.
async function press({ status = "idle", answer = reply("property"), typed = false, contains = true } = {}) {
  const happened = [];
  const doc = { toString: () => "😀ab", eq: (other) => other === doc };
  const selection = { main: { head: 3 }, eq: (other) => other === selection };
  const editor = { state: { doc, selection }, hasFocus: true, dom: { closest: () => null } };
  const kernel = {
    status,
    connectionStatus: "connected",
    async requestComplete({ cursor_pos }) {
      happened.push(cursor_pos);
      if (typed) {
        editor.state = { doc: { eq: () => false }, selection };
      }
      return answer instanceof Error ? Promise.reject(answer) : { content: answer };
    },
  };
  const panel = { node: { contains: () => contains }, sessionContext: { session: { kernel } } };
  const app = { shell: { currentWidget: panel }, commands: { execute: (name) => happened.push(name) } };
  happened.push(proposer(app)(editor, () => happened.push("indent")));
  await new Promise((resolve) => setTimeout(resolve, 5));
  return happened;
}

test("Tab asks the kernel, with the cursor counted in characters, and opens the list", async () => {
  assert.deepEqual(await press(), [2, true, "completer:invoke-notebook"]);
});

test("Tab indents where drawer_ipy proposes nothing, or the request fails", async () => {
  assert.deepEqual(await press({ answer: reply("<unknown>") }), [2, true, "indent"]);
  assert.deepEqual(await press({ answer: new Error("the kernel was restarted") }), [2, true, "indent"]);
});

test("Tab leaves indenting to the front end where no kernel can answer", async () => {
  assert.deepEqual(await press({ status: "busy" }), [false]);
  assert.deepEqual(await press({ contains: false }), [false]);
});

test("a reply that comes after further typing changes nothing", async () => {
  assert.deepEqual(await press({ typed: true }), [2, true]);
});
