"""Tables for tests of what a page asks about them, without a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from drawer_ipy.display.tables.answers import Answers
from drawer_ipy.errors import ErrorInfo
from drawer_ipy.record.loop import FAILED, OK, RUNNING, LoopOutput, LoopRecord
from drawer_ipy.record.run import RunRecord
from drawer_ipy.record.step import StepResult
from drawer_ipy.record.step_column import STEP_OK
from drawer_ipy.results import Results


def table(outputs: Sequence[Any], items: Sequence[Any] | None = None) -> Results:
    """The table of a loop with one nested step; an ErrorInfo fails its item."""
    loop = LoopRecord(("each",), "u", list(range(len(outputs))) if items is None else items, ["page"], 4)
    for index, output in enumerate(outputs):
        failed = isinstance(output, ErrorInfo)
        result = StepResult("page", status="error" if failed else "ok", output=None if failed else output)
        result.error = output if failed else None
        loop.move(index, RUNNING)
        loop.columns[0].put(index, result)
        loop.move(index, FAILED if failed else OK)
    loop.close()
    loop.ended = loop.epoch + 4.0
    run = RunRecord("0" * 16, "pages")
    run.steps.append(StepResult("each", status="ok", output=LoopOutput(loop)))
    run.status, run.started = "ok", loop.epoch
    return Results.of(run)


def many(n: int) -> Results:
    """A table of `n` rows, made in a second; every thousandth has failed."""
    outputs = [{"title": f"page {k}", "price": k * 1.25, "tags": [k, "a"]} for k in range(1000)]
    loop = LoopRecord(("each",), "u", range(n), ["page"], 4)
    column = loop.columns[0]
    column.outputs[:] = (outputs * (n // 1000 + 1))[:n]
    column.statuses[:] = bytes([STEP_OK]) * n
    loop.states[:] = bytes([OK]) * n
    failed = range(7, n, 1000)
    for index in failed:
        loop.states[index], column.outputs[index] = FAILED, None
        column.statuses[index], column.errors[index] = 2, ErrorInfo("FUNCTION_ERROR", f"{index} is refused")
    loop.counts[:] = [0, 0, n - len(failed), len(failed), 0, 0]
    loop.ended = loop.epoch + 4.0
    run = RunRecord("0" * 16, "many")
    run.steps.append(StepResult("each", status="ok", output=LoopOutput(loop)))
    run.status, run.started = "ok", loop.epoch
    return Results.of(run)


class Asked:
    """Puts questions about a table."""

    def __init__(self, results: Results) -> None:
        self.results = results
        self.answers = Answers(lambda: results.view)

    def __call__(self, ask: str, **question: Any) -> dict[str, Any]:
        return self.answers.answer({"ask": ask, **question}).content

    def column(self, name: str) -> int:
        """The position of a column on the page."""
        names: list[str] = self("open", rows=[0, 1], columns=[0, 1])["columns"]
        return names.index(name)

    def rows(self, *span: int, **query: Any) -> list[int]:
        """The indices of the rows that a query shows, window by window; `span` is one window."""
        if span:
            return [row[0] for row in self("rows", query=query, rows=[*span], columns=[0, 1])["rows"]]
        out: list[int] = []
        while True:
            answer = self("rows", query=query, rows=[len(out), len(out) + 7], columns=[0, 1])
            out += [row[0] for row in answer["rows"]]
            if len(out) >= answer["count"]:
                return out
