"""The notes of a run as shown to users."""

from __future__ import annotations

from drawer_ipy.errors import Alarm
from drawer_ipy.style.palette import in_ansi


def note_in_colour(note: str) -> str:
    """The text of a note for a terminal with colours; an alarm has the colour of failures."""
    words = f"note: {note}"
    return in_ansi(words, "failed") if isinstance(note, Alarm) else words
