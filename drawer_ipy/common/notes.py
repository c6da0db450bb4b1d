"""What a user should know of a run although nothing failed."""

from __future__ import annotations

from typing import NamedTuple


class Note(NamedTuple):
    """Something that was noticed.

    Attributes:
        text: what to tell, one sentence.
        about: what it is about; of several notes about the same, a run tells only the first. ``""`` for the
            text itself.
    """

    text: str
    about: str = ""

    def of(self, owner: str) -> Note:
        """The same note with `owner` named; one owner's note does not stand for another's."""
        return Note(f"{owner}: {self.text}", f"{owner}: {self.key}")

    @property
    def key(self) -> str:
        """What two notes have in common of which only one is told."""
        return self.about or self.text
