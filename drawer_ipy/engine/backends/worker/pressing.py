"""Functions that were sent to a worker, and one press of such a function."""

from __future__ import annotations

import pickle
import types
from typing import Any

from drawer_ipy.engine.backends.worker.connection import DONE, FAILED, LENGTH_BYTES, UNSENT
from drawer_ipy.engine.backends.worker.failure import described, failure
from drawer_ipy.engine.backends.worker.pickling import dumps, loads

_PLAIN = frozenset({type(None), bool, int, float, str, bytes, list, dict, tuple, set})


class SentFunction:
    """A function that is unpickled once; the presses report why if that fails."""

    def __init__(self, body: Any) -> None:
        self._body: Any = body
        self._made: Any = None
        self._error: BaseException | None = None

    def get(self) -> Any:
        """Return the function. Raises what unpickling it raised."""
        self.load()
        if self._error is not None:
            raise self._error
        return self._made

    def load(self) -> None:
        """Unpickle the function, before a press whose start is timed."""
        body, self._body = self._body, None
        if body is None:
            return
        try:
            self._made = self._unpickled(body)
        except BaseException as error:  # a module that is missing here, or of a user's class
            self._error = error

    def _unpickled(self, body: Any) -> Any:
        start = LENGTH_BYTES + int.from_bytes(body[:LENGTH_BYTES], "little")
        sources = pickle.loads(body[LENGTH_BYTES:start])
        if sources:
            import linecache

            linecache.cache.update(sources)
        return loads(bytes(body[start:]))


def run_press(function: Any, args: Any, kwargs: Any) -> tuple[int, bytes]:
    """Return the kind and the body of the answer."""
    try:
        result = function(*args, **kwargs)
        if type(result) not in _PLAIN:
            result = _settled(result)
    except BaseException as error:  # a function may raise anything, SystemExit included
        return FAILED, failure(error)
    try:
        return DONE, dumps(result)
    except BaseException as error:
        return UNSENT, f"{_kind_of(result)}\0{described(error)}".encode("utf-8", "replace")


def _settled(result: Any) -> Any:
    """Return `result` as a list if it is a generator, and awaited if it is awaitable."""
    if isinstance(result, types.GeneratorType):
        return list(result)
    if isinstance(result, types.AsyncGeneratorType) or hasattr(type(result), "__await__"):
        import asyncio

        return asyncio.run(_awaited(result))
    return result


async def _awaited(result: Any) -> Any:
    if isinstance(result, types.AsyncGeneratorType):
        return [item async for item in result]
    found = await result
    return await _awaited(found) if hasattr(type(found), "__await__") else found


def _kind_of(value: Any) -> str:
    kind = type(value)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
