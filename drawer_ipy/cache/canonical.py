"""Encodes Python values as bytes that are equal exactly if the values are equal.

Equal values have the same type. ``1``, ``1.0`` and ``True`` are three different values, because a function
can distinguish them; the order of a dict or a set does not matter. Values without such an encoding, because
their content is not fully known (an open file, a client, a data frame), raise :class:`Uncacheable`: a press
with them is never cached.
"""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import fractions
import functools
import pathlib
import re
import struct
import types
import uuid
from collections.abc import Callable, Iterable
from typing import Any

from pydantic import BaseModel

LARGEST = 32 * 1024 * 1024
"""Maximum size of an encoding in bytes; hashing more would take longer than most presses."""

_DEEPEST = 100

_SCALARS: dict[type, bytes] = {
    datetime.date: b"D",
    datetime.time: b"H",
    datetime.datetime: b"M",
    decimal.Decimal: b"C",
    fractions.Fraction: b"F",
    range: b"R",
    types.EllipsisType: b"E",
    pathlib.PosixPath: b"P",
    pathlib.WindowsPath: b"P",
    pathlib.PurePosixPath: b"P",
    pathlib.PureWindowsPath: b"P",
}
"""Types whose repr describes a value completely."""

_PANDAS = frozenset({"Timestamp", "Timedelta", "NaTType", "NAType"})
_CODE = (
    types.FunctionType,
    types.BuiltinFunctionType,
    types.MethodType,
    types.ModuleType,
    functools.partial,
    type,
)


class Uncacheable(Exception):
    """The content of a value is not fully known; the message says of which value, and why."""


def canonical(value: Any, of_code: Callable[[Any], bytes] | None = None) -> bytes:
    """Return the bytes that encode `value` and no other value.

    Args:
        value: None, numbers, text, bytes, lists, tuples, sets and dicts of them; dates and times,
            Decimal, Fraction, UUID, paths, ranges, compiled patterns; members of enums, dataclasses,
            named tuples and pydantic models; NumPy arrays and scalars, pandas timestamps; functions and
            classes.
        of_code: returns the encoding of a function, a class or a module, see
            :mod:`~drawer_ipy.cache.sources`; without it, they are not accepted.

    Raises:
        Uncacheable: it is or contains something else, contains itself, or exceeds :data:`LARGEST`.
    """
    out = bytearray()
    _KeyWriter(out, of_code).write(value, 0)
    return bytes(out)


class _KeyWriter:
    """Write values one after another, each with its type and length, so that the encoding is unambiguous."""

    def __init__(self, out: bytearray, of_code: Callable[[Any], bytes] | None) -> None:
        self._out = out
        self._of_code = of_code

    def write(self, value: Any, depth: int) -> None:  # noqa: C901 - one branch a type
        kind = type(value)
        if kind is str:
            # Python text may contain halves of surrogate pairs, which must stay distinct.
            self._put(b"s", value.encode("utf-8", "surrogatepass"))
        elif value is None:
            self._put(b"n", b"")
        elif kind is bool:
            self._put(b"b", b"1" if value else b"0")
        elif kind is int:
            self._put(b"i", b"%x" % value if value >= 0 else b"-%x" % -value)
        elif kind is float:
            self._put(b"f", struct.pack(">d", value))
        elif kind is bytes or kind is bytearray:
            self._put(b"y" if kind is bytes else b"Y", value)
        elif depth > _DEEPEST:
            raise Uncacheable("is nested too deeply, or contains itself")
        elif kind is list or kind is tuple:
            self._many(b"l" if kind is list else b"t", value, depth)
        elif kind is dict:
            self._pairs(b"d", value.items(), depth)
        elif kind is set or kind is frozenset:
            self._parts(b"S" if kind is set else b"Z", sorted(self._apart(v, depth) for v in value))
        else:
            self._other(value, kind, depth)

    def _put(self, tag: bytes, body: bytes | bytearray) -> None:
        if len(self._out) + len(body) > LARGEST:
            raise Uncacheable(f"takes more than {LARGEST // 1024**2} MiB")
        self._out += tag
        self._out += b"%d:" % len(body)
        self._out += body

    def _many(self, tag: bytes, values: Iterable[Any], depth: int) -> None:
        values = list(values)
        self._put(tag, b"%d" % len(values))
        for value in values:
            self.write(value, depth + 1)

    def _pairs(self, tag: bytes, pairs: Iterable[tuple[Any, Any]], depth: int) -> None:
        self._parts(tag, sorted(self._apart(k, depth) + self._apart(v, depth) for k, v in pairs))

    def _parts(self, tag: bytes, parts: list[bytes]) -> None:
        self._put(tag, b"%d" % len(parts))
        for part in parts:
            self._put(b".", part)

    def _apart(self, value: Any, depth: int) -> bytes:
        out = bytearray()
        _KeyWriter(out, self._of_code).write(value, depth + 1)
        return bytes(out)

    def _other(self, value: Any, kind: type, depth: int) -> None:  # noqa: C901 - one branch a type
        if isinstance(value, enum.Enum):
            self._put(b"e", self._code(kind))
            self.write((value.name, None if value.name else value.value), depth + 1)
        elif kind in _SCALARS:
            # Time zones may be any objects: the same offset now does not mean the same zone.
            if getattr(value, "tzinfo", None) is not None:
                self._zone(value)
            self._put(_SCALARS[kind], f"{kind.__name__}{value!r}".encode("utf-8", "surrogatepass"))
        elif kind is datetime.timedelta:
            self._many(b"L", (value.days, value.seconds, value.microseconds), depth)
        elif kind is re.Pattern:
            self._many(b"x", (value.pattern, value.flags), depth)
        elif kind is slice:
            self._many(b"I", (value.start, value.stop, value.step), depth)
        elif kind is complex:
            self._many(b"c", (value.real, value.imag), depth)
        elif kind is uuid.UUID:
            self._put(b"U", value.bytes)
        elif isinstance(value, _CODE):
            self._put(b"k", self._code(value))
        elif kind.__module__ == "numpy":
            self._numpy(value, kind)
        elif kind.__module__.partition(".")[0] == "pandas" and kind.__name__ in _PANDAS:
            self._put(b"p", f"{value!r} {getattr(value, 'value', '')} {getattr(value, 'unit', '')}".encode())
        else:
            self._instance(value, kind, depth)

    def _zone(self, value: Any) -> None:
        zone = value.tzinfo
        if type(zone) is datetime.timezone:
            return  # its repr is part of the value's repr
        key = getattr(zone, "key", None)  # of a zoneinfo time zone
        if not isinstance(key, str):
            raise Uncacheable(f"contains a time zone without a standard name ({type(zone).__name__})")
        self._put(b"z", f"{key} {value.fold}".encode())

    def _numpy(self, value: Any, kind: type) -> None:
        dtype = getattr(value, "dtype", None)
        if dtype is None or dtype.hasobject:
            raise _unfit(value)
        self._put(b"a", f"{kind.__name__} {dtype.descr!r} {value.shape!r}".encode())
        self._put(b"y", value.tobytes())

    def _instance(self, value: Any, kind: type, depth: int) -> None:
        """Write an object that lists its own fields."""
        if isinstance(value, BaseModel):
            fields = {**value.__dict__, **(value.__pydantic_extra__ or {})}
            hidden = value.__pydantic_private__ or {}
            self._put(b"o", self._code(kind))
            self._pairs(b"d", [*fields.items(), *(((name,), v) for name, v in hidden.items())], depth)
        elif dataclasses.is_dataclass(kind):
            names = [field.name for field in dataclasses.fields(kind)]
            more = getattr(value, "__dict__", {}).keys() - set(names)
            if more:
                raise Uncacheable(f"has an attribute that is not a field ({min(map(str, more))!r})")
            self._put(b"o", self._code(kind))
            self._pairs(b"d", [(name, getattr(value, name)) for name in names], depth)
        elif isinstance(value, tuple) and isinstance(getattr(kind, "_fields", None), tuple):
            self._put(b"o", self._code(kind))
            self._many(b"t", value, depth)
        else:
            raise _unfit(value)

    def _code(self, value: Any) -> bytes:
        if self._of_code is None:
            raise _unfit(value)
        return self._of_code(value)


def _unfit(value: Any) -> Uncacheable:
    kind = type(value)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    return Uncacheable(f"is or contains an instance of {name}, whose content is unknown")
