"""The notes of a run as shown to users."""

from __future__ import annotations

from drawer_ipy.errors import Alarm
from drawer_ipy.style.palette import in_ansi


def told_in_colour(note: str) -> str:
    """The text of a note for a terminal with colours; an alarm has the colour of failures."""
    told = f"note: {note}"
    return in_ansi(told, "failed") if isinstance(note, Alarm) else told
