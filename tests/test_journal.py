"""Runs on disk: what is kept, how a later process goes on with it, and how it is listed and opened."""

from __future__ import annotations

import asyncio
import collections
import dataclasses
import datetime as dt
import decimal
import fractions
import os
import pathlib
import time
import uuid
import zoneinfo
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import drawer_ipy
from drawer_ipy import Results, UsageError, aeach, apress, each, press
from drawer_ipy.cache.private import private_key
from drawer_ipy.journal.codec import Unkept, decode, encode
from drawer_ipy.journal.folder import files, glance, prune
from drawer_ipy.journal.reader import read_run

pytestmark = pytest.mark.usefixtures("runs_folder")


class Work:
    """A button that notes what it pressed."""

    def __init__(self, bad: Any = ()) -> None:
        self.pressed: list[Any] = []
        self.bad = set(bad)

    def __call__(self, x: Any) -> Any:
        self.pressed.append(x)
        if x in self.bad:
            raise ValueError(x)
        return {"of": x, "press": len(self.pressed)}

    def again(self) -> None:
        self.pressed.clear()
        self.bad.clear()


LOOP = {"id": "each", "kind": "for_each", "over": "${inputs.xs}", "as": "x", "on_item_failure": "continue"}
STEP = {"id": "work", "button": "work", "args": {"x": "${x}"}}


def drawer(*more: Any, name: str = "pages", loop: Any = (), inputs: Any = ("xs",)) -> dict[str, Any]:
    each_step = {**LOOP, "steps": [STEP], **dict(loop)}
    return {"name": name, "inputs": list(inputs), "steps": [each_step, *more]}


def go(work: Callable[..., Any], xs: Any, *, text: Any = None, **options: Any) -> Results:
    options = {"durable": "on", "check": False, "quiet": True, **options}
    buttons = {"work": work, **options.pop("buttons", {})}
    return press(text or drawer(), {"xs": xs, **options.pop("inputs", {})}, buttons=buttons, **options)


def notes(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().err


# Values


@dataclasses.dataclass
class Point:
    x: int


class NotPicklable:
    def __reduce__(self) -> Any:
        raise TypeError("cannot be pickled, on purpose")


VALUES = [
    None,
    True,
    10**40,
    0.1,
    float("inf"),
    "text \ud800 with half a pair",
    b"\0bytes",
    bytearray(b"changed"),
    (1, (2, [3])),
    {1, 2},
    frozenset({"a"}),
    {"a": {"b": [1]}, 2: 3},
    dt.datetime(2024, 2, 29, 12, tzinfo=dt.UTC),
    dt.datetime(2024, 2, 29, 12, fold=1, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin")),
    dt.timedelta(days=1, microseconds=1),
    dt.time(1, 2, 3),
    decimal.Decimal("1.500"),
    fractions.Fraction(1, 3),
    uuid.UUID(int=7),
    pathlib.PurePosixPath("/a/b"),
    collections.OrderedDict(a=1),
    collections.deque([1, 2], maxlen=3),
    collections.Counter("aab"),
    complex(1, 2),
    range(3, 9, 2),
    slice(1, 2),
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
@pytest.mark.parametrize("trusted", [True, False])
def test_values_come_back_with_their_types_from_any_file(value: Any, trusted: bool) -> None:
    data, lost = encode([value, 1])
    (found, one) = decode(data, 2, trusted=trusted)
    assert (found, one, lost) == (value, 1, {})
    assert type(found) is type(value)
    if isinstance(value, dt.datetime):
        assert (found.tzinfo, found.fold) == (value.tzinfo, value.fold)


def test_objects_come_back_from_ones_own_file_only() -> None:
    data, lost = encode([1, Point(2), "a"])
    assert not lost
    assert decode(data, 3, trusted=True) == [1, Point(2), "a"]
    one, two, three = decode(data, 3, trusted=False)
    assert (one, three) == (1, "a")
    assert isinstance(two, Unkept)


def test_a_value_that_cannot_be_kept_costs_only_itself() -> None:
    data, lost = encode([1, NotPicklable(), {"x": NotPicklable()}, 4])
    assert list(lost) == [1, 2]
    assert "on purpose" in lost[1]
    found = decode(data, 4, trusted=True)
    assert (found[0], found[3]) == (1, 4)
    assert all(isinstance(value, Unkept) for value in found[1:3])


# Pressing and going on


def test_a_resumed_run_presses_only_what_did_not_end_ok(runs_folder: Path) -> None:
    work = Work([3, 5])
    assert go(work, list(range(8))).counts["failed"] == 2
    work.again()
    results = go(work, list(range(8)), resume=True)
    assert work.pressed == [3, 5]
    assert [row["of"] for row in results] == list(range(8))
    work.again()
    assert [row["of"] for row in go(work, list(range(8)), resume=True)] == list(range(8))
    assert work.pressed == []
    assert len(files(runs_folder)) == 1


def test_how_much_was_kept_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    go(Work([1]), [0, 1, 2])
    notes(capsys)
    go(Work(), [0, 1, 2], resume=True, quiet=False)
    assert "the run was resumed: 2 kept · 1 to go" in notes(capsys)
    go(Work(), [0, 1, 2], resume=True, quiet=False)
    assert "3 kept, nothing to do" in notes(capsys)


def test_resume_begins_a_run_if_there_is_none() -> None:
    work = Work()
    assert len(go(work, [1, 2], resume=True)) == 2
    assert work.pressed == [1, 2]


def test_the_list_may_have_changed(runs_folder: Path) -> None:
    work = Work()
    go(work, list(range(1000)))
    work.again()
    results = go(work, [-1, *range(500), *range(501, 1000)], resume=True)
    assert work.pressed == [-1]
    assert [row["of"] for row in results] == [-1, *range(500), *range(501, 1000)]
    work.again()
    shuffled = [*range(500), -1, *range(999, 500, -1)]
    results = go(work, shuffled, resume=True)
    assert work.pressed == []
    assert [row["of"] for row in results] == shuffled
    assert results.explain(500), "its story goes back to the press that made it"
    assert len(read_run(files(runs_folder)[0], private_key())) == 3


def test_later_steps_are_pressed_again_if_the_loop_changed_and_only_then() -> None:
    calls: list[Any] = []

    def total(n: int) -> int:
        calls.append(n)
        return n

    after = {"id": "total", "button": "total", "args": {"n": "${each.output.total}"}}
    work, text = Work(), drawer(after)
    go(work, [1, 2], text=text, buttons={"total": total})
    go(work, [1, 2], text=text, buttons={"total": total}, resume=True)
    assert calls == [2]
    results = go(work, [1, 2, 3], text=text, buttons={"total": total}, resume=True)
    assert calls == [2, 3]
    assert results.run.step("total").output == 3


def test_nested_loops_and_steps_before_the_loop_are_kept() -> None:
    calls: list[Any] = []

    def pages(n: int) -> list[int]:
        calls.append("pages")
        return list(range(n))

    inner = {**LOOP, "id": "inner", "over": "${shop.pages}", "steps": [STEP]}
    outer = {
        "id": "each",
        "kind": "for_each",
        "over": "${inputs.shops}",
        "as": "shop",
        "on_item_failure": "continue",
        "steps": [inner],
    }
    first = {"id": "pages", "button": "pages", "args": {"n": 3}}
    text = {"name": "shops", "inputs": ["shops"], "steps": [first, outer]}
    shops = [{"name": "a", "pages": [1, 2, 3]}, {"name": "b", "pages": [4, 5]}]
    work = Work([2, 4])
    options: dict[str, Any] = {"durable": "on", "check": False, "quiet": True}
    buttons: dict[str, Any] = {"work": work, "pages": pages}
    press(text, {"shops": shops}, buttons=buttons, **options)
    work.again()
    results = press(text, {"shops": shops}, buttons=buttons, resume=True, **options)
    assert sorted(work.pressed) == [2, 4]
    assert calls == ["pages"]
    inner_rows = [[e["steps"]["work"]["output"]["of"] for e in row["inner"]["results"]] for row in results]
    assert inner_rows == [[1, 2, 3], [4, 5]]


def test_an_iterator_that_is_made_anew_keeps_its_rows() -> None:
    def items(n: int) -> Iterator[int]:
        yield from range(n)

    work = Work([2])
    go(work, items(5))
    work.again()
    results = go(work, items(7), resume=True)
    assert work.pressed == [2, 5, 6]
    assert [row["of"] for row in results] == list(range(7))


def test_a_retry_is_another_press_in_the_same_file(runs_folder: Path) -> None:
    work = Work([1])
    results = go(work, [0, 1, 2])
    work.again()
    results.retry(quiet=True)
    (path,) = files(runs_folder)
    assert glance(path).presses == 2
    work.again()
    assert [row["of"] for row in go(work, [0, 1, 2], resume=True)] == [0, 1, 2]
    assert work.pressed == []


def test_a_short_run_leaves_no_file_and_off_keeps_nothing(runs_folder: Path) -> None:
    go(Work(), [1], durable="auto")
    go(Work(), [1], durable="off")
    assert files(runs_folder) == []


def test_a_run_of_more_than_two_seconds_is_kept_with_everything_so_far(runs_folder: Path) -> None:
    async def slow(x: int) -> int:
        await asyncio.sleep(0.5 if x < 5 else 0)
        return x

    go(slow, list(range(20)), durable="auto")
    (path,) = files(runs_folder)
    (stored,) = read_run(path, private_key())
    assert [entry["steps"]["work"]["output"] for entry in stored.record.steps[0].output["results"]] == list(
        range(20)
    )


def test_what_has_changed_is_said_and_pressed_on_request_only(capsys: pytest.CaptureFixture[str]) -> None:
    pressed: list[Any] = []

    def version_one(x: int) -> int:
        pressed.append(x)
        return x

    def version_two(x: int) -> int:
        pressed.append(x)
        return x * 10

    options: dict[str, Any] = {"quiet": False}
    go(version_one, [1, 2, 3])
    notes(capsys)
    results = go(version_two, [1, 2, 3], resume=True, **options)
    assert list(results["work"]) == [1, 2, 3]
    said = notes(capsys)
    assert "each.work has changed since; 3 rows are by the earlier one (--changed presses them again)" in said
    go(version_one, [1, 2, 3], resume=True, **options)
    results = go(version_two, [1, 2, 3], resume=True, changed=True, **options)
    assert list(results["work"]) == [10, 20, 30]
    assert pressed == [1, 2, 3, 1, 2, 3]


def test_the_same_function_with_other_data_around_it_has_not_changed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    seen: list[int] = []

    def count(x: int) -> int:
        seen.append(x)
        return x

    go(count, [1, 2])
    notes(capsys)
    go(count, [1, 2], resume=True, quiet=False)
    assert "has changed" not in notes(capsys)


def test_an_input_that_has_changed_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    step = {"id": "work", "button": "work", "args": {"x": "${x}", "lang": "${inputs.lang}"}}
    text = drawer(inputs=("xs", "lang"), loop={"steps": [step]})
    pressed: list[Any] = []

    def work(x: int, lang: str) -> str:
        pressed.append(x)
        return f"{x} {lang}"

    go(work, [1, 2], text=text, inputs={"lang": "de"})
    results = go(work, [1, 2, 3], text=text, inputs={"lang": "fr"}, resume=True, quiet=False)
    assert list(results["work"]) == ["1 de", "2 de", "3 fr"]
    assert "input 'lang' has changed since" in notes(capsys)
    results = go(work, [1, 2, 3], text=text, inputs={"lang": "it"}, resume=True, changed=True)
    assert list(results["work"]) == ["1 it", "2 it", "3 it"]


def test_a_step_that_was_added_or_removed(capsys: pytest.CaptureFixture[str]) -> None:
    work = Work()
    go(work, [1, 2])
    more = {"id": "more", "button": "more", "args": {"x": "${work.output.of}"}}
    text = drawer(loop={"steps": [STEP, more]})
    work.again()
    results = go(work, [1, 2], text=text, buttons={"more": lambda x: x * 100}, resume=True)
    assert work.pressed == []
    assert list(results["more"]) == [100, 200]
    results = go(work, [1, 2], resume=True)
    assert work.pressed == []
    assert [row["of"] for row in results] == [1, 2]


def test_rows_that_are_too_old_are_pressed_again() -> None:
    work = Work()
    go(work, [1, 2])
    time.sleep(1.2)
    work.again()
    go(work, [1, 2, 3], resume=True)
    assert work.pressed == [3]
    work.again()
    go(work, [1, 2, 3], resume=True, max_age=1.0)
    assert work.pressed == [1, 2]


def test_a_value_that_cannot_be_kept_is_said_and_made_again(capsys: pytest.CaptureFixture[str]) -> None:
    pressed: list[int] = []

    def work(x: int) -> Any:
        pressed.append(x)
        return NotPicklable() if x == 2 else x

    go(work, [1, 2, 3], quiet=False)
    assert "1 value was not kept on disk" in notes(capsys)
    pressed.clear()
    results = go(work, [1, 2, 3], resume=True)
    assert pressed == [2]
    assert results.counts["ok"] == 3


def test_a_class_that_is_gone_costs_one_value() -> None:
    kind = dataclasses.make_dataclass("Gone", ["x"])
    kind.__module__ = __name__
    globals()["Gone"] = kind
    pressed: list[int] = []

    def work(x: int) -> Any:
        pressed.append(x)
        return kind(x) if x == 2 else Point(x)

    try:
        go(work, [1, 2, 3])
    finally:
        del globals()["Gone"]
    pressed.clear()
    results = go(work, [1, 2, 3], resume=True)
    assert pressed == [2]
    assert results[0]["work"] == Point(1)


def test_async_presses_and_each_resume_too() -> None:
    pressed: list[Any] = []

    def fetch(x: int) -> int:
        pressed.append(x)
        if x == 2 and len(pressed) < 4:
            raise ValueError
        return x

    each(fetch, [1, 2, 3], durable="on", check=False, quiet=True)
    assert len(each(fetch, [0, 1, 2, 3], durable="on", resume=True, quiet=True)) == 4
    assert pressed == [1, 2, 3, 0, 2]
    asyncio.run(aeach(fetch, [0, 1, 2, 3, 4], durable="on", resume=True, quiet=True))
    assert pressed[5:] == [4]
    work = Work()
    buttons = {"work": work}
    asyncio.run(apress(drawer(), {"xs": [1]}, buttons=buttons, durable="on", quiet=True))
    asyncio.run(apress(drawer(), {"xs": [1, 2]}, buttons=buttons, durable="on", resume=True, quiet=True))
    assert work.pressed == [1, 2]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"resume": "nothing"}, "the id of a run"),
        ({"resume": "abcdef"}, "there is no run whose id begins with 'abcdef'"),
        ({"resume": 1.5}, "the id of a run"),
        ({"changed": True}, "no effect without resume"),
        ({"max_age": 5.0}, "no effect without resume"),
        ({"resume": True, "max_age": -1}, "above 0"),
        ({"durable": "maybe"}, "auto or on or strict or off"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        go(Work(), [1], **options)


def test_a_drawer_without_a_name_is_resumed_by_id_only(runs_folder: Path) -> None:
    text = {key: value for key, value in drawer().items() if key != "name"}
    work = Work([1])
    go(work, [1, 2], text=text)
    with pytest.raises(UsageError, match="without a name"):
        go(work, [1, 2], text=text, resume=True)
    work.again()
    go(work, [1, 2], text=text, resume=glance(files(runs_folder)[0]).id)
    assert work.pressed == [1]


def test_a_run_of_another_drawer_is_refused(runs_folder: Path) -> None:
    go(Work(), [1])
    with pytest.raises(UsageError, match="is of drawer 'pages'"):
        go(Work(), [1], text=drawer(name="other"), resume=glance(files(runs_folder)[0]).id)


# Opening


def test_a_stored_table_opens_with_its_story_its_exports_and_a_retry(runs_folder: Path) -> None:
    go(Work([1]), [0, 1, 2])
    table = Results.open("pages")
    assert table.counts == {"ok": 2, "failed": 1, "cancelled": 0, "skipped": 0}
    assert table.to_dicts()[0]["of"] == 0
    assert "ValueError: 1" in repr(table.explain(1))
    assert table.timeline()
    assert table.errors[0].message == "ValueError: 1"
    assert len(table.to_pandas()) == 3
    with pytest.raises(drawer_ipy.DrawerError, match="work") as caught:
        table.retry(quiet=True)
    assert "--resume" in caught.value.remediation
    assert Results.open(glance(files(runs_folder)[0]).id[:6]).status == "ok"


def test_an_opened_table_is_retried_with_the_functions_of_the_caller(runs_folder: Path) -> None:
    pressed: list[int] = []
    fail = True

    def work(x: int) -> int:
        pressed.append(x)
        if fail and x == 1:
            raise ValueError
        return x

    press(drawer(), {"xs": [0, 1, 2]}, durable="on", check=False, quiet=True)
    fail = False
    pressed.clear()
    table = Results.open("pages")
    table.retry(quiet=True)
    assert pressed == [1]
    assert list(table["work"]) == [0, 1, 2]
    assert glance(files(runs_folder)[0]).presses == 2
    assert Results.open("pages").counts["ok"] == 3


def test_runs_are_listed_kept_and_removed(runs_folder: Path) -> None:
    go(Work([1]), [0, 1])
    go(Work(), [1], text=drawer(name="other"))
    assert [run.drawer for run in drawer_ipy.runs()] == ["other", "pages"]
    (run,) = drawer_ipy.runs("pages")
    assert run.status == "ok"
    assert "1 failed" in repr(run)
    run.keep()
    assert drawer_ipy.runs("pages")[0].to_dict()["keep"] is True
    drawer_ipy.runs("other")[0].remove()
    assert [run.drawer for run in drawer_ipy.runs()] == ["pages"]
    with pytest.raises(UsageError, match="there is no stored run 'page'") as caught:
        Results.open("page")
    assert "did you mean 'pages'" in str(caught.value)
    assert str(runs_folder) in str(caught.value)


def test_a_living_run_is_listed_and_cannot_be_resumed(runs_folder: Path) -> None:
    errors: list[UsageError] = []
    shown: list[str] = []

    def work(x: int) -> int:
        until = time.monotonic() + 10
        while not files(runs_folder) and time.monotonic() < until:
            time.sleep(0.01)
        time.sleep(0.3)
        shown.extend(run.status for run in drawer_ipy.runs("pages"))
        try:
            go(Work(), [1], resume=True)
        except UsageError as error:
            errors.append(error)
        return x

    go(work, [1])
    assert shown == ["running"]
    assert f"running in pid {os.getpid()}" in errors[0].message


def test_the_oldest_runs_are_removed_but_not_those_that_are_kept_or_unfinished(
    runs_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        go(Work([1] if number == 1 else ()), [1], text=drawer(name="d"))
        time.sleep(1.05)
    paths = files(runs_folder)[::-1]
    drawer_ipy.runs("d")[-1].keep()
    monkeypatch.setattr("drawer_ipy.journal.folder.PER_DRAWER", 3)
    prune(runs_folder, paths[-1], now=time.time() + 100)
    assert files(runs_folder)[::-1] == [paths[0], paths[1], paths[3]]
    prune(runs_folder, paths[-1], now=time.time() + 40 * 86400)
    assert files(runs_folder)[::-1] == [paths[0], paths[3]]
