"""Long lists of values as several pieces, so that no piece holds up the other threads for long."""

from __future__ import annotations

import pickle
import time
from collections.abc import Iterator, Sequence
from typing import Any

from drawer_ipy.journal.codec import Unkept, decode, encode
from drawer_ipy.journal.harmless import load
from drawer_ipy.journal.trouble import JournalTrouble
from drawer_ipy.journal.value_files import ValueFiles

_MOST = 20_000
_QUICK, _SLOW = 0.002, 0.006
"""Seconds for a piece, below and above which the next one is longer or shorter."""


class PieceSize:
    """How many values the next piece has.

    Attributes:
        size: the number.
    """

    def __init__(self) -> None:
        self.size: int = 500
        self._began = time.perf_counter()

    def begin(self) -> None:
        """Start to measure a piece."""
        self._began = time.perf_counter()

    def end(self) -> None:
        """Adjust the size after a piece."""
        took = time.perf_counter() - self._began
        if took < _QUICK:
            self.size = min(_MOST, self.size * 2)
        elif took > _SLOW:
            self.size = max(1, self.size // 2)


def pieces(values: Sequence[Any], files: ValueFiles | None) -> Iterator[tuple[int, bytes, dict[int, str]]]:
    """Encode `values`; yield for each piece its length, its bytes and, by index, why values were lost."""
    pace, first = PieceSize(), 0
    while first < len(values):
        pace.begin()
        part = values[first : first + pace.size]
        data, lost = encode(list(part), files)
        yield len(part), data, {first + index: why for index, why in lost.items()}
        first += len(part)
        pace.end()


def encode_value(value: Any, files: ValueFiles | None) -> tuple[bytes, str]:
    """Return one value, perhaps a long list, as bytes, and why it is lost; ``""`` if it is not."""
    long = type(value) in (list, tuple) and len(value) > _MOST // 40
    parts, lost = [], ""
    for count, data, missing in pieces(value if long else [value], files):
        parts.append((count, data))
        lost = lost or next(iter(missing.values()), "")
    kind = "one" if not long else type(value).__name__
    return pickle.dumps((kind, parts), protocol=5), lost


def decode_value(data: bytes, *, trusted: bool, files: ValueFiles | None) -> Any:
    """Return the value of :func:`encode_value`; an :class:`Unkept` if it is lost.

    Raises:
        JournalTrouble: the bytes are damaged.
    """
    try:
        kind, parts = load(data, {}, trusted=trusted)
        found = (decode(part, count, trusted=trusted, files=files) for count, part in parts)
        values = [value for part in found for value in part]
        if kind == "one":
            return values[0]
    except JournalTrouble:
        raise
    except Exception as error:
        raise JournalTrouble("damaged values") from error
    for value in values:
        if type(value) is Unkept:
            return value
    return tuple(values) if kind == "tuple" else values
