"""A notebook in a real browser: Playwright drives Chromium with a real JupyterLab or Notebook 7."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from jupyter_rig import JupyterServer
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Route, sync_playwright

PATIENCE = 30.0
"""Seconds to wait for something that must happen."""

FRONTS = {"lab": "/lab/workspaces/{stem}/tree/{path}", "notebook": "/notebooks/{path}"}
"""The front ends and the address of a notebook in each.

In JupyterLab each notebook has a workspace of its own, or the other notebooks would open too.
"""

# The sandbox does not work as root. The other flags turn off what needs the Internet or a graphics card.
_FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # No other host has an address, whoever asks for it: a page, a worker or the browser itself.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
]

_PANEL = """
    const panelOf = path => [...(window.jupyterapp?.shell.widgets('main') ?? [])]
        .find(widget => widget.context?.path === path);
"""
_KERNEL = _PANEL + "const kernel = panelOf(path)?.sessionContext?.session?.kernel;"
_IDLE = _KERNEL + "return kernel?.status === 'idle';"
_CONNECTED = _KERNEL + "return kernel?.connectionStatus === 'connected';"
_CLEAN = _PANEL + "return panelOf(path)?.context.model.dirty === false;"


def find_chromium() -> str | None:
    """The path of the browser: ``$CHROMIUM``, or else the program that the distribution installs."""
    given = os.environ.get("CHROMIUM")
    return given or next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless Chromium.

    Raises:
        RuntimeError: Chromium is not installed.
    """
    program = find_chromium()
    if program is None:
        raise RuntimeError(
            "Chromium is not installed; run apt-get install chromium, or set CHROMIUM=/path/to/chromium"
        )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=_FLAGS)
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Watched:
    """Records what pages must not do: raise errors, contact other servers and open dialogs.

    Attributes:
        errors: uncaught exceptions, except while a front end is `starting`: Notebook 7 raises some itself.
        outside: requested URLs that are not on this machine.
        dialogs: texts of alerts; a hostile text would open one.
    """

    errors: list[str] = field(default_factory=list)
    starting: bool = False
    outside: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)

    def page_in(self, context: BrowserContext) -> Page:
        """Open a page and record what it does."""
        page = context.new_page()
        page.set_default_timeout(PATIENCE * 1000)
        page.on("pageerror", self._raised)
        page.on("request", lambda request: self._requested(request.url))
        page.on("dialog", self._dialog)
        return page

    def take(self) -> Watched:
        """Return what was recorded since the last call, and forget it."""
        taken = Watched(list(self.errors), False, list(self.outside), list(self.dialogs))
        for recorded in (self.errors, self.outside, self.dialogs):
            recorded.clear()
        return taken

    def _raised(self, error: Any) -> None:
        if not self.starting:
            self.errors.append(f"{error.message}\n{error.stack}")

    def _requested(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("data", "blob", "file") and parts.hostname != "127.0.0.1":
            self.outside.append(url)

    def _dialog(self, dialog: Any) -> None:
        if dialog.type == "beforeunload":
            dialog.accept()
        else:
            self.dialogs.append(dialog.message)
            dialog.dismiss()


@dataclass
class BrowserNotebook:
    """A notebook that is open in a page of a front end.

    Attributes:
        path: path of the notebook, relative to the server's folder.
        front: a key of :data:`FRONTS`.
        watched: records what the page does.
    """

    page: Page
    server: JupyterServer
    path: str
    front: str
    watched: Watched

    def open(self) -> BrowserNotebook:
        """Go to its page and wait until its kernel is ready."""
        where = FRONTS[self.front].format(path=self.path, stem=self.path.removesuffix(".ipynb"))
        with self._starting():
            self.page.goto(f"{self.server.address}{where}?token={self.server.token}")
            self.wait_idle()
        return self

    def open_connected(self) -> BrowserNotebook:
        """Go to its page and wait until it is connected to its kernel, which may be busy."""
        where = FRONTS[self.front].format(path=self.path, stem=self.path.removesuffix(".ipynb"))
        with self._starting():
            self.page.goto(f"{self.server.address}{where}?token={self.server.token}")
            self._wait_for(_CONNECTED)
        return self

    def open_without_kernel(self) -> BrowserNotebook:
        """Go to its page without a kernel, and wait until its cells are shown."""
        where = FRONTS[self.front].format(path=self.path, stem=self.path.removesuffix(".ipynb"))
        self.page.route("**/api/sessions*", _withhold_kernels)
        with self._starting():
            self.page.goto(f"{self.server.address}{where}?token={self.server.token}")
            self.cell(0).wait_for()
        return self

    def reload(self) -> None:
        """Load the page again, and wait until it is connected to its kernel."""
        with self._starting():
            self.page.reload()
            self._wait_for(_CONNECTED)

    @contextmanager
    def _starting(self) -> Iterator[None]:
        self.watched.starting = True
        yield
        self.watched.starting = False

    # Cells

    def cell(self, index: int) -> Locator:
        """The code cell of that index."""
        return self.page.locator(".jp-Notebook .jp-CodeCell").nth(index)

    def output(self, index: int) -> Locator:
        """The output of the cell of that index."""
        return self.cell(index).locator(".jp-Cell-outputWrapper")

    def type(self, index: int, text: str) -> None:
        """Replace the source of the cell with `text`."""
        self.cell(index).locator(".cm-content").click()
        self.page.keyboard.press("Control+A")
        self.page.keyboard.insert_text(text)

    def start(self, index: int) -> None:
        """Run the cell with Ctrl+Enter, without waiting for it."""
        self.cell(index).locator(".cm-content").click()
        self.page.keyboard.press("Control+Enter")

    def run(self, index: int) -> Locator:
        """Run the cell, wait until it has ended and return its output."""
        before = self.prompt(index)
        self.start(index)
        self.wait(lambda: self.prompt(index) not in (before, "[*]:", "[ ]:"), "the cell has ended")
        self.wait_idle()
        return self.output(index)

    def prompt(self, index: int) -> str:
        """The prompt left of the cell: ``[*]:`` while it runs or waits, ``[3]:`` when it has ended."""
        return self.cell(index).locator(".jp-InputPrompt").inner_text().strip()

    # The view of a run

    def view(self, index: int) -> Locator:
        """The live view, which exists during the run."""
        return self.output(index).get_by_role("group", name="run of drawer")

    def bar(self, index: int) -> Locator:
        """The progress bar of the live view."""
        return self.view(index).get_by_role("progressbar")

    def cancel_button(self, index: int) -> Locator:
        """The Cancel button of the live view."""
        return self.view(index).get_by_role("button", name="Cancel")

    def table(self, index: int) -> Locator:
        """The table that takes the live view's place when the run has ended: a grid where a kernel runs."""
        return self.tables(index).first

    def tables(self, index: int) -> Locator:
        """All tables and grids of an output."""
        output = self.output(index)
        return output.get_by_role("grid").or_(output.get_by_role("table"))

    def rows(self, index: int) -> int:
        """The number of rows of the table, with its head; a grid has only the visible ones in the page."""
        # At once: the grid may take the table's place in between.
        count = "el => Number(el.getAttribute('aria-rowcount')) || el.querySelectorAll('tr').length"
        return int(self.table(index).evaluate(count))

    def grid(self, index: int) -> Locator:
        """The table that one can work with, where a kernel runs."""
        return self.output(index).get_by_role("grid")

    def done(self, index: int) -> int:
        """The number of ended items, from the bar's accessible value."""
        return int(self.bar(index).get_attribute("aria-valuenow") or 0)

    def wait_done(self, index: int, least: int) -> int:
        """Wait until at least `least` items have ended, and return how many have."""
        self.bar(index).wait_for()
        self.wait(lambda: self.done(index) >= least, f"{least} items have ended")
        return self.done(index)

    # The front end

    def command(self, name: str, **arguments: Any) -> None:
        """Call a command of the front end, and wait for it."""
        script = "([name, args]) => window.jupyterapp.commands.execute(name, args).then(() => null)"
        self.page.evaluate(script, [name, arguments])

    def toolbar(self, name: str) -> Locator:
        """The toolbar's button whose tooltip begins with `name`."""
        return self.page.locator(".jp-NotebookPanel-toolbar").get_by_role("button", name=name)

    def set_theme(self, name: str) -> None:
        """Change to ``Light``, ``Dark`` or another theme of the front end, and wait until it is shown."""
        self.command("apputils:change-theme", theme=f"JupyterLab {name}")
        changed = "theme => document.body.dataset.jpThemeName === theme"
        self.page.wait_for_function(changed, arg=f"JupyterLab {name}")
        self.page.locator("#jupyterlab-splash").wait_for(state="detached")

    def wait_idle(self) -> None:
        """Wait until the kernel is connected and idle."""
        self._wait_for(_IDLE)

    def kernel(self, expression: str) -> Any:
        """A property of the page's connection to the kernel, or the start of one of its methods."""
        is_call = expression.endswith(")")
        body = f"kernel.{expression}; return null;" if is_call else f"return kernel.{expression};"
        return self.page.evaluate(f"path => {{ {_KERNEL} {body} }}", self.path)

    def has_kernel(self) -> bool:
        """Whether the notebook is connected to a kernel."""
        return bool(self.page.evaluate(f"path => {{ {_CONNECTED} }}", self.path))

    def save(self) -> None:
        """Save the notebook with the keyboard, and wait until it is on disk."""
        self.page.keyboard.press("Control+S")
        self._wait_for(_CLEAN)

    def _wait_for(self, body: str) -> None:
        self.page.wait_for_function(f"path => {{ {body} }}", arg=self.path, timeout=PATIENCE * 1000)

    def wait(self, holds: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
        """Wait until `holds` returns true; it is called every 20 ms.

        Raises:
            AssertionError: it did not within `seconds`; the message names `what`.
        """
        for _ in range(int(seconds / 0.02)):
            if holds():
                return
            self.page.wait_for_timeout(20)
        raise AssertionError(f"not within {seconds:g} s: {what}")


def _withhold_kernels(route: Route) -> None:
    if route.request.method != "POST":  # a POST gets no response, because an error would open a dialog
        route.continue_()


Opener = Callable[..., BrowserNotebook]
"""The type of the fixture ``open_notebook(cells, front="lab")``."""
