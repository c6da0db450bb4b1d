"""What is proposed, and in the place of which letters."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Word:
    """One proposal.

    Attributes:
        text: what would stand there.
        kind: what it is; front ends show it beside the word.
    """

    text: str
    kind: str = "keyword"


@dataclass(frozen=True, slots=True)
class Offer:
    """Proposals for what is being typed.

    Attributes:
        typed: what there is of it before the cursor; a proposal stands in its place.
        words: the proposals, the likeliest first.
    """

    typed: str = ""
    words: list[Word] = field(default_factory=list)


def beginning(typed: str, words: Iterable[Word]) -> Offer:
    """The `words` that begin with what is typed, each once."""
    found = {word.text: word for word in words if word.text.startswith(typed)}
    return Offer(typed, list(found.values()))


def words(texts: Iterable[str], kind: str, after: str = "") -> list[Word]:
    """Each text as a proposal of that kind, with `after` behind it."""
    return [Word(text + after, kind) for text in texts]
