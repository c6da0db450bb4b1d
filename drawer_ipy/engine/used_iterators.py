"""What loops of this process have already taken from iterators.

An iterator gives each item once. A second loop over one that is used up would find nothing and look like a
loop over an empty list, so it must be told apart. An iterator belongs to the process and cannot carry a
mark of its own, hence this registry. It keeps no iterator alive, except the last few that have ended and
that weak references cannot follow (``map``, ``zip``).
"""

from __future__ import annotations

import threading
import weakref
from collections import deque
from dataclasses import dataclass
from typing import Any

from drawer_ipy.common.counted import number_of
from drawer_ipy.errors import UsageError

_KEPT = 100
"""Most iterators without support for weak references that are remembered after their end."""


@dataclass(slots=True, weakref_slot=True, eq=False)
class IteratorUse:
    """What loops have done with one iterator.

    Attributes:
        kind: what it is called in messages, such as ``generator``.
        taken: the number of items taken from it.
        busy: whether a loop is taking items now.
        ended: whether it has given its last item.
        lost: why it gives no more items although it has not ended; ``""`` if it may go on.
    """

    kind: str
    taken: int = 0
    busy: bool = False
    ended: bool = False
    lost: str = ""

    def begin(self) -> None:
        """Claim the iterator for a loop.

        Raises:
            UsageError: another loop is using it, or nothing is left of it.
        """
        if self.busy:
            raise UsageError(
                f"the {self.kind} is being used by another loop",
                remediation="give each loop an iterator of its own, or a list",
            )
        again = "make a new one for each press, or give a list; retry() continues an earlier press"
        if self.lost:
            raise UsageError(f"the {self.kind} {self.lost}", remediation=again)
        if self.ended and self.taken:
            items = number_of(self.taken, "item")
            raise UsageError(
                f"the {self.kind} is used up: an earlier loop took all of it ({items})", remediation=again
            )
        self.busy = True


class _Registry:
    """Uses by the id of the iterator; an entry goes when the iterator, or its only use, is gone."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # a weak reference may call back while it is held
        self._uses: dict[int, tuple[weakref.ref[Any], IteratorUse | None]] = {}
        self._kept: deque[tuple[Any, IteratorUse]] = deque(maxlen=_KEPT)

    def use_of(self, iterator: Any, kind: str) -> IteratorUse:
        key = id(iterator)
        with self._lock:
            if key in self._uses:
                alive, use = self._uses[key]
                known = alive() if use is None else use
                if alive() is not None and known is not None:
                    return known
            use = IteratorUse(kind)

            def forget(gone: weakref.ref[Any]) -> None:
                with self._lock:
                    if key in self._uses and self._uses[key][0] is gone:
                        del self._uses[key]

            try:
                self._uses[key] = (weakref.ref(iterator, forget), use)
            except TypeError:  # such as a map: its source holds both it and its use
                self._uses[key] = (weakref.ref(use, forget), None)
            return use

    def keep(self, iterator: Any, use: IteratorUse) -> None:
        with self._lock:
            if type(iterator).__weakrefoffset__ == 0:
                self._kept.append((iterator, use))


_registry = _Registry()


def use_of(iterator: Any, kind: str) -> IteratorUse:
    """Return what this process has done with `iterator` so far; `kind` names it in messages."""
    return _registry.use_of(iterator, kind)


def remember_ended(iterator: Any, use: IteratorUse) -> None:
    """Remember that `iterator` has ended after its loop has let go of it."""
    _registry.keep(iterator, use)
