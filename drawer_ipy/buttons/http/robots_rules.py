"""The rules of one robots.txt, by RFC 9309 and, where that is silent, by Google's parser."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

_LONGEST_LINE = 16_663
"""Bytes; the rest of a line is ignored, as by Google (a URL may have 2,083 characters, each escaped)."""

_LINES = re.compile(rb"\r\n|\n|\r")
_TOKEN = re.compile(r"[a-z0-9_.-]+")
_ESCAPED = re.compile(r"%([0-9a-fA-F]{2})")
_NOT_ASCII = re.compile(rb"[^!-~]")
_UNRESERVED = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~")
_MARK = b"\xef\xbb\xbf"
_SPELLINGS = {
    "user-agent": "agent",
    "useragent": "agent",
    "user agent": "agent",
    "allow": "allow",
    "disallow": "disallow",
    "dissallow": "disallow",
    "dissalow": "disallow",
    "disalow": "disallow",
    "diasllow": "disallow",
    "disallaw": "disallow",
    "crawl-delay": "delay",
}
"""Keys before a colon, including the misspellings that Google accepts."""


@dataclass(frozen=True, slots=True)
class _Rule:
    """One line: `pieces` are the texts between its stars; `ends` says whether ``$`` follows."""

    allows: bool
    length: int
    pieces: tuple[str, ...]
    ends: bool

    def matches(self, target: str) -> bool:
        first, *rest = self.pieces
        if not target.startswith(first):
            return False
        if not rest:
            return not self.ends or len(target) == len(first)
        at = len(first)
        last = rest.pop() if self.ends else ""
        for piece in rest:
            at = target.find(piece, at)
            if at < 0:
                return False
            at += len(piece)
        return not self.ends or (target.endswith(last) and len(target) - len(last) >= at)


@dataclass(slots=True)
class Group:
    """The rules for one user agent.

    Attributes:
        delay: seconds between two requests, 0 if not specified.
    """

    rules: list[_Rule] = field(default_factory=list)
    delay: float = 0.0

    def allows(self, target: str) -> bool:
        """Whether `target` (path and query as sent) may be requested: the longest matching rule decides, and
        of two of the same length the one that allows it."""
        if target.startswith("/robots.txt"):
            return True
        target = _normal(target)
        found = (0, True)
        for rule in self.rules:
            if rule.length >= found[0] and rule.matches(target):
                found = max(found, (rule.length, rule.allows))
        return found[1]


class RobotsRules:
    """The content of a robots.txt.

    Args:
        text: the file. A byte order mark is skipped; invalid lines are ignored.
    """

    def __init__(self, text: bytes) -> None:
        self._groups: dict[str, Group] = {}
        for size in range(len(_MARK), 0, -1):  # Google skips an incomplete mark, too
            if text.startswith(_MARK[:size]):
                text = text[size:]
                break
        current: list[Group] = []
        naming = False
        for line in _LINES.split(text):
            key, value = _split(line[:_LONGEST_LINE])
            if key == "agent":
                current = [*(current if naming else ()), *self._named(value)]
                naming = True
            elif key:
                naming = False
                _READERS[key](current, value)

    def _named(self, value: bytes) -> list[Group]:
        text = value.decode("ascii", errors="replace").lower()
        if text[:1] == "*" and not text[1:2].strip():
            return [self._groups.setdefault("*", Group())]
        token = _TOKEN.match(text)
        return [self._groups.setdefault(token.group(0), Group())] if token else []

    def group(self, agent: str) -> Group:
        """Return the group for a ``User-Agent``: of the longest name that is a word of it, else ``*``."""
        words = set(_TOKEN.findall(agent.lower()))
        named = max(words & self._groups.keys(), key=len, default="*")
        return self._groups.get(named) or Group()


def _split(line: bytes) -> tuple[str, bytes]:
    """Return the kind of a line, ``""`` if unknown, and its value."""
    line = line.partition(b"#")[0].strip()
    key, colon, value = line.partition(b":")
    if not colon:
        # The colon is often missing, and the meaning is clear without it.
        parts = line.split()
        if len(parts) != 2:
            return "", b""
        key, value = parts
    return _SPELLINGS.get(key.strip().decode("ascii", errors="replace").lower(), ""), value.strip()


def _rule(value: bytes, allows: bool) -> list[_Rule]:
    pattern = _NOT_ASCII.sub(lambda found: b"%%%02X" % found.group(0)[0], value).decode("ascii")
    if not pattern:
        return []  # `Disallow:` forbids nothing
    pattern = _normal(pattern)
    ends = pattern.endswith("$")
    made = [_Rule(allows, len(pattern), tuple(pattern.removesuffix("$").split("*")), ends)]
    folder, slash, name = pattern.rpartition("/")
    if allows and name.startswith("index.htm"):
        # If the index page of a folder is allowed, so is the folder, as Google reads it.
        made += [_Rule(True, len(folder) + 2, tuple(f"{folder}{slash}".split("*")), True)]
    return made


def _read_rule(allows: bool) -> Callable[[list[Group], bytes], None]:
    def read(groups: list[Group], value: bytes) -> None:
        rules = _rule(value, allows)
        for group in groups:
            group.rules += rules

    return read


def _read_delay(groups: list[Group], value: bytes) -> None:
    try:
        delay = float(value)
    except ValueError:
        return
    for group in groups:
        if 0 < delay < float("inf"):
            group.delay = delay


_READERS: dict[str, Callable[[list[Group], bytes], None]] = {
    "allow": _read_rule(True),
    "disallow": _read_rule(False),
    "delay": _read_delay,
}


def _normal(text: str) -> str:
    """Return a path with escapes in upper case and only where needed (RFC 9309, 2.2.2): ``%7e`` is ``~``."""
    return _ESCAPED.sub(_unescape, text) if "%" in text else text


def _unescape(match: re.Match[str]) -> str:
    char = chr(int(match.group(1), 16))
    return char if char in _UNRESERVED else match.group(0).upper()
