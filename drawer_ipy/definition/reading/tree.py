"""The tree of a definition's text, before the models validate it.

Every node knows its position in the text. The YAML reader and the JSON reader both build it, so later stages
are the same for both.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from drawer_ipy.common.key_path import KeyPath

MAX_DEPTH = 100
"""How deep mappings and lists may be nested: far deeper than in any real drawer, but not so deep that a
malicious text could exhaust the stack."""

MAX_ALIASED = 100_000
"""How many nodes aliases may add to a definition, so that a few lines cannot expand to billions."""


class Malformed(Exception):
    """The text is neither YAML nor JSON.

    Attributes:
        message: what is wrong, in plain words.
        index: 0-based character offset of the problem in the text.
        remediation: how to fix it, or ``""``.
    """

    def __init__(self, message: str, index: int, remediation: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.index = index
        self.remediation = remediation


@dataclass(slots=True, eq=False)
class TreeNode:
    """One scalar, list or mapping of the text.

    Attributes:
        kind: which of the three.
        start, end: character offsets in the text; `end` is exclusive.
        style: a scalar's quote (``"``, ``'``), block mark (``|``, ``>``) or ``""`` for plain.
        value: a scalar's value.
        text: a scalar's text without quotes, which is the name of a mapping's key.
        items: a list's entries.
        pairs: a mapping's keys and values in the order of the text.
    """

    kind: Literal["scalar", "list", "map"]
    start: int
    end: int = 0
    style: str = ""
    value: Any = None
    text: str = ""
    items: list[TreeNode] = field(default_factory=list)
    pairs: list[tuple[TreeNode, TreeNode]] = field(default_factory=list)

    def children(self) -> Iterator[TreeNode]:
        """The nodes directly below: entries of a list, keys and values of a mapping."""
        yield from self.items
        for key, value in self.pairs:
            yield key
            yield value


@dataclass(frozen=True, slots=True)
class Mark:
    """The positions of a value of the definition and of its key."""

    node: TreeNode
    key: TreeNode | None = None


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A key given twice in one mapping: its path and both keys."""

    path: KeyPath
    first: TreeNode
    second: TreeNode


@dataclass(slots=True)
class Built:
    """The result of :func:`build`: plain Python values, and the position of each."""

    value: Any = None
    marks: dict[KeyPath, Mark] = field(default_factory=dict)
    duplicates: list[Duplicate] = field(default_factory=list)


def build(root: TreeNode) -> Built:
    """Convert `root` to dicts, lists and scalars, with the position of every value by its path.

    The last value of a duplicate key is used, as in the original; the key is listed in ``duplicates``.

    Raises:
        Malformed: a key is a list or a mapping (``{{x}}`` without quotes), or aliases expand to more than
            :data:`MAX_ALIASED` nodes.
    """
    return _Builder(root).built


class _Builder:
    """Converts one tree, with its aliases expanded."""

    def __init__(self, root: TreeNode) -> None:
        self.built = Built()
        # Shared nodes are visited once per alias; nodes beyond those of the text come from aliases.
        self._left = _count(root) + MAX_ALIASED
        self.built.value = self._value(root, (), None)

    def _spend(self, node: TreeNode) -> None:
        self._left -= 1
        if self._left < 0:
            raise Malformed("aliases (`*name`) expand to too many values", node.start)

    def _value(self, node: TreeNode, path: KeyPath, key: TreeNode | None) -> Any:
        self._spend(node)
        if len(path) > MAX_DEPTH:
            raise Malformed(f"this is nested more than {MAX_DEPTH} deep", node.start)
        self.built.marks[path] = Mark(node, key)
        if node.kind == "scalar":
            return node.value
        if node.kind == "list":
            return [self._value(item, (*path, i), None) for i, item in enumerate(node.items)]
        pairs = self._pairs(node, path, len(path))
        return {name: self._value(value, (*path, name), key) for name, (key, value) in pairs.items()}

    def _pairs(
        self, node: TreeNode, path: KeyPath | None, depth: int
    ) -> dict[str, tuple[TreeNode, TreeNode]]:
        """The mapping's own pairs by name, then those that ``<<`` adds; no `path` for a merged mapping."""
        if depth > MAX_DEPTH:
            raise Malformed(f"this is nested more than {MAX_DEPTH} deep", node.start)
        out: dict[str, tuple[TreeNode, TreeNode]] = {}
        merged: list[TreeNode] = []
        for key, value in node.pairs:
            self._spend(key)
            name = _key_text(key, node)
            if name == "<<" and key.style == "":
                merged += value.items if value.kind == "list" else [value]
                continue
            if name in out and path is not None:
                self.built.duplicates.append(Duplicate((*path, name), out[name][0], key))
            out[name] = (key, value)
        # The mapping's own pairs take precedence, then earlier sources over later ones.
        for source in merged:
            if source.kind != "map":
                hint = "give it an alias: `<<: *name`"
                raise Malformed("`<<` can merge only mappings", source.start, hint)
            for name, pair in self._pairs(source, None, depth + 1).items():
                out.setdefault(name, pair)
        return out


def _key_text(key: TreeNode, mapping: TreeNode) -> str:
    """The name of a mapping's key; ``404`` and ``true`` are read as text.

    Raises:
        Malformed: the key is a list or a mapping.
    """
    if key.kind == "scalar":
        return key.text
    raise Malformed(
        "expected the name of a key, got a mapping or a list",
        mapping.start,
        'put text that begins with { or [ in quotes, as in "{{name}}/x" or "${inputs.x}"',
    )


def _count(root: TreeNode) -> int:
    """The number of nodes in the text, counting shared nodes once."""
    seen = {id(root)}
    pending = [root]
    while pending:
        for child in pending.pop().children():
            if id(child) not in seen:
                seen.add(id(child))
                pending.append(child)
    return len(seen)
