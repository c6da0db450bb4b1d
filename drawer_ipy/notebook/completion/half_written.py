"""The position of the cursor in incomplete YAML or JSON text.

Text that is being typed can rarely be parsed, so this reads only indentation, dashes, colons and brackets,
and never fails: it ignores parts that it does not understand.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

_KEY = re.compile(
    r"""("[^"\n]*"|'[^'\n]*'|[^\s#:,{}\[\]"'&*!|>%@`-][^:#\n]*?|-[^\s:#\n][^:#\n]*?)[ ]*:(?=[ \n]|$)"""
)
_BLOCK_SCALAR = re.compile(r"[|>][+-]?\d?[ ]*(?:#.*)?$")
_CLOSING = {"{": "}", "[": "]"}


@dataclass(eq=False, slots=True)
class OutlineNode:
    """A mapping, a list, a single value, or an empty place that may become one of them.

    Attributes:
        parent: the node that contains it; ``None`` for the top.
        name: its key or its number in the parent.
        keys: the entries of a mapping.
        items: the entries of a list.
        text: the text of a single value, as written.
    """

    parent: OutlineNode | None = None
    name: str | int = ""
    keys: dict[str, OutlineNode] = field(default_factory=dict)
    items: list[OutlineNode] = field(default_factory=list)
    text: str = ""

    def key(self, name: str) -> OutlineNode:
        """Add an entry `name`."""
        self.keys[name] = made = OutlineNode(self, name)
        return made

    def item(self) -> OutlineNode:
        """Add an entry at the end."""
        made = OutlineNode(self, len(self.items))
        self.items.append(made)
        return made

    @property
    def latest(self) -> OutlineNode:
        """The last entry, or the node itself if there is none."""
        if self.items:
            return self.items[-1]
        return next(reversed(self.keys.values())) if self.keys else self

    @property
    def is_empty(self) -> bool:
        """Whether nothing has been written at its place so far."""
        return not (self.keys or self.items or self.text)

    def around(self) -> Iterator[OutlineNode]:
        """The node and the nodes that contain it, innermost first."""
        node: OutlineNode | None = self
        while node is not None:
            yield node
            node = node.parent

    def said(self, key: str) -> str:
        """The text of its entry `key`, or ``""``."""
        found = self.keys.get(key)
        return "" if found is None else found.text


@dataclass(frozen=True, slots=True)
class Spot:
    """The place of the cursor.

    Attributes:
        role: ``key`` if a key of the mapping `node` is typed, ``value`` if `node` itself is.
        node: the node, depending on `role`.
        typed: the text before the cursor, without an opening quote.
        quote: the opening quote.
        flow: whether it is in brackets.
        alone: whether nothing else is on its line.
        beside: the mapping whose key may be typed instead, where a list is not indented deeper than its key.
    """

    role: Literal["key", "value"]
    node: OutlineNode
    typed: str = ""
    quote: str = ""
    flow: bool = False
    alone: bool = False
    beside: OutlineNode | None = None


def outline(text: str, cursor: int) -> tuple[OutlineNode, Spot | None]:
    """Return the outline of `text`, and the place of the cursor; ``None`` in a comment or a script."""
    reading = _Reading(text, cursor)
    reading.read()
    return reading.root, reading.spot


class _Reading:
    def __init__(self, text: str, cursor: int) -> None:
        self.root = OutlineNode()
        self.spot: Spot | None = None
        self._text = text
        self._cursor = cursor
        self._open: list[tuple[int, OutlineNode]] = []
        """Open block mappings and lists, outermost first, each with the column of its entries."""
        self._hidden = False

    def read(self) -> None:
        at = 0
        while at <= len(self._text):
            at = self._line(at)

    # Block style

    def _line(self, start: int) -> int:
        """Read the line that begins at `start`; return the start of the next one."""
        end = self._line_end(start)
        at = start
        while at < end and self._text[at] in " \t":
            at += 1
        if at == end:
            if start <= self._cursor <= end:
                self._blank(self._cursor - start, end)
            return end + 1
        if self._text[at] == "#" or self._text.startswith("---", start):
            self._hide(at, end)
            return end + 1
        item: OutlineNode | None = None
        while self._text[at] == "-" and (at + 1 == end or self._text[at + 1] == " "):
            item = self._list(at - start).item()
            after = at + 1
            at = self._skip(after, end)
            if at == end:
                self._meet("value", item, after, end, end)
                return end + 1
        return self._entry(start, at, end, item)

    def _entry(self, start: int, at: int, end: int, item: OutlineNode | None) -> int:
        """Read a key with its value, or only a value; ``item`` is the list entry that contains it."""
        column = at - start
        found = _KEY.match(self._text, at, end)
        if found is not None:
            mapping = self._mapping(column)
            name, opened = _bare(found[1])
            self._meet("key", mapping, at + opened, found.end(1) - opened, at + opened)
            return self._value(mapping.key(name), found.end(), end, column)
        if item is None and self._text[at] not in "{[":
            self._meet("key", self._mapping(column), at, end, at)
            return end + 1
        node = item if item is not None else self._open[-1][1].latest if self._open else self.root
        return self._value(node, at, end, column)

    def _value(self, node: OutlineNode, at: int, end: int, column: int) -> int:
        """Read the value that begins at or after `at`; return the start of the next line."""
        before, at = at, self._skip(at, end)
        if at == end or self._text[at] == "#":
            self._meet("value", node, before, at, at)
            self._hide(at, end)
            return end + 1
        if self._text[at] in _CLOSING:
            self._meet("value", node, before, at - 1, at - 1)
            after = self._flow(at, node, column if self._open else -1)
            return self._line_end(after) + 1
        if _BLOCK_SCALAR.match(self._text, at, end):
            return self._script(end + 1, column)
        self._scalar(node, at, end, flow=False)
        return end + 1

    def _script(self, at: int, column: int) -> int:
        """Skip the lines of a block scalar whose key is at `column`."""
        while at <= len(self._text):
            end = self._line_end(at)
            line = self._text[at:end]
            if line.strip() and len(line) - len(line.lstrip(" ")) <= column:
                return at
            has_cursor = not line.strip() and at <= self._cursor <= end and self._cursor - at <= column
            if has_cursor and self._indent_below(end) <= column:
                return at  # the script has ended above: a key may be typed here
            self._hide(at, end)
            at = end + 1
        return at

    def _blank(self, column: int, end: int) -> None:
        """Handle an empty line with the cursor at `column`; it is followed by the line end at `end`."""
        if self._open and self._open[-1][0] > column and self._indent_below(end) > column:
            return  # amid deeper lines, of which a key here would take the lower ones
        around = [(at, node) for at, node in self._open if at <= column]
        if not around:
            self.spot = Spot("key", self.root, alone=True)
            return
        at, node = around[-1]
        if at == column and not node.items:
            self.spot = Spot("key", node, alone=True)
        elif at == column:
            beside = around[-2][1] if len(around) > 1 and around[-2][0] == column else None
            self.spot = Spot("value", OutlineNode(node, len(node.items)), alone=True, beside=beside)
        elif node.latest.is_empty:
            self.spot = Spot("value", node.latest, alone=True)

    def _mapping(self, column: int) -> OutlineNode:
        """The mapping whose keys are at `column`."""
        while self._open and self._open[-1][0] > column:
            self._open.pop()
        if len(self._open) > 1 and self._open[-1][0] == self._open[-2][0] == column:
            self._open.pop()  # a list whose dashes are not deeper than its key
        return self._container(column)

    def _list(self, column: int) -> OutlineNode:
        """The list whose dashes are at `column`."""
        while self._open and self._open[-1][0] > column:
            self._open.pop()
        if self._open and self._open[-1][0] == column and self._open[-1][1].keys:
            self._open.append((column, self._open[-1][1].latest))
        return self._container(column)

    def _container(self, column: int) -> OutlineNode:
        if not self._open:
            self._open.append((column, self.root))
        elif self._open[-1][0] < column:
            self._open.append((column, self._open[-1][1].latest))
        return self._open[-1][1]

    # Flow style

    def _flow(self, at: int, node: OutlineNode, column: int) -> int:
        """Read the brackets that open at `at`; return the position after the closing one.

        Unclosed brackets end before a line that is not indented deeper than `column`.
        """
        closing = _CLOSING[self._text[at]]
        at += 1
        while True:
            begin, at = at, self._gap(at, column)
            if at < 0:
                return self._broken(begin, node, closing)
            if at >= len(self._text) or self._text[at] in "}]":
                self._meet_in(node, closing, begin, min(at, len(self._text)))
                return min(at + 1, len(self._text))
            if begin <= self._cursor < at:
                self._meet_in(node, closing, begin, at)
            here = at
            at = self._pair(at, node, column) if closing == "}" else self._flow_value(at, node.item(), column)
            at = max(at, here + 1)  # past a bracket where a key should be

    def _broken(self, begin: int, node: OutlineNode, closing: str) -> int:
        """End the brackets at the end of the line, since the next line cannot be in them."""
        end = self._line_end(begin)
        self._meet_in(node, closing, begin, end)
        return end

    def _meet_in(self, node: OutlineNode, closing: str, begin: int, end: int) -> None:
        """Set the place of the cursor if it is between two entries of `node`."""
        if closing == "}":
            self._meet("key", node, begin, end, self._cursor, flow=True)
        else:
            self._meet("value", OutlineNode(node, len(node.items)), begin, end, self._cursor, flow=True)

    def _pair(self, at: int, node: OutlineNode, column: int) -> int:
        """Read a key with its value in braces."""
        opened = 1 if self._text[at] in "\"'" else 0
        stop = self._quoted(at) if opened else self._plain(at, ":")
        name = self._text[at + opened : stop - opened] if opened else self._text[at:stop].strip()
        typed_to = stop - opened if self._is_closed(at, stop) else stop
        self._meet("key", node, at + opened, typed_to, at + opened, flow=True)
        at = self._skip(stop, len(self._text))
        if at >= len(self._text) or self._text[at] != ":":
            return max(at, stop)
        child = node.key(name)
        begin, at = at + 1, self._gap(at + 1, column, commas=False)
        if at < 0:
            at = self._line_end(begin)
        if at >= len(self._text) or self._text[at] in ",}]\n":
            self._meet("value", child, begin, at, self._cursor, flow=True)
            return at
        if begin <= self._cursor < at:
            self._meet("value", child, begin, at, self._cursor, flow=True)
        return self._flow_value(at, child, column)

    def _flow_value(self, at: int, node: OutlineNode, column: int) -> int:
        if self._text[at] in _CLOSING:
            return self._flow(at, node, column)
        stop = self._quoted(at) if self._text[at] in "\"'" else self._plain(at, "")
        self._scalar(node, at, stop, flow=True)
        return stop

    def _gap(self, at: int, column: int, commas: bool = True) -> int:
        """The next position that is not a blank, comma or line end; -1 if the brackets cannot continue."""
        blanks = " \t\n\r," if commas else " \t\n\r"
        while at < len(self._text) and self._text[at] in blanks:
            at += 1
            if self._text[at - 1] == "\n" and column >= 0:
                indent = self._skip(at, len(self._text))
                if indent < len(self._text) and indent - at <= column and self._text[indent] not in "}]\n":
                    return -1
        return at

    def _plain(self, at: int, stops: str) -> int:
        """The end of an unquoted word in brackets; the characters that end it may occur in references."""
        while at < len(self._text) and self._text[at] not in ",{}[]\n":
            if self._text[at] == ":" and stops:
                return at
            if self._text.startswith("${", at):
                end = self._line_end(at)
                closed = self._text.find("}", at, end)
                at = end if closed < 0 else closed
            at += 1
        return min(at, len(self._text))

    # Common to both styles

    def _scalar(self, node: OutlineNode, at: int, end: int, flow: bool) -> None:
        opened = self._text[at] if self._text[at] in "\"'" else ""
        if opened:
            stop = min(self._quoted(at), end)
            inner = stop - 1 if self._is_closed(at, stop) else stop
            node.text = self._text[at + 1 : inner]
            self._meet("value", node, at + 1, inner, at + 1, opened, flow)
            return
        comment = self._text.find(" #", at, end) if not flow else -1
        stop = end if comment < 0 else comment
        node.text = self._text[at:stop].strip()
        self._meet("value", node, at, stop, at, "", flow)
        self._hide(stop + 1, end)

    def _meet(
        self,
        role: Literal["key", "value"],
        node: OutlineNode,
        begin: int,
        end: int,
        typed_from: int,
        quote: str = "",
        flow: bool = False,
    ) -> None:
        """Set the place of the cursor if it is between `begin` and `end`."""
        if self.spot is not None or self._hidden or not begin <= self._cursor <= end:
            return
        before = self._text[max(0, typed_from - 1) : typed_from]
        if role == "key" and before in ('"', "'"):
            quote = before
        self.spot = Spot(role, node, self._text[typed_from : self._cursor], quote, flow)

    def _hide(self, begin: int, end: int) -> None:
        """Propose nothing between `begin` and `end`."""
        self._hidden = self._hidden or begin < self._cursor <= end

    def _quoted(self, at: int) -> int:
        """The end of the quoted text that opens at `at`: the end of its line if it is not closed."""
        quote, end = self._text[at], self._line_end(at)
        at += 1
        while at < end and self._text[at] != quote:
            at += 2 if self._text[at] == "\\" and quote == '"' else 1
        return min(at + 1, end)

    def _is_closed(self, at: int, stop: int) -> bool:
        return stop - at > 1 and self._text[at] in "\"'" and self._text[stop - 1] == self._text[at]

    def _skip(self, at: int, end: int) -> int:
        while at < end and self._text[at] in " \t":
            at += 1
        return at

    def _indent_below(self, end: int) -> int:
        """The indentation of the next line with text after the line end at `end`; -1 if there is none."""
        below = self._text[end:]
        first = len(below) - len(below.lstrip())
        return -1 if first == len(below) else first - below.rfind("\n", 0, first) - 1

    def _line_end(self, at: int) -> int:
        end = self._text.find("\n", at)
        return len(self._text) if end < 0 else end


def _bare(key: str) -> tuple[str, int]:
    """A key without its quotes, and the number of quotes on each side."""
    quoted = len(key) > 1 and key[0] in "\"'"
    return (key[1:-1], 1) if quoted else (key.strip(), 0)
