"""A reader of YAML that builds the tree with the position of each value.

It uses the parser's events rather than its documents, so that depth, aliases and recursion are limited while
reading, dates stay text, and plain scalars follow YAML 1.2 only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)
from ruamel.yaml.reader import ReaderError

from drawer_ipy.common.bad_value import BadValue
from drawer_ipy.definition.reading.characters import stand_ins, whole_characters
from drawer_ipy.definition.reading.scalars import plain_value, tagged_value
from drawer_ipy.definition.reading.tree import MAX_DEPTH, Malformed, TreeNode
from drawer_ipy.definition.reading.yaml_hints import explain
from drawer_ipy.definition.reading.yaml_refused import check_first_lines, unexpected, unprintable

_COLLECTION_TAGS = frozenset({"!", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"})


def read_yaml(text: str) -> TreeNode | None:
    """Parse a YAML text into a tree; ``None`` if there are only white space and comments.

    Raises:
        Malformed: it is not YAML, uses features that definitions do not support (several documents, custom
            tags), is nested too deeply, or an alias refers to a value that contains it.
    """
    check_first_lines(text)
    # The parser would read these as line breaks.
    instead = stand_ins(text)
    parsed = text.translate({ord(one): other for one, other in instead.items()})
    back = str.maketrans({stand_in: character for character, stand_in in instead.items()})
    try:
        return _Composer(YAML(typ="safe", pure=True).parse(parsed), parsed, back).document()
    except MarkedYAMLError as error:
        raise explain(error, text) from None
    except ReaderError as error:
        found = error.character
        character = chr(found) if isinstance(found, int) else str(found)[:1] or "\0"
        raise unprintable(character, int(error.position)) from None
    except (Malformed, RecursionError):
        raise
    except Exception as error:  # the parser may raise anything for unusual input
        raise unexpected(error, text) from None


class _Composer:
    """Converts the events of one text to nodes.

    Args:
        back: placeholder character -> the original character.
    """

    def __init__(self, events: Iterator[Any], text: str, back: Mapping[int, str]) -> None:
        self._events = events
        self._text = text
        self._back = back
        self._anchors: dict[str, TreeNode] = {}
        self._open: set[int] = set()  # ids of the collections being composed, to detect recursion

    def document(self) -> TreeNode | None:
        root: TreeNode | None = None
        documents = 0
        for event in self._events:
            if isinstance(event, DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise Malformed(
                        "a second document starts here; a definition must be one document",
                        event.start_mark.index,
                        "remove the line `---`",
                    )
            elif isinstance(event, StreamEndEvent):
                break
            elif isinstance(event, ScalarEvent | AliasEvent | MappingStartEvent | SequenceStartEvent):
                root = self._node(event, 0)
            elif isinstance(event, DocumentEndEvent):
                continue
        return root

    def _node(self, event: Any, depth: int) -> TreeNode:
        at = int(event.start_mark.index)
        if depth > MAX_DEPTH:
            raise Malformed(f"this is nested more than {MAX_DEPTH} deep", at)
        if isinstance(event, AliasEvent):
            return self._alias(event, at)
        if isinstance(event, ScalarEvent):
            return self._anchored(event, self._scalar(event, at))
        if event.tag is not None and str(event.tag) not in _COLLECTION_TAGS:
            raise Malformed(f"unknown tag {str(event.tag)!r}", at, "remove it")
        node = self._anchored(event, TreeNode("map" if isinstance(event, MappingStartEvent) else "list", at))
        self._open.add(id(node))
        end = self._fill(node, depth)
        self._open.discard(id(node))
        node.end = end
        return node

    def _fill(self, node: TreeNode, depth: int) -> int:
        key: TreeNode | None = None
        for event in self._events:
            if isinstance(event, MappingEndEvent | SequenceEndEvent):
                return int(event.end_mark.index)
            child = self._node(event, depth + 1)
            if node.kind == "list":
                node.items.append(child)
            elif key is None:
                key = child
            else:
                node.pairs.append((key, child))
                key = None
        return len(self._text)

    def _anchored(self, event: Any, node: TreeNode) -> TreeNode:
        if event.anchor is not None:
            self._anchors[str(event.anchor)] = node
        return node

    def _alias(self, event: Any, at: int) -> TreeNode:
        name = str(event.anchor)
        found = self._anchors.get(name)
        if found is None:
            raise Malformed(
                f"there is no anchor for the alias *{name}",
                at,
                f'put text that begins with * in quotes: "*{name}"; an anchor is set with &{name}',
            )
        if id(found) in self._open:
            raise Malformed(f"the alias *{name} refers to a value that contains it", at)
        return found

    def _scalar(self, event: Any, at: int) -> TreeNode:
        text = str(event.value)
        style = event.style or ""
        try:
            text = whole_characters(text.translate(self._back) if self._back else text)
            if event.tag is not None:
                value = tagged_value(str(event.tag), text)
            else:
                value = text if style else plain_value(text)
        except BadValue as error:
            raise Malformed(error.message, at, error.hint) from None
        return TreeNode("scalar", at, int(event.end_mark.index), style, value, text)
