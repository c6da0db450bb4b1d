"""Fixtures: one server and one browser for all tests, notebooks and their kernels for each module."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from browser_rig import FRONTS, BrowserNotebook, Opener, Watched, chromium
from jupyter_rig import JupyterServer, jupyter_in
from playwright.sync_api import Browser, BrowserContext

PICTURES = Path(__file__).parents[2] / "build" / "browser"
"""The folder for the screenshots of failed tests."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("browser")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    pages = item.funcargs["context"].pages if "context" in item.funcargs else []
    if report.failed:
        PICTURES.mkdir(parents=True, exist_ok=True)
        for number, page in enumerate(pages):
            path = PICTURES / f"{_file_name(item.name)}-{report.when}-{number}.png"
            page.screenshot(path=path)
            report.sections.append(("What the browser showed", str(path)))
    return report


def _file_name(text: str) -> str:
    return re.sub(r"\W+", "-", text).strip("-")


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterServer]:
    with jupyter_in(tmp_path_factory.mktemp("jupyter")) as running:
        yield running


@pytest.fixture
def gate(server: JupyterServer, request: pytest.FixtureRequest) -> Iterator[Path]:
    """The file that ends a run of ``gated_run_rig``."""
    path = server.folder / f"gate-{_file_name(request.node.name)}"
    yield path
    path.touch()  # so that no kernel is busy with it any longer


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with chromium() as launched:
        yield launched


@pytest.fixture(scope="package")
def context(browser: Browser) -> Iterator[BrowserContext]:
    """One context for all tests, so that the front ends' scripts are loaded once."""
    made = browser.new_context(viewport={"width": 1100, "height": 800})
    yield made
    made.close()


@pytest.fixture(scope="module", params=FRONTS)
def front(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def watched() -> Watched:
    return Watched()


@pytest.fixture(autouse=True)
def nothing_amiss(watched: Watched) -> Iterator[None]:
    """Check that no page raised an error, called another server or showed an alert."""
    yield
    seen = watched.take()
    assert not seen.errors, "\n".join(seen.errors)
    assert not seen.outside
    assert not seen.dialogs


@pytest.fixture(scope="module")
def open_notebook(
    request: pytest.FixtureRequest, server: JupyterServer, context: BrowserContext, watched: Watched
) -> Iterator[Opener]:
    """Open a notebook of the given cells and run the first; its kernel is shut down after the module."""
    name = _file_name(Path(request.node.name).stem)
    count = iter(range(1000))

    def opener(cells: list[str], front: str = "lab") -> BrowserNotebook:
        path = server.write(f"{name}-{front}-{next(count)}.ipynb", cells).name
        notebook = BrowserNotebook(watched.page_in(context), server, path, front, watched).open()
        notebook.run(0)
        return notebook

    yield opener
    for page in context.pages:
        page.close()
    server.end_kernels()
