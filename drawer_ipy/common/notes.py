"""Notes: what a user should know about a run although nothing failed."""

from __future__ import annotations

from typing import NamedTuple


class Note(NamedTuple):
    """One observation about a run.

    Attributes:
        text: the message, one sentence.
        about: the subject; a run reports only the first of several notes on one subject. ``""``: the text
            itself is the subject.
    """

    text: str
    about: str = ""

    def of(self, owner: str) -> Note:
        """Return the note with `owner` named, so that notes of different owners are distinct."""
        return Note(f"{owner}: {self.text}", f"{owner}: {self.key}")

    @property
    def key(self) -> str:
        """The key by which a run recognizes duplicate notes."""
        return self.about or self.text
