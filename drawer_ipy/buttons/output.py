"""Parse the output of a script or a response into a value: bounded capture, text and JSON."""

from __future__ import annotations

import codecs
from typing import Any

from drawer_ipy.common.json_text import BadJson, has_halves, mend, read_json

DEFAULT_LIMIT = 10 * 1024 * 1024
"""Limit in bytes of a response, and of a script's stdout and stderr each, if the button sets none."""

LARGEST_LIMIT = 2 * 1024**3
"""Maximum value of a button's `max_response_bytes`."""

TRUNCATED = "\n[truncated]"

_BLANK = " \t\r\n"
_JSON_START = frozenset('{["-0123456789tfn')


class Capture:
    """The beginning of a stream of bytes, up to a limit.

    Attributes:
        cut: whether bytes were dropped.
        altered: whether :meth:`text` replaced bytes that are not valid UTF-8 by U+FFFD.
    """

    __slots__ = ("_kept", "_limit", "altered", "cut")

    def __init__(self, limit: int = DEFAULT_LIMIT) -> None:
        self._kept = bytearray()
        self._limit = limit
        self.cut: bool = False
        self.altered: bool = False

    def add(self, chunk: bytes) -> None:
        """Append `chunk` as far as it fits."""
        if self.cut:
            return
        room = self._limit - len(self._kept)
        if len(chunk) > room:
            self.cut = True
            chunk = chunk[:room]
        self._kept += chunk

    def text(self) -> str:
        """Return the text, decoded as UTF-8 (invalid bytes as U+FFFD), with a marker if it was cut."""
        if not self.cut:
            try:
                return self._kept.decode("utf-8")
            except UnicodeDecodeError:
                self.altered = True
                return self._kept.decode("utf-8", errors="replace")
        # Without "final", the decoder drops an incomplete character, which the limit may have cut in two.
        decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        return decoder.decode(bytes(self._kept)) + TRUNCATED


def parse_output(text: str) -> Any:
    """Return the stdout of a script as a value (the original engine's rule).

    Returns:
        ``None`` if blank, the value if `text` is exactly one JSON value (surrounding white space is
        allowed), otherwise `text` itself, including its newline. NaN, Infinity and numbers too large for a
        double make it text. Of duplicate keys, the last wins.
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
    """Return the end of `text`, stripped, at most `limit` characters."""
    text = text.strip()
    return text if len(text) <= limit else f"...{text[3 - limit :]}"


class Lines:
    """Split a stream of bytes into lines of text."""

    __slots__ = ("_rest",)

    _LONGEST = 64 * 1024

    def __init__(self) -> None:
        self._rest = b""

    def add(self, chunk: bytes) -> list[str]:
        """Return the lines that `chunk` completes."""
        *whole, self._rest = (self._rest + chunk).split(b"\n")
        if len(self._rest) > self._LONGEST:
            whole.append(self._rest)
            self._rest = b""
        return [line.decode("utf-8", errors="replace").rstrip("\r") for line in whole]

    def end(self) -> list[str]:
        """Return the last line if it has no newline."""
        rest, self._rest = self._rest, b""
        return [rest.decode("utf-8", errors="replace")] if rest else []
