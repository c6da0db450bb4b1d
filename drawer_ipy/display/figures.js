// Numbers and words about a run without the page: times, rates, progress, what is waited for.

import { STATES, grouped } from "./elements.js";
import { CANCELLED, FAILED, KEPT, OK, ORDER, PAUSED, RUNNING, SKIPPED, WAITING } from "./states.js";

/** The parts of a bar as [state, share of the whole]; the rest are waiting items. */
export function segments(counts) {
  const total = counts.reduce((sum, n) => sum + n, 0);
  if (!total) return [];
  return ORDER.filter((s) => s !== WAITING && counts[s]).map((s) => [s, counts[s] / total]);
}

/** Seconds as 0:07, 4:05 or 1:02:03. */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const pad = (n) => String(n).padStart(2, "0");
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return h ? `${h}:${pad(m)}:${pad(s)}` : `${m}:${pad(s)}`;
}

/** Items per second; below one, the seconds per item. */
export function rate(perSecond) {
  if (perSecond >= 100) return `${grouped(perSecond)}/s`;
  if (perSecond >= 1) return `${perSecond.toFixed(1)}/s`;
  return perSecond > 0 ? `${(1 / perSecond).toFixed(1)} s each` : "";
}

/** Percent, which is 100 only at the end. */
export function percent(done, total) {
  if (!total) return "";
  return done >= total ? "100 %" : `${Math.min(99, Math.floor((100 * done) / total))} %`;
}

/** What the bar counts: the items of the current loop, or the steps if there is no loop. */
export function progress(head) {
  if (head.loop == null) {
    const running = head.status === "running" && head.steps_done < head.steps ? 1 : 0;
    const [ok, failed] = [head.steps_done - head.steps_failed, head.steps_failed];
    const counts = [head.steps - head.steps_done - running, running, ok, failed, 0, 0];
    if (running && head.waits?.length) [counts[RUNNING], counts[PAUSED]] = [0, 1];
    return { noun: "steps", counts, done: head.steps_done, total: head.steps, soFar: false };
  }
  const counts = head.counts;
  const total = counts.reduce((sum, n) => sum + n, 0);
  const done = counts[OK] + (counts[KEPT] ?? 0) + counts[FAILED];
  return { noun: "items", counts, done, total, soFar: Boolean(head.so_far) };
}

/** How far it is in words, with a share of the whole where the whole is known. */
export function doneText({ noun, done, total, soFar }) {
  if (soFar) return `${grouped(done)} ${noun} so far`;
  return `${grouped(done)} of ${grouped(total)} ${noun} · ${percent(done, total)}`;
}

/** One sentence for screen readers: how many items have ended, and at the end of the run how. */
export function sentence(head) {
  const { noun, counts, done, total, soFar } = progress(head);
  if (head.status !== "running") {
    const [how, ...rest] = head.words.split(" · ");
    const whole = head.loop == null || !total ? "" : ` ${grouped(total)} ${total === 1 ? "item" : noun}:`;
    return `${head.drawer} ${how},${whole} ${rest.join(", ")}`;
  }
  if (head.loop == null && total <= 1) return `${head.drawer} running`; // its items are not there yet
  const amount = soFar ? `${grouped(done)} ${noun} done so far` : `${grouped(done)} of ${grouped(total)} ${noun} done`;
  const words = [`${head.drawer} ${head.words ?? head.status}`, amount];
  for (const state of [KEPT, FAILED, CANCELLED, SKIPPED, PAUSED]) {
    if (counts[state]) words.push(`${grouped(counts[state])} ${STATES[state]}`);
  }
  return words.join(", ");
}

/** What is waited for in one line, `seconds` after the start of the run (held.py has the parts); "" for nothing. */
export function waitsText(waits, seconds) {
  const line = ([before, within, after, until]) => {
    const left = Math.ceil((until ?? 0) - seconds);
    return left > 0 ? `${before}${within}${left < 60 ? `${left} s` : clock(left)}${after}` : before + after;
  };
  return (waits ?? []).map(line).join("; ");
}

/** The text of a row after its bar. */
export function rowText(row) {
  if (!row.counts.length) return row.status;
  const total = row.counts.reduce((sum, n) => sum + n, 0);
  const paused = row.counts[PAUSED] ?? 0;
  const ended = total - row.counts[WAITING] - row.counts[RUNNING] - row.counts[SKIPPED] - paused;
  const words = [row.so_far ? `${grouped(ended)} so far` : `${grouped(ended)} of ${grouped(total)}`];
  for (const state of [FAILED, CANCELLED, PAUSED]) {
    if (row.counts[state]) words.push(`${grouped(row.counts[state])} ${STATES[state]}`);
  }
  if (row.loops) words.push(`${grouped(row.loops)} ${row.loops === 1 ? "loop" : "loops"}`);
  if (row.per > 1) words.push(`${grouped(row.per)} items a cell`);
  return words.join(" · ");
}
