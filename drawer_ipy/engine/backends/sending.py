"""Pickle functions, arguments and results for other processes, and say by name what cannot be sent."""

from __future__ import annotations

import functools
import hashlib
import linecache
import pickle
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import BuiltinMethodType, FunctionType, MethodType, ModuleType
from typing import Any

from drawer_ipy.buttons.script import there
from drawer_ipy.common.tracebacks import describe
from drawer_ipy.common.user_code import pass_on_interrupt
from drawer_ipy.engine.backends.base import Answer, BackendError, Sent, Work
from drawer_ipy.engine.backends.worker.connection import KEY, LENGTH
from drawer_ipy.engine.rows import SentRow, TableRow

_REMEDY = "create it inside the function, or run the function in threads"
_DEEPEST = 5
_SEARCHED = (FunctionType, MethodType, BuiltinMethodType, type)
"""What is searched for the part that cannot be sent; other values are named as a whole."""


@dataclass(frozen=True, slots=True)
class Packed:
    """A pickled function.

    Attributes:
        key: identifies it, :data:`~drawer_ipy.engine.backends.worker.connection.KEY` bytes.
        parts: the body of the message that carries it, in pieces, since it may be large.
    """

    key: bytes
    parts: tuple[bytes, ...]

    @property
    def body(self) -> bytes:
        """The message without the key, as a worker's ``SentFunction`` reads it."""
        return b"".join(self.parts[1:])


class Sender:
    """Pickles what one run sends; each function only once, however many presses and workers there are."""

    def __init__(self) -> None:
        self._packed: dict[int, tuple[Callable[..., Any], Packed]] = {}
        # Modules that another process cannot import, or may not have.
        self._unreachable = {"__main__", there.__name__}

    def check(self, sent: Sent) -> None:
        """Check that the function and the known arguments can be sent.

        Raises:
            BackendError: the message names what cannot be sent.
        """
        self.function(sent.button, sent.function)
        for name, value in sent.arguments.items():
            if reason := self._reason(value):
                raise _unsendable(sent.button, name, value, reason)

    def function(self, button: str, function: Callable[..., Any]) -> Packed:
        """Return `function`, pickled.

        Raises:
            BackendError: it uses something that cannot be sent.
        """
        found = self._packed.get(id(function))
        if found is not None:
            return found[1]
        module = getattr(_inner(function), "__module__", None)
        if isinstance(module, str) and not _can_be_imported(module):
            self._unreachable.add(module)
        try:
            data = self._by_value(function)
        except BaseException as error:
            pass_on_interrupt(error)
            raise self._explained(button, function, error) from None
        sources = pickle.dumps(_sources_in(data), 5)
        key = hashlib.blake2b(data, digest_size=KEY).digest()
        packed = Packed(key, (key, LENGTH.pack(len(sources)), sources, data))
        self._packed[id(function)] = (function, packed)
        return packed

    def functions(self) -> list[Packed]:
        """Return the functions that were pickled so far."""
        return [packed for _, packed in self._packed.values()]

    def press(self, work: Work) -> tuple[Packed, bytes] | Answer:
        """Return the function and the arguments of a press, or the answer that says what cannot be sent."""
        try:
            return self.function(work.button, work.function), self.arguments(work)
        except BackendError as error:
            return Answer(error=error.info())

    def arguments(self, work: Work) -> bytes:
        """Return the arguments of a press, pickled.

        Raises:
            BackendError: one cannot be sent; the message names it.
        """
        value = (
            tuple(map(_with_rows, work.args)),
            {name: _with_rows(one) for name, one in work.kwargs.items()},
        )
        try:
            return self._dumps(value)
        except BaseException as error:
            pass_on_interrupt(error)
            for name, one in (*zip(work.names, work.args, strict=False), *work.kwargs.items()):
                if reason := self._reason(one):
                    raise _unsendable(work.button, name, one, reason) from None
            raise BackendError(
                f"the arguments of `{work.button}` cannot be sent to another process: {describe(error)}"
            ) from None

    def _dumps(self, value: Any) -> bytes:
        """Pickle `value`; instances of classes that another process cannot import take their class along."""
        try:
            data = pickle.dumps(value, 5)
        except Exception:
            return self._by_value(value)
        if any(module.encode() in data for module in self._unreachable):
            return self._by_value(value)
        return data

    def _by_value(self, value: Any) -> bytes:
        import io

        from drawer_ipy.engine.backends.by_value import ValuePickler, by_value

        with by_value(self._unreachable - {"__main__"}):
            file = io.BytesIO()
            ValuePickler(file, 5).dump(value)
            return file.getvalue()

    def _reason(self, value: Any) -> str:
        """Return why `value` cannot be sent, ``""`` if it can."""
        try:
            self._dumps(value)
        except BaseException as error:
            pass_on_interrupt(error)
            return describe(error)
        return ""

    def _explained(self, button: str, function: Any, error: BaseException) -> BackendError:
        """Return the error that names what `function` uses and cannot be sent."""
        path: list[tuple[str, Any]] = []
        self._search(function, path, 0)
        if not path:
            return BackendError(f"`{button}` cannot be sent to another process: {describe(error)}")
        name, value = path[-1]
        user = path[-2][0] if len(path) > 1 else button
        return BackendError(
            f"`{user}` uses `{name}` ({kind_of(value)}), which cannot be sent to another process",
            remediation=f"{describe(error)}; {_REMEDY}",
        )

    def _search(self, function: Any, path: list[tuple[str, Any]], depth: int) -> None:
        """Find what `function` uses and cannot be sent, and through which functions; add it to `path`."""
        for name, value in _used_by(function):
            if isinstance(value, ModuleType) or not self._reason(value):
                continue
            path.append((name, value))
            if depth < _DEEPEST and isinstance(_inner(value), _SEARCHED):
                self._search(value, path, depth + 1)
            return


def _with_rows(value: Any) -> Any:
    """Return an argument in which rows of tables stay rows; by default they are pickled as dicts."""
    if type(value) is TableRow:
        return SentRow(value)
    if type(value) is list and value and type(value[0]) is TableRow:
        return [SentRow(one) if type(one) is TableRow else one for one in value]
    return value


def _used_by(function: Any) -> Iterator[tuple[str, Any]]:
    """Yield the names and values that a function refers to: variables, defaults, bound arguments."""
    if isinstance(function, functools.partial):
        yield from ((f"argument {n}", value) for n, value in enumerate(function.args))
        yield from function.keywords.items()
        function = function.func
    if isinstance(function, MethodType | BuiltinMethodType):
        yield "self", function.__self__
        function = getattr(function, "__func__", function)
    if not isinstance(function, FunctionType):
        yield from vars(function).items() if hasattr(function, "__dict__") else ()
        if isinstance(call := type(function).__call__, FunctionType):
            yield from _used_by(call)
        return
    code = function.__code__
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=False):
        try:
            yield name, cell.cell_contents
        except ValueError:  # not assigned yet
            continue
    names = list(_names_in(code))
    yield from ((name, function.__globals__[name]) for name in names if name in function.__globals__)
    yield from (function.__kwdefaults__ or {}).items()
    positional = code.co_varnames[: code.co_argcount]
    yield from zip(reversed(positional), reversed(function.__defaults__ or ()), strict=False)


def _names_in(code: Any) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if hasattr(constant, "co_names"):
            yield from _names_in(constant)


def _inner(function: Any) -> Any:
    while isinstance(function, functools.partial):
        function = function.func
    return function


def _unsendable(button: str, name: str, value: Any, reason: str) -> BackendError:
    return BackendError(
        f"argument `{name}` of `{button}` ({kind_of(value)}) cannot be sent to another process",
        remediation=f"{reason}; {_REMEDY}",
    )


def kind_of(value: Any) -> str:
    """Return the name of the class of `value`, with its module unless that is built in or the notebook."""
    kind = type(value)
    hidden = kind.__module__ in ("builtins", "__main__")
    return kind.__qualname__ if hidden else f"{kind.__module__}.{kind.__qualname__}"


def _can_be_imported(name: str) -> bool:
    """Whether a new process with the same ``sys.path`` finds the module `name`."""
    path: Any = None
    parts = name.split(".")
    for count in range(1, len(parts) + 1):
        spec = next(filter(None, (_found_by(f, ".".join(parts[:count]), path) for f in sys.meta_path)), None)
        if spec is None:
            return False
        path = spec.submodule_search_locations
    module = sys.modules.get(name)
    origin, file = getattr(spec, "origin", None), getattr(module, "__file__", None)
    return file is None or origin is None or origin in ("built-in", "frozen") or origin == file


def _found_by(finder: Any, name: str, path: Any) -> Any:
    try:
        return finder.find_spec(name, path)
    except Exception:  # a finder of another package may raise anything
        return None


def _sources_in(data: bytes) -> Mapping[str, Any]:
    """Return the lines of the cells whose functions are in `data`, for tracebacks."""
    cells = {name: entry for name, entry in linecache.cache.items() if len(entry) == 4 and entry[1] is None}
    head = data if len(data) < 1 << 20 else data[: 1 << 20] + data[-(1 << 20) :]
    return {name: entry for name, entry in cells.items() if name.encode("utf-8", "replace") in head}
