"""Function buttons: arguments, results, failures, threads and time limits."""

from __future__ import annotations

import asyncio
import contextvars
import enum
import functools
import gc
import math
import sys
import threading
import time
import weakref
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any, Literal

import pytest
from IPython.core.compilerop import CachingCompiler
from pydantic import BaseModel

from drawer_ipy.buttons import Call, FunctionButton, Outcome, Resources, as_button, button
from drawer_ipy.common.tracebacks import name_cells
from drawer_ipy.errors import ArgumentError, UsageError


def run(work: Callable[[Call], Awaitable[Any]], timeout: float | None = None) -> Any:
    async def main() -> Any:
        resources = Resources()
        try:
            return await work(Call(resources, timeout))
        finally:
            await resources.aclose()

    return asyncio.run(main())


def press(function: Any, args: dict[str, Any] | None = None, timeout: float | None = None) -> Outcome:
    made = as_button(function, None if getattr(function, "__name__", "<") != "<lambda>" else "f")
    outcome = run(lambda call: made.press(made.bind(args or {}), call), timeout)
    assert isinstance(outcome, Outcome)
    return outcome


class Color(enum.Enum):
    RED = "red"


class Page(BaseModel):
    url: str
    size: int = 0


def typed(n: int, how: Literal["a", "b"] = "a", color: Color = Color.RED, *, page: Page | None = None) -> Any:
    return n, how, color, page


def test_a_decorated_function_stays_callable() -> None:
    @button
    def double(x: Any) -> Any:
        return 2 * x

    @button(name="other", timeout=3, rate="5/s")
    async def triple(x: Any) -> Any:
        return 3 * x

    assert double(2) == 4
    mark = triple.__drawer_button__  # type: ignore[attr-defined]
    assert (mark.name, mark.timeout, mark.rate) == ("other", 3, "5/s")
    assert as_button(triple) is mark


def test_a_wrapper_of_a_decorated_function_is_called() -> None:
    @button(name="b")
    def inner() -> int:
        return 1

    @functools.wraps(inner)
    def outer() -> int:
        return 10 + inner()

    made = as_button(outer)
    assert made.name == "b"
    assert press(outer).output == 11


def test_the_signature_declares_the_arguments() -> None:
    specs = as_button(typed).args
    assert [(s.name, s.type, s.required, s.values) for s in specs] == [
        ("n", "int", True, []),
        ("how", "enum", False, ["a", "b"]),
        ("color", "enum", False, ["red"]),
        ("page", "any", False, []),
    ]


def test_annotations_convert_arguments() -> None:
    outcome = press(typed, {"n": "5", "color": "red", "page": {"url": "u", "size": "3"}})
    assert outcome.output == (5, "a", Color.RED, Page(url="u", size=3))


def test_null_means_the_default_if_the_annotation_excludes_none() -> None:
    assert press(typed, {"n": 1, "how": None}).output[1] == "a"


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        ({}, "MISSING_ARG", "'n'"),
        ({"n": "five"}, "VALIDATION_ERROR", "'n'"),
        ({"n": 1, "how": "c"}, "VALIDATION_ERROR", "'how'"),
        ({"n": 1, "pgae": 1}, "VALIDATION_ERROR", "'pgae'"),
        ({"n": 1, "page": {"url": 1, "size": "x"}}, "VALIDATION_ERROR", "page"),
    ],
)
def test_bad_arguments_show_the_signature(args: dict[str, Any], code: str, words: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        as_button(typed).bind(args)
    assert caught.value.code == code
    assert words in caught.value.message
    assert "typed(n:" in caught.value.remediation
    if "pgae" in args:
        assert "did you mean 'page'" in caught.value.remediation


def test_numbers_are_accepted_for_text_parameters() -> None:
    def f(page: str) -> str:
        return page

    assert press(f, {"page": 5}).output == "5"


def test_unresolvable_annotations_accept_any_value() -> None:
    def f(x, y: int) -> Any:  # type: ignore[no-untyped-def]
        return x, y

    f.__annotations__ = {"x": "NoSuchClass", "y": "int"}
    assert press(f, {"x": "text", "y": "3"}).output == ("text", 3)


def test_objects_are_passed_by_identity() -> None:
    thing = object()
    values = [thing]
    outcome = press(lambda x, y: (x, y), {"x": thing, "y": values})
    assert outcome.output[0] is thing
    assert outcome.output[1] is values


def test_variable_arguments_are_passed() -> None:
    def f(a: int, **rest: Any) -> Any:
        return a, rest

    assert as_button(f).open_args
    assert press(f, {"a": "1", "b": 2}).output == (1, {"b": 2})


class Scaler:
    def __init__(self, by: int = 2) -> None:
        self.by = by

    def __call__(self, x: int) -> int:
        return self.by * x

    async def later(self, x: int) -> int:
        return self.by * x


class AsyncCallable:
    async def __call__(self, x: int) -> str:
        return f"{x} on {threading.current_thread().name}"


def returns_coroutine(x: int) -> Any:
    return Scaler().later(x)


async def agen(n: int) -> Any:
    for i in range(n):
        yield i


@pytest.mark.parametrize(
    ("function", "args", "output"),
    [
        (Scaler(3), {"x": "2"}, 6),
        (Scaler(3).later, {"x": "2"}, 6),
        (functools.partial(Scaler(3), x=4), {}, 12),
        (math.sqrt, {"x": 9}, 3.0),
        (math.pow, {"x": 2, "y": 3}, 8.0),
        (len, {"obj": [1, 2]}, 2),
        (dict, {"a": 1}, {"a": 1}),
        (Page, {"url": "u"}, Page(url="u")),
        (returns_coroutine, {"x": 4}, 8),
        (agen, {"n": 3}, [0, 1, 2]),
        (lambda: (i for i in range(3)), {}, [0, 1, 2]),
        (AsyncCallable(), {"x": 1}, "1 on MainThread"),
    ],
)
def test_any_callable_can_be_a_button(function: Any, args: dict[str, Any], output: Any) -> None:
    assert press(function, args).output == output


def test_objects_that_are_not_buttons_are_refused() -> None:
    with pytest.raises(UsageError, match="must be callable"):
        as_button(3)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="lambda"):
        as_button(lambda: 1)
    with pytest.raises(UsageError, match="as_button"):
        button(len)


def boom(x: Any) -> None:
    secret_page = "x" * 10
    raise ValueError(f"bad {x}{secret_page[:0]}")


async def aboom(x: Any) -> None:
    boom(x)


@pytest.mark.parametrize("function", [boom, aboom])
def test_an_exception_is_an_outcome_without_frames_of_drawer_ipy(function: Any) -> None:
    outcome = press(function, {"x": "thing"})
    assert (outcome.status, outcome.exit_code) == ("error", 1)
    assert outcome.error is not None
    assert (outcome.error.code, outcome.error.message) == ("FUNCTION_ERROR", "ValueError: bad thing")
    assert isinstance(outcome.error.exception, ValueError)
    assert outcome.error.exception.__traceback__ is None
    assert "drawer_ipy/" not in outcome.stderr
    assert outcome.stderr.rstrip().endswith("ValueError: bad thing")
    assert 'raise ValueError(f"bad' in outcome.stderr


def test_a_traceback_names_a_cell_as_a_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    compiler = CachingCompiler()
    file = compiler.cache("def fails() -> None:\n    raise ValueError('bad')", 3)
    shell = SimpleNamespace(compile=compiler)
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    names: dict[str, Any] = {}
    exec(compile("def fails() -> None:\n    raise ValueError('bad')", file, "exec"), names)
    trace = press(names["fails"]).stderr
    assert "  Cell In[3], line 2, in fails\n" in trace
    assert file not in trace


def test_a_traceback_is_unchanged_outside_a_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: None))
    assert name_cells('  File "a.py", line 2, in f') == '  File "a.py", line 2, in f'


def test_locals_of_a_failed_function_are_freed() -> None:
    class Big:
        pass

    refs = []

    def f() -> None:
        big = Big()
        refs.append(weakref.ref(big))
        raise RuntimeError("no")

    outcome = press(f)
    gc.collect()
    assert outcome.error is not None
    assert refs[0]() is None


@pytest.mark.parametrize(
    "error", [SystemExit(3), StopIteration(1), StopAsyncIteration(), TimeoutError("own")]
)
@pytest.mark.parametrize("is_async", [True, False])
@pytest.mark.parametrize("timeout", [None, 5])
def test_unusual_exceptions_are_function_errors(error: BaseException, is_async: bool, timeout: float) -> None:
    def f() -> None:
        raise error

    async def g() -> None:
        raise error

    outcome = press(g if is_async else f, timeout=timeout)
    assert outcome.status == "error"
    assert outcome.error is not None
    assert outcome.error.code == "FUNCTION_ERROR"
    assert type(error).__name__ in outcome.error.message or "coroutine raised" in outcome.error.message


def test_awaiting_a_cancelled_task_is_a_failure_not_a_cancellation() -> None:
    async def f() -> None:
        task = asyncio.ensure_future(asyncio.sleep(10))
        asyncio.get_running_loop().call_soon(task.cancel)
        await task

    assert press(f).status == "error"


@pytest.mark.parametrize("is_async", [True, False])
def test_a_function_ends_at_its_timeout(is_async: bool) -> None:
    over = threading.Event()

    def f() -> None:
        over.wait(30)

    async def g() -> None:
        await asyncio.sleep(30)

    started = time.perf_counter()
    outcome = press(g if is_async else f, timeout=0.1)
    over.set()
    assert time.perf_counter() - started < 10
    assert (outcome.status, outcome.exit_code) == ("timeout", -1)
    assert outcome.error is not None
    assert (outcome.error.code, outcome.error.message) == ("TIMEOUT", "timed out after 0.1 s")


def test_a_cancelled_sync_function_is_abandoned_and_no_thread_remains() -> None:
    before = threading.active_count()
    ended = threading.Event()

    def f() -> None:
        time.sleep(0.3)
        ended.set()

    async def work(call: Call) -> float:
        made = as_button(f)
        task = asyncio.ensure_future(made.press(made.bind({}), call))
        await asyncio.sleep(0.05)
        started = time.perf_counter()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return time.perf_counter() - started

    assert run(work) < 0.1
    assert ended.wait(2)
    for _ in range(1000):
        if threading.active_count() <= before:
            return
        time.sleep(0.01)
    raise AssertionError("a thread was left")


def test_threads_are_reused_and_grow_on_demand() -> None:
    names = set()
    all_there = threading.Barrier(40, timeout=10)

    def f(wait: bool) -> None:
        names.add(threading.current_thread().name)
        if wait:
            all_there.wait()

    async def work(call: Call) -> None:
        made = as_button(f)
        for _ in range(5):
            await made.press(made.bind({"wait": False}), call)
        assert len(names) == 1
        pressed = (made.press(made.bind({"wait": True}), call) for _ in range(40))
        assert {outcome.status for outcome in await asyncio.gather(*pressed)} == {"ok"}

    run(work)
    assert len(names) == 40


VAR: contextvars.ContextVar[int] = contextvars.ContextVar("VAR", default=0)


def test_context_variables_are_available_in_the_thread() -> None:
    async def work(call: Call) -> Any:
        VAR.set(7)
        made = as_button(VAR.get, "f")
        return (await made.press(made.bind({}), call)).output

    assert run(work) == 7


def test_a_partial_has_the_name_of_its_function() -> None:
    assert FunctionButton(functools.partial(typed, n=1)).name == "typed"
