// The parts of the table's script that need no page. tests/browser/test_table.py tests it in one.

import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import { test } from "node:test";

const folder = new URL("../../drawer_ipy/display/tables/", import.meta.url);
const shape = await import(new URL("shape.js", folder));
const { Source, lengthsOf } = await import(new URL("source.js", folder));
const { makeAsker } = await import(new URL("tables.js", folder));
const { copyWords } = await import(new URL("details.js", folder));
const { endWords, retryWords } = await import(new URL("retry.js", folder));
const { newestOf } = await import(new URL("../kept.js", folder));
const { thumbOf, scrolled, sizesOf, visibleRows } = shape;

test("nothing of a run is inserted as HTML, and nothing is fetched", async () => {
  for (const name of await readdir(folder)) {
    if (!name.endsWith(".js")) continue;
    const text = await readFile(new URL(name, folder), "utf8");
    assert.doesNotMatch(text, /import\(|fetch\(|XMLHttp|innerHTML|outerHTML|insertAdjacent|eval\(|srcdoc/, name);
  }
});

test("a table that is not too tall scrolls as its element does", () => {
  const sizes = sizesOf(1000, 26, 390);
  assert.equal(sizes.height, 26_000);
  assert.deepEqual(scrolled({ scroll: 0, top: 0 }, 500, sizes), { scroll: 500, top: 500 });
  assert.equal(thumbOf(500, sizes), 500);
});

test("no element is taller than browsers can draw", () => {
  for (const total of [1, 10_000, 1_000_000, 1e9]) assert.ok(sizesOf(total, 66, 390).height <= shape.TALLEST);
  assert.ok(shape.TALLEST < 17_800_000);
});

test("a wheel moves a very tall table by the distance that it moves a short one", () => {
  const sizes = sizesOf(1_000_000, 26, 390);
  let at = { scroll: thumbOf(13_000_000, sizes), top: 13_000_000 };
  for (let i = 1; i <= 20; i += 1) at = scrolled(at, at.scroll + 100, sizes);
  assert.equal(Math.round(at.top), 13_002_000);
});

test("a wheel near the first row skips none", () => {
  const sizes = sizesOf(1_000_000, 26, 390);
  const at = { scroll: thumbOf(2000, sizes), top: 2000 };
  const next = scrolled(at, 0, sizes);
  assert.ok(next.top > 0 && next.top < 2000);
});

test("the thumb reaches every part of a very tall table", () => {
  const sizes = sizesOf(1_000_000, 26, 390);
  const most = sizes.height - sizes.viewport;
  const seen = [0.25, 0.5, 0.75, 1].map((share) => scrolled({ scroll: 0, top: 0 }, share * most, sizes).top);
  const last = sizes.virtual - sizes.viewport;
  seen.forEach((top, i) => assert.ok(Math.abs(top - (last * (i + 1)) / 4) < 1));
  assert.deepEqual(visibleRows(seen[3], 1_000_000, 26, 390), [999_985, 1_000_000]);
});

for (const top of [0, 1, 25, 26, 1_000_000, 25_999_610]) {
  test(`rows at ${top} fill the visible part`, () => {
    const [first, end] = visibleRows(top, 1_000_000, 26, 390);
    assert.ok(first * 26 <= top);
    assert.ok(end * 26 >= Math.min(top + 390, 26_000_000));
    assert.ok(end - first <= 17);
  });
}

test("the visible columns are found", () => {
  const edges = shape.edgesOf([100, 50, 200, 80]);
  assert.deepEqual(edges, [0, 100, 150, 350, 430]);
  assert.deepEqual(shape.visibleColumns(edges, 0, 120), [0, 2]);
  assert.deepEqual(shape.visibleColumns(edges, 120, 100), [1, 3]);
  assert.deepEqual(shape.visibleColumns(edges, 1000, 100), [3, 4]);
  assert.deepEqual(shape.visibleColumns(edges, 0, 0), [0, 1]);
});

for (const [text, parts] of [
  ["12", ["12", ""]],
  ["12.5", ["12", ".5"]],
  ["-0.25", ["-0", ".25"]],
  ["1e-07", ["1", "e-07"]],
  ["1.5e+20", ["1", ".5e+20"]],
  ["inf", ["inf", ""]],
  ["1/3", ["1/3", ""]],
]) {
  test(`${text} is split at its decimal point`, () => {
    assert.deepEqual(shape.splitNumber(text), parts);
    assert.equal(shape.splitNumber(text).join(""), text);
  });
}

test("numbers of a column align at the longest fraction", () => {
  const row = (...texts) => ({ cells: texts.map((text) => ({ kind: "n", text })) });
  const { whole, fractions } = lengthsOf([row("1.25", "3"), row("10", "4.5")], 2);
  assert.deepEqual([...whole], [[2, 2], [3, 1]]);
  assert.deepEqual([...fractions], [[2, 3], [3, 2]]);
});

for (const [address, allowed] of [
  ["https://example.org/a?b=c", true],
  ["http://127.0.0.1/", true],
  ["HTTPS://EXAMPLE.ORG", true],
  ["javascript:alert(1)", false],
  ["data:text/html,x", false],
  ["file:///etc/passwd", false],
  ["//example.org", false],
  ["jav\tascript:alert(1)", false],
  ["", false],
  [undefined, false],
]) {
  test(`${JSON.stringify(address)} ${allowed ? "may" : "must not"} be a link`, () => {
    assert.equal(shape.safeLink(address), allowed ? address : null);
  });
}

test("cells are read, whatever they are", () => {
  assert.deepEqual(shape.readCell("abc"), { kind: "t", text: "abc" });
  assert.equal(shape.readCell(["u", "x", "javascript:alert(1)"]).link, null);
  assert.deepEqual(shape.readCell(["i", "<3 bytes>", "image/png", 0]).buffer, 0);
  assert.equal(shape.readCell(["i", "<3 bytes>"]).mime, undefined);
  assert.equal(shape.readCell(["t", "a…", 1]).cut, true);
  for (const odd of [null, undefined, 7, {}]) assert.equal(shape.readCell(odd).kind, "0");
});

test("only pictures that the kernel sends are drawn", () => {
  assert.ok(shape.isPicture("image/png"));
  for (const mime of ["image/svg+xml", "text/html", undefined]) assert.ok(!shape.isPicture(mime));
});

test("a click sorts up, then down, then not", () => {
  let query = { sort: null, reverse: false };
  const seen = [0, 0, 0, 1].map((column) => (query = shape.nextSort(query, column)));
  assert.deepEqual(seen.map(({ sort, reverse }) => [sort, reverse]), [[0, false], [0, true], [null, false], [1, false]]);
});

test("keys reach every cell and leave no cell", () => {
  const sizes = { rows: 100, columns: 4, page: 10 };
  const go = (from, key, control) => Object.values(shape.moveTo({ row: from[0], column: from[1] }, key, { ...sizes, control }));
  assert.deepEqual(go([0, 0], "ArrowUp"), [-1, 0]);
  assert.deepEqual(go([-1, 0], "ArrowUp"), [-1, 0]);
  assert.deepEqual(go([0, 0], "ArrowLeft"), [0, -1]);
  assert.deepEqual(go([0, 3], "ArrowRight"), [0, 3]);
  assert.deepEqual(go([95, 1], "PageDown"), [99, 1]);
  assert.deepEqual(go([5, 1], "PageUp"), [0, 1]);
  assert.deepEqual(go([5, 1], "Home"), [5, -1]);
  assert.deepEqual(go([5, 1], "End", true), [99, 3]);
  assert.deepEqual(go([5, 1], "Home", true), [0, -1]);
  assert.equal(shape.moveTo({ row: 0, column: 0 }, "x", sizes), null);
  assert.deepEqual(shape.moveTo({ row: 0, column: 0 }, "ArrowDown", { rows: 0, columns: 1, page: 1 }), { row: -1, column: 0 });
});

test("a copy is described as what it was", () => {
  assert.equal(copyWords(true, "a", { text: "x", characters: 1 }), "copied a");
  assert.match(copyWords(true, "a", { text: "x", characters: 9 }), /first 1 of 9/);
  assert.match(copyWords(false, "a", {}), /not copied/);
  assert.match(copyWords(true, "a", { problem: "no" }), /not copied: no/);
  assert.match(copyWords(true, "a", { text: "?", characters: 1, exact: false }), /replaced/);
});

test("answers reach who asked, and no other page", async () => {
  const [sent, heard] = [[], []];
  const model = { send: (message) => sent.push(message), on: (_, hear) => heard.push(hear) };
  const [one, two] = [makeAsker(model, "one", () => {}), makeAsker(model, "two", () => {})];
  const answers = [];
  void one("t", { ask: "rows" }).then((answer) => answers.push(["one", answer.value]));
  void two("t", { ask: "rows" }).then((answer) => answers.push(["two", answer.value]));
  assert.deepEqual(sent.map(({ page, number, table }) => [page, number, table]), [["one", 1, "t"], ["two", 1, "t"]]);
  for (const hear of heard) hear({ page: "two", number: 1, value: 2 }, []);
  for (const hear of heard) hear({ page: "two", number: 1, value: 3 }, []);
  for (const hear of heard) hear(undefined, []);
  await new Promise((done) => setTimeout(done));
  assert.deepEqual(answers, [["two", 2]]);
});

test("an unanswered question is repeated once, a retry never", () => {
  const [sent, heard, timers] = [[], [], []];
  const model = { send: (message) => sent.push(message), on: (_, hear) => heard.push(hear) };
  const ask = makeAsker(model, "one", (act) => timers.push(act));
  void ask("t", { ask: "rows" });
  void ask("t", { ask: "rows" });
  void ask("t", { ask: "retry" });
  for (const hear of heard) hear({ page: "one", number: 1 }, []);
  while (timers.length) timers.shift()();
  assert.deepEqual(sent.map(({ number }) => number), [1, 2, 3, 2]);
});

/** A kernel whose answers the test gives. */
function makeSource() {
  const asked = [];
  const said = [];
  const ask = (question) => new Promise((answer) => asked.push({ question, answer }));
  const nothing = () => {};
  const source = new Source(ask, { opened: nothing, news: nothing, say: (words) => said.push(words), busy: nothing });
  return { source, asked, said };
}

const turn = () => new Promise((done) => setTimeout(done));
const answerOf = (from, n, count = 1000) => ({
  version: "1",
  rows: Array.from({ length: n }, (_, i) => [from + i, 2, ["x"]]),
  from,
  left: 0,
  width: 1,
  count,
});

async function opened() {
  const made = makeSource();
  void made.source.open();
  await turn();
  made.asked.shift().answer({ version: "1", columns: ["a"], total: 1000, counts: { ok: 1000 }, first: answerOf(0, 60), buffers: [] });
  await turn();
  made.asked.shift().answer({ types: ["str"] });
  await turn();
  return made;
}

test("rows that are on the page are not requested again", async () => {
  const { source, asked } = await opened();
  source.want([10, 26], [0, 1]);
  await turn();
  assert.equal(asked.length, 0);
  source.want([50, 66], [0, 1]);
  await turn();
  assert.deepEqual(asked[0].question.rows, [10, 106]);
});

test("while one question is open, only the newest wish is kept", async () => {
  const { source, asked } = await opened();
  for (const first of [100, 200, 300, 400]) source.want([first, first + 16], [0, 1]);
  await turn();
  assert.equal(asked.length, 1);
  asked.shift().answer(answerOf(60, 96));
  await turn();
  assert.deepEqual(asked.map(({ question }) => question.rows), [[360, 456]]);
});

test("another query does not wait for the answer to the last one", async () => {
  const { source, asked } = await opened();
  source.change({ text: "a" });
  source.want([0, 15], [0, 1]);
  await turn();
  source.change({ text: "ab" });
  source.want([0, 15], [0, 1]);
  await turn();
  assert.deepEqual(asked.map(({ question }) => question.query.text), ["a", "ab"]);
  asked[1].answer(answerOf(0, 3, 3));
  await turn();
  asked[0].answer(answerOf(0, 7, 7));
  await turn();
  assert.equal(source.count, 3);
});

test("the first rows of a long search are shown, and then the number of all", async () => {
  const { source, asked, said } = await opened();
  source.change({ text: "a" });
  source.want([0, 15], [0, 1]);
  await turn();
  assert.equal(asked[0].question.soon, true);
  asked.shift().answer({ ...answerOf(0, 60, 70), partial: true });
  await turn();
  assert.equal(source.count, 70);
  assert.equal(said.at(-1), "70 rows so far…");
  assert.equal(asked[0].question.soon, false);
  asked.shift().answer(answerOf(0, 60, 900));
  await turn();
  assert.equal(said.at(-1), "900 of 1,000 rows");
  assert.equal(asked.length, 0);
});

test("a table that has changed is opened again", async () => {
  const { source, asked } = await opened();
  source.want([500, 516], [0, 1]);
  await turn();
  asked.shift().answer({ ...answerOf(460, 96), version: "2" });
  await turn();
  assert.equal(asked[0].question.ask, "open");
});

test("the button names what it presses again", () => {
  assert.equal(retryWords({ failed: 2 }), "Retry 2 failed");
  assert.equal(retryWords({ failed: 1, cancelled: 4, skipped: 12_345 }), "Retry 1 failed, 4 cancelled, 12,345 skipped");
  assert.equal(retryWords({}), "Retry what did not end ok");
  for (const nothing of [null, undefined]) assert.equal(retryWords(nothing), "");
});

test("the end of a retry is said with the states of all rows", () => {
  assert.equal(endWords({ counts: { ok: 1000, failed: 1 }, total: 1001 }), "retried: 1,000 ok, 1 failed");
  assert.equal(endWords({ counts: {}, total: 0 }), "retried: 0 rows");
});

test("the output of a later press belongs into the place of the earlier one", () => {
  assert.equal(newestOf({ a: "c", b: "c" }, "a"), "c");
  assert.equal(newestOf({ a: "c" }, "c"), "c");
  assert.equal(newestOf(undefined, "a"), "a");
});

test("a state that no row has any more is not a filter any more", async () => {
  const open = (counts) => ({ columns: ["n"], counts, total: 2, drawer: "d", version: "1", first: none });
  const none = { rows: [], from: 0, left: 0, count: 0, width: 0 };
  let counts = { ok: 1, failed: 1 };
  const ignore = () => {};
  const source = new Source(async ({ ask }) => (ask === "open" ? open(counts) : {}), { opened: ignore, news: ignore, say: ignore, busy: ignore });
  await source.open();
  source.change({ states: ["failed"] });
  await source.open();
  assert.deepEqual(source.query.states, ["failed"]);
  counts = { ok: 2 };
  await source.open();
  assert.deepEqual(source.query.states, []);
});
