// Clicks on a view that is moved in the page while a mouse button or the space bar is held down.

/** Pixels by which the mouse may move between the two halves of a click. */
const NEAR = 10;

/**
 * Completes clicks in `root`. A browser drops the click of an element that leaves the page between the two halves of
 * the click, even if the element is back at once.
 */
export class ClickKeeper {
  #root;
  #ending = new AbortController();
  #down = null;
  #wasMoved = false;

  constructor(root) {
    this.#root = root;
    root.addEventListener("pointerdown", (event) => {
      if (event.button === 0) this.#begin(event);
    });
    root.addEventListener("keydown", (event) => {
      if (event.key === " " && !event.repeat) this.#begin(event);
    });
    root.addEventListener("click", () => (this.#down = null), { capture: true });
    // The element may be out of the page when it is released, so the document listens.
    const options = { capture: true, signal: this.#ending.signal };
    for (const name of ["pointerup", "keyup"]) document.addEventListener(name, (event) => this.#release(event), options);
    document.addEventListener("pointercancel", () => (this.#down = null), options);
  }

  /** Say that the root has been moved. */
  moved() {
    this.#wasMoved = true;
  }

  end() {
    this.#ending.abort();
  }

  #begin(event) {
    this.#down = event;
    this.#wasMoved = false;
  }

  #release(event) {
    const down = this.#down;
    if (!down || !isSecondHalf(down, event)) return;
    // After the browser's own click, if it makes one.
    setTimeout(() => {
      if (this.#down !== down) return;
      this.#down = null;
      if (!this.#wasMoved || !this.#root.contains(down.target)) return;
      const { clientX, clientY } = down;
      down.target.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true, clientX, clientY }));
    });
  }
}

function isSecondHalf(down, event) {
  if (down.type === "keydown") return event.type === "keyup" && event.key === " ";
  const near = Math.hypot(event.clientX - down.clientX, event.clientY - down.clientY) < NEAR;
  return event.type === "pointerup" && event.pointerId === down.pointerId && near;
}
