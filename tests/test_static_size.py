"""Static HTML stays below 200 KB for any content: many rows, wide rows, long and hostile values."""

from __future__ import annotations

from typing import Any

import pytest

from drawer_ipy import press
from drawer_ipy.display.final import final_bundle
from drawer_ipy.display.progress import Snapshot
from drawer_ipy.results import Results

LIMIT = 200_000
HOSTILE = "\u202e&<>\"'\U0001f600\x1b" * 4000
WORST = "&" * 40_000


def drawer(steps: int, arguments: int) -> dict[str, Any]:
    args = {"x": "${x}"} | {f"a{k}": "${inputs.text}" for k in range(arguments)}
    on = {"action": "continue"}
    each = {
        "id": "each", "kind": "for_each", "over": "${inputs.xs}", "as": "x", "on_item_failure": "continue",
        "parallelism": 50,
        "steps": [{"id": f"s{k}", "button": "work", "args": args, "on_failure": on} for k in range(steps)],
    }  # fmt: skip
    return {"inputs": [{"name": "text"}, {"name": "xs"}], "steps": [each]}


@pytest.fixture(scope="module", params=[HOSTILE, WORST], ids=["hostile", "escaped"])
def results(request: pytest.FixtureRequest) -> Results:
    text = request.param

    def work(x: int, **rest: str) -> dict[str, str]:
        if x % 3 == 0:
            raise ValueError(f"{x} {text}")
        return {f"{text[:60]}{k}": text for k in range(60)}

    return press(drawer(12, 40), {"text": text, "xs": list(range(60))}, buttons={"work": work}, quiet=True)


def test_every_output_of_a_hostile_run_is_small(results: Results) -> None:
    shown = {
        "table": results._repr_html_(),
        "failed": results.failed._repr_html_(),
        "errors": results.errors._repr_html_(),
        "row": results[1]._repr_html_(),
        "failed row": results[0]._repr_html_(),
        "story": results.explain(1)._repr_html_(),
        "failed story": results.explain(0)._repr_html_(),
        "final": final_bundle(Snapshot(status="ok"), results)["text/html"],
    }
    sizes = {name: len(html.encode()) for name, html in shown.items()}
    assert max(sizes.values()) < LIMIT, sizes


def test_ten_thousand_rows_are_small_too(results: Results) -> None:
    def work(x: int) -> dict[str, str]:
        if x % 7 == 0:
            raise KeyError(f"{'x' * x}{WORST}")
        return {f"column {k} {WORST[:50]}": WORST for k in range(100)}

    loop = drawer(1, 0)
    del loop["steps"][0]["steps"][0]["on_failure"]
    many = press(loop, {"text": "", "xs": list(range(10_000))}, buttons={"work": work}, quiet=True)
    for html in (many._repr_html_(), final_bundle(Snapshot(status="ok"), many)["text/html"]):
        assert len(html.encode()) < LIMIT
        assert html.index(">status<") < html.index(">error<") < html.index(">x<")
