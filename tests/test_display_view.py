"""The model of the live view: what is in it, how large it is, what is sent again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from drawer_ipy.display.outline import Outline
from drawer_ipy.display.progress import ProgressState
from drawer_ipy.display.view import View
from drawer_ipy.engine.events import (
    Listeners,
    LoopStarted,
    RunFinished,
    RunStarted,
    StepFinished,
    StepStarted,
)
from drawer_ipy.errors import ErrorInfo
from drawer_ipy.record.loop import FAILED, OK, RUNNING, LoopOutput, LoopRecord
from drawer_ipy.record.run import RunRecord
from drawer_ipy.record.step import StepResult

TOLD = ["each 2"]
LONG = "<b>\x1b\u202e" + "x" * 5000


class Played:
    """A run played by hand, and the view of it."""

    def __init__(self, name: str = "pages", *steps: str) -> None:
        self.listeners, self.state, self.outline = Listeners(), ProgressState(), Outline()
        self.state.attach(self.listeners)
        self.outline.attach(self.listeners)
        self.run = RunRecord("0" * 16, name)
        self.listeners.emit(RunStarted(self.run, steps or ("each",)))
        self.cancelled = 0
        self.view = View(self.cancel, lambda step, cell: [f"{step} {cell}"])
        self.sent: list[dict[str, Any]] = []
        self.view.send = lambda content, buffers=None: self.sent.append(content)

    def cancel(self) -> None:
        self.cancelled += 1

    def loop(self, step_id: str, n: int, nested: str = "page") -> LoopRecord:
        """Begin a step that loops over `n` items."""
        step = StepResult(step_id, started=1.0)
        self.listeners.emit(StepStarted(self.run, step))
        loop = LoopRecord((step_id,), "u", range(n), [nested, "second"], 4)
        step.output = LoopOutput(loop)
        self.listeners.emit(LoopStarted(loop))
        self.step = step
        return loop

    def end(self, loop: LoopRecord) -> None:
        """End that step."""
        loop.close()
        self.step.status, self.step.finished = "ok", 2.0
        self.listeners.emit(StepFinished(self.run, self.step))

    def show(self) -> list[str]:
        """Show the run as it is now; gives the names of the traits that had to be sent."""
        sent: list[str] = []
        self.view.observe(lambda change: sent.append(change["name"]))
        self.view.show(self.state.snapshot(self.state.clock()), self.outline)
        self.view.unobserve_all()
        return sorted(set(sent))


@pytest.fixture
def played() -> Iterator[Played]:
    yield from closed(Played("pages", "each", "then"))


def closed(played: Played) -> Iterator[Played]:
    yield played
    played.view.close()


def test_what_did_not_change_is_not_sent_again(played: Played) -> None:
    loop = played.loop("each", 50)
    assert {"head", "rows", "cells"} <= set(played.show())
    assert "head" not in played.show()
    loop.move(3, RUNNING)
    assert {"head", "rows", "cells"} <= set(played.show()) <= {"head", "rows", "cells", "elapsed"}


def test_a_loop_that_has_ended_is_not_sent_with_the_next_one(played: Played) -> None:
    first = played.loop("each", 50)
    played.show()
    for index in range(50):
        first.move(index, OK)
    played.end(first)
    second = played.loop("then", 20)
    assert "ended_cells" in played.show()
    keys = {row["name"]: row["key"] for row in played.view.rows}
    assert played.view.ended_cells == {keys["each"]: bytes([OK]) * 50}
    assert played.view.cells == {keys["then"]: bytes(20)}
    second.move(0, RUNNING)
    assert "ended_cells" not in played.show()
    assert played.view.head["loop"] == keys["then"]


def test_a_step_that_loops_anew_is_live_again(played: Played) -> None:
    first = played.loop("each", 5)
    played.end(first)
    played.show()
    assert played.view.cells == {}
    played.loop("each", 7)
    played.show()
    assert played.view.cells == {"r0": bytes(7)}
    assert played.view.ended_cells == {}


def test_the_end_of_the_run_is_told(played: Played) -> None:
    loop = played.loop("each", 3)
    played.show()
    assert not played.view.over
    played.end(loop)
    played.run.status = "failed"
    played.listeners.emit(RunFinished(played.run))
    played.show()
    assert played.view.over
    assert played.view.cells == {}
    assert len(played.view.ended_cells["r0"]) == 3


def test_names_of_any_length_make_no_large_message() -> None:
    played = Played(LONG, LONG, LONG + "2")
    loop = played.loop(LONG, 100, nested=LONG)
    for index in range(0, 100, 3):
        result = StepResult(LONG, status="error", error=ErrorInfo(LONG, LONG * 100))
        loop.move(index, RUNNING)
        loop.columns[0].put(index, result)
        loop.move(index, FAILED)
    played.show()
    state = {name: getattr(played.view, name) for name in ("head", "rows", "errors")}
    told = json.dumps(state)
    assert len(told) < 4000
    assert "\\u001b" not in told
    assert "\\u202e" not in told
    played.view.close()


@pytest.mark.parametrize(
    ("content", "sent"),
    [
        (
            {"kind": "ask", "row": "r0", "cell": 2},
            [{"kind": "told", "row": "r0", "cell": 2, "lines": ["each 2"]}],
        ),
        ({"kind": "ask", "row": "r9", "cell": 2}, []),
        ({"kind": "ask", "row": "each", "cell": 2}, []),
        ({"kind": "ask", "row": ["r0"], "cell": 2}, []),
        ({"kind": "ask", "row": "r0", "cell": None}, []),
        ({"kind": "ask"}, []),
        ({"kind": "hello"}, []),
        ({"kind": ["cancel"]}, []),
        ({}, []),
        ("cancel", []),
        (None, []),
        ({"kind": "cancel"}, [{"kind": "ack"}]),
    ],
)
def test_messages_are_answered_and_odd_ones_are_not(
    played: Played, content: Any, sent: list[dict[str, Any]]
) -> None:
    played.loop("each", 3)
    played.show()
    played.view._handle_custom_msg(content, [])
    assert played.sent == sent
    assert played.cancelled == (sent == [{"kind": "ack"}])
    assert played.view.heard == (content == {"kind": "hello"})


def test_a_cancel_is_in_the_model_for_other_views(played: Played) -> None:
    played.loop("each", 3)
    played.show()
    played.view._handle_custom_msg({"kind": "cancel"}, [])
    assert not played.view.cancelling, "it is the run's own thread that changes the model"
    assert "cancelling" in played.show()


def test_a_closed_view_is_empty() -> None:
    played = Played()
    played.loop("each", 300)
    played.show()
    played.view.close()
    kept = {name: getattr(played.view, name) for name in ("rows", "cells", "ended_cells", "errors", "_css")}
    assert not any(kept.values())
    assert len(played.view._esm) < 50
