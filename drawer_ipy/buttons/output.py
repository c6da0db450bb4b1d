"""What a script or a server wrote, as a value: bounded capture, text and JSON."""

from __future__ import annotations

import codecs
from typing import Any

from drawer_ipy.common.json_text import BadJson, has_halves, mend, read_json

DEFAULT_LIMIT = 10 * 1024 * 1024
"""Most bytes of a response, and of each of a script's stdout and stderr, when the button sets no limit."""

LARGEST_LIMIT = 2 * 1024**3
"""Bytes that `max_response_bytes` of a button may say at most."""

TRUNCATED = "\n[truncated]"

_BLANK = " \t\r\n"
_JSON_START = frozenset('{["-0123456789tfn')


class Capture:
    """Bytes kept from the beginning of a stream, up to a limit.

    Attributes:
        cut: whether something was dropped.
        altered: whether :meth:`text` had to put U+FFFD for bytes that are no UTF-8.
    """

    __slots__ = ("_kept", "_limit", "altered", "cut")

    def __init__(self, limit: int = DEFAULT_LIMIT) -> None:
        self._kept = bytearray()
        self._limit = limit
        self.cut = False
        self.altered = False

    def add(self, chunk: bytes) -> None:
        """Keep what there is room for."""
        if self.cut:
            return
        room = self._limit - len(self._kept)
        if len(chunk) > room:
            self.cut = True
            chunk = chunk[:room]
        self._kept += chunk

    def text(self) -> str:
        """What was kept as UTF-8 (invalid bytes as U+FFFD), with a marker when there was more."""
        if not self.cut:
            try:
                return self._kept.decode("utf-8")
            except UnicodeDecodeError:
                self.altered = True
                return self._kept.decode("utf-8", errors="replace")
        # A decoder that is not told of the end leaves a character that was cut in two out.
        decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        return decoder.decode(bytes(self._kept)) + TRUNCATED


def parse_output(text: str) -> Any:
    """A script's stdout as a value (the original's rule).

    Returns:
        ``None`` when blank, the value when `text` is exactly one JSON value (white space around it is
        allowed), else `text` itself, its newline included. NaN, Infinity and numbers too large for a
        double make it text. Of duplicate keys the last wins.
    """
    body = text.strip(_BLANK)
    if not body:
        return None
    if body[0] not in _JSON_START:
        return text if not text.isspace() else None
    try:
        value = read_json(body)
    except BadJson:
        return text
    return mend(value) if has_halves(body) else value


def tail(text: str, limit: int = 2000) -> str:
    """The end of `text` without white space around it, at most `limit` characters."""
    text = text.strip()
    return text if len(text) <= limit else f"...{text[3 - limit :]}"


class Lines:
    """Cuts a stream of bytes into lines of text."""

    __slots__ = ("_rest",)

    _LONGEST = 64 * 1024

    def __init__(self) -> None:
        self._rest = b""

    def add(self, chunk: bytes) -> list[str]:
        """The lines that `chunk` completes."""
        *whole, self._rest = (self._rest + chunk).split(b"\n")
        if len(self._rest) > self._LONGEST:
            whole.append(self._rest)
            self._rest = b""
        return [line.decode("utf-8", errors="replace").rstrip("\r") for line in whole]

    def end(self) -> list[str]:
        """The last line, when no newline ended it."""
        rest, self._rest = self._rest, b""
        return [rest.decode("utf-8", errors="replace")] if rest else []
