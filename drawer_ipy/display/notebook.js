// The notebook of a page, as JupyterLab and Notebook 7 hold it. What is changed there is shown and saved; what is
// changed only in the page is lost. In other front ends these functions find nothing.

const MOUNT_AT_START = /^<div class="drawer-mount drawer-([\w-]+)( drawer-ended)?/;

/** The run to which an output with this HTML belongs, and whether it is the final one; null for other outputs. */
export function mountOf(html) {
  const [, id, ended] = MOUNT_AT_START.exec([html ?? ""].flat().join("")) ?? [];
  return id === undefined ? null : { id, ended: ended !== undefined };
}

/** The code cells of the notebook in which `model` lives, as `{id, outputs}`; null if it cannot be read. */
export function codeCells(model) {
  const cells = model.widget_manager?.context?.model?.cells;
  if (typeof cells?.get !== "function") return null;
  return Array.from({ length: cells.length }, (_, i) => cells.get(i)).filter(
    (cell) => cell?.type === "code" && typeof cell.outputs?.set === "function",
  );
}

/** The outputs of runs in the notebook, as `{id, ended, outputs, index}`; null if it cannot be read. */
export function runOutputs(model) {
  return (
    codeCells(model)?.flatMap(({ outputs }) =>
      Array.from({ length: outputs.length }, (_, index) => {
        const mount = mountOf(outputs.get(index).toJSON().data?.["text/html"]);
        return mount && { ...mount, outputs, index };
      }).filter(Boolean),
    ) ?? null
  );
}

/** Call `arrived` when an output of the run `id` is added to `cell`; returns a function that stops that. */
export function watchOutputs(cell, id, arrived) {
  const changed = (_, { newValues }) => {
    const isIts = (output) => mountOf(output.toJSON().data?.["text/html"])?.id === id;
    if (newValues?.some(isIts)) arrived();
  };
  cell?.outputs.changed?.connect(changed);
  return () => cell?.outputs.changed?.disconnect(changed);
}

/** Remove the outputs of the run `id` from `cell`, except the last. */
export function keepLast(cell, id) {
  const list = cell?.outputs.list; // an output area can add and replace outputs, but only its list can remove one
  if (typeof list?.remove !== "function") return;
  let isLast = true;
  for (let index = list.length - 1; index >= 0; index -= 1) {
    if (mountOf(list.get(index).toJSON().data?.["text/html"])?.id !== id) continue;
    if (!isLast) list.remove(index);
    isLast = false;
  }
}

/** An output of a cell. */
export function outputOf(data) {
  return { output_type: "display_data", data, metadata: {} };
}

// Several tabs of a browser may show one notebook. If all of them were marked as changed, each would want to save it.

const CHANNEL = "drawer_ipy";
const ANSWERED = 150;

/** Answer other tabs that ask whether this one has an output of a run; returns a function that stops that. */
export function answerTabs(model) {
  const channel = new BroadcastChannel(CHANNEL);
  channel.onmessage = ({ data: { asked, ended } }) => {
    const has = asked && runOutputs(model)?.some((one) => one.id === asked && (one.ended || !ended));
    if (has) channel.postMessage({ has: asked });
  };
  return () => channel.close();
}

/** Whether another tab has an output of the run `id`, the final one if `ended`. */
export function inOtherTab(id, ended) {
  const channel = new BroadcastChannel(CHANNEL);
  const answer = new Promise((resolve) => {
    channel.onmessage = ({ data: { has } }) => has === id && resolve(true);
    setTimeout(() => resolve(false), ANSWERED);
  });
  channel.postMessage({ asked: id, ended });
  return answer.finally(() => channel.close());
}

/** Do something to the outputs; if `quiet`, the notebook does not count as changed because of it. */
export function change(model, quiet, action) {
  const notebook = model.widget_manager?.context?.model;
  const before = notebook?.dirty;
  action();
  if (quiet && before === false) notebook.dirty = false;
}
