"""The lesson: its notebooks are what the source says, and the checks accept right answers only."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import aiohttp
import pytest
from notebook_rig import ROOT, execute, read

from drawer_ipy import Results, each
from drawer_ipy.demo import DemoSite, lesson

FOLDER = ROOT / "notebooks" / "lesson"


@pytest.fixture(scope="module")
def make() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_lesson", FOLDER / "make.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def site() -> Iterator[DemoSite]:
    with DemoSite.start() as started:
        yield started


def verdicts(notebook: Any) -> list[str]:
    """The first character of each check's text."""
    texts = [
        output["data"]["text/plain"]
        for cell in notebook.cells
        if cell.cell_type == "code" and "lesson.check_" in cell.source
        for output in cell.outputs
        if output.output_type == "execute_result"
    ]
    return [text[0] for text in texts]


@pytest.mark.parametrize("solved", [False, True], ids=["students", "solutions"])
def test_the_notebooks_are_made_from_the_source(make: ModuleType, solved: bool) -> None:
    path: Path = make.SOLUTIONS if solved else make.STUDENTS
    text = make.SOURCE.read_text(encoding="utf-8")
    assert path.read_text(encoding="utf-8") == make.notebook(text, solved=solved)


@pytest.mark.parametrize(
    ("solved", "mark"),
    [(False, "\N{HORIZONTAL ELLIPSIS}"), (True, "\N{HEAVY CHECK MARK}")],
    ids=["students", "solutions"],
)
def test_every_cell_runs_and_every_check_says_whether_it_is_solved(
    make: ModuleType, tmp_path: Path, solved: bool, mark: str
) -> None:
    path: Path = make.SOLUTIONS if solved else make.STUDENTS
    executed = execute(read(path), tmp_path)
    assert verdicts(executed) == [mark] * 8


def test_each_exercise_has_a_stub_a_solution_and_a_check(make: ModuleType) -> None:
    text = make.SOURCE.read_text(encoding="utf-8")
    stubs = text.count("```python stub\n")
    assert stubs == text.count("```python solution\n") == text.count("lesson.check_")
    assert text.count("**Exercise ") + text.count("## 9 Exit quiz") == stubs


async def unbounded(fetch: Callable[[str], Awaitable[Any]], urls: list[str], n: int) -> list[Any]:
    return await asyncio.gather(*(fetch(url) for url in urls))


async def one_by_one(fetch: Callable[[str], Awaitable[Any]], urls: list[str], n: int) -> list[Any]:
    return [await fetch(url) for url in urls]


async def in_order_of_ending(fetch: Callable[[str], Awaitable[Any]], urls: list[str], n: int) -> list[Any]:
    places = asyncio.Semaphore(n)

    async def one(url: str) -> Any:
        async with places:
            return await fetch(url)

    return [await page for page in asyncio.as_completed([one(url) for url in urls])]


async def only_some(fetch: Callable[[str], Awaitable[Any]], urls: list[str], n: int) -> list[Any]:
    return [await fetch(url) for url in urls[:n]]


async def of_status_codes(fetch: Callable[[str], Awaitable[Any]], urls: list[str], n: int) -> list[Any]:
    places = asyncio.Semaphore(n)

    async def one(url: str) -> int:
        async with places:
            await fetch(url)
        return 200

    return await asyncio.gather(*(one(url) for url in urls))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (unbounded, "24 requests were in flight"),
        (one_by_one, "only 1 were in flight"),
        (in_order_of_ending, "not in the order"),
        (only_some, "requests for 24 pages"),
        (of_status_codes, "a list of the pages"),
    ],
)
def test_a_wrong_bounded_fetch_is_refused_with_the_reason(
    site: DemoSite, wrong: Callable[..., Awaitable[Any]], message: str
) -> None:
    async def checked() -> lesson.Verdict:
        async with aiohttp.ClientSession() as client:

            async def fetch(url: str) -> Any:
                async with client.get(url) as response:
                    return await response.json()

            return await lesson.check_bounded(lambda urls, n: wrong(fetch, urls, n), site, widths=[3])

    verdict = asyncio.run(checked())
    assert verdict.ok is False
    assert message in verdict.text


@pytest.mark.parametrize(
    ("answer", "ok"), [(4, True), (3, False), (5, False), (24, False), (0, False), (..., None)]
)
def test_the_smallest_number_in_flight(answer: Any, ok: bool | None) -> None:
    assert lesson.check_smallest(answer, pages=24, wait=0.1, within=0.7).ok is ok


@pytest.mark.parametrize(
    ("function", "ok"),
    [
        (lambda n, w: n * w, True),
        (lambda n, w: w, False),
        (lambda n, w: ..., None),
        (..., None),
        (2.4, False),
    ],
)
def test_the_prediction_is_a_function(function: Any, ok: bool | None) -> None:
    assert lesson.check_prediction(function).ok is ok


def results(failing: set[int], **options: Any) -> Results:
    def item(n: int) -> int:
        if n in failing:
            raise ValueError(n)
        return n

    return each(item, range(6), quiet=True, check=False, **options)


@pytest.mark.parametrize(
    ("table", "ok"),
    [
        (lambda: results({2, 4}), True),
        (lambda: results({2, 4}, stop=True), False),
        (lambda: results({1}), False),
        (lambda: 4, False),
        (lambda: ..., None),
    ],
)
def test_every_item_has_to_be_tried(table: Callable[[], Any], ok: bool | None) -> None:
    assert lesson.check_every_item_tried(table(), failing=[2, 4]).ok is ok


@pytest.mark.parametrize(
    ("answers", "ok"),
    [
        (lesson.ANSWERS, True),
        ({**lesson.ANSWERS, "a": 3}, False),
        (dict.fromkeys("abcde", ...), None),
        (..., None),
    ],
)
def test_the_quiz_names_the_questions_to_look_at_again(answers: Any, ok: bool | None) -> None:
    verdict = lesson.check_quiz(answers)
    assert verdict.ok is ok
    assert ok is not False or verdict.text.endswith("Look again at: a.")


def test_a_verdict_is_text_in_html() -> None:
    assert "&lt;b&gt;" in lesson.Verdict(False, "<b>")._repr_html_()
