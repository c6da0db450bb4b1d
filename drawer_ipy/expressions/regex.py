"""Whether a text matches a regular expression, in time that is proportional to the text.

CEL's ``matches`` has RE2's syntax and promises that time for every pattern. Python's ``re`` does not:
``(a+)+$`` takes a time that doubles with each character. The machine here follows all ways through the
pattern at once, and remembers where it can be after each character (a DFA that is built as it is used).
"""

from __future__ import annotations

from functools import lru_cache

from drawer_ipy.expressions.regex_parser import parse
from drawer_ipy.expressions.regex_program import Anchor, Assert, Instruction, Match, Split, TakeOne

_MOST_STATES = 2_000
"""So many states are remembered; then they are forgotten and built again."""

_START, _END, _NEWLINE, _WORD, _OTHER = range(5)
"""What is beside a place in the text."""


@lru_cache(maxsize=256)
def compile_pattern(pattern: str) -> Regex:
    """Return the compiled `pattern`.

    Raises:
        InvalidPattern: it is not valid, or too large.
    """
    return Regex(parse(pattern))


class _State:
    """Where the machine can be before the next character.

    Attributes:
        at: the instructions, before those that take no character were followed.
        before: the kind of the previous character.
        following: next character -> the next state, or ``None`` where the pattern has matched.
    """

    __slots__ = ("at", "before", "following", "matches_at_end")

    def __init__(self, at: frozenset[int], before: int) -> None:
        self.at = at
        self.before = before
        self.following: dict[str, _State | None] = {}
        self.matches_at_end: bool | None = None


class Regex:
    """A compiled pattern. It may be used by several threads at once."""

    def __init__(self, program: list[Instruction]) -> None:
        self._program = program
        self._states: dict[tuple[frozenset[int], int], _State] = {}

    def is_in(self, text: str) -> bool:
        """Return whether some part of `text` matches."""
        state = self._state(frozenset((0,)), _START)
        for c in text:
            try:
                following = state.following[c]
            except KeyError:
                following = self._step(state, c)
            if following is None:
                return True
            state = following
        if state.matches_at_end is None:
            state.matches_at_end = self._closure(state, _END) is None
        return state.matches_at_end

    def _state(self, at: frozenset[int], before: int) -> _State:
        key = (at, before)
        state = self._states.get(key)
        if state is None:
            if len(self._states) >= _MOST_STATES:
                self._states = {}
            state = self._states[key] = _State(at, before)
        return state

    def _step(self, state: _State, c: str) -> _State | None:
        kind = _kind(c)
        reached = self._closure(state, kind)
        following = None
        if reached is not None:
            program = self._program
            at = {n + 1 for n in reached if isinstance(take := program[n], TakeOne) and take.test(c)}
            following = self._state(frozenset(at | {0}), kind)
        if len(state.following) < _MOST_STATES:
            state.following[c] = following
        return following

    def _closure(self, state: _State, after: int) -> set[int] | None:
        """Return the instructions reached without a character; ``None`` if the pattern has matched."""
        found: set[int] = set()
        left = list(state.at)
        while left:
            n = left.pop()
            if n in found:
                continue
            found.add(n)
            match self._program[n]:
                case Match():
                    return None
                case Split(targets):
                    left += targets
                case Assert(place) if _holds(place, state.before, after):
                    left.append(n + 1)
        return found


def _kind(c: str) -> int:
    if c == "\n":
        return _NEWLINE
    return _WORD if c == "_" or (c.isascii() and c.isalnum()) else _OTHER


def _holds(place: Anchor, before: int, after: int) -> bool:
    match place:
        case Anchor.START:
            return before == _START
        case Anchor.END:
            return after == _END
        case Anchor.LINE_START:
            return before in (_START, _NEWLINE)
        case Anchor.LINE_END:
            return after in (_END, _NEWLINE)
    return ((before == _WORD) != (after == _WORD)) is (place is Anchor.WORD_EDGE)
