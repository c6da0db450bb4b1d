"""Notes of a run as they are shown to a user."""

from __future__ import annotations

from drawer_ipy.errors import Alarm
from drawer_ipy.style.palette import in_ansi


def told_in_colour(note: str) -> str:
    """A note as it is shown where there are colours; an alarm is in the colour of failures."""
    told = f"note: {note}"
    return in_ansi(told, "failed") if isinstance(note, Alarm) else told
