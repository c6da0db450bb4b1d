"""The error of whatever reads a value in a notation of its own: what is wrong, and how to mend it."""

from __future__ import annotations


class BadValue(ValueError):
    """A text or a value stands for nothing.

    Attributes:
        message: what is wrong with it.
        hint: what to write instead; ``""`` where there is nothing to say.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(f"{message}; {hint}" if hint else message)
        self.message = message
        self.hint = hint
