// The upper part of the view: the name, the state and the figures of a run, the bar and its legend.

import { STATES, grouped, make, mark, put } from "./elements.js";
import { clock, doneText, progress, rate, segments } from "./figures.js";
import { FAILED, OK, ORDER, WAITING } from "./states.js";

/** A bar split by state. */
export function makeBar(name) {
  const el = make("div", name);
  const parts = new Map();
  for (const state of ORDER) {
    if (state === WAITING) continue;
    const part = make("div", "dv-part", { "data-state": STATES[state] });
    parts.set(state, part);
    el.append(part);
  }
  return {
    el,
    set(counts) {
      const shares = new Map(segments(counts));
      for (const [state, part] of parts) part.style.flexBasis = `${(100 * (shares.get(state) ?? 0)).toFixed(3)}%`;
    },
  };
}

/** Name, state and figures at the top, with the Cancel button. */
export function makeHead(cancel) {
  const el = make("div", "dv-head");
  const name = make("span", "dv-title");
  const state = make("span", "dv-state");
  const figures = make("span", "dv-figures");
  const button = make("button", "dv-cancel", { type: "button", title: "Stop this run; completed items are kept" });
  const label = make("span", "", {}, "Cancel");
  button.append(make("span", "dv-stop", { "aria-hidden": "true" }), label);
  button.addEventListener("click", cancel);
  el.append(name, state, figures, button);
  return {
    el,
    set(head, { seconds, silent, quiet, over, stage, sign }) {
      put(name, head.drawer || "drawer");
      const at = head.position && !over ? `${head.step} (${head.position} of ${head.steps})` : "";
      put(state, [`${sign} ${head.words}`, head.steps > 1 ? at : ""].filter(Boolean).join(" · "));
      const words = [];
      if (head.retries) words.push(`${grouped(head.retries)} ${head.retries === 1 ? "retry" : "retries"}`);
      if (!over && head.width != null) words.push(`${grouped(head.width)} at once`);
      if (head.cached) words.push(`${grouped(head.cached)} cached`);
      if (silent > 3) words.push(`${quiet} for ${clock(silent)}`);
      else if (!over && head.rate) words.push(rate(head.rate));
      if (!over && silent <= 3 && head.eta != null) words.push(`ETA ${clock(head.eta)}`);
      words.push(clock(seconds));
      put(figures, words.join(" · "));
      button.hidden = over;
      const labels = { cancelling: "Cancelling…", interrupting: "Interrupting…", stuck: "Cancel (kernel busy)" };
      put(label, labels[stage] ?? "Cancel");
      button.disabled = stage === "cancelling" || stage === "interrupting";
    },
  };
}

/** The number of items in each state, with the state's shape. */
export function makeLegend() {
  const el = make("div", "dv-legend");
  const parts = ORDER.map((state) => {
    const part = make("span", "dv-count", { "data-state": STATES[state] });
    const words = make("span", "");
    part.append(make("span", "dv-swatch", { "aria-hidden": "true" }), words);
    el.append(part);
    return [state, part, words];
  });
  const total = make("span", "dv-total");
  el.append(total);
  return {
    el,
    set(head) {
      const now = progress(head);
      const { counts } = now;
      for (const [state, part, words] of parts) {
        part.hidden = !counts[state] && state !== OK && state !== FAILED;
        mark(part, "data-none", counts[state] ? "no" : "yes");
        put(words, `${grouped(counts[state] ?? 0)} ${STATES[state]}`);
      }
      put(total, doneText(now));
    },
  };
}
