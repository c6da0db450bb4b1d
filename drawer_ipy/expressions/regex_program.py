"""Programs of regular expressions: the instructions, and the parts from which they are put together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

MOST_INSTRUCTIONS = 10_000
"""The largest program; a pattern that needs more, such as ``((a{99}){99}){99}``, is refused."""


MOST_REPEATS = 1_000
"""How often a part is repeated at most, by all repetitions around it together."""


class Anchor(Enum):
    """A condition on a place between two characters."""

    START, END, LINE_START, LINE_END, WORD_EDGE, NO_WORD_EDGE = range(6)


Test = Callable[[str], bool]
"""Whether a character is in a set."""


@dataclass(frozen=True, slots=True)
class TakeOne:
    """Take one character that the test accepts, and go on with the next instruction."""

    test: Test


@dataclass(slots=True)
class Split:
    """Go on at each of these instructions."""

    targets: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Assert:
    """Go on with the next instruction if the condition holds here."""

    place: Anchor


@dataclass(frozen=True, slots=True)
class Match:
    """The whole pattern has matched."""


Instruction = TakeOne | Split | Assert | Match


class InvalidPattern(ValueError):
    """The pattern is not valid; the text says what is wrong."""


@dataclass(frozen=True, slots=True)
class Fragment:
    """A part of the pattern.

    Attributes:
        write: appends the part's instructions to a program.
        copies: how often its innermost repetition is written.
    """

    write: Callable[[list[Instruction]], None]
    copies: int = 1


def _add(program: list[Instruction], instruction: Instruction) -> None:
    if len(program) >= MOST_INSTRUCTIONS:
        raise InvalidPattern("it repeats too much")
    program.append(instruction)


def take(test: Test) -> Fragment:
    return Fragment(lambda program: _add(program, TakeOne(test)))


def check(place: Anchor) -> Fragment:
    return Fragment(lambda program: _add(program, Assert(place)))


def all_of(parts: list[Fragment]) -> Fragment:
    def write(program: list[Instruction]) -> None:
        for part in parts:
            part.write(program)

    return Fragment(write, max((part.copies for part in parts), default=1))


def either(parts: list[Fragment]) -> Fragment:
    def write(program: list[Instruction]) -> None:
        choice = Split()
        _add(program, choice)
        ends = []
        for part in parts:
            choice.targets.append(len(program))
            part.write(program)
            ends.append(Split())
            _add(program, ends[-1])
        for end in ends:
            end.targets.append(len(program))

    return Fragment(write, max(part.copies for part in parts))


def times(node: Fragment, least: int, most: int | None) -> Fragment:
    """Repeat `node` between `least` and `most` times; ``None`` is without end."""
    copies = node.copies * max(least, most or 0, 1)
    if copies > MOST_REPEATS:
        raise InvalidPattern(f"repetitions inside repetitions, together more than {MOST_REPEATS} times")

    def write(program: list[Instruction]) -> None:
        for _ in range(least):
            node.write(program)
        if most is None:
            again = Split([len(program) + 1])
            _add(program, again)
            at = len(program) - 1
            node.write(program)
            _add(program, Split([at]))
            again.targets.append(len(program))
            return
        ways_out = []
        for _ in range(most - least):
            ways_out.append(Split([len(program) + 1]))
            _add(program, ways_out[-1])
            node.write(program)
        for way_out in ways_out:
            way_out.targets.append(len(program))

    return Fragment(write, copies)
