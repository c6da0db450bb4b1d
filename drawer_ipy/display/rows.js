// The lists of the view: the steps of a run, and the latest failures.

import { grouped, make, mark, put } from "./elements.js";
import { clock, rowText } from "./figures.js";
import { makeBar } from "./head.js";
import { Picture } from "./picture.js";
import { FAILED } from "./states.js";

/** A row of the outline: name, bar, words, time, and a picture if it has cells. */
export function makeRow(row, view) {
  const el = make("div", "dv-row", { role: "listitem" });
  const sign = make("span", "dv-sign", { "aria-hidden": "true" });
  const name = make("span", "dv-name");
  const bar = makeBar("dv-bar dv-small");
  const text = make("span", "dv-words");
  const time = make("span", "dv-time");
  const line = make("div", "dv-line");
  line.append(sign, name, bar.el, text, time);
  el.append(line);
  const picture = row.per ? new Picture(row, view) : null;
  if (picture) el.append(picture.el);
  return {
    el,
    picture,
    set(now) {
      mark(el, "data-status", now.status);
      el.style.setProperty("--depth", Math.min(now.depth, 6));
      mark(el, "data-failures", now.counts[FAILED] || now.status === "failed" ? "yes" : "no");
      put(sign, view.mark(now.status));
      put(name, now.name);
      mark(name, "title", now.name);
      bar.el.style.visibility = now.counts.length && !picture ? "" : "hidden"; // the picture shows it better
      bar.set(now.counts);
      put(text, rowText(now));
      put(time, now.seconds >= 1 ? clock(now.seconds) : "");
      if (picture) picture.per = now.per;
    },
  };
}

/** The latest failures, newest first. A line stays the same element while others come and go: it may be in use. */
export function makeErrors(show, mark) {
  const el = make("div", "dv-errors", { role: "list", "aria-label": "latest errors" });
  let lines = new Map();
  const makeLine = ({ index, step, text }) => {
    const line = make("div", "dv-error", { role: "listitem", title: text });
    const where = make("button", "dv-where", { type: "button" });
    where.textContent = `${mark("failed")} ${index == null ? step : `item ${grouped(index)}`}`;
    where.disabled = index == null;
    where.addEventListener("click", () => show(index));
    const why = make("bdi", "dv-why");
    why.textContent = index == null ? text : `${step}: ${text}`;
    line.append(where, why);
    return line;
  };
  return {
    el,
    set(errors) {
      const now = new Map();
      for (const error of [...errors].reverse()) {
        const key = JSON.stringify(error);
        let nth = 0; // an item may fail twice in the same way
        while (now.has(`${nth} ${key}`)) nth += 1;
        now.set(`${nth} ${key}`, lines.get(`${nth} ${key}`) ?? makeLine(error));
      }
      const wanted = new Set(now.values());
      for (const line of lines.values()) if (!wanted.has(line)) line.remove();
      let at = el.firstChild;
      for (const line of wanted) {
        if (line === at) at = at.nextSibling;
        else el.insertBefore(line, at);
      }
      lines = now;
    },
  };
}
