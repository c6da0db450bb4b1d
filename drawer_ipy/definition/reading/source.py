"""The source of a definition: its text and the position of each value in it."""

from __future__ import annotations

import bisect
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from drawer_ipy.common.key_path import KeyPath
from drawer_ipy.definition.reading.json_reader import looks_like_json, read_json
from drawer_ipy.definition.reading.tree import Built, Malformed, Mark, TreeNode, build
from drawer_ipy.definition.reading.yaml_reader import read_yaml
from drawer_ipy.errors import Problem

TextPlace = tuple[int, int] | tuple[None, None]

_LINE_END = re.compile("\n")


class Source:
    """A text and the marks of the values in it.

    Attributes:
        text: the text with ``\\n`` as line ends; if it does not start on the first line of its cell, it is
            preceded by empty lines, so that line numbers count from the top of the cell.
    """

    def __init__(self, text: str = "", *, first_line: int = 1) -> None:
        self.text: str = "\n" * (first_line - 1) + text
        self._marks: dict[KeyPath, Mark] = {}
        self._renamed: dict[KeyPath, KeyPath] = {}
        self._offsets: tuple[TreeNode, Sequence[int]] | None = None  # of the last text looked up
        self._starts = [0, *(found.end() for found in _LINE_END.finditer(self.text))]

    def set_marks(self, marks: dict[KeyPath, Mark]) -> None:
        """Set the positions of the values; the reader calls it once."""
        self._marks = marks

    def also(self, path: KeyPath, known_as: KeyPath) -> None:
        """Make the value at `path`, and everything in it, available at `known_as` as well."""
        owner = self._written(known_as[:-1])
        self._renamed[(*owner, known_as[-1])] = self._written(path)

    def _written(self, path: KeyPath) -> KeyPath:
        """`path` with the keys as written in the text instead of the corrected ones."""
        if not self._renamed:
            return path
        out: KeyPath = ()
        for part in path:
            out = (*out, part)
            out = self._renamed.get(out, out)
        return out

    def place(self, index: int) -> tuple[int, int]:
        """The 1-based line and column of a character offset in :attr:`text`."""
        line = bisect.bisect_right(self._starts, index)
        return line, index - self._starts[line - 1] + 1

    def _nearest(self, path: Sequence[str | int]) -> tuple[Mark, bool] | None:
        known = self._written(tuple(path))
        length = len(known)
        while True:
            if known in self._marks:
                return self._marks[known], len(known) == length
            if not known:
                return None
            known = known[:-1]

    def locate(self, path: Sequence[str | int], key: bool = False) -> TextPlace:
        """The 1-based line and column of the value at `path` such as ``("steps", 2, "args", "url")``.

        Args:
            path: keys and list positions from the top.
            key: return the position of the key rather than of its value.

        Returns:
            The position. If there is no value at `path`, that of the nearest enclosing value (of its key, if
            it has one). ``(None, None)`` if the definition is not text.
        """
        found = self._nearest(path)
        if found is None:
            return None, None
        mark, exact = found
        by_key = mark.key is not None and (key or not exact)
        return self.place(mark.key.start if by_key and mark.key is not None else mark.node.start)

    def locate_in(self, path: Sequence[str | int], offset: int) -> TextPlace:
        """The position of the character at `offset` in the text value at `path`.

        Exact for values that are plain, quoted on one line, or a literal block; otherwise the start of the
        value.
        """
        found = self._nearest(path)
        if found is None or not found[1] or found[0].node.kind != "scalar":
            return self.locate(path)
        node = found[0].node
        if self._offsets is None or self._offsets[0] is not node:
            # Cached, since one text may have thousands of problems, which are located one by one.
            self._offsets = (node, _written_offsets(self.text[node.start : node.end], node))
        offsets = self._offsets[1]
        return self.place(node.start + (offsets[min(offset, len(offsets) - 1)] if offsets else 0))


def _written_offsets(raw: str, node: TreeNode) -> Sequence[int]:
    """The offset in the text as written for each offset in the value of `node`; empty if unknown."""
    if node.style == "|":
        return _in_block(raw, node.text)
    if "\n" in raw:
        return ()
    if node.style == "":
        return range(len(raw) + 1)
    offsets = [1]
    while offsets[-1] < len(raw) - 1:
        offsets.append(offsets[-1] + _written_length(raw, offsets[-1], node.style))
    return offsets


def _written_length(raw: str, at: int, style: str) -> int:
    """How many characters of `raw` at offset `at` represent one character of the value."""
    if style == "'":
        return 2 if raw[at : at + 2] == "''" else 1
    if raw[at] != "\\":
        return 1
    return {"x": 4, "u": 6, "U": 10}.get(raw[at + 1 : at + 2], 2)


def _in_block(raw: str, value: str) -> list[int]:
    """The offsets of a literal block; 0 for the characters of a line that differs from its text in `raw`."""
    offsets: list[int] = []
    start = 0  # of the line in `raw`
    lines = raw.split("\n")  # the first contains the block mark
    for number, shown in enumerate(value.split("\n"), start=1):
        start += len(lines[number - 1]) + 1 if number <= len(lines) else 0
        if number < len(lines) and lines[number].endswith(shown):
            first = start + len(lines[number]) - len(shown)
            offsets.extend(range(first, first + len(shown) + 1))
        else:
            offsets.extend([0] * (len(shown) + 1))
    return offsets


def read_source(text: str, *, first_line: int = 1) -> tuple[Built, Source]:
    """Read YAML or JSON.

    Args:
        text: the definition; it may start with a byte order mark and have the line ends of any system.
        first_line: the number of its first line as the user sees it, starting at 1.

    Returns:
        The values (``value`` is ``None`` for an empty text), and the source with their positions.

    Raises:
        MalformedSource: it is neither YAML nor JSON.
    """
    clean = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    source = Source(clean, first_line=first_line)
    try:
        node = _read(source.text)
        built = build(node) if node is not None else Built()
    except Malformed as error:
        raise MalformedSource(error, source) from None
    source.set_marks(built.marks)
    return built, source


def _read(text: str) -> TreeNode | None:
    if not text.lstrip().startswith(("{", "[")):
        return read_yaml(text)
    try:
        return read_json(text)
    except Malformed as json_trouble:
        # Comments, single quotes and commas before a closing bracket are valid in YAML, so they are allowed.
        try:
            return read_yaml(text)
        except Malformed as yaml_trouble:
            raise (json_trouble if looks_like_json(text) else yaml_trouble) from None


class MalformedSource(Exception):
    """The error of :func:`read_source`, with the source."""

    def __init__(self, error: Malformed, source: Source) -> None:
        super().__init__(error.message)
        self.error = error
        self.source = source


def plain_tree(value: Any, depth: int = 0) -> Any:
    """Return `value` with its mappings and lists copied to plain dicts and lists.

    Raises:
        ValueError: a key is not text, or the value is nested too deeply or contains itself.
    """
    if depth > 100:
        raise ValueError("the definition is nested more than 100 levels deep, or contains itself")
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise ValueError(f"the key {key!r} is not text")
        return {key: plain_tree(inner, depth + 1) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain_tree(inner, depth + 1) for inner in value]
    return value


def in_text_order(problems: list[Problem]) -> list[Problem]:
    """Sort `problems` by line and column; problems without a position come last, in their order."""
    return sorted(problems, key=lambda p: (p.line or math.inf, p.column or 0))
