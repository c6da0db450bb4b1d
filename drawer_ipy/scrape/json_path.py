"""``json:meta.next``: the path to a value in a JSON response."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from drawer_ipy.common.bad_value import BadValue

PREFIX = "json:"
MISSING = object()
"""What :meth:`JsonPath.find` returns if there is nothing at the path."""

_PART = re.compile(
    r"""\.?(?P<name>[^.\[\]"'\s]+)|\[\s*(?P<index>-?\d+)\s*\]|\[\s*(?P<quote>["'])(?P<key>.*?)(?P=quote)\s*\]"""
)


@dataclass(frozen=True, slots=True)
class JsonPath:
    """A path of names and positions.

    Attributes:
        text: the path as written, with its prefix.
        parts: plain names, and positions in lists (negative ones count from the end).
        exact: for each part, whether it is a complete key; plain names may be parts of a key with dots.
    """

    text: str
    parts: tuple[str | int, ...]
    exact: tuple[bool, ...]

    def find(self, value: Any) -> Any:
        """Return the value at this path in `value`; :data:`MISSING` if there is none."""
        return self._find(value, 0)

    def _find(self, value: Any, at: int) -> Any:
        if at == len(self.parts):
            return value
        part = self.parts[at]
        if isinstance(value, Mapping):
            return self._in_mapping(value, at)
        if isinstance(value, Sequence) and not isinstance(value, str | bytes):
            index = int(part) if isinstance(part, int) or (part.isascii() and part.isdigit()) else None
            if index is not None and -len(value) <= index < len(value):
                return self._find(value[index], at + 1)
        return MISSING

    def _in_mapping(self, value: Mapping[str, Any], at: int) -> Any:
        end = at + 1
        while end < len(self.parts) and not self.exact[end - 1] and not self.exact[end]:
            if isinstance(self.parts[end], int) or isinstance(self.parts[end - 1], int):
                break
            end += 1
        for upto in range(end, at, -1):  # try the longest key first: "@odata.nextLink" is one key
            key = ".".join(map(str, self.parts[at:upto]))
            if key in value:
                found = self._find(value[key], upto)
                if found is not MISSING:
                    return found
        return MISSING


def is_json_path(text: str) -> bool:
    """Whether `text` has the prefix of a path."""
    return text.strip().lower().startswith(PREFIX)


def read_json_path(text: str) -> JsonPath:
    """Parse a path: ``json:a.b``, ``json:a[0]["b.c"]``, ``json:`` for the whole response.

    Raises:
        BadValue: it is invalid.
    """
    given = text.strip()
    if not is_json_path(given):
        raise BadValue(f"{given!r} is not a path into JSON", f"write json:{given}")
    rest = given[len(PREFIX) :].strip()
    rest = rest[1:] if rest == "$" or rest.startswith(("$.", "$[")) else rest
    parts: list[str | int] = []
    exact: list[bool] = []
    at = 0
    while at < len(rest):
        found = _PART.match(rest, at)
        if found is None or (
            at == 0 and rest.startswith(".") and not given.partition(":")[2].strip().startswith("$")
        ):
            raise BadValue(f"{given!r} is not a path into JSON", "write names and positions: json:data[0].id")
        if found["name"] is not None:
            parts.append(found["name"])
        else:
            parts.append(found["key"] if found["index"] is None else int(found["index"]))
        exact.append(found["key"] is not None)
        at = found.end()
    return JsonPath(given, tuple(parts), tuple(exact))
