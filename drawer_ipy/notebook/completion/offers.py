"""Proposals, and the typed text that they replace."""

from __future__ import annotations

import json
import re
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


_KEY = re.compile(r"(\{?)(\S+): ")


def as_json(offer: Offer) -> Offer:
    """The same proposals with the quotes that JSON requires around keys and text."""
    return Offer(offer.typed, [Word(_in_json(word.text), word.kind) for word in offer.words])


def _in_json(text: str) -> str:
    key = _KEY.fullmatch(text)
    if key is not None:
        return f"{key[1]}{json.dumps(key[2], ensure_ascii=False)}: "
    as_is = text in ("true", "false") or text.startswith('"')
    return text if as_is else json.dumps(text, ensure_ascii=False)
