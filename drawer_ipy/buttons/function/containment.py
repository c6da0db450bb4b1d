"""Prevents a button from ending the event loop or the program, instead of only its item.

During a run, ``loop.stop()`` raises if a press calls it, and a SystemExit or KeyboardInterrupt in a task that
a button started becomes an ordinary exception of that task. asyncio lets these two pass through the loop,
which would end a notebook's kernel.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from types import CoroutineType
from typing import Any

from drawer_ipy.common.cancellation import is_closed
from drawer_ipy.common.platform import in_browser
from drawer_ipy.common.tracebacks import describe

PRESS: contextvars.ContextVar[list[BaseException] | None] = contextvars.ContextVar(
    "drawer_ipy press", default=None
)
"""In code called by a run: the errors raised because the press did something forbidden; they fail the press.
Tasks, threads and callbacks that a button starts inherit it, so that their errors count as well.
"""


class Refused(RuntimeError):
    """A button tried to end more than its own item."""


class _Guard:
    """Replace a method of an object during runs, and refuse calls from a press."""

    def __init__(self, method: Callable[..., Any], refuse: Callable[[], BaseException]) -> None:
        self.method = method
        self.users = 0
        self._refuse = refuse

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        refused = PRESS.get()
        if refused is not None:
            error = self._refuse()
            refused.append(error)
            raise error
        return self.method(*args, **kwargs)


_LOCK = threading.Lock()
"""Runs in several threads may guard the same shell."""


@contextmanager
def refusing(owner: Any, name: str, refuse: Callable[[], BaseException]) -> Iterator[None]:
    """During the block, ``owner.name()`` raises the result of `refuse` if a press calls it."""
    attributes = getattr(owner, "__dict__", None)
    # An event loop implemented in C cannot be guarded; a shell in the browser has no ask_exit.
    if attributes is None or not hasattr(owner, name):
        yield
        return
    with _LOCK:
        guard = attributes.get(name)
        if not isinstance(guard, _Guard):
            guard = _Guard(getattr(owner, name), refuse)
            before = attributes.get(name)
            setattr(owner, name, guard)
        else:
            before = None
        guard.users += 1
    try:
        yield
    finally:
        with _LOCK:
            guard.users -= 1
            if not guard.users and attributes.get(name) is guard:
                if before is None:
                    delattr(owner, name)
                else:
                    setattr(owner, name, before)


class _Factory:
    """A task factory that contains the tasks that presses start."""

    def __init__(self, before: Callable[..., Any] | None) -> None:
        self.before = before
        self.users = 0

    def __call__(self, loop: asyncio.AbstractEventLoop, coro: Any, **kwargs: Any) -> Any:
        coro = _of_press(coro)
        if self.before is not None:
            return self.before(loop, coro, **kwargs)
        return asyncio.Task(coro, loop=loop, **kwargs)


class _CreateTask:
    """A loop's ``create_task`` that does the same, for a loop that cannot use a task factory."""

    def __init__(self, create: Callable[..., Any]) -> None:
        self.create = create
        self.users = 0

    def __call__(self, coro: Any, **kwargs: Any) -> Any:
        return self.create(_of_press(coro), **kwargs)


def _of_press(coro: Any) -> Any:
    """Return `coro`, contained if a press starts it."""
    if PRESS.get() is not None and (type(coro) is CoroutineType or asyncio.iscoroutine(coro)):
        return _contained(coro)
    return coro


async def _contained(coro: Coroutine[Any, Any, Any]) -> Any:
    try:
        return await coro
    except (SystemExit, KeyboardInterrupt, GeneratorExit) as error:
        if isinstance(error, GeneratorExit) and is_closed():
            raise
        refusal = Refused(f"a task that a button started raised {describe(error)}")
        refused = PRESS.get()
        if refused is not None:
            refused.append(refusal)
        raise refusal from error


@contextmanager
def contained(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """During the block, presses cannot end `loop` or the program. Runs may overlap in any order."""
    with (
        _tasks_contained(loop),
        refusing(loop, "stop", lambda: Refused("a button must not stop the event loop that it runs on")),
    ):
        yield


@contextmanager
def _tasks_contained(loop: Any) -> Iterator[None]:
    if in_browser():
        # Pyodide's loop drops the name and the context of a task that a factory makes, and fails with 3.14.
        create = vars(loop).get("create_task")
        if not isinstance(create, _CreateTask):
            create = loop.create_task = _CreateTask(loop.create_task)
        create.users += 1
        try:
            yield
        finally:
            create.users -= 1
            if not create.users and vars(loop).get("create_task") is create:
                del loop.create_task
        return
    before: Any = loop.get_task_factory()
    factory = before if isinstance(before, _Factory) else _Factory(before)
    loop.set_task_factory(factory)
    factory.users += 1
    try:
        yield
    finally:
        factory.users -= 1
        if not factory.users and loop.get_task_factory() is factory:
            loop.set_task_factory(factory.before)
