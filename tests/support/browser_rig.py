"""A notebook in a real browser: Chromium, driven by Playwright, before a real JupyterLab or Notebook 7."""

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
"""Seconds to wait for something that must come."""

FRONTS = {"lab": "/lab/workspaces/{stem}/tree/{path}", "notebook": "/notebooks/{path}"}
"""The front ends, and a notebook's address in them: its own workspace, or JupyterLab opens the others too."""

# No sandbox: it cannot be had as root. The others would look for things outside, or need what is not here.
_FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
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
    """The browser's program: ``$CHROMIUM``, else what the distribution's packages put on the path."""
    given = os.environ.get("CHROMIUM")
    return given or next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless Chromium.

    Raises:
        RuntimeError: there is none on this machine.
    """
    program = find_chromium()
    if program is None:
        raise RuntimeError(
            "no Chromium on this machine; apt-get install chromium, or say CHROMIUM=/path/to/it"
        )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=_FLAGS)
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Watched:
    """What a page did that no page of ours may do.

    Attributes:
        errors: exceptions that no script caught, but not while a front end is `starting`, when Notebook 7
            raises some of its own.
        outside: addresses asked for elsewhere than here.
        dialogs: texts of alerts, which are what a hostile text would raise.
    """

    errors: list[str] = field(default_factory=list)
    starting: bool = False
    outside: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)

    def page_in(self, context: BrowserContext) -> Page:
        """A new page, watched."""
        page = context.new_page()
        page.set_default_timeout(PATIENCE * 1000)
        page.on("pageerror", self._raised)
        page.on("request", lambda request: self._asked(request.url))
        page.on("dialog", self._dialog)
        return page

    def take(self) -> Watched:
        """What was noted since the last time."""
        taken = Watched(list(self.errors), False, list(self.outside), list(self.dialogs))
        for noted in (self.errors, self.outside, self.dialogs):
            noted.clear()
        return taken

    def _raised(self, error: Any) -> None:
        if not self.starting:
            self.errors.append(f"{error.message}\n{error.stack}")

    def _asked(self, url: str) -> None:
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
        path: of the notebook, from the server's folder.
        front: a key of :data:`FRONTS`.
        watched: where what the page does is noted.
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

    def open_without_kernel(self) -> BrowserNotebook:
        """Go to its page, where no kernel can be started, and wait until its cells are there."""
        where = FRONTS[self.front].format(path=self.path, stem=self.path.removesuffix(".ipynb"))
        self.page.route("**/api/sessions*", _withhold_kernels)
        with self._starting():
            self.page.goto(f"{self.server.address}{where}?token={self.server.token}")
            self.cell(0).wait_for()
        return self

    def reload(self) -> None:
        """Load the page again, and wait until it has found its kernel."""
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
        """What the cell of that index shows."""
        return self.cell(index).locator(".jp-Cell-outputWrapper")

    def type(self, index: int, text: str) -> None:
        """Put `text` into the cell, in the place of what is there."""
        self.cell(index).locator(".cm-content").click()
        self.page.keyboard.press("Control+A")
        self.page.keyboard.insert_text(text)

    def start(self, index: int) -> None:
        """Run the cell, as Ctrl+Enter does, and do not wait."""
        self.cell(index).locator(".cm-content").click()
        self.page.keyboard.press("Control+Enter")

    def run(self, index: int) -> Locator:
        """Run the cell until it is over; what it shows."""
        before = self.prompt(index)
        self.start(index)
        self.wait(lambda: self.prompt(index) not in (before, "[*]:", "[ ]:"), "the cell has ended")
        self.wait_idle()
        return self.output(index)

    def prompt(self, index: int) -> str:
        """What stands left of the cell: ``[*]:`` while it runs or waits, ``[3]:`` when it has."""
        return self.cell(index).locator(".jp-InputPrompt").inner_text().strip()

    # Our view

    def view(self, index: int) -> Locator:
        """The live view, which is there while the run goes on."""
        return self.output(index).get_by_role("group", name="run of drawer")

    def bar(self, index: int) -> Locator:
        """The progress bar of the live view."""
        return self.view(index).get_by_role("progressbar")

    def cancel_button(self, index: int) -> Locator:
        """The Cancel button of the live view."""
        return self.view(index).get_by_role("button", name="Cancel")

    def table(self, index: int) -> Locator:
        """The table that takes the live view's place when the run has ended."""
        return self.output(index).get_by_role("table").first

    def done(self, index: int) -> int:
        """Items that have ended, as the bar tells people who cannot see it."""
        return int(self.bar(index).get_attribute("aria-valuenow") or 0)

    def wait_done(self, index: int, least: int) -> int:
        """Wait until at least so many items have ended."""
        self.bar(index).wait_for()
        self.wait(lambda: self.done(index) >= least, f"{least} items have ended")
        return self.done(index)

    # The front end

    def command(self, name: str, **arguments: Any) -> None:
        """Call one of the front end's own commands, and wait for it."""
        script = "([name, args]) => window.jupyterapp.commands.execute(name, args).then(() => null)"
        self.page.evaluate(script, [name, arguments])

    def toolbar(self, name: str) -> Locator:
        """The toolbar's button whose tooltip begins like that."""
        return self.page.locator(".jp-NotebookPanel-toolbar").get_by_role("button", name=name)

    def set_theme(self, name: str) -> None:
        """Change to ``Light``, ``Dark`` or another of the front end's themes, and wait until it is there."""
        self.command("apputils:change-theme", theme=f"JupyterLab {name}")
        changed = "theme => document.body.dataset.jpThemeName === theme"
        self.page.wait_for_function(changed, arg=f"JupyterLab {name}")
        self.page.locator("#jupyterlab-splash").wait_for(state="detached")

    def wait_idle(self) -> None:
        """Wait until the kernel is there and has nothing to do."""
        self._wait_for(_IDLE)

    def has_kernel(self) -> bool:
        """Whether the notebook is connected to a kernel."""
        return bool(self.page.evaluate(f"path => {{ {_CONNECTED} }}", self.path))

    def save(self) -> None:
        """Save with the keyboard, and wait until it is on disk."""
        self.page.keyboard.press("Control+S")
        self._wait_for(_CLEAN)

    def _wait_for(self, body: str) -> None:
        self.page.wait_for_function(f"path => {{ {body} }}", arg=self.path, timeout=PATIENCE * 1000)

    def wait(self, holds: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
        """Wait until `holds` answers true, looking once a frame.

        Raises:
            AssertionError: it did not within `seconds`; `what` is said.
        """
        for _ in range(int(seconds / 0.02)):
            if holds():
                return
            self.page.wait_for_timeout(20)
        raise AssertionError(f"not within {seconds:g} s: {what}")


def _withhold_kernels(route: Route) -> None:
    if route.request.method != "POST":  # which gets no answer: an error would open a dialog
        route.continue_()


Opener = Callable[..., BrowserNotebook]
"""``open_notebook(cells, front="lab")``, as tests get it."""
