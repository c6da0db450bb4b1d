// Shows the final output of runs in pages that did not receive it: reloaded during the run, or opened later.

import { sendUntilAnswered } from "./asking.js";
import { added, ENDED, MOUNT, mountClass } from "./mount.js";
import { answerTabs, change, codeCells, inOtherTab, outputOf, runOutputs } from "./notebook.js";

/** Milliseconds after which a question is sent again that the kernel has not answered. */
const ASKED_AGAIN = [1000, 2000, 4000, 8000];

/** The run whose output belongs into the place of the run `id`: itself, or a later press of it. */
export function newestOf(replaced, id) {
  return replaced?.[id] ?? id;
}

/** The cells of `recent`, and their runs that ended lately, that do not show this run. */
function lackingOf(model, recent) {
  const shown = (runOutputs(model) ?? []).map(({ id }) => newestOf(model.get("replaced"), id));
  const missing = ({ id }) => recent[id] && !shown.includes(recent[id]);
  return Object.fromEntries((codeCells(model) ?? []).filter(missing).map(({ id }) => [id, recent[id]]));
}

/**
 * The places that still show a snapshot of a run that has ended, and the cells that lack one: the id of the run,
 * and a function that puts its output there.
 */
function stale(model, ids, lacking) {
  const outputs = runOutputs(model);
  const replaced = model.get("replaced") ?? {};
  if (outputs === null) {
    return [...ids, ...Object.keys(replaced)].flatMap((id) =>
      [...document.getElementsByClassName(mountClass(id))]
        .filter((el) => !el.classList.contains(ENDED) || id in replaced)
        .map((el) => [newestOf(replaced, id), (data) => (el.outerHTML = data["text/html"])]),
    );
  }
  const snapshots = outputs
    .filter(({ id, ended }) => (!ended || id in replaced) && ids.includes(newestOf(replaced, id)))
    .map(({ id, outputs: all, index }) => [newestOf(replaced, id), (data) => all.set(index, outputOf(data))]);
  const cells = codeCells(model)
    .filter(({ id }) => lackingOf(model, lacking)[id])
    .map((cell) => [lacking[cell.id], (data) => cell.outputs.add(outputOf(data))]);
  return [...snapshots, ...cells];
}

/** Look for them now, and whenever the page or the list of runs changes. */
function initialize({ model }) {
  const known = new Map();
  const asked = new Set();
  let recent = {};
  let greeted = false;
  let gone = false;
  const look = () => {
    for (const [id, replace] of stale(model, model.get("ended") ?? [], recent)) {
      const { data, quiet } = known.get(id) ?? {};
      if (data) change(model, quiet, () => replace(data));
      else if (!asked.has(id)) {
        asked.add(id);
        sendUntilAnswered(model, { kind: "ask", id }, () => known.has(id) || gone, ASKED_AGAIN);
      }
    }
  };
  const observer = new MutationObserver((records) => {
    if (added(records, MOUNT).length) look();
  });
  observer.observe(document, { childList: true, subtree: true });
  model.on("change:ended", look);
  model.on("change:replaced", look);
  model.on("msg:custom", async ({ kind, id, data, cells }) => {
    greeted ||= kind === "recent";
    if (kind === "recent") recent = lackingOf(model, cells);
    else if (kind === "final") known.set(id, { data, quiet: await inOtherTab(id, true) });
    look();
    if (kind === "final") recent = Object.fromEntries(Object.entries(recent).filter(([, one]) => one !== id));
  });
  sendUntilAnswered(model, { kind: "hello" }, () => greeted || gone, ASKED_AGAIN);
  look();
  const silence = answerTabs(model);
  return () => {
    gone = true;
    observer.disconnect();
    silence();
  };
}

export default { initialize };
