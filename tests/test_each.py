"""``each`` and ``aeach``: one function, button or URL for every item, from Python."""

from __future__ import annotations

import asyncio
import dataclasses
import threading
from collections import namedtuple
from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd
import polars as pl
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pages_rig import Site, running
from workspace_rig import Folder

from drawer_ipy import (
    ButtonNotFound,
    DefinitionError,
    DrawerFailed,
    UsageError,
    aeach,
    apress,
    each,
    press,
)

FRAME = pd.DataFrame({"url": ["a", "bb", "ccc"], "country": ["x", "y", "z"]})
ROWS = FRAME.to_dict("records")
STEP = "steps: [{id: a, button: size, args: {x: abc}}]\n"


@dataclasses.dataclass
class Place:
    url: str
    country: str


class Model(pydantic.BaseModel):
    url: str
    country: str


Pair = namedtuple("Pair", "url country")


def size(x: Any) -> int:
    return len(x)


def joined(url: str, country: str = "-") -> str:
    return f"{url}/{country}"


async def slow(x: Any) -> Any:
    await asyncio.sleep(0)
    return x


@pytest.fixture
def site() -> Iterator[Site]:
    with running() as site:
        site.pages["/a"] = "<p>a</p>"
        yield site


@pytest.mark.parametrize(
    "items",
    [
        FRAME,
        pl.from_pandas(FRAME),
        pl.from_pandas(FRAME).to_arrow(),
        ROWS,
        [Place(**row) for row in ROWS],
        [Model(**row) for row in ROWS],
        [Pair(**row) for row in ROWS],
        [tuple(row.values()) for row in ROWS],
        each(dict, FRAME, quiet=True),
    ],
    ids=["pandas", "polars", "pyarrow", "dicts", "dataclasses", "models", "named", "tuples", "Results"],
)
def test_a_function_of_several_parameters_gets_the_columns_of_their_names(items: Any) -> None:
    found = each(joined, items, parallelism=2, quiet=True)
    assert found["output"].to_list() == ["a/x", "bb/y", "ccc/z"]


@pytest.mark.parametrize(
    ("function", "items", "outputs"),
    [
        (size, ["a", "bb"], [1, 2]),
        (lambda row: row["url"], FRAME, ["a", "bb", "ccc"]),
        (lambda row: row.url, FRAME, ["a", "bb", "ccc"]),
        (joined, ["a", "bb"], ["a/-", "bb/-"]),
        (len, {"a": 1}.items(), [2]),
        (str, range(3), ["0", "1", "2"]),
        (lambda **row: sorted(row), ROWS[:1], [["country", "url"]]),
        (slow, FRAME["url"], ["a", "bb", "ccc"]),
        (lambda url, other=3: other, FRAME, [3, 3, 3]),
        (size, [], []),
    ],
)
def test_a_function_of_one_parameter_gets_the_item(function: Any, items: Any, outputs: list[Any]) -> None:
    assert [row.output for row in each(function, items, quiet=True)] == outputs


def test_constant_arguments_are_given_to_every_press() -> None:
    assert each(joined, ["a"], args={"country": "de"}, quiet=True)["output"].to_list() == ["a/de"]


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ({"country": "x"}, "needs the column 'url'"),
        ({"uri": "x"}, "did you mean 'uri'? the columns are uri"),
        (3, None),
        ((1, 2, 3), "(1, 2, 3) has no columns"),
    ],
)
def test_an_item_without_a_needed_column_is_a_failed_row(row: Any, text: str | None) -> None:
    found = each(joined, [row], quiet=True)
    if text is None:
        assert found["output"].to_list() == ["3/-"]
    else:
        error = found.errors[0]
        assert text in f"{error.message} {error.remediation}"


@pytest.mark.parametrize(
    ("what", "items", "options", "kind", "text"),
    [
        (3, [], {}, UsageError, "a function, the name of a button or a URL"),
        ("siz", [], {}, ButtonNotFound, "did you mean 'size'?"),
        (size, {"a": 1}, {}, UsageError, "list(d.items())"),
        (size, "text", {}, UsageError, "text.splitlines()"),
        (size, None, {}, UsageError, "`items` is None"),
        (size, 3, {}, UsageError, "`items` is of type int"),
        (lambda: 1, [1], {}, UsageError, "takes no argument"),
        (lambda a, b: a, FRAME, {}, UsageError, "the columns are url, country"),
        (joined, FRAME.rename(columns={"url": "uri"}), {}, UsageError, "did you mean 'uri'?"),
        (size, [1], {"args": {"y": 1}}, UsageError, "takes no argument 'y'"),
        (size, [1], {"args": [1]}, UsageError, "args must be a mapping"),
        (size, [1], {"parallelism": -1}, UsageError, "parallelism must be"),
        (size, [1], {"parallism": 2}, UsageError, "did you mean 'parallelism'?"),
        (size, [1], {"retry": -1}, UsageError, "retry must be"),
        (size, [1], {"retry": 1.5}, UsageError, "retry must be"),
        (size, [1], {"timeout": 0}, UsageError, "timeout must be"),
        (size, [1], {"timeout": "2"}, UsageError, "timeout must be"),
        (size, [1], {"rate": "5"}, UsageError, "is not a rate"),
        (size, [1], {"cache": "soon"}, UsageError, "not a length of time"),
        (size, [1], {"tolerate": "many"}, UsageError, "give a count"),
        (size, [1], {"stop": True, "tolerate": 1}, UsageError, "cannot be combined"),
        (size, [1], {"extract": {}}, UsageError, "only a URL takes"),
        ("https://h/{{id}}", [1], {"extrakt": {}}, DefinitionError, "did you mean 'extract'?"),
        ("https://h/{{id}}", FRAME, {"body": "{{x}}{{y}}"}, UsageError, "needs the column"),
    ],
)
def test_an_invalid_call_is_refused_before_anything_runs(
    what: Any, items: Any, options: dict[str, Any], kind: type[Exception], text: str
) -> None:
    with pytest.raises(kind) as caught:
        each(what, items, **options)
    assert text in str(caught.value)


def test_every_item_is_tried_and_failures_are_rows() -> None:
    found = each(size, ["a", 4, "ccc", 5], parallelism=2, quiet=True)
    assert [row.status for row in found] == ["ok", "failed", "ok", "failed"]
    with pytest.raises(DrawerFailed):
        each(size, ["a", 4, "ccc"], stop=True, quiet=True)
    with pytest.raises(DrawerFailed):
        each(size, ["a", 4, "ccc", 5], tolerate=1, quiet=True)
    assert len(each(size, ["a", 4, "ccc", 5], tolerate="50%", quiet=True).failed) == 2


def test_a_failed_item_is_retried() -> None:
    tries: list[str] = []

    def flaky(x: str) -> str:
        tries.append(x)
        if len(tries) < 3:
            raise ValueError("not yet")
        return x

    assert each(flaky, ["a"], retry=2, quiet=True)["output"].to_list() == ["a"]
    assert len(tries) == 3


def test_a_slow_item_is_a_timeout() -> None:
    async def stuck(x: int) -> int:
        await asyncio.sleep(x)
        return x

    found = each(stuck, [0, 60], parallelism=2, timeout=0.2, quiet=True)
    assert [row.status for row in found] == ["ok", "failed"]
    assert found.errors[0].code == "TIMEOUT"


def test_a_retry_uses_the_current_function_of_that_name() -> None:
    names: dict[str, Any] = {}
    exec("from drawer_ipy import each\ndef work(x): return 1 / x\nr = each(work, [1, 0], quiet=True)", names)
    exec("def work(x): return 7\nr.retry(quiet=True)", names)
    assert names["r"]["output"].to_list() == [1.0, 7]


def test_a_url_is_requested_for_every_item(site: Site) -> None:
    url, options = f"{site.url}/{{{{id}}}}", {"quiet": True}
    found = each(url, ["a", "nope"], parallelism=2, **options)
    assert [row.status for row in found] == ["ok", "failed"]
    assert each(url, pd.DataFrame({"id": ["a"], "other": ["x"]}), **options).ok


def test_a_button_is_pressed_by_its_name(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Folder(tmp_path / ".buttons").button("double", 'printf %s "$BUTTONS_ARG_X$BUTTONS_ARG_X"', "x")
    assert each("double", ["a", "b"], quiet=True)["output"].to_list() == ["aa", "bb"]
    assert each("double", [{"x": "a", "y": 1}], quiet=True)["output"].to_list() == ["aa"]
    with pytest.raises(UsageError, match="where button 'double' is defined"):
        each("double", ["a"], cache="1d")


def test_a_second_run_is_answered_from_the_cache(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".buttons").mkdir()
    monkeypatch.chdir(tmp_path)
    first, second = (each(joined, ["a"], cache="1d", quiet=True) for _ in range(2))
    assert [first[0].steps["output"].cached, second[0].steps["output"].cached] == [False, True]


def test_the_asynchronous_form_runs_on_the_callers_loop() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()

        async def here(x: int) -> bool:
            return asyncio.get_running_loop() is loop

        assert (await aeach(here, range(3), quiet=True))["output"].to_list() == [True] * 3

    asyncio.run(main())


def test_cancelling_the_task_cancels_the_run() -> None:
    ended: list[int] = []

    async def main() -> None:
        started = asyncio.Event()

        async def stuck(x: int) -> None:
            started.set()
            try:
                await asyncio.sleep(60)
            finally:
                ended.append(x)

        task = asyncio.create_task(aeach(stuck, range(3), parallelism=2, quiet=True))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert 0 in ended


WAYS: dict[str, Callable[[], Any]] = {
    "gather": lambda: asyncio.gather(apress(STEP, quiet=True), aeach(size, ["abc"], quiet=True)),
    "create_task": lambda: asyncio.create_task(apress(STEP, quiet=True)),
    "wait_for": lambda: asyncio.wait_for(apress(STEP, quiet=True), 30),
    "button's name": lambda: asyncio.gather(aeach("size", ["abc"], quiet=True)),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_press_in_a_task_finds_the_functions_of_its_caller(way: str) -> None:
    async def main() -> Any:
        return await WAYS[way]()

    found = asyncio.run(main())
    assert all(one.ok for one in (found if isinstance(found, list) else [found]))


def test_a_press_in_a_task_group_finds_the_local_functions_of_its_caller() -> None:
    async def main() -> Any:
        def local(x: str) -> int:
            return len(x)

        async with asyncio.TaskGroup() as group:
            task = group.create_task(apress(STEP.replace("size", "local"), quiet=True))
        return task.result()

    assert asyncio.run(main()).ok
    assert asyncio.iscoroutinefunction(apress)


def test_a_press_in_a_thread_finds_the_functions_of_the_main_module(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import __main__

    monkeypatch.setattr(__main__, "size", size, raising=False)

    async def main() -> list[Any]:
        loop = asyncio.get_running_loop()
        return [
            await asyncio.to_thread(press, STEP, quiet=True),
            await loop.run_in_executor(None, press, STEP),
            await asyncio.to_thread(each, "size", ["a"], quiet=True),
        ]

    assert all(found.ok for found in asyncio.run(main()))


@given(st.lists(st.integers(0, 5), max_size=30), st.integers(1, 9))
def test_rows_keep_the_order_of_the_items_within_the_parallelism(items: list[int], n: int) -> None:
    running, most = 0, 0
    lock = threading.Lock()

    async def work(x: int) -> int:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        for _ in range(x):
            await asyncio.sleep(0)
        with lock:
            running -= 1
        return x

    found = each(work, items, parallelism=n, quiet=True)
    assert [row.output for row in found] == items
    assert most <= n


def test_the_columns_of_a_frame_come_before_the_outputs(tmp_path: Any) -> None:
    frame = FRAME.set_index(pd.Index([10, 20, 30], name="key"))
    found = each(joined, frame, quiet=True, save=tmp_path / "t.csv")
    back = found.to_pandas()
    assert list(back.columns) == ["url", "country", "output"]
    assert back.index.equals(frame.index)
    assert (tmp_path / "t.csv").read_text().splitlines()[1] == "a,x,a/x"


@pytest.mark.parametrize("check", [True, False])
def test_a_save_that_fails_at_the_end_loses_nothing(
    tmp_path: Any, check: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "later"
    folder.mkdir()

    def last(x: int) -> int:
        folder.rmdir()
        return x

    found = each(last, [1], save=folder / "t.csv", check=check)
    assert found.ok
    assert "the table was not saved" in capsys.readouterr().err


def test_press_saves_its_table(tmp_path: Any) -> None:
    press(STEP, quiet=True, save=tmp_path / "t.jsonl")
    assert '"output":3' in (tmp_path / "t.jsonl").read_text().replace(" ", "")
    with pytest.raises(UsageError, match="suffix"):
        press(STEP, quiet=True, save=tmp_path / "t.xls")


class OnlyIterable:
    def __iter__(self) -> Iterator[str]:
        return iter(["a", "bb"])


class OnlyAsync:
    async def __aiter__(self) -> Any:
        for x in ("a", "bb"):
            yield x


@pytest.mark.parametrize(
    "items",
    [iter(["a", "bb"]), map(str, ["a", "bb"]), (x for x in ["a", "bb"]), OnlyIterable(), OnlyAsync()],
    ids=["iterator", "map", "generator", "iterable", "async"],
)
def test_items_may_come_from_iterators(items: Any) -> None:
    assert each(size, items, parallelism=2, quiet=True)["output"].to_list() == [1, 2]


def test_models_inside_a_row_stay_models() -> None:
    class Inner(pydantic.BaseModel):
        n: int

    class Outer(pydantic.BaseModel):
        inner: Inner
        label: str

    @dataclasses.dataclass
    class Holder:
        inner: Inner
        label: str

    def take(inner: Any, label: str) -> bool:
        return isinstance(inner, Inner) and label == "x"

    items = [Outer(inner=Inner(n=1), label="x"), Holder(Inner(n=1), "x")]
    assert [row.output for row in each(take, items, quiet=True)] == [True, True]
