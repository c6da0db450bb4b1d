// A kernel that is gone: how to notice it, and how a run looks that it was pressing.

import { grouped } from "./elements.js";
import { progress } from "./figures.js";
import { toBytes } from "./picture_shape.js";
import { CANCELLED, FAILED, KEPT, OK, SKIPPED, WAITING } from "./states.js";

/** The state of a run whose kernel is gone: items that had begun and not ended count as cancelled. */
const cutOff = (state) => ([OK, KEPT, FAILED, SKIPPED, WAITING].includes(state) ? state : CANCELLED);

/** The counts of such a run. */
export function countsCutOff(counts) {
  const out = counts.map(() => 0);
  counts.forEach((n, state) => (out[cutOff(state)] += n));
  return out;
}

/** The picture of such a run. */
export function cellsCutOff(value) {
  return toBytes(value).map((byte) => cutOff(byte & 7) | (byte & 0b11000));
}

/** The head of such a run; `lost` is what happened to the kernel, in words. */
export function headCutOff(head, lost) {
  const counts = countsCutOff(head.counts);
  return { ...head, counts, status: "lost", outcome: "cancelled", words: `the kernel ${lost}`, position: 0 };
}

/** A sentence for a run whose kernel is gone, and how to continue. */
export function lostText(head, lost) {
  const { noun, done, total, soFar } = progress(head);
  const amount = soFar ? `${grouped(done)} ${noun}` : `${grouped(done)} of ${grouped(total)} ${noun}`;
  return `The kernel ${lost}; ${amount} had ended. Run the cell again with --resume to go on with the results on disk, or without it to start over; results that \`cache:\` has kept are used again.`;
}

/** What a status of the kernel means for a run: why it is gone, or "" if it is not. */
export function lossOf(status) {
  const losses = {
    restarting: "was restarted",
    autorestarting: "died and was restarted",
    dead: "died",
    terminating: "was shut down",
  };
  return losses[status] ?? "";
}

/**
 * Follow the kernel of a widget's model, where the front end shows it; returns a function that stops that.
 *
 * `lost` is called with what happened to the kernel, in words, and whether that is a guess; `connected` is called with
 * whether the page is connected to it.
 */
export function watchKernel(model, { lost, connected }) {
  model.on("comm_live_update", () => lost(lossOf("restarting"), true));
  const kernel = model.widget_manager?.kernel;
  const signals = [
    [kernel?.statusChanged, (_, status) => lost(lossOf(status), false)],
    [kernel?.disposed, () => lost(lossOf("terminating"), true)],
    [kernel?.connectionStatusChanged, (_, status) => connected(status === "connected")],
  ].filter(([signal]) => typeof signal?.connect === "function");
  for (const [signal, action] of signals) signal.connect(action);
  return () => {
    for (const [signal, action] of signals) signal.disconnect(action);
  };
}
