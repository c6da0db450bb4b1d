// Views inside an output that is plain HTML. Where no page script runs, the HTML is what one sees.
//
// A front end may replace the HTML at any time: when the output is redrawn, cleared and shown again, or shown a
// second time. So a view has a root element of its own, which is moved into the new HTML before the next paint.

import { ClickKeeper } from "./clicks.js";

/** The class of the elements in which the view `id` is shown. Front ends keep classes where they remove ids. */
export function mountClass(id) {
  return `drawer-${id}`;
}

/** The class of every element in which a view may be shown. */
export const MOUNT = "drawer-mount";

/** A class of elements whose HTML is final, in which no view is mounted. */
export const ENDED = "drawer-ended";

/** The elements with the class `name` among the nodes that a batch of mutations has added. */
export function added(records, name) {
  const found = new Set();
  for (const { addedNodes } of records) {
    for (const node of addedNodes) {
      if (node.nodeType !== 1) continue;
      if (node.classList.contains(name)) found.add(node);
      for (const el of node.getElementsByClassName(name)) found.add(el);
    }
  }
  return [...found];
}

/** The view that lost its element and belongs into `el`: the one that was at the same place, else any. */
export function homeless(views, el) {
  const lost = views.filter((view) => !view.host.isConnected);
  return lost.find((view) => view.place?.isConnected && view.place.contains(el)) ?? lost[0];
}

/** Which descendant of a root has the focus, and how far descendants are scrolled; both are lost when it is moved. */
class Kept {
  #focused = null;
  #scrolled = new Map();

  constructor(root) {
    root.addEventListener("focusin", ({ target }) => (this.#focused = target));
    // A removed element loses its focus in the same task in which the root is moved.
    root.addEventListener("focusout", ({ target }) => {
      setTimeout(() => {
        if (this.#focused === target && document.activeElement !== target) this.#focused = null;
      });
    });
    const scrolled = ({ target }) => this.#scrolled.set(target, [target.scrollLeft, target.scrollTop]);
    root.addEventListener("scroll", scrolled, { capture: true, passive: true });
  }

  restore() {
    for (const [el, [left, top]] of this.#scrolled) {
      if (el.isConnected) Object.assign(el, { scrollLeft: left, scrollTop: top });
      else this.#scrolled.delete(el);
    }
    const free = [null, document.body].includes(document.activeElement);
    if (free && this.#focused?.isConnected) this.#focused.focus({ preventScroll: true });
  }
}

/** A view and the element that it is in. Its root takes the place of the HTML once something is drawn in it. */
class Mounted {
  #html = [];
  #kept;
  #clicks;
  #filled;

  constructor(make, el) {
    this.root = document.createElement("div");
    this.root.className = "drawer-root";
    this.#kept = new Kept(this.root);
    this.#clicks = new ClickKeeper(this.root);
    this.#filled = new MutationObserver(() => this.#show());
    this.#filled.observe(this.root, { childList: true });
    this.moveTo(el);
    this.clean = make(this.root);
    this.#show();
  }

  moveTo(el) {
    this.host = el;
    this.place = el.parentElement;
    this.#html = [...el.childNodes];
    el.append(this.root);
    this.#show();
    this.#kept.restore();
    this.#clicks.moved();
  }

  #show() {
    if (!this.root.hasChildNodes()) return;
    for (const node of this.#html) if (node.parentNode === this.host) node.remove();
  }

  /** Remove the view and show the HTML again, unless the view wants to stay as it is. */
  end() {
    this.#filled.disconnect();
    this.#clicks.end();
    const stays = this.clean?.() === true;
    if (stays || this.root.parentNode !== this.host) return;
    this.host.replaceChildren(...this.#html);
  }
}

/**
 * Show a view in every element of the class `mountClass(id)` that is in the page now or later, for as long as
 * `model` exists.
 *
 * `make(el)` draws a view into the empty element `el` and returns a function that is called once, at the end: it
 * stops the view. If it returns true, the view stays in the page as it is; otherwise the HTML comes back. The
 * static HTML remains visible until the view has drawn something.
 *
 * Returns a function that ends all of this before the model does, for `initialize` to return.
 */
export function mount(model, id, make) {
  const name = mountClass(id);
  const views = [];
  const see = (elements) => {
    for (const el of elements) {
      if (!el.isConnected || el.classList.contains(ENDED) || views.some((view) => view.host === el)) continue;
      const view = homeless(views, el);
      if (view) view.moveTo(el);
      else views.push(new Mounted(make, el));
    }
  };
  const observer = new MutationObserver((records) => see(added(records, name)));
  observer.observe(document, { childList: true, subtree: true });
  see(document.getElementsByClassName(name));
  const end = () => {
    observer.disconnect();
    for (const view of views.splice(0)) view.end();
  };
  model.on("destroy", end);
  return end;
}
