"""The site in the browser, where Python itself runs in the page: its notebooks, Cancel, and no other host."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from browser_rig import Watched
from lite_rig import LiteNotebook, build, put, served, site_notebooks
from other_origin import other_origin
from playwright.sync_api import Browser, BrowserContext

pytestmark = pytest.mark.timeout(300)

Open = Callable[[str], LiteNotebook]

CANCELLED = [
    """\
import asyncio
%load_ext drawer_ipy

async def slowly(n: int) -> int:
    await asyncio.sleep(0.05)
    return n""",
    """\
%%drawer pages --out pages --no-raise n={range(400)}
steps:
  - id: each
    kind: for_each
    over: ${inputs.n}
    as: n
    parallelism: 4
    steps:
      - {id: slowly, button: slowly, args: {n: "${n}"}}""",
    "print(pages.run.status, pages.counts)",
]


def solved() -> site_notebooks.Notebook:
    """The lesson of the site with its solutions."""
    path = site_notebooks.ROOT / "notebooks" / "lesson" / "how_many_at_once_solutions.ipynb"
    return site_notebooks.adapted(site_notebooks.read(path), site_notebooks.LESSON)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lite") / "site"
    build(folder)
    put(folder, {"cancel.ipynb": site_notebooks.code_notebook(CANCELLED), "solved.ipynb": solved()})
    return folder


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    with served(site) as where:
        yield where


def requests(origin: str) -> site_notebooks.Notebook:
    """Requests to a server of another origin than the page's."""
    code = f"""\
import json
from drawer_ipy import apress

async def ask(path, **fields):
    spec = {{"url": path if "//" in path else {origin!r} + path, "allow_private_networks": True, **fields}}
    drawer = {{"buttons": {{"ask": spec}}, "steps": [{{"id": "a", "button": "ask"}}]}}
    done = (await apress(drawer, check=False, quiet=True))[0]
    return done.output if done.status == "ok" else str(done.error) + " " + done.error.remediation

print(json.dumps([
    await ask("/open", method="PUT", headers={{"X-Key": "k"}}, body={{"n": 1}}),
    await ask("/closed"),
    await ask("/open", headers={{"X-Other": "o"}}),
    await ask("/moved"),
    await ask("https://example.com/"),
]))"""
    return site_notebooks.code_notebook([code])


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A context without what another test has stored.

    The browser finds no other host (see ``browser_rig``), and ``nothing_amiss`` checks that none was asked
    for. Requests are not intercepted: Playwright would then answer the browser's questions to other origins.
    """
    made = browser.new_context(viewport={"width": 1100, "height": 1000})
    yield made
    made.close()


@pytest.fixture
def opened(context: BrowserContext, address: str, watched: Watched) -> Open:
    """Opens a notebook of the site."""
    return lambda path: LiteNotebook(watched.page_in(context), address, path)


def test_the_quickstart_runs(opened: Open) -> None:
    site, item, pages, failed, *_, retried = opened("quickstart.ipynb").run(90)
    assert "127.0.0.1" in site
    assert "Humble wall clock" in item
    assert "58 ok · 2 failed" in pages
    assert "HTTP 500" in failed
    assert "6 ok" in retried


def test_cancel_reaches_the_run(opened: Open) -> None:
    notebook = opened("cancel.ipynb")
    notebook.start()
    button = notebook.cancel_button()
    button.wait_for(timeout=60_000)
    began = time.perf_counter()
    button.click()
    button.wait_for(state="detached")
    took = time.perf_counter() - began
    counted = notebook.ended(30)[-1]
    assert took < 2, took  # the whole run takes 5
    assert counted.startswith("cancelled {'ok': "), counted
    assert "'cancelled': 4" in counted


def test_the_page_sends_requests_where_the_server_permits_it(
    opened: Open, site: Path, watched: Watched
) -> None:
    with other_origin() as origin:
        put(site, {"requests.ipynb": requests(origin)})
        (text,) = opened("requests.ipynb").run(60)
    sent, closed, header, moved, elsewhere = json.loads(text)
    assert sent["method"] == "PUT"
    assert sent["key"] == "k"
    assert json.loads(sent["body"]) == {"n": 1}
    assert "CORS" in closed
    assert "CORS" in header
    assert "is redirected" in moved
    assert "CORS or of the connection" in elsewhere
    assert set(watched.take().outside) == {"https://example.com/"}  # so what a kernel requests is seen


def test_the_lesson_with_its_solutions_runs(opened: Open) -> None:
    texts = opened("solved.ipynb").run(120)
    code = ["".join(cell["source"]) for cell in solved()["cells"] if cell["cell_type"] == "code"]
    checks = [text for source, text in zip(code, texts, strict=True) if "lesson.check_" in source]
    assert [text[0] for text in checks] == ["✔"] * 8, checks


def test_a_change_of_a_text_that_is_gone_is_refused() -> None:
    notebook = site_notebooks.code_notebook(["print(1)"])
    assert site_notebooks.adapted(notebook, {"print(1)": ""})["cells"] == []
    with pytest.raises(site_notebooks.Outdated, match=r"print\(2\)"):
        site_notebooks.adapted(notebook, {"print(2)": ""})
