"""Proposes what was probably meant, within a bound of work.

Comparing one unknown word with all known ones is cheap; comparing thousands with thousands is not, and nobody
reads that many proposals.
"""

from __future__ import annotations

from collections.abc import Collection
from itertools import islice

from drawer_ipy.errors import did_you_mean

_COMPARISONS = 20_000
"""Comparisons of two words that one report may cost, a few tenths of a second."""

_REMEMBERED_BELOW = 100
"""Known words up to which an answer is remembered; hashing longer lists costs as much as searching them."""

_LISTED = 20


class Near:
    """``did_you_mean`` for one report: it answers ``""`` once the report has cost enough.

    Args:
        comparisons: how many comparisons of two words it may make.
    """

    def __init__(self, comparisons: int = _COMPARISONS) -> None:
        self._left = comparisons
        self._answers: dict[tuple[str, tuple[str, ...]], str] = {}

    def __call__(self, word: str, known: Collection[str]) -> str:
        """``"did you mean 'x'?"`` for the nearest of `known`; ``""`` for none near, or too costly."""
        if self._left <= 0:
            return ""
        if len(known) > _REMEMBERED_BELOW:
            self._left -= len(known)
            return did_you_mean(word, known)
        asked = (word, tuple(known))
        answer = self._answers.get(asked)
        if answer is None:
            self._left -= len(known)
            answer = self._answers[asked] = did_you_mean(word, known)
        return answer


def listed(words: Collection[str], most: int = _LISTED) -> str:
    """`words` with commas between them; of many only the first `most`, and how many more there are."""
    shown = ", ".join(islice(words, most))
    return shown if len(words) <= most else f"{shown} and {len(words) - most:,} more"
