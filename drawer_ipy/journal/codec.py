"""Values of a run as bytes and back, many at a time.

A list of values that consist of harmless types is one pickle. In a list with other objects each value has a
pickle of its own, so that a class that no longer exists, or cannot be pickled, costs one value only. Such a
pickle is read only from bytes that this user has sealed. A large value is a file of its own.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from drawer_ipy.common.tracebacks import first_line
from drawer_ipy.common.user_code import pass_on_interrupt
from drawer_ipy.journal.frames import FOREIGN_FRAME_MAKERS, FRAME_MAKERS, reduced_frame
from drawer_ipy.journal.harmless import HARMLESS, load, reduced
from drawer_ipy.journal.record_states import MAKERS, state_of
from drawer_ipy.journal.trouble import JournalTrouble
from drawer_ipy.journal.value_files import LARGE, ValueFiles

_TOGETHER, _APART = b"T", b"A"
_OWN_MAKERS = {**MAKERS, **FRAME_MAKERS}
_FOREIGN_MAKERS = {**MAKERS, **FOREIGN_FRAME_MAKERS}


class Unkept:
    """Stands in a record for a value that was not kept, or cannot be read any more.

    Attributes:
        why: the reason, in a few words.
    """

    __slots__ = ("why",)

    def __init__(self, why: str) -> None:
        self.why: str = why

    def __repr__(self) -> str:
        return f"<not kept: {self.why}>"

    def __eq__(self, other: object) -> bool:
        return self is other

    __hash__ = object.__hash__


class _Pickler(pickle.Pickler):
    """Notes whether it met an object that may not be readable later: its class or its library may be gone."""

    fragile = False

    def reducer_override(self, value: Any) -> Any:
        kind = type(value)
        if kind in HARMLESS:
            return reduced(value)
        if (state := state_of(value, kind)) is not None:
            return state
        self.fragile = True
        frame = reduced_frame(value)
        return NotImplemented if frame is None else frame


def encode(values: Sequence[Any], files: ValueFiles | None = None) -> tuple[bytes, dict[int, str]]:
    """Return `values` as bytes, and for the index of each value that cannot be kept the reason.

    Args:
        files: gets the values that are larger than :data:`~drawer_ipy.journal.value_files.LARGE`; ``None``
            if none is expected.

    Raises:
        OSError: a large value cannot be written.
    """
    try:
        data, fragile = _pickled(values)
        if not fragile and (files is None or len(data) <= LARGE or not any(map(_is_large, values))):
            return _TOGETHER + data, {}
    except Exception as error:  # pickling runs the code of the values' classes
        pass_on_interrupt(error)
    parts: list[Any] = []
    lost: dict[int, str] = {}
    for index, value in enumerate(values):
        try:
            part, _ = _pickled(value)
        except Exception as error:
            pass_on_interrupt(error)
            parts.append(None)
            lost[index] = _reason(value, error)
            continue
        parts.append(part if files is None or len(part) <= LARGE else (files.put(part), len(part)))
    return _APART + pickle.dumps(parts, protocol=5), lost


def _is_large(value: Any) -> bool:
    return not _is_surely_small(value) and len(_pickled(value)[0]) > LARGE


_FLAT = frozenset({int, float, bool, type(None), str, bytes})


def _is_surely_small(value: Any) -> bool:
    """Whether it is clear without pickling that a value is not large."""
    kind = type(value)
    flat: Sequence[Any]
    if kind is dict:
        if not all(type(key) in _FLAT for key in value):
            return False
        flat = [*value, *value.values()]
    elif kind in (list, tuple):
        flat = value
    else:
        flat = (value,)
    if len(flat) > _MOST_PARTS or not all(type(part) in _FLAT for part in flat):
        return False
    texts = sum(len(part) for part in flat if type(part) in (str, bytes))
    return texts < LARGE // 8 and all(part.bit_length() < LARGE // 8 for part in flat if type(part) is int)


_MOST_PARTS = 1000


def _pickled(value: Any) -> tuple[bytes, bool]:
    out = io.BytesIO()
    pickler = _Pickler(out, protocol=5)
    pickler.dump(value)
    return out.getvalue(), pickler.fragile


def _reason(value: Any, error: Exception) -> str:
    kind = type(value)
    name = f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")
    text = first_line(error)
    return f"{name}: {text if len(text) <= 100 else text[:97] + '...'}"


def decode(data: bytes, count: int, *, trusted: bool, files: ValueFiles | None = None) -> list[Any]:
    """Return the `count` values that :func:`encode` got; :class:`Unkept` in place of lost ones.

    Args:
        trusted: whether the bytes were sealed by this user. If not, only harmless types are read.
        files: has the large values.

    Raises:
        JournalTrouble: the bytes are damaged.
    """
    kind, body = data[:1], data[1:]
    if kind == _TOGETHER:
        values = load(body, MAKERS, trusted=trusted)
        if not isinstance(values, list | tuple):
            raise JournalTrouble("damaged values")
        found = list(values)
    elif kind == _APART:
        parts = load(body, MAKERS, trusted=trusted)
        if not isinstance(parts, list):
            raise JournalTrouble("damaged values")
        found = [_one(part, trusted, files) for part in parts]
    else:
        raise JournalTrouble("damaged values")
    if len(found) != count:
        raise JournalTrouble("damaged values")
    return found


def _one(part: Any, trusted: bool, files: ValueFiles | None) -> Any:
    if part is None:
        return Unkept("it could not be saved")
    try:
        if files is not None and isinstance(part, tuple):
            part, trusted = files.read(*part, trusted=trusted)
        if not isinstance(part, bytes):
            raise JournalTrouble("damaged values")
        return _trusted(part) if trusted else load(part, _FOREIGN_MAKERS, trusted=trusted)
    except Exception as error:  # a class may be gone, or may raise anything
        pass_on_interrupt(error)
        return Unkept(first_line(error)[:200])


class _Trusted(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        make: Callable[..., Any] | None = _OWN_MAKERS.get((module, name))
        return make if make is not None else super().find_class(module, name)


def _trusted(part: bytes) -> Any:
    return _Trusted(io.BytesIO(part)).load()


def unkept(values: Iterable[Any]) -> list[int]:
    """Return the indices of the values that were not kept."""
    return [index for index, value in enumerate(values) if type(value) is Unkept]
