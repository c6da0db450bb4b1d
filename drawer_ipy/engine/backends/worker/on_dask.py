"""What runs on the workers of a Dask cluster: batches of presses, each press in the thread of its batch.

It is sent by value, since drawer_ipy need not be installed there. What has to outlast a batch (functions, and
the presses that run) is in a module of its own in ``sys.modules``.
"""

from __future__ import annotations

import asyncio
import ctypes
import importlib.util
import io
import os
import pickle
import signal
import sys
import threading
import time
from types import ModuleType
from typing import Any

from drawer_ipy.engine.backends.worker.connection import FAILED, UNREAD
from drawer_ipy.engine.backends.worker.failure import described, failure
from drawer_ipy.engine.backends.worker.pickling import loads
from drawer_ipy.engine.backends.worker.pressing import SentFunction, run_press

_STATE = "_drawer_ipy_presses"
PRESS = f"__import__('sys').modules[{_STATE!r}].press_batch(payload)"
"""The expression of a batch; ``payload`` holds the arguments. A function would be pickled once more by
the scheduler, in which this package need not be installed either."""

SURELY = 2
"""A press that says that it begins, and waits until the scheduler has heard it."""

_GATHER = 0.1
"""Seconds for which prints may be gathered into one event."""


class PressEnded(BaseException):
    """Raised in the thread of a press that is to end."""


def probe(modules: list[str]) -> dict[str, Any]:
    """Return what has to fit: Python's version, and which of `modules` are missing here."""
    missing = []
    for name in modules:
        try:
            found = importlib.util.find_spec(name) is not None
        except (ImportError, AttributeError, ValueError):
            found = name in sys.modules
        if not found:
            missing.append(name)
    try:
        import cloudpickle
    except ImportError:
        return {"python": list(sys.version_info[:2]), "missing": ["cloudpickle", *missing], "cloudpickle": ""}
    return {"python": list(sys.version_info[:2]), "missing": missing, "cloudpickle": cloudpickle.__version__}


def keep(run: str, functions: dict[bytes, bytes]) -> None:
    """Keep the functions of a run, and route prints from now on."""
    state = _state()
    with state.lock:
        state.press_batch = press_batch
        made = state.functions.setdefault(run, {})
        for key, body in functions.items():
            made.setdefault(key, SentFunction(memoryview(body)))
        if not state.routed:
            state.routed = [sys.stdout, sys.stderr]
            sys.stdout, sys.stderr = _Router(sys.stdout, "o"), _Router(sys.stderr, "e")


def forget(run: str) -> None:
    """Forget the functions of a run; the last one restores stdout and stderr."""
    state = _state()
    with state.lock:
        state.functions.pop(run, None)
        state.unwanted = {place for place in state.unwanted if place[0] != run}
        if not state.functions and state.routed:
            sys.stdout, sys.stderr = state.routed
            state.routed = []


def end_process(places: list[tuple[str, str, int]]) -> None:
    """Kill this process at once, whatever its threads do, unless other presses than `places` run here."""
    state = _state()
    with state.lock:  # no other press begins
        if set(state.running) <= set(places):
            os.kill(os.getpid(), signal.SIGKILL)


async def interrupt(run: str, batch: str, number: int, seconds: float) -> bool:
    """End a press of a batch; return whether it has ended, or never begins, within `seconds`.

    An exception is raised in its thread. It takes effect when Python code runs there, not inside C code.
    """
    state = _state()
    raised = 0.0
    until = time.monotonic() + seconds
    while True:
        with state.lock:
            state.unwanted.add((run, batch, number))
            press = state.running.get((run, batch, number))
            if press is None:
                return True
            if time.monotonic() - raised > _GATHER:
                raised = time.monotonic()
                _raise(press.thread, PressEnded)
        if time.monotonic() >= until:
            return False
        await asyncio.sleep(0.01)


def press_batch(payload: bytes) -> bytes:
    """Run presses one after the other.

    Args:
        payload: pickled: the run, the batch, and for each press its number, the key of its function, whether
            to say when it begins (``SURELY``: before it begins), and its arguments.

    Returns:
        Pickled: for each press the kind and the body of its answer, its seconds, the number of events that
        were sent about it, and the prints that were not sent.
    """
    from distributed import get_worker

    state, worker = _state(), get_worker()
    run, batch, presses = pickle.loads(payload)
    answers = []
    for number, key, says, arguments in presses:
        press = _PressHere((run, batch, number), worker)
        kind, body = _run(state, press, key, arguments, says)
        seconds = time.perf_counter() - press.began
        answers.append((kind, body, seconds, *press.rest()))
    return pickle.dumps(answers, 5)


def _run(state: Any, press: _PressHere, key: bytes, arguments: bytes, says: int) -> tuple[int, bytes]:
    try:
        try:
            function = state.functions[press.place[0]][key].get()
            args, kwargs = loads(arguments)
        except BaseException as error:
            return UNREAD, described(error).encode("utf-8", "replace")
        with state.lock:
            if press.place in state.unwanted:
                return FAILED, failure(PressEnded())
            state.running[press.place] = state.threads[press.thread] = press
        try:
            if says:
                press.say_begun(surely=says == SURELY)
            return run_press(function, args, kwargs)
        finally:
            _end(state, press)
    except PressEnded as error:  # it came when the function had just returned
        _end(state, press)
        return FAILED, failure(error)


def _end(state: Any, press: _PressHere) -> None:
    with state.lock:
        state.running.pop(press.place, None)
        state.threads.pop(press.thread, None)
        state.unwanted.discard(press.place)
        _raise(press.thread, None)  # an exception that has not been delivered yet


def _raise(thread: int, kind: type[BaseException] | None) -> None:
    what = None if kind is None else ctypes.py_object(kind)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), what)


def _state() -> Any:
    found = sys.modules.get(_STATE)
    if found is None:
        made: Any = ModuleType(_STATE)
        made.lock = threading.RLock()
        made.functions, made.running, made.threads, made.unwanted, made.routed = {}, {}, {}, set(), []
        found = sys.modules.setdefault(_STATE, made)
    return found


class _PressHere:
    """A press while it runs, and what it prints."""

    def __init__(self, place: tuple[str, str, int], worker: Any) -> None:
        self.place = place
        self.thread = threading.get_ident()
        self.began = time.perf_counter()
        self._worker = worker
        self._lock = threading.RLock()
        self._lines: list[tuple[str, str]] = []
        self._parts = {"o": "", "e": ""}
        self._events = 0
        self._said = 0.0
        self._timer: threading.Timer | None = None

    def say_begun(self, *, surely: bool) -> None:
        """Send the kernel the event ``b``.

        Args:
            surely: whether to wait until the scheduler has it: it then arrives even if this process dies.
        """
        event = self._event("b", "")
        if not surely:
            self._worker.log_event(**event)
            return
        from distributed.utils import sync

        sync(self._worker.loop, self._worker.scheduler.log_event, **event)
        self.began = time.perf_counter()

    def _event(self, kind: str, text: str) -> dict[str, Any]:
        """The next event: ``b`` for the beginning, ``o`` and ``e`` for printed lines."""
        self._events += 1
        run, batch, number = self.place
        return {"topic": f"drawer-ipy-{run}", "msg": [batch, number, kind, text]}

    def write(self, stream: str, text: str) -> None:
        with self._lock:
            whole, end, rest = (self._parts[stream] + text).rpartition("\n")
            self._parts[stream] = rest
            if not end:
                return
            self._lines.append((stream, whole))
            if self._timer is None:
                wait = max(0.0, self._said + _GATHER - time.monotonic())
                if not wait:
                    self._send()
                    return
                self._timer = threading.Timer(wait, self._send)
                self._timer.daemon = True
                self._timer.start()

    def _send(self) -> None:
        with self._lock:
            lines, self._lines, self._timer = self._lines, [], None
            self._said = time.monotonic()
            for stream, text in lines:
                self._worker.log_event(**self._event(stream, text))

    def rest(self) -> tuple[int, list[tuple[str, str]]]:
        """Return the number of events, and what was not sent yet."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
            lines, self._lines = self._lines, []
            lines += [(stream, rest) for stream, rest in self._parts.items() if rest]
            self._parts = {"o": "", "e": ""}
            return self._events, lines


class _Router(io.TextIOBase):
    """Passes on what presses print to their press, and everything else to the stream that was there."""

    def __init__(self, inner: Any, name: str) -> None:
        self._inner, self._name = inner, name

    def write(self, text: str) -> int:
        press = _state().threads.get(threading.get_ident())
        if press is None:
            written: int = self._inner.write(text)
            return written
        press.write(self._name, text)
        return len(text)

    def flush(self) -> None:
        self._inner.flush()

    def fileno(self) -> int:
        number: int = self._inner.fileno()
        return number

    def isatty(self) -> bool:
        return False

    def writable(self) -> bool:
        return True
