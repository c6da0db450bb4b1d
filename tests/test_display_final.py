"""What stays in the notebook when a run has ended: whole without a script, harmless, small."""

from __future__ import annotations

import html.parser
import re
from collections.abc import Callable
from typing import Any

import pytest

from drawer_ipy.display.final import final_bundle
from drawer_ipy.display.progress import ProgressState, Snapshot
from drawer_ipy.engine.events import (
    Listeners,
    LoopStarted,
    RunFinished,
    RunStarted,
    StepFinished,
    StepStarted,
)
from drawer_ipy.errors import ErrorInfo
from drawer_ipy.pictures import timeline
from drawer_ipy.record.loop import CANCELLED, FAILED, OK, RUNNING, LoopOutput, LoopRecord
from drawer_ipy.record.run import RunRecord
from drawer_ipy.record.step import StepResult
from drawer_ipy.results import Results

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&\x1b[31m\u202e</details></svg>"
STDERR = HOSTILE * 1000
LIMIT = 200_000


def ended(
    n: int,
    output: Callable[[int], Any] = lambda k: {"title": f"t{k}"},
    *,
    status: str = "ok",
    error: Callable[[int], ErrorInfo | None] = lambda k: None,
    name: str = "pages",
    upto: int | None = None,
) -> tuple[Snapshot, Results]:
    """A run of one loop of `n` items, ended; items from `upto` on never started."""
    listeners, state = Listeners(), ProgressState()
    state.attach(listeners)
    step = StepResult("each", started=1e9)
    run = RunRecord("0" * 16, name, status="running", started=1e9, steps=[step])
    listeners.emit(RunStarted(run, ("each",)))
    listeners.emit(StepStarted(run, step))
    loop = LoopRecord(("each",), "u", [HOSTILE if n > 100 else f"i{k}" for k in range(n)], ["page"], 8)
    step.output = LoopOutput(loop)
    listeners.emit(LoopStarted(loop))
    for index in range(n if upto is None else upto):
        loop.move(index, RUNNING)
        result = StepResult("page", status="ok", output=output(index), error=error(index))
        if result.error is not None:
            result.status, result.output, result.stderr = "error", None, STDERR
        loop.columns[0].put(index, result)
        cancelled = result.error is not None and result.error.code == "CANCELLED"
        loop.move(index, CANCELLED if cancelled else FAILED if result.error else OK)
    loop.close()
    step.status, step.finished, run.status, run.finished = status, 1e9 + 4, status, 1e9 + 4
    listeners.emit(StepFinished(run, step))
    listeners.emit(RunFinished(run))
    return state.snapshot(state.clock()), Results.of(run)


class Page(html.parser.HTMLParser):
    """Tags in their order, each closed; text apart from styles."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: dict[str, set[str]] = {}
        self.open: list[str] = []
        self.text = ""
        self.feed(page)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.open.append(tag)
        for name, value in attrs:
            self.attributes.setdefault(name, set()).add(value or "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data


def page_of(snapshot: Snapshot, results: Results) -> tuple[str, Page]:
    shown = final_bundle(snapshot, results)["text/html"]
    return shown, Page(shown)


HARMLESS = {
    "div",
    "span",
    "style",
    "table",
    "caption",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "bdi",
    "details",
    "summary",
}
HARMLESS |= {"a", "pre", "code", "svg", "g", "path", "rect", "line", "text", "tspan", "title"}


def check(page: Page) -> None:
    assert page.tags <= HARMLESS
    assert not [name for name in page.attributes if name.startswith("on") or name in ("href", "src")]
    assert not any("url(" in style or "http" in style for style in page.attributes.get("style", ()))


def test_the_final_output_has_summary_bar_table_errors_and_timeline() -> None:
    failing = ErrorInfo("HTTP", "404", "check the URL")
    shown, page = page_of(*ended(30, error=lambda k: failing if k % 10 == 3 else None))
    check(page)
    assert re.match(
        r"\s*pages · ⚠ finished · 27 ok · 3 failed · .* · \d{4}-\d\d-\d\d \d\d:\d\d:\d\d", page.text
    )
    assert page.attributes["role"] == {"progressbar", "img", "group"}
    assert "3 × HTTP in page: 404 (items 3, 13, 23)" in page.text
    assert "check the URL" in page.text
    assert shown.count("<details") == 2
    assert shown.count("<svg") == 1
    assert "3 failed rows first" in page.text
    assert "7 more rows not shown" in page.text


@pytest.mark.parametrize(
    ("status", "upto", "words"),
    [
        ("ok", 20, "pages · ✔ finished · 20 ok"),
        ("failed", 12, "pages · ✘ failed · 12 ok · 8 skipped"),
        ("cancelled", 5, "pages · ⊘ cancelled · 5 ok · 15 skipped"),
        ("cancelled", 0, "pages · ⊘ cancelled · 0 ok · 20 skipped"),
    ],
)
def test_the_final_output_says_how_the_run_ended(status: str, upto: int, words: str) -> None:
    _, page = page_of(*ended(20, status=status, upto=upto))
    check(page)
    assert words in page.text


def all_kinds(k: int) -> ErrorInfo:
    return ErrorInfo("X" * 500 + chr(97 + k % 20), HOSTILE * 200, HOSTILE * 200)


@pytest.mark.parametrize(
    ("output", "error"),
    [
        (lambda k: HOSTILE * 1000, lambda k: None),
        (lambda k: {f"{HOSTILE}{c}": "&" * 10**5 for c in range(30)}, lambda k: None),
        (lambda k: {f"\U0001f600{c}": "\U0001f600" * 10**4 for c in range(30)}, lambda k: None),
        (lambda k: [["'" * 10**4] * 50] * 50, lambda k: all_kinds(k) if k % 3 == 0 else None),
        (lambda k: None, all_kinds),
        (lambda k: {"t": k}, lambda k: ErrorInfo("CANCELLED", "x") if k % 2 else None),
    ],
    ids=["long text", "ampersands", "emoji", "quotes and failures", "all failed", "half cancelled"],
)
def test_ten_thousand_hostile_items_stay_below_200_kb_and_do_nothing(
    output: Callable[[int], Any], error: Callable[[int], ErrorInfo | None]
) -> None:
    few, why = [output(k) for k in range(7)], [error(k) for k in range(60)]
    snapshot, results = ended(10_000, lambda k: few[k % 7], error=lambda k: why[k % 60], name=HOSTILE * 100)
    bundle = final_bundle(snapshot, results)
    check(Page(bundle["text/html"]))
    size = sum(len(text.encode()) for text in bundle.values())
    assert size < LIMIT, size
    assert "<svg" in bundle["text/html"]


def test_a_failing_picture_does_not_affect_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(run: RunRecord) -> str:
        raise ZeroDivisionError

    monkeypatch.setattr(timeline, "timeline_svg", broken)
    shown, page = page_of(*ended(5))
    assert "<svg" not in shown
    assert "t4" in page.text


def test_a_run_that_never_began_says_why() -> None:
    run = RunRecord("0" * 16, "pages", status="failed", error=ErrorInfo("MISSING_INPUT", "no urls"))
    _, page = page_of(Snapshot(drawer="pages", status="failed"), Results.of(run))
    check(page)
    assert "no step ran: MISSING_INPUT: no urls" in page.text
