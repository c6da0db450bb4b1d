"""Function buttons: any Python callable, sync or async, with objects as arguments and output."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import inspect
import time
import types
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar, overload

from drawer_ipy.buttons.answer import Answer
from drawer_ipy.buttons.base import Caching, Call, Outcome, Pages, Resources
from drawer_ipy.buttons.cache_keys import FunctionCaching, lasting
from drawer_ipy.buttons.function.containment import PRESS
from drawer_ipy.buttons.function.driving import Driver, Raised, begin, drive
from drawer_ipy.buttons.function.settings import (
    check_callable,
    check_rate,
    check_schema,
    checked_backend,
    checked_name,
    checked_timeout,
)
from drawer_ipy.buttons.function.signature import Signature
from drawer_ipy.buttons.travelling import Work
from drawer_ipy.common.cancellation import BrokenOff, Stop, TimeIsUp, forgive, is_cancelling, within
from drawer_ipy.common.platform import has_threads
from drawer_ipy.common.threads import Threads
from drawer_ipy.common.tracebacks import describe, user_traceback
from drawer_ipy.common.user_code import is_interrupt
from drawer_ipy.definition.models import ArgSpec, ButtonSpec, Queue
from drawer_ipy.errors import Code, ErrorInfo, UsageError

F = TypeVar("F", bound=Callable[..., Any])
MARK = "__drawer_button__"


class FunctionButton:
    """A callable as a button.

    An ``async def`` is awaited on the running loop. Any other callable runs in a thread of the run's
    :class:`Threads`, with the caller's context variables; an awaitable that it returns is awaited on the
    loop. Without threads, it runs on the event loop. Sync and async generators are collected into a list. A
    thread cannot be stopped from outside: after a timeout or a cancellation, a sync function runs to its end
    and its result is dropped.

    Args:
        function: any callable, including classes, builtins, partials and objects with ``__call__``.
        name: the name that a step presses it by; by default the function's own name.
        timeout: limit for a press in seconds unless the step sets one, ``None`` for no limit.
        rate: starts per time, ``"5/s"``; a mapping of ``limit`` and ``cost``; or a list of both.
        output_schema: JSON Schema of its output.
        cache: lifetime of cached results, ``"1h"`` or ``"forever"``; ``None`` for no caching.
        backend: where its presses run, ``"processes"``; ``None`` for the backend of the loop or the run.

    Attributes:
        stays: why its presses stay in the kernel; ``""`` if a backend can run them.

    Raises:
        UsageError: `function` is not callable, has no name and none is given, or another argument is
            invalid.
    """

    kind = "function"

    def __init__(
        self,
        function: Callable[..., Any],
        name: str | None = None,
        *,
        timeout: float | None = None,
        rate: Any = None,
        output_schema: Mapping[str, Any] | None = None,
        cache: str | None = None,
        backend: str | None = None,
    ) -> None:
        check_callable(function)
        self.function = function
        self.name: str = _name_of(function) if name is None else checked_name(name)
        self.timeout: float | None = checked_timeout(timeout, self.name)
        check_schema(output_schema, self.name)
        self.rate = rate
        self.queue: Queue | None = None
        self.pages: Pages | None = None
        self.needs: tuple[str, ...] = ()
        self.spec: ButtonSpec | None = None
        self.cache = cache
        lasts = lasting(cache, self.name)
        self.caching: Caching | None = None if lasts is None else FunctionCaching(function, lasts)
        self.output_schema: Mapping[str, Any] | None = output_schema
        self._signature = Signature(function, self.name)
        self.open_args: bool = self._signature.open
        self.args: tuple[ArgSpec, ...] = self._signature.specs()
        check_rate(rate, None if self.open_args else [spec.name for spec in self.args], self.name)
        self._on_loop = _is_async(function)
        self.stays = "an async function runs on the kernel's event loop" if self._on_loop else ""
        self.backend: str = checked_backend(backend, self.stays, self.name)
        self._call = _by_name(function, self._signature) if self._signature.positional else function

    def __repr__(self) -> str:
        return f"<button {self.name!r}: {self.function!r}>"

    def bind(self, args: Mapping[str, Any]) -> Mapping[str, Any]:
        """Check names, and convert arguments by their annotations; see base.Button."""
        return self._signature.bind(args)

    def work(self, bound: Mapping[str, Any], call: Call) -> Work:
        """Return a press as a call that can be sent; see travelling.Travelling."""
        names = self._signature.positional
        args, kwargs = _placed(self._signature, bound) if names else ([], bound)
        return Work(
            self.name, self.function, tuple(args), kwargs, names, functools.partial(self.press, bound, call)
        )

    def answered(self, answer: Answer) -> Outcome:
        """Return the outcome of a press that ran on a backend; see travelling.Travelling."""
        return Outcome(answer.output, stdout=answer.stdout, stderr=answer.stderr)

    async def press(self, bound: Mapping[str, Any], call: Call) -> Outcome:
        """Call the function once; see base.Button."""
        if call.timeout is not None:
            return await self._within(call.timeout, bound, call)
        result = await self.call_function(bound, call.stop, call.resources)
        return failed_call(result.error) if type(result) is Raised else Outcome(result)

    async def call_function(self, bound: Mapping[str, Any], stop: Stop, resources: Resources) -> Any:
        """Call the function once without a timeout: :meth:`press` for a caller that needs no Outcome.

        Returns:
            What the function returned, or a :class:`Raised` with its exception, of any class.

        Raises:
            asyncio.CancelledError: `stop` is wanted, or the call was interrupted.
        """
        stop.check()
        refused: list[BaseException] = []
        PRESS.set(refused)
        if self._on_loop:
            try:
                made = self._call(**bound)
            except BaseException as error:
                return Raised(error)
            coro = made if isinstance(made, types.CoroutineType) else _settle(made)
            result = begin(coro, self.name, stop, resources)
            if type(result) is Driver:
                result = await result.run()
            if is_cancelling(resources.loop):
                await forgive(stop)
        else:
            result = await self._in_thread(bound, stop, resources)
        if type(result) is not Raised:
            return Raised(refused[0]) if refused else result
        if isinstance(result.error, BrokenOff) or is_interrupt(result.error):
            stop.want_all()
            raise asyncio.CancelledError
        return result

    async def _within(self, seconds: float, bound: Mapping[str, Any], call: Call) -> Outcome:
        with call.stop.inner() as stop:
            began = time.monotonic()
            try:
                outcome = await within(
                    seconds, stop, lambda own: self.press(bound, replace(call, timeout=None, stop=own))
                )
                # A function that ran on the event loop itself kept the timer from ending it.
                if has_threads() or self._on_loop or time.monotonic() - began <= seconds:
                    return outcome
            except TimeIsUp:
                pass
        message = f"timed out after {seconds:g} s"
        if stop.abandoned:
            message += "; the function ignored its cancellation and was abandoned: it may still be running"
        hint = "raise `timeout_seconds` of the step or the button if it needs longer"
        if not self._on_loop:
            hint += "; Python cannot stop "
            hint += "a thread, so the function may still be running" if has_threads() else "a sync function"
        error = ErrorInfo(Code.TIMEOUT, message, hint)
        return Outcome(status="timeout", error=error, exit_code=-1)

    async def _in_thread(self, bound: Mapping[str, Any], stop: Stop, resources: Resources) -> Any:
        context = contextvars.copy_context()
        work = functools.partial(context.run, _called, self._call, bound)
        result = await resources.get(Threads).submit(work)
        # Most functions return something that cannot be awaited, and the full test is expensive.
        if type(result) in _SETTLED:
            return result
        if stop.wanted and isinstance(result, types.CoroutineType):
            result.close()
            raise asyncio.CancelledError
        return await drive(_settle(result), self.name, stop, resources)


_SETTLED = frozenset({type(None), bool, int, float, str, bytes, list, dict, tuple, set, Raised})


def _called(function: Callable[..., Any], bound: Mapping[str, Any]) -> Any:
    try:
        result = function(**bound)
        return list(result) if isinstance(result, types.GeneratorType) else result
    except BaseException as error:
        return Raised(error)


async def _settle(result: Any) -> Any:
    """Return `result`, awaited if it is awaitable, collected if it is an async generator."""
    if isinstance(result, types.AsyncGeneratorType):
        return [item async for item in result]
    if inspect.isawaitable(result):
        return await _settle(await result)
    return result


def is_in_function(frame: types.FrameType | None) -> bool:
    """Whether the code of `frame` was called by a button's function on an event loop."""
    while frame is not None and frame.f_code is not FunctionButton.call_function.__code__:
        frame = frame.f_back
    return frame is not None


def failed_call(error: BaseException) -> Outcome:
    """Return the outcome of a function that raised `error`, whose frames are cleared to free their locals."""
    text = user_traceback(error)
    info = ErrorInfo(Code.FUNCTION_ERROR, describe(error), exception=error)
    return Outcome(status="error", error=info, exit_code=1, stderr=text)


def _is_async(function: Callable[..., Any]) -> bool:
    """Whether calling it only creates a coroutine or an async generator, and cannot block."""
    while isinstance(function, functools.partial):
        function = function.func
    candidates = [function]
    if not inspect.isroutine(function) and not inspect.isclass(function):
        candidates.append(type(function).__call__)
    return any(inspect.iscoroutinefunction(f) or inspect.isasyncgenfunction(f) for f in candidates)


def _by_name(function: Callable[..., Any], signature: Signature) -> Callable[..., Any]:
    """Return `function` with its positional-only parameters filled by name, as steps do."""

    def call(**bound: Any) -> Any:
        first, others = _placed(signature, bound)
        return function(*first, **others)

    return call


def _placed(signature: Signature, bound: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """Return the arguments that are passed by position, and those that are passed by name."""
    names, others = signature.positional, dict(bound)
    given = [i for i, name in enumerate(names) if name in others]
    upto = given[-1] + 1 if given else 0
    first = [others.pop(n) if n in others else signature.default(n) for n in names[:upto]]
    return first, others


def _name_of(function: Callable[..., Any]) -> str:
    target = function
    while isinstance(target, functools.partial):
        target = target.func
    name = getattr(target, "__name__", "") or type(target).__name__
    if name == "<lambda>":
        raise UsageError("a lambda needs a name as a button", remediation="set one: button(name='...')")
    return str(name)


@overload
def button(function: F, /) -> F: ...


@overload
def button(
    *,
    name: str | None = None,
    timeout: float | None = None,
    rate: Any = None,
    cache: str | None = None,
    backend: str | None = None,
) -> Callable[[F], F]: ...


def button(
    function: F | None = None,
    /,
    *,
    name: str | None = None,
    timeout: float | None = None,
    rate: Any = None,
    cache: str | None = None,
    backend: str | None = None,
) -> F | Callable[[F], F]:
    """Mark a function as a button; the function itself is unchanged.

    ::

        @button
        async def title(html: str) -> dict: ...

        @button(name="fetch-page", timeout=20, rate="5/s", cache="1h")
        def fetch(url): ...

    Args:
        name: the name that steps press it by; by default the function's name.
        timeout: limit for a press in seconds, ``None`` for no limit.
        rate: starts per time, ``"5/s"``; ``{"limit": "20000/min", "cost": function of the arguments}``; or a
            list of rates, which all hold.
        cache: lifetime of cached results, ``"1h"`` or ``"forever"``.
        backend: where presses run, ``"processes"``; by default where the loop or the run says. An async
            function cannot have one.

    Raises:
        UsageError: it is not callable, or cannot be marked (a builtin: use :func:`as_button`), or an
            argument is invalid.
    """
    if function is None:
        return lambda f: button_of(f, name, timeout, rate, cache, backend)
    return button_of(function, name, timeout, rate, cache, backend)


def button_of(
    function: F,
    name: str | None,
    timeout: float | None,
    rate: Any,
    cache: str | None,
    backend: str | None = None,
) -> F:
    """Implement :func:`button` once the function is known."""
    made = FunctionButton(function, name, timeout=timeout, rate=rate, cache=cache, backend=backend)
    try:
        setattr(function, MARK, made)
    except (AttributeError, TypeError):
        raise UsageError(
            f"{made.name!r} cannot be marked as a button: a {type(function).__name__} has no attributes",
            remediation="wrap it in your own function, or use as_button(...)",
        ) from None
    return function


def as_button(function: Callable[..., Any], name: str | None = None) -> FunctionButton:
    """Return any callable as a button; a marked one keeps its name, timeout, rate, cache and backend.

    Raises:
        UsageError: see :class:`FunctionButton`.
    """
    mark = getattr(function, MARK, None)
    if isinstance(mark, FunctionButton):
        if mark.function is function and name in (None, mark.name):
            return mark
        # functools.wraps copies the mark to the wrapper, and the wrapper is what must be called.
        return FunctionButton(
            function,
            mark.name if name is None else name,
            timeout=mark.timeout,
            rate=mark.rate,
            cache=mark.cache,
            backend=mark.backend,
        )
    return FunctionButton(function, name)
