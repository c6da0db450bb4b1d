"""The presses that were sent to one worker process, in the order in which it runs them."""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from drawer_ipy.engine.backends.base import Answer
from drawer_ipy.engine.backends.permits import Permits
from drawer_ipy.engine.backends.press_prints import PressPrints


@dataclass(slots=True, eq=False)
class SentPress:
    """A press that was sent.

    Attributes:
        number: rises from press to press of a worker.
        button: the name of the button, for messages.
        begun: called when the press begins; ``None`` if that does not matter.
        prints: receives what it prints.
        answer: done with the result, or with ``None`` when the press was withdrawn and has not begun.
    """

    number: int
    button: str
    begun: Callable[[], None] | None
    prints: PressPrints
    answer: asyncio.Future[Answer | None]

    def finish(self, answer: Answer) -> None:
        """Answer the press, unless it was cancelled."""
        answer.stdout = self.prints.stdout
        if not self.answer.done():
            self.answer.set_result(answer)


class SentPresses:
    """The presses that were sent to a worker, which begins one after the other and has not answered them.

    Args:
        permits: those of the worker.
    """

    def __init__(self, permits: Permits) -> None:
        self._permits = permits
        self._presses: deque[SentPress] = deque()
        self._numbers = itertools.count()
        self._not_given: list[int] = []

    def __len__(self) -> int:
        return len(self._presses)

    @property
    def first(self) -> SentPress | None:
        """The press that the worker runs, or will run next."""
        return self._presses[0] if self._presses else None

    def add(self, button: str, begun: Callable[[], None] | None, prints: PressPrints) -> SentPress:
        """Add a press, which may begin after the next :meth:`give_permits`."""
        answer: asyncio.Future[Answer | None] = asyncio.get_running_loop().create_future()
        press = SentPress(next(self._numbers), button, begun, prints, answer)
        self._presses.append(press)
        self._not_given.append(press.number)
        return press

    def give_permits(self) -> None:
        """Let the worker begin the presses that were added."""
        if self._not_given:
            self._permits.give(self._not_given)
            self._not_given.clear()

    def ended(self) -> SentPress | None:
        """Remove and return the first press, whose answer has arrived."""
        return self._presses.popleft() if self._presses else None

    def cancel(self, press: SentPress) -> bool:
        """Withdraw `press` if it has not begun, else the presses after it if it may be running.

        Returns:
            Whether it may be running, so that its worker must end.
        """
        if press not in self._presses:
            return False
        later = self._take_back()
        if press.number in later:
            self._presses.remove(press)
            later.discard(press.number)
        else:
            begun = [one for one in self._presses if one.number not in later]
            if begun[-1] is press:
                self._withdraw(later)
                return True
        self._not_given.extend(sorted(later))
        self.give_permits()
        return False

    def withdraw(self) -> None:
        """Withdraw the presses that have not begun: their answers are ``None``."""
        self._withdraw(self._take_back())

    def _take_back(self) -> set[int]:
        numbers = {*self._permits.take_back(), *self._not_given}
        self._not_given.clear()
        return numbers

    def _withdraw(self, numbers: set[int]) -> None:
        withdrawn = [one for one in self._presses if one.number in numbers]
        for one in withdrawn:
            self._presses.remove(one)
            if not one.answer.done():
                one.answer.set_result(None)
