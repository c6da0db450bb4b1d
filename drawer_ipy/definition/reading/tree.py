"""The tree a definition's text is read into before any model sees it.

Every node knows where it stands in the text. The YAML and the JSON reader both build it; from here on
nothing depends on which of the two it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from drawer_ipy.common.key_path import KeyPath

MAX_DEPTH = 100
"""How deep mappings and lists may be nested. No real drawer comes near; a hostile text must not
exhaust the stack."""

MAX_ALIASED = 100_000
"""How many nodes aliases may add to a definition, so that a few lines cannot unfold into billions."""


class Malformed(Exception):
    """The text is neither YAML nor JSON.

    Attributes:
        message: what is wrong, in plain words.
        index: 0-based character offset of the trouble in the text.
        remediation: how to fix it, ``""`` when there is no saying.
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
        style: of a scalar, its quote (``"``, ``'``), block mark (``|``, ``>``) or ``""`` for plain.
        value: of a scalar, the value it represents.
        text: of a scalar, its text without quotes; what a mapping's key is taken from.
        items: of a list, the entries.
        pairs: of a mapping, keys and values in the order of the text.
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
        """The nodes right below: entries of a list, keys and values of a mapping."""
        yield from self.items
        for key, value in self.pairs:
            yield key
            yield value


@dataclass(frozen=True, slots=True)
class Mark:
    """Where one value of the definition was written, and the key it was written under."""

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
    """What :func:`build` makes of a tree: plain Python values, and where each came from."""

    value: Any = None
    marks: dict[KeyPath, Mark] = field(default_factory=dict)
    duplicates: list[Duplicate] = field(default_factory=list)


def build(root: TreeNode) -> Built:
    """`root` as dicts, lists and scalars, with the place of every value by its path.

    Of a key given twice the last value counts, as in the original; it is listed in ``duplicates``.

    Raises:
        Malformed: a key is a list or a mapping (``{{x}}`` without quotes), or aliases unfold into more
            than :data:`MAX_ALIASED` nodes.
    """
    return _Builder(root).built


class _Builder:
    """Unfolds one tree."""

    def __init__(self, root: TreeNode) -> None:
        self.built = Built()
        # Shared nodes are met once per alias; whatever exceeds the text's own nodes was unfolded.
        self._left = _count(root) + MAX_ALIASED
        self.built.value = self._value(root, (), None)

    def _spend(self, node: TreeNode) -> None:
        self._left -= 1
        if self._left < 0:
            raise Malformed("aliases (`*name`) unfold into too many values", node.start)

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
        """The mapping's own pairs by name, then those that ``<<`` adds; `path` None is of a merged one."""
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
        # What the mapping itself says wins, then the earlier of several sources.
        for source in merged:
            if source.kind != "map":
                hint = "give it an alias: `<<: *name`"
                raise Malformed("`<<` merges mappings, this is none", source.start, hint)
            for name, pair in self._pairs(source, None, depth + 1).items():
                out.setdefault(name, pair)
        return out


def _key_text(key: TreeNode, mapping: TreeNode) -> str:
    """The name that a mapping's key represents; ``404`` and ``true`` are taken as they are written.

    Raises:
        Malformed: the key is a list or a mapping.
    """
    if key.kind == "scalar":
        return key.text
    raise Malformed(
        "a mapping or a list stands where the name of a key is expected",
        mapping.start,
        'quote it: text that begins with { or [ needs quotes, as in "{{name}}/x" or "${inputs.x}"',
    )


def _count(root: TreeNode) -> int:
    """How many nodes the text holds, shared ones counted once."""
    seen = {id(root)}
    pending = [root]
    while pending:
        for child in pending.pop().children():
            if id(child) not in seen:
                seen.add(id(child))
                pending.append(child)
    return len(seen)
