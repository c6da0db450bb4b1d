"""Find the paths that an expression reads, for validation and for the dependency graph."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from drawer_ipy.common.key_path import KeyPath
from drawer_ipy.errors import ResolveError
from drawer_ipy.expressions import nodes as ast
from drawer_ipy.expressions.program import Program, static_steps
from drawer_ipy.expressions.types import TYPES

Exists = Callable[[KeyPath], bool]


@dataclass(frozen=True, slots=True)
class Reference:
    """One path in an expression.

    Attributes:
        root: its first name, e.g. ``inputs``, a step id, a loop variable.
        path: the members and indices that follow, up to the first computed one.
        offset: 0-based character offset of the root in the compiled text.
        text: the path as written.
        whole: whether the expression consists of this path only.
        guarded: whether it may be missing: inside ``has()`` or guarded by one, left of ``??``, or on one
            side of ``&&`` or ``||`` (where the other side may decide).
        always: whether every evaluation reads it: false for the two results of ``a ? b : c``, right of
            ``??``, and in the body of a macro.
    """

    root: str
    path: KeyPath
    offset: int
    text: str
    whole: bool
    guarded: bool
    always: bool = True


@dataclass(frozen=True, slots=True)
class _Reference:
    root: ast.Name
    path: KeyPath
    end: int
    at: tuple[int | None, ...]  # offsets of the root and of each dotted member
    guarded: bool
    always: bool


def find(program: Program, source: str, exists: Exists | None = None) -> tuple[Reference, ...]:
    """Return the references of `program`, in the order of the text.

    Args:
        source: the text the program was compiled from.
        exists: whether a path (root first) may exist. If a path that ends in a hyphenated name does not,
            the hyphen is read as a minus sign. Without `exists`, such names are not split.
    """
    static = static_steps(program.tree)
    if static is not None and not any(isinstance(s.key, str) and "-" in s.key for s in static[1]):
        root, steps = static
        if "-" not in root.name:  # most references are a plain path
            text = source[root.start : program.tree.end]
            return (Reference(root.name, tuple(s.key for s in steps), root.start, text, True, False),)
    tree, found = program.tree, _collect(program.tree)
    if exists is not None:
        splits: dict[int, int] = {}
        while new := _splits(found, exists, splits):
            splits.update(new)
            try:
                tree = program.split_tree(splits)
            except ResolveError:
                break  # this reading makes no sense, so the names are not split
            found = _collect(tree)
    return tuple(_reference(one, tree, source) for one in found)


def _collect(tree: ast.Node) -> list[_Reference]:
    found = list(_walk(tree, frozenset(), _PLAIN))
    tested = _tested(tree)
    result = []
    for one in found:
        full = (one.root.name, *one.path)
        if tree is one.root and not one.path:
            result.append(one)
            continue
        if not one.path and one.root.name in TYPES:
            continue  # `string` in type(x) == string
        behind = any(full[: len(test)] == test for test in tested)
        guarded = one.guarded or behind
        result.append(_Reference(one.root, one.path, one.end, one.at, guarded, one.always))
    return sorted(result, key=lambda one: one.root.start)


def _reference(one: _Reference, tree: ast.Node, source: str) -> Reference:
    start = one.root.start
    static = static_steps(tree)
    whole = static is not None and len(static[1]) == len(one.path) and static[0].start == start
    text = source[start : one.end]
    return Reference(one.root.name, one.path, start, text, whole, one.guarded, one.always)


def _splits(found: list[_Reference], exists: Exists, done: dict[int, int]) -> dict[int, int]:
    """Return the hyphenated names that do not exist, and how many parts of each do."""
    splits: dict[int, int] = {}
    for one in found:
        full: KeyPath = (one.root.name, *one.path)
        for length, (name, at) in enumerate(zip(full, one.at, strict=True), start=1):
            if at is None or not isinstance(name, str) or "-" not in name:
                continue
            if exists(full[:length]):
                continue
            parts = name.split("-")
            for kept in range(len(parts) - 1, 0, -1):
                if exists((*full[: length - 1], "-".join(parts[:kept]))):
                    if done.get(at) != kept:
                        splits[at] = kept
                    break
            break
    return splits


def _path_of(node: ast.Node) -> tuple[_Reference, list[ast.Node]] | None:
    """Return the longest static path from the root below `node`, and the computed indices after it."""
    chain: list[ast.Member | ast.Index] = []
    base = node
    while isinstance(base, ast.Member | ast.Index):
        chain.append(base)
        base = base.operand
    if not isinstance(base, ast.Name):
        return None
    longest: ast.Node = base
    for link in reversed(chain):
        if static_steps(link) is None:
            break
        longest = link
    static = static_steps(longest)
    if static is None:  # a Name is always static
        return None
    at = (base.start, *(step.at if step.dotted else None for step in static[1]))
    found = _Reference(base, tuple(step.key for step in static[1]), longest.end, at, False, True)
    computed = [link.index for link in chain if isinstance(link, ast.Index)]
    return found, computed


@dataclass(frozen=True, slots=True)
class _Position:
    """What surrounds a part of an expression; see :class:`Reference`."""

    guarded: bool = False
    always: bool = True

    def behind_guard(self, really: bool = True) -> _Position:
        return _Position(True, self.always) if really else self

    def maybe(self, really: bool = True) -> _Position:
        return _Position(self.guarded, False) if really else self


_PLAIN = _Position()


def _walk(node: ast.Node, bound: frozenset[str], position: _Position) -> Iterator[_Reference]:
    if isinstance(node, ast.Name | ast.Member | ast.Index):
        yield from _walk_path(node, bound, position)
    elif isinstance(node, ast.Has):
        yield from _walk(node.path, bound, position.behind_guard())
    elif isinstance(node, ast.Macro):
        yield from _walk(node.source, bound, position)
        inner = bound | {node.variable}
        for part in (node.condition, node.body):
            if part is not None:
                yield from _walk(part, inner, position.maybe())
    elif isinstance(node, ast.Binary):
        either = position.behind_guard(node.op in ("&&", "||"))
        yield from _walk(node.left, bound, either.behind_guard(node.op == "??"))
        yield from _walk(node.right, bound, either.maybe(node.op == "??"))
    elif isinstance(node, ast.Ternary):
        yield from _walk(node.condition, bound, position)
        yield from _walk(node.yes, bound, position.maybe())
        yield from _walk(node.no, bound, position.maybe())
    else:
        for child in ast.children(node):
            yield from _walk(child, bound, position)


def _walk_path(node: ast.Node, bound: frozenset[str], position: _Position) -> Iterator[_Reference]:
    path = _path_of(node)
    if path is None:
        if isinstance(node, ast.Member | ast.Index):
            yield from _walk(node.operand, bound, position)
        if isinstance(node, ast.Index):
            yield from _walk(node.index, bound, position)
        return
    found, computed = path
    if found.root.name not in bound:
        yield _Reference(found.root, found.path, found.end, found.at, position.guarded, position.always)
    for index in computed:
        yield from _walk(index, bound, position)


def _tested(node: ast.Node) -> set[KeyPath]:
    """Return the paths that any ``has()`` in the expression tests."""
    tested: set[KeyPath] = set()
    pending = [node]
    while pending:
        one = pending.pop()
        if isinstance(one, ast.Has) and (static := static_steps(one.path)) is not None:
            tested.add((static[0].name, *(step.key for step in static[1])))
        pending += ast.children(one)
    return tested
