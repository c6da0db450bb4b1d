// Shows a run whose output its notebook lacks: the page was reloaded before the notebook was saved, the outputs were
// cleared, or the cell was started again while it runs.

import { UNTOUCHED, make } from "./elements.js";
import { MOUNT, mountClass } from "./mount.js";
import {
  answerTabs,
  change,
  codeCells,
  inOtherTab,
  keepLast,
  outputOf,
  runOutputs,
  watchOutputs,
} from "./notebook.js";

/** Milliseconds between two checks. */
const CHECKED = 400;

/** How often the output must be missing in a row: it arrives a little later than the model. */
const MISSED = 2;

/** The same after it was there: the kernel itself shows it again when something in the run clears the outputs. */
const MISSED_AGAIN = 8;

/** The output to add: a place for the view, with words for a saved notebook. */
function placeFor(model) {
  const { drawer, status } = model.get("head");
  const words = `drawer ${drawer}: ${status} as of ${new Date().toLocaleString("sv")}`;
  const el = make("div", `${MOUNT} ${mountClass(model.get("place"))} ${UNTOUCHED}`, {}, words);
  return outputOf({ "text/html": el.outerHTML, "text/plain": words });
}

/** The output of an earlier press of the run, as its notebook has it. */
function earlierOf(model) {
  const places = model.get("replaces") ?? [];
  return runOutputs(model)?.find(({ id }) => places.includes(id));
}

/** Show the run in its cell whenever it has no output there: in place of that of an earlier press, or in addition. */
function showIn(model, cell) {
  const earlier = earlierOf(model);
  if (earlier) earlier.outputs.set(earlier.index, placeFor(model));
  else cell.outputs.add(placeFor(model));
}

/** Show the run in its cell whenever it has no output there; returns a function that stops that. */
export function rescue(model) {
  let missing = 0;
  let seen = false;
  let added = false;
  const isMissing = () => {
    const outputs = runOutputs(model);
    return outputs !== null && !outputs.some(({ id }) => id === model.get("place"));
  };
  const cellOf = () => codeCells(model)?.find(({ id }) => id === model.get("cell"));
  // A run may clear its outputs for every item. Checks could then miss each time that the kernel shows it again.
  const unwatch = watchOutputs(cellOf(), model.get("place"), () => {
    seen = true;
    missing = 0;
    if (!added) return;
    added = false; // a slow kernel shows the run again after the page did
    // Not while the cell tells others of the new one, and before the page shows both.
    queueMicrotask(() => keepLast(cellOf(), model.get("place")));
  });
  const check = async () => {
    if (model.get("over")) return stop();
    missing = isMissing() ? missing + 1 : 0;
    seen ||= missing === 0;
    if (missing !== (seen ? MISSED_AGAIN : MISSED)) return;
    const quiet = await inOtherTab(model.get("place"), false);
    missing = 0;
    const cell = cellOf();
    if ((cell || earlierOf(model)) && isMissing()) {
      change(model, quiet, () => showIn(model, cell));
      added = true;
    }
  };
  const ticking = setInterval(check, CHECKED);
  const silence = answerTabs(model);
  const stop = () => {
    clearInterval(ticking);
    unwatch();
    silence();
  };
  model.on("comm_live_update", stop);
  return stop;
}
