"""Search the pickle of an object while it is written, without keeping it."""

from __future__ import annotations

import copyreg
import pickle
import types
import weakref
from collections.abc import Callable
from typing import Any

_NUMBERS = frozenset("?hHiIlLqQnNefdg") | {"Zf", "Zd", "Zg"}
"""Buffer formats whose bytes are not text."""

_ENDS = (type, types.ModuleType, types.BuiltinFunctionType)
_LEFT_OUT = (
    BaseException,  # its cause, context and notes
    types.FunctionType,
    types.MethodType,
    types.GeneratorType,
    types.CoroutineType,
    types.AsyncGeneratorType,
    types.FrameType,
    types.TracebackType,
    weakref.ReferenceType,
)

DATA = frozenset({"numpy", "pandas", "polars", "pyarrow"})
"""Packages whose objects include everything they display in their pickle."""


class Found(Exception):
    """A secret was found."""


def package_of(kind: type) -> str:
    """Return the name of the package that defines the class `kind`."""
    return str(kind.__module__).partition(".")[0]


class PickleSearch(pickle.Pickler):
    """A pickler whose output is searched.

    It continues where pickle would fail: objects that cannot be pickled, and parts that pickle leaves out,
    are put aside.

    Args:
        holds: whether bytes contain a secret.
    """

    def __init__(self, holds: Callable[[Any], bool]) -> None:
        super().__init__(_Sink(holds), protocol=5, buffer_callback=self._buffer)
        self._holds = holds
        self._rest: list[Any] = []

    def search(self, value: Any) -> list[Any]:
        """Search `value` without the parts already searched; return the objects that were put aside.

        Raises:
            Found: `value` contains a secret.
        """
        rest: list[Any] = []
        self._rest = rest
        try:
            self.dump(value)
        except (Found, KeyboardInterrupt):
            raise
        except BaseException:  # objects may run any code while they are pickled
            self.clear_memo()  # the object being pickled is not fully searched
            rest.append(value)
        return rest

    def reducer_override(self, obj: Any) -> Any:
        """Return how `obj` is pickled; see :class:`pickle.Pickler`."""
        kind = type(obj)
        if obj is len:
            return NotImplemented
        if issubclass(kind, _ENDS):
            owner = getattr(obj, "__self__", None) if kind is types.BuiltinFunctionType else None
            return self._instead(owner)
        if issubclass(kind, _LEFT_OUT):
            return self._instead(obj)
        if _chooses(kind) and package_of(kind) not in DATA:
            self._rest.append(state_of(obj))
        try:
            reduce = copyreg.dispatch_table.get(kind)
            made = obj.__reduce_ex__(5) if reduce is None else reduce(obj)
        except KeyboardInterrupt:
            raise
        except BaseException:
            return self._instead(obj)
        return self._instead(None) if isinstance(made, str) else made

    def _instead(self, obj: Any) -> tuple[Any, ...]:
        """Put `obj` aside and pickle a minimal value in its place."""
        if obj is not None:
            self._rest.append(obj)
        return len, ((),)

    def _buffer(self, buffer: pickle.PickleBuffer) -> bool:
        """Search a buffer in place, without copying it into the pickle."""
        with memoryview(buffer) as view:
            if not view.contiguous:
                return True
            if view.format.lstrip("@=<>!") in _NUMBERS:
                return False
        with buffer.raw() as raw:
            if self._holds(raw):
                raise Found
        return False


class _Sink:
    """A file that only searches what is written. Pickle never splits a text between two writes."""

    def __init__(self, holds: Callable[[Any], bool]) -> None:
        self._holds = holds

    def write(self, data: Any) -> int:
        """Search `data`."""
        if self._holds(data):
            raise Found
        return len(data)


def _chooses(kind: Any) -> bool:
    """Whether the class defines what is pickled, and so may leave attributes out."""
    names = ("__getstate__", "__reduce_ex__", "__reduce__")
    return any(getattr(kind, name) is not getattr(object, name) for name in names)


def state_of(obj: Any) -> list[Any]:
    """Return the attributes of `obj`, bypassing any attribute hooks of its class."""
    state: list[Any] = []
    for kind in type(obj).__mro__:
        for name, member in vars(kind).items():
            if isinstance(member, types.MemberDescriptorType) or name == "__dict__":
                try:
                    state.append(member.__get__(obj))
                except Exception:  # a slot without a value
                    continue
    return state
