"""``make screenshots``: take the pictures of docs/screenshots again, in a real JupyterLab."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from browser_rig import BrowserNotebook, Watched, chromium
from jupyter_rig import jupyter_in
from playwright.sync_api import Locator

FOLDER = Path(__file__).parents[2] / "docs" / "screenshots"
MOST_BYTES = 200_000

# The pages up to 260 end quickly; the others run for as long as the screenshots take.
SETUP = """\
import asyncio
%load_ext drawer_ipy


async def fetch(page: int) -> str:
    await asyncio.sleep(0.02 + page % 11 / 50 if page < 260 else 3600)
    if page % 43 == 17:
        raise TimeoutError(f"page {page} did not answer")
    return f"Item No. {page}"


async def price(title: str) -> dict:
    await asyncio.sleep(0.01)
    if title.endswith("88"):
        raise ValueError(f"{title!r} has no price")
    return {"title": title, "pounds": int(title[9:]) * 37 % 900 / 10}
"""

LOOP = """\
steps:
  - id: each
    kind: for_each
    over: ${inputs.pages}
    as: page
    parallelism: 24
    on_item_failure: continue
    steps:
      - {id: html, button: fetch, args: {page: "${page}"}}
      - {id: item, button: price, args: {title: "${html.output}"}}
"""

GRAPH = """\
from drawer_ipy import Drawer

Drawer.load('''
name: report
inputs: [{name: shops, type: list}]
steps:
  - {id: rates, button: rates}
  - id: shops
    kind: for_each
    over: ${inputs.shops}
    as: shop
    parallelism: 8
    steps:
      - {id: pages, button: list_pages, args: {shop: "${shop}"}}
      - id: each
        kind: for_each
        over: ${pages.output}
        as: page
        steps: [{id: item, button: read_item, args: {page: "${page}"}}]
  - {id: report, button: write_report, args: {shops: "${shops.output}", rates: "${rates.output}"}}
''').graph()
"""

CELLS = [
    SETUP,
    "%%drawer shop --no-raise pages={range(400)}\n" + LOOP,
    "%%drawer shop --out pages --no-raise pages={range(180)}\n" + LOOP,
    "pages.timeline()",
    GRAPH,
]
LIVE, DONE, TIMELINE, WORKFLOW = 1, 2, 3, 4


def main() -> int:
    """Take every picture; return 1 if one is too large for a README, else 0."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with notebook_of(CELLS) as notebook:
        notebook.run(0)
        notebook.start(LIVE)
        notebook.page.wait_for_timeout(3000)
        notebook.wait_done(LIVE, 260)
        take(notebook.cell(LIVE), "live")
        notebook.set_theme("Dark")
        notebook.view(LIVE).get_by_role("button", name="item 189").click()
        notebook.view(LIVE).get_by_role("tooltip").get_by_text("did not answer").wait_for()
        take(shown_by(notebook.output(LIVE)), "dark")
        notebook.cancel_button(LIVE).click()
        notebook.wait_idle()
        notebook.set_theme("Light")
        done = notebook.run(DONE)
        done.get_by_text("4 × FUNCTION_ERROR").click()
        done.get_by_text("what ran when").click()  # it has a separate picture
        take(shown_by(done), "table")
        take(notebook.run(TIMELINE).locator("svg").first, "timeline")
        take(notebook.run(WORKFLOW).locator("svg").first, "graph")
    sizes = {path.name: path.stat().st_size for path in sorted(FOLDER.glob("*.png"))}
    print("\n".join(f"{name}: {size / 1000:.0f} kB" for name, size in sizes.items()))
    return int(max(sizes.values()) > MOST_BYTES)


@contextmanager
def notebook_of(cells: list[str]) -> Iterator[BrowserNotebook]:
    with tempfile.TemporaryDirectory() as home, jupyter_in(Path(home)) as server, chromium() as browser:
        context = browser.new_context(viewport={"width": 960, "height": 1400}, device_scale_factor=1.5)
        watched = Watched()
        path = server.write("shop.ipynb", cells).name
        yield BrowserNotebook(watched.page_in(context), server, path, "notebook", watched).open()


def shown_by(output: Locator) -> Locator:
    """An output without the elements that the front end puts around it."""
    return output.locator(".jp-OutputArea-output").first


def take(shown: Locator, name: str) -> None:
    shown.screenshot(path=FOLDER / f"{name}.png", animations="disabled")


if __name__ == "__main__":
    sys.exit(main())
