"""Results of searches through all items of a loop, which the display of a table needs several times."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


class Searches:
    """The results of searches through one loop that has ended. They are not pickled."""

    __slots__ = ("_found",)

    def __init__(self) -> None:
        self._found: dict[object, tuple[object, Any]] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        return Searches, ()

    def once(self, key: object, version: object, find: Callable[[], T]) -> T:
        """Return the result of `find` for `key`, which is called once for each `version` of the loop."""
        known = self._found.get(key)
        if known is None or known[0] != version:
            known = self._found[key] = version, find()
        found: T = known[1]
        return found
