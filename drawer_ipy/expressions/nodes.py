"""The syntax tree of an expression. Every node has its position in the text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Node:
    """``[start, end)`` are character offsets in the compiled text."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Literal(Node):
    """A number, text, bytes, ``true``, ``false`` or ``null``."""

    value: Any


@dataclass(frozen=True, slots=True)
class Name(Node):
    """A root: ``inputs``, a step id, a loop variable."""

    name: str


@dataclass(frozen=True, slots=True)
class Member(Node):
    """``operand.key``; an int key is the ``.0`` form. `at` is the offset of the key."""

    operand: Node
    key: str | int
    at: int


@dataclass(frozen=True, slots=True)
class Index(Node):
    """``operand[index]``."""

    operand: Node
    index: Node


@dataclass(frozen=True, slots=True)
class FunctionCall(Node):
    """``name(args)`` or, with a receiver, ``receiver.name(args)``."""

    name: str
    receiver: Node | None
    args: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Has(Node):
    """``has(operand.key)``: whether the last member exists."""

    path: Member | Index


@dataclass(frozen=True, slots=True)
class Macro(Node):
    """``source.kind(variable, [condition,] body)``: map, filter, all, exists, exists_one."""

    kind: str
    source: Node
    variable: str
    condition: Node | None
    body: Node


@dataclass(frozen=True, slots=True)
class Unary(Node):
    """``!operand`` or ``-operand``."""

    op: str
    operand: Node


@dataclass(frozen=True, slots=True)
class Binary(Node):
    """An operator with two operands, ``??``, ``&&`` and ``||`` included."""

    op: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Ternary(Node):
    """``condition ? yes : no``."""

    condition: Node
    yes: Node
    no: Node


@dataclass(frozen=True, slots=True)
class ListLiteral(Node):
    """``[a, b]``."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class MapLiteral(Node):
    """``{k: v}``."""

    entries: tuple[tuple[Node, Node], ...]


def children(node: Node) -> tuple[Node, ...]:
    """Return the nodes directly inside `node`, in the order of the text."""
    find = _CHILDREN.get(type(node))
    return () if find is None else find(node)


_CHILDREN: Mapping[type[Node], Callable[[Any], tuple[Node, ...]]] = {
    Member: lambda node: (node.operand,),
    Index: lambda node: (node.operand, node.index),
    FunctionCall: lambda node: node.args if node.receiver is None else (node.receiver, *node.args),
    Has: lambda node: (node.path,),
    Macro: lambda node: tuple(p for p in (node.source, node.condition, node.body) if p is not None),
    Unary: lambda node: (node.operand,),
    Binary: lambda node: (node.left, node.right),
    Ternary: lambda node: (node.condition, node.yes, node.no),
    ListLiteral: lambda node: node.items,
    MapLiteral: lambda node: tuple(part for entry in node.entries for part in entry),
}
