"""Which items of a loop have ended, found in the bytes of their states without a loop over all items."""

from __future__ import annotations

import re

from drawer_ipy.record.loop import CANCELLED, FAILED, OK

_ENDED = bytes(state in (OK, FAILED, CANCELLED) for state in range(256))
_ONE = re.compile(b"\x01")


def ended_of(states: bytes | bytearray) -> bytes:
    """Return one byte per item: 1 if it has ended, else 0."""
    return bytes(states).translate(_ENDED)


def newly_ended(ended: bytes, before: bytes | bytearray) -> list[int]:
    """Return the indices of the items that are 1 in `ended` and 0 in `before`, which has as many items."""
    new = (int.from_bytes(ended) & ~int.from_bytes(before)).to_bytes(len(ended))
    return [found.start() for found in _ONE.finditer(new)]
