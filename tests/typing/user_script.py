"""A script of a user: it runs, and mypy --strict and pyright accept it and infer the asserted types."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, assert_type

import drawer_ipy
from drawer_ipy import (
    ArgumentError,
    ButtonNotFound,
    DefinitionError,
    Drawer,
    DrawerCancelled,
    DrawerError,
    DrawerFailed,
    DrawerNotFound,
    ResolveError,
    Results,
    UsageError,
    Validation,
    apress,
    button,
    press,
)
from drawer_ipy.errors import ErrorInfo, Problem
from drawer_ipy.pictures.graph import Graph
from drawer_ipy.pictures.picture import Picture
from drawer_ipy.record.run import RunRecord
from drawer_ipy.results import Column, ItemError, ItemErrors, Row, StepCell
from drawer_ipy.results.shown.story import Story

# A decorated function keeps its signature, whatever it is and however it is decorated.


@button
def double(n: int, *, by: int = 2) -> int:
    return n * by


@button()
def shout(text: str) -> str:
    return text.upper()


@button(name="half-of", timeout=20, rate="500/s", cache=None)
def half(n: int) -> float:
    if n == 5:
        raise ValueError("5 is odd")
    return n / 2


@button
async def waited(n: int) -> dict[str, int]:
    await asyncio.sleep(0)
    return {"n": n}


@button(timeout=None)
async def waited_longer(n: int) -> list[int]:
    await asyncio.sleep(0)
    return [n]


@button
async def streamed(n: int) -> AsyncIterator[int]:
    yield n


assert_type(double(3, by=4), int)
assert_type(shout("a"), str)
assert_type(half(2), float)
keeps_its_type: Callable[[int], float] = half


async def decorated() -> None:
    assert_type(await waited(1), dict[str, int])
    assert_type(await waited_longer(1), list[int])
    async for n in streamed(1):
        assert_type(n, int)


TEXT = """
name: halves
inputs: {ns: {required: true}}
steps:
  - id: each
    kind: for_each
    over: ${inputs.ns}
    as: n
    on_item_failure: continue
    parallelism: 4
    steps:
      - {id: half, button: half-of, args: {n: "${n}"}}
"""


def pressing() -> Results:
    results = press(TEXT, {"ns": [1, 2, 3]}, parallelism=2, concurrency=8, quiet=True)
    assert_type(results, Results)
    mapping: dict[str, Any] = {"name": "one", "steps": [{"id": "a", "button": "double", "args": {"n": 2}}]}
    assert press(mapping, buttons={"double": double}, mode="parallel", on_failure="continue", quiet=True).ok
    assert press(Drawer.load(TEXT), {"ns": []}, parallelism="auto", check=False, quiet=True).status == "ok"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "halves.yaml"
        path.write_text(TEXT, "utf-8")
        press(path, {"ns": [1]}, quiet=True)
        press(str(path), {"ns": [1]}, quiet=True)
    return press(TEXT, {"ns": range(2, 8)}, check=False, quiet=True)


async def awaiting() -> Results:
    results = await apress(TEXT, {"ns": [2, 5, 8]}, check=False, quiet=True)
    assert_type(results, Results)
    assert_type(await results.aretry(quiet=True), Results)
    return results


def a_drawer() -> None:
    drawer = Drawer.load(TEXT)
    assert_type(drawer, Drawer)
    assert_type(drawer.name, str)
    found = drawer.validate({"ns": [1]}, buttons={"half-of": half})
    assert_type(found, Validation)
    assert_type(drawer.validate(["ns"]).ok, bool)
    assert_type(found.problems, list[Problem])
    assert_type(found.errors + found.warnings, list[Problem])
    assert_type(found.to_dict(), dict[str, Any])
    for problem in found:
        assert_type(problem.line, int | None)
    assert found.ok
    assert_type(drawer.graph(), Graph)
    assert_type(drawer.graph().mermaid, str)
    assert_type(Drawer.model_validate({"steps": []}), Drawer)


def a_table(results: Results) -> None:
    assert_type(results[0], Row)
    assert_type(results["half"], Column)
    for table in (
        results[1:3],
        results[[0, 2]],
        results[[True] * len(results)],
        results[["n", "half"]],
        results[0, 2],
        results[results["n"][:0]],
        results.ok,
        results.failed,
        results.cancelled,
        results.skipped,
        results.filter(status="ok"),
        results.filter(lambda row: row["n"] > 1),
        results.filter({"n": 2}),
        results.sort("n", reverse=True),
        results.sort(lambda row: row.index),
        results.step("each"),
        results.errors.rows,
        results.retry(quiet=True),
    ):
        assert_type(table, Results)
    assert_type(len(results), int)
    assert_type(list(results), list[Row])
    assert_type(results.columns, tuple[str, ...])
    assert_type(results.counts, dict[str, int])
    assert_type(results.status, str)
    assert_type(results.run, RunRecord)
    assert_type(results.outputs, Column)
    assert_type(results.explain(0), Story)
    assert_type(results.timeline(width=600), Picture)
    assert_type("n" in results, bool)


def rows_and_columns(results: Results) -> None:
    row = results[-1]
    assert_type(row.index, int)
    assert_type(row.item, Any)
    assert_type(row["half"], Any)
    assert_type(row.ok, bool)
    assert_type(row.status, str)
    assert_type(row.output, Any)
    assert_type(row.error, ErrorInfo | None)
    assert_type(row.steps, dict[str, StepCell])
    assert_type(row.steps["half"].attempts, int)
    assert_type(row.duration, float | None)
    assert_type(dict(row), dict[str, Any])
    column = results["n"]
    assert_type(column.to_list(), list[Any])
    assert_type(column[0], Any)
    assert_type(column[1:], Column)
    assert_type(column.name, str)


def exports(results: Results) -> None:
    assert_type(results.to_dict(), dict[str, list[Any]])
    assert_type(results.to_dicts(flatten=True), list[dict[str, Any]])
    assert_type(results.to_csv(), str)
    assert_type(results.to_json(), str)
    with tempfile.TemporaryDirectory() as folder:
        results.to_csv(Path(folder) / "a.csv", flatten=True)
        results.to_json(f"{folder}/a.json")
        results.to_parquet(f"{folder}/a.parquet")
    assert len(results.to_pandas()) == len(results)
    assert_type(results.to_polars(flatten=True).height, int)
    # pyarrow has no types.
    assert results.to_arrow().num_rows == len(results)  # pyright: ignore[reportUnknownMemberType]


def masks(results: Results) -> None:
    import numpy as np
    import polars as pl

    assert_type(results[np.int64(1)], Row)
    assert_type(results[np.array([0, 1], dtype=np.int64)], Results)
    assert_type(results[np.array([True] * len(results), dtype=np.bool_)], Results)
    assert_type(results[pl.Series([True] * len(results))], Results)


def failures() -> None:
    try:
        press(TEXT.replace("continue", "stop"), {"ns": [5]}, quiet=True)
    except DrawerCancelled as cancelled:
        assert_type(cancelled.results, Results)
    except DrawerFailed as failed:
        assert_type(failed.results, Results)
        assert_type(failed.results.errors, ItemErrors[Results])
        assert_type(failed.results.errors[0], ItemError)
        assert_type(failed.results.errors[0].exception, BaseException | None)
        assert_type(failed.results.errors.to_dicts(), list[dict[str, Any]])
        assert_type((failed.code, failed.message, failed.remediation), tuple[str, str, str])
    try:
        press("steps: [{id: a, button: absent}]", quiet=True)
    except DefinitionError as wrong:
        assert_type(wrong.problems, list[Problem])
        assert_type(wrong.source, str)
    try:
        Drawer.load("absent")
    except DrawerNotFound as missing:
        assert_type(missing.info(), ErrorInfo)
    others: tuple[type[DrawerError], ...] = (ArgumentError, ButtonNotFound, ResolveError, UsageError)
    assert len(others) == 4


def main() -> None:
    asyncio.run(decorated())
    a_drawer()
    for results in (pressing(), asyncio.run(awaiting())):
        a_table(results)
        rows_and_columns(results)
        exports(results)
        masks(results)
    failures()
    assert_type(drawer_ipy.__version__, str)
    print("drawer_ipy", drawer_ipy.__version__, file=sys.stderr)


if __name__ == "__main__":
    main()
