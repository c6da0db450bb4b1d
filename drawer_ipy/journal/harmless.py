"""Pickles that run no code: types without side effects, and an unpickler that knows no others.

Pickle can call anything that a file names. The unpickler here never returns a class or a function to it, only
objects of :class:`_Maker`, which make one harmless value and cannot be changed.
"""

from __future__ import annotations

import collections
import datetime
import decimal
import fractions
import io
import pathlib
import pickle
import pickletools
import uuid
import zoneinfo
from collections.abc import Callable
from typing import Any

from drawer_ipy.common.user_code import pass_on_interrupt
from drawer_ipy.journal.trouble import JournalTrouble

_MODULE = "drawer_ipy.journal.harmless"


class _Maker:
    """Calls `make`; it has no attributes that a pickle could set."""

    __slots__ = ("make",)
    make: Callable[..., Any]

    def __init__(self, make: Callable[..., Any]) -> None:
        object.__setattr__(self, "make", make)

    def __call__(self, *args: Any) -> Any:
        return self.make(*args)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(name)

    def __reduce__(self) -> str:
        raise TypeError("not a value")


def zone(key: str) -> zoneinfo.ZoneInfo:
    """Return the time zone `key`."""
    return zoneinfo.ZoneInfo(key)


def uuid_of(number: int) -> uuid.UUID:
    """Return the UUID with that number."""
    return uuid.UUID(int=number)


def array_of_bytes(data: bytes = b"") -> bytearray:
    """Return a copy of `data` that can be changed; never one of a given length."""
    if not isinstance(data, bytes):
        raise TypeError("bytes are expected")
    return bytearray(data)


_TYPES: tuple[type, ...] = (
    *(datetime.date, datetime.time, datetime.datetime, datetime.timedelta, datetime.timezone),
    *(decimal.Decimal, fractions.Fraction, complex, range, slice),
    *(pathlib.PosixPath, pathlib.PurePosixPath, pathlib.WindowsPath, pathlib.PureWindowsPath),
    *(collections.OrderedDict, collections.deque, collections.Counter, set, frozenset),
)
HARMLESS = frozenset({*_TYPES, bytearray, uuid.UUID, zoneinfo.ZoneInfo})
"""Types whose values are always readable, without running code of the file or of the user."""

_MAKERS: dict[tuple[str, str], Callable[..., Any]] = {
    **{(kind.__module__, kind.__qualname__): kind for kind in _TYPES},
    ("pathlib._local", "PosixPath"): pathlib.PosixPath,
    ("pathlib._local", "PurePosixPath"): pathlib.PurePosixPath,
    ("pathlib", "PosixPath"): pathlib.PosixPath,
    ("pathlib", "PurePosixPath"): pathlib.PurePosixPath,
    ("builtins", "bytearray"): array_of_bytes,
    (_MODULE, "zone"): zone,
    (_MODULE, "uuid_of"): uuid_of,
}


def reduced(value: Any) -> Any:
    """Return how pickle is to store a harmless value; ``NotImplemented`` for its usual way."""
    kind = type(value)
    if kind is uuid.UUID:
        return uuid_of, (value.int,)
    if kind is zoneinfo.ZoneInfo and value.key is not None:
        return zone, (value.key,)
    return NotImplemented


class Unpickler(pickle.Unpickler):
    """Reads harmless values only.

    Args:
        data: the pickle.
        more: further makers by module and name.
    """

    def __init__(self, data: bytes, more: dict[tuple[str, str], Callable[..., Any]]) -> None:
        super().__init__(io.BytesIO(data))
        self._more = more

    def find_class(self, module: str, name: str) -> Any:
        """Return what makes the value, never the class itself."""
        make = _MAKERS.get((module, name)) or self._more.get((module, name))
        if make is None:
            raise pickle.UnpicklingError(f"{module}.{name} is not read from this file")
        return _Maker(make)


def load(data: bytes, more: dict[tuple[str, str], Callable[..., Any]], *, trusted: bool) -> Any:
    """Return the harmless value that `data` is.

    Args:
        data: the pickle.
        more: further makers by module and name.
        trusted: whether the bytes were sealed by this user; others are examined first.

    Raises:
        JournalTrouble: it is damaged, or not harmless.
    """
    if not trusted:
        check_operations(data)
    try:
        return Unpickler(data, more).load()
    except JournalTrouble:
        raise
    except Exception as error:
        pass_on_interrupt(error)
        raise JournalTrouble("damaged values") from error


def check_operations(data: bytes) -> None:
    """Check that an untrusted pickle does not ask for more memory than it fills.

    Raises:
        JournalTrouble: it does, or is not a pickle.
    """
    try:
        for operation, arg, _ in pickletools.genops(data):
            if operation.name in ("PUT", "BINPUT", "LONG_BINPUT") and (arg or 0) > len(data):
                raise JournalTrouble("a damaged value")
            if operation.name in ("EXT1", "EXT2", "EXT4", "PERSID", "BINPERSID"):
                raise JournalTrouble("a damaged value")
    except (ValueError, IndexError, UnicodeDecodeError, RecursionError) as error:
        raise JournalTrouble("a damaged value") from error
