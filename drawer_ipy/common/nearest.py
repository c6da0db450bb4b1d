"""Suggest what was probably meant, with a bounded amount of work.

Comparing one unknown word with all known words is cheap. Comparing thousands with thousands is not, and a
reader cannot use that many suggestions.
"""

from __future__ import annotations

from collections.abc import Collection
from itertools import islice

from drawer_ipy.errors import did_you_mean

_COMPARISONS = 20_000
"""Most comparisons of two words per report; they take a few tenths of a second."""

_REMEMBERED_BELOW = 100
"""Longest list of known words whose results are cached; hashing a longer one costs as much as a search."""

_LISTED = 20


class Near:
    """``did_you_mean`` for one report; it returns ``""`` once the report has used up its comparisons.

    Args:
        comparisons: the most comparisons of two words.
    """

    def __init__(self, comparisons: int = _COMPARISONS) -> None:
        self._left = comparisons
        self._answers: dict[tuple[str, tuple[str, ...]], str] = {}

    def __call__(self, word: str, known: Collection[str]) -> str:
        """Return ``"did you mean 'x'?"`` for the nearest of `known`, or ``""`` (none near, or too costly)."""
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
    """Join `words` with commas: at most the first `most`, and the number of the others."""
    shown = ", ".join(islice(words, most))
    return shown if len(words) <= most else f"{shown} and {len(words) - most:,} more"
