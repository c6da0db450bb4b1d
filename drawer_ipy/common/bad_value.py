"""The error that parsers of values raise: what is wrong, and how to fix it."""

from __future__ import annotations


class BadValue(ValueError):
    """A text or a value is invalid.

    Attributes:
        message: what is wrong with it.
        hint: what to write instead; ``""`` if there is no hint.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(f"{message}; {hint}" if hint else message)
        self.message = message
        self.hint = hint
