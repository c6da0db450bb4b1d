"""A reader of JSON that builds the tree with the position of each value, unlike :mod:`json`."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from drawer_ipy.common.bad_value import BadValue
from drawer_ipy.common.bounded_numbers import finite, whole
from drawer_ipy.definition.reading.characters import character_name, whole_characters
from drawer_ipy.definition.reading.tree import MAX_DEPTH, Malformed, TreeNode

_SPACE = re.compile(r"[ \t\n\r]*")


def looks_like_json(text: str) -> bool:
    """Whether `text` starts like JSON and unlike usual YAML: ``{"``, ``{}``, ``[{"``."""
    return re.match(r'\s*(\[\s*)*\{\s*["}]|\s*\[\s*["\]]', text) is not None


def read_json(text: str) -> TreeNode:
    """Parse a JSON text into a tree.

    Whole numbers keep all their digits. Duplicate keys are kept, for the caller to report.

    Raises:
        Malformed: it is not JSON; with message, position and often a hint.
    """
    reader = _JsonReader(text)
    node, at = reader.value(reader.skip(0), 0)
    at = reader.skip(at)
    if at < len(text):
        raise Malformed("there is more text after the end of the JSON value", at)
    return node


def _no_constant(word: str) -> NoReturn:
    raise BadValue(f"{word} is not JSON")


class _JsonReader:
    """Reads one text; every method takes an offset and returns the offset at which it stopped."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._decoder = json.JSONDecoder(parse_constant=_no_constant, parse_float=finite, parse_int=whole)

    def skip(self, at: int) -> int:
        found = _SPACE.match(self.text, at)
        return found.end() if found else at

    def peek(self, at: int) -> str:
        return self.text[at : at + 1]

    def value(self, at: int, depth: int) -> tuple[TreeNode, int]:
        if depth > MAX_DEPTH:
            raise Malformed(f"this is nested more than {MAX_DEPTH} deep", at)
        first = self.peek(at)
        if first == "{":
            return self._object(at, depth)
        if first == "[":
            return self._array(at, depth)
        return self._scalar(at)

    def _scalar(self, at: int) -> tuple[TreeNode, int]:
        try:
            value, end = self._decoder.raw_decode(self.text, at)
            value = whole_characters(value) if isinstance(value, str) else value
        except json.JSONDecodeError as error:
            raise self._bad_scalar(at, error) from None
        except BadValue as error:  # a number that is too large, NaN, Infinity, a surrogate
            raise Malformed(error.message, at, error.hint) from None
        text = value if isinstance(value, str) else self.text[at:end]
        style = '"' if isinstance(value, str) else ""
        return TreeNode("scalar", at, end, style, value, text), end

    def _bad_scalar(self, at: int, error: json.JSONDecodeError) -> Malformed:
        if at >= len(self.text):
            return Malformed("the text ends where a value is expected", at, "close every { and [")
        if self.peek(at) == "'":
            return Malformed("JSON allows only double quotes", at, "write \" instead of '")
        if self.peek(at) == "$":
            return Malformed("text needs quotes", at, 'write it as "${...}"')
        if self.peek(at) == '"':
            return Malformed(_string_trouble(error, self.peek(error.pos)), error.pos, "")
        return Malformed("a value is expected here", at)

    def _array(self, at: int, depth: int) -> tuple[TreeNode, int]:
        node = TreeNode("list", at)
        at = self.skip(at + 1)
        while self.peek(at) != "]":
            item, at = self.value(at, depth + 1)
            node.items.append(item)
            at = self._separator(at, "]")
        node.end = at + 1
        return node, node.end

    def _object(self, at: int, depth: int) -> tuple[TreeNode, int]:
        node = TreeNode("map", at)
        at = self.skip(at + 1)
        while self.peek(at) != "}":
            key, at = self._key(at)
            value, at = self.value(at, depth + 1)
            node.pairs.append((key, value))
            at = self._separator(at, "}")
        node.end = at + 1
        return node, node.end

    def _key(self, at: int) -> tuple[TreeNode, int]:
        if self.peek(at) != '"':
            hint = 'write the key in double quotes: "name": value'
            what = (
                "the text ends inside { }" if at >= len(self.text) else "the name of a key is expected here"
            )
            raise Malformed(what, at, hint)
        key, at = self._scalar(at)
        at = self.skip(at)
        if self.peek(at) != ":":
            raise Malformed(f"a colon is missing after the key {key.text!r}", at)
        return key, self.skip(at + 1)

    def _separator(self, at: int, closing: str) -> int:
        at = self.skip(at)
        found = self.peek(at)
        if found == closing:
            return at
        if found != ",":
            what = "the text ends" if at >= len(self.text) else f"there is {found!r}"
            raise Malformed(f"{what} where , or {closing} is expected", at)
        after = self.skip(at + 1)
        if self.peek(after) == closing:
            raise Malformed(f"there is a comma before {closing}", at, "remove the comma")
        return after


def _string_trouble(error: json.JSONDecodeError, found: str) -> str:
    if error.msg.startswith("Invalid control character") and found not in "\n\t":
        return f"{character_name(found)} must be written as \\u{ord(found):04x} inside quotes"
    words: dict[str, Any] = {
        "Unterminated string": "these quotes are not closed",
        "Invalid control character": "there is a line break or a tab inside quotes; write it as \\n or \\t",
        "Invalid \\escape": "invalid escape after \\; a backslash itself is written \\\\",
        "Invalid \\uXXXX escape": "\\u must be followed by four hexadecimal digits",
    }
    return next((plain for start, plain in words.items() if error.msg.startswith(start)), error.msg)
