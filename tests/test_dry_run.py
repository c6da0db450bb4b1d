"""The output of a dry run for each kind of step, without secrets."""

from __future__ import annotations

from typing import Any

import pytest

from drawer_ipy.notebook.dry_run import DryRun
from drawer_ipy.pressing.job import Options
from drawer_ipy.pressing.prepare import prepare
from drawer_ipy.pressing.surroundings import Surroundings

DRAWER = """
name: all
inputs:
  - xs
  - {name: key, secret: true}
buttons:
  list: {runtime: sh, code: "exit 1"}
steps:
  - {id: first, button: list}
  - {id: pause, kind: wait, duration: 5m}
  - id: each
    kind: for_each
    over: ${inputs.xs}
    as: x
    on_item_failure: continue
    steps:
      - id: route
        kind: switch
        cases:
          - when: ${x > 1}
            steps: [{id: big, button: work, args: {x: "${x}", rest: [1, 2, 3, 4]}}]
        steps: [{id: small, button: work, args: {x: 0}}]
"""


def work(x: Any, rest: Any = None) -> None:
    raise AssertionError("a dry run presses nothing")


def dry(text: str = DRAWER, inputs: dict[str, Any] | None = None, **options: Any) -> DryRun:
    given = {"xs": [1, 2, 3, 4], "key": "s3cret"} if inputs is None else inputs
    return DryRun(prepare(text, given, Options(**options), Surroundings(namespace={"work": work})), given)


def test_a_dry_run_shows_every_step_at_its_place() -> None:
    assert repr(dry()).splitlines() == [
        "drawer all: dry run, nothing was pressed",
        "  input xs = list of 4",
        "  input key = [redacted]",
        "  first: press list (sh script)",
        "  pause: wait 5m",
        "  each: for each x in inputs.xs, one after the other, continues when items fail",
        "    route: the first case that is true",
        "      when x > 1:",
        "        big: press work (function) with x=${x}, rest=list of 4",
        "      default:",
        "        small: press work (function) with x=0",
    ]


@pytest.mark.parametrize(
    ("width", "words"), [(0, "one after the other"), (1, "one after"), (12, "12 at once")]
)
def test_a_dry_run_shows_the_requested_parallelism(width: int, words: str) -> None:
    assert f"each: for each x in inputs.xs, {words}" in repr(dry(parallelism=width))


def test_a_dry_run_is_escaped_in_html() -> None:
    text = 'steps: [{id: a, button: work, args: {x: "<script>alert(1)</script>"}}]'
    html = dry(text, {"y": "<img src=x>"})._repr_html_()
    assert "<script" not in html
    assert "<img" not in html
    assert "&lt;script&gt;" in html


def test_a_dry_run_shows_no_secret() -> None:
    run = dry()
    assert "s3cret" not in repr(run) + run._repr_html_()
