"""Calculations over many rows that end as soon as their result is not wanted any more."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

_PAUSE = 2_000
"""Rows after which a calculation checks whether its result is still wanted."""

Alive = Callable[[], bool]
"""Whether the result of a calculation is still wanted; called from time to time."""


class Superseded(Exception):
    """The result of a calculation is not wanted any more."""


def watched(rows: Iterable[int], alive: Alive) -> Iterator[int]:
    """Yield `rows` while the result of a calculation over them is wanted.

    Raises:
        Superseded: it is not.
    """
    for number, row in enumerate(rows):
        if not number % _PAUSE and not alive():
            raise Superseded
        yield row
