// The script of a kernel's tables (see tables.py): shows a grid in the HTML of every open table.
//
// One model serves all of them. A question has a number and the name of the page that asks; its answer has the
// same, since every page hears all answers.

import { sendUntilAnswered } from "../asking.js";
import { make } from "../elements.js";
import { mount, mountClass } from "../mount.js";
import { Grid } from "./grid.js";

/** Milliseconds after which an unanswered question is repeated, once, since the kernel may only be slow. */
const REPEATED = [3000];

/** Puts questions to the kernel; `ask(table, question)` returns a promise of the answer. */
export function makeAsker(model, page, later = setTimeout) {
  const waiting = new Map();
  let number = 0;
  model.on("msg:custom", (content, buffers) => {
    const done = content?.page === page ? waiting.get(content.number) : undefined;
    if (!done) return;
    waiting.delete(content.number);
    done({ ...content, buffers: buffers ?? [] });
  });
  return (table, question) =>
    new Promise((done) => {
      number += 1;
      const sent = { ...question, table, page, number };
      waiting.set(number, done);
      const pauses = question.ask === "retry" ? [] : REPEATED; // a second one would retry again
      sendUntilAnswered(model, sent, () => !waiting.has(sent.number), pauses, later);
    });
}

/** Say in the static table `key` why a click on its button had no effect. */
function explainGone(key) {
  const words = "Not retried: no variable refers to these results any more. Run the cell again.";
  for (const el of document.getElementsByClassName(mountClass(key))) {
    el.prepend(make("p", "", { role: "status" }, words));
  }
}

function initialize({ model }) {
  const ask = makeAsker(model, Math.random().toString(36).slice(2));
  const mounted = new Map();
  const grids = new Map();
  const drop = (key) => {
    mounted.get(key)?.();
    mounted.delete(key);
  };
  const dropAll = () => [...mounted.keys()].forEach(drop);
  const show = (key) => (el) => {
    const asked = async (question) => {
      const answer = await ask(key, question);
      if (answer.gone) drop(key);
      if (answer.gone && question.ask === "retry") explainGone(key);
      return answer;
    };
    const grid = new Grid(el, { ask: asked, marks: model.get("marks") ?? {} });
    grids.set(grid, key);
    return () => {
      grids.delete(grid);
      grid.end();
    };
  };
  model.on("msg:custom", ({ changed, pressed, problem } = {}) => {
    if (!Array.isArray(changed)) return;
    for (const [grid, key] of grids) if (changed.includes(key)) void grid.changed(key === pressed, problem);
  });
  const follow = () => {
    const keys = model.get("tables") ?? [];
    for (const key of mounted.keys()) if (!keys.includes(key)) drop(key);
    for (const key of keys) if (!mounted.has(key)) mounted.set(key, mount(model, key, show(key)));
  };
  model.on("change:tables", follow);
  // The kernel was restarted, or has died: the HTML is what remains.
  model.on("comm_live_update", dropAll);
  follow();
  return dropAll;
}

export default { initialize };
