"""Ten thousand items: the page stays responsive, and what stays is small."""

from __future__ import annotations

import json

import pytest
from browser_rig import BrowserNotebook, Opener

SETUP = """\
import asyncio
%load_ext drawer_ipy

async def quick(n: int) -> int:
    await asyncio.sleep(0.02)
    if n % 97 == 0:
        raise ValueError(f"{n} is a multiple of 97")
    return n
"""

RUN = """\
%%drawer many --no-raise n={range(10_000)}
steps:
  - id: each
    kind: for_each
    over: ${inputs.n}
    as: n
    parallelism: 40
    on_item_failure: continue
    steps:
      - {id: quick, button: quick, args: {n: "${n}"}}
"""

# The longest time that the page did not draw, in ms, from now on.
WATCH_THE_FRAMES = """() => {
    window.longest = 0;
    let before = performance.now();
    const frame = now => {
        window.longest = Math.max(window.longest, now - before);
        before = now;
        requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
}"""


@pytest.fixture(scope="module")
def notebook(open_notebook: Opener) -> BrowserNotebook:
    return open_notebook([SETUP, RUN, "None"])


def script_seconds(notebook: BrowserNotebook) -> tuple[float, float]:
    """Seconds on the page's clock, and those of them that its scripts have taken so far."""
    session = notebook.page.context.new_cdp_session(notebook.page)
    session.send("Performance.enable")
    found = {metric["name"]: metric["value"] for metric in session.send("Performance.getMetrics")["metrics"]}
    return found["Timestamp"], found["ScriptDuration"]


def test_ten_thousand_items_do_not_freeze_the_page(notebook: BrowserNotebook) -> None:
    notebook.start(1)
    notebook.wait_done(1, 500)
    notebook.page.evaluate(WATCH_THE_FRAMES)
    before = script_seconds(notebook)
    notebook.type(2, "# typed while it runs")
    assert notebook.cell(2).locator(".cm-content").inner_text() == "# typed while it runs"
    notebook.wait_done(1, 7000)
    passed, scripts = (now - then for now, then in zip(script_seconds(notebook), before, strict=True))
    assert scripts < 0.15 * passed, (scripts, passed)
    assert notebook.page.evaluate("window.longest") < 1000
    notebook.table(1).wait_for()
    notebook.wait_idle()
    assert notebook.page.evaluate("window.longest") < 1000


def test_what_stays_of_ten_thousand_items_is_small(notebook: BrowserNotebook) -> None:
    notebook.save()
    outputs = json.loads((notebook.server.folder / notebook.path).read_text())["cells"][1]["outputs"]
    assert [sorted(output["data"]) for output in outputs] == [["text/html", "text/plain"]]
    assert len(json.dumps(outputs)) < 200_000
    assert "9,896 ok · 104 failed" in notebook.output(1).inner_text()
