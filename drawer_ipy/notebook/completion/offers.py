"""Proposals, and the typed text that they replace."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Word:
    """One proposal.

    Attributes:
        text: the text to insert.
        kind: its kind, which front ends show next to it.
    """

    text: str
    kind: str = "keyword"


@dataclass(frozen=True, slots=True)
class Offer:
    """The proposals at the cursor.

    Attributes:
        typed: the text before the cursor that a proposal replaces.
        words: the proposals, most likely first.
    """

    typed: str = ""
    words: list[Word] = field(default_factory=list)


def beginning(typed: str, words: Iterable[Word]) -> Offer:
    """The `words` that begin with `typed`, each once."""
    found = {word.text: word for word in words if word.text.startswith(typed)}
    return Offer(typed, list(found.values()))


def words(texts: Iterable[str], kind: str, after: str = "") -> list[Word]:
    """Each text as a proposal of that kind, followed by `after`."""
    return [Word(text + after, kind) for text in texts]
