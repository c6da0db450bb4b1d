"""The text and the mark-up of elements."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from drawer_ipy.scrape.numbers import CENTS, SPLIT

_INLINE = frozenset(
    ("a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font",
     "i", "ins", "kbd", "label", "mark", "q", "s", "samp", "small", "span", "strike", "strong", "sub", "sup",
     "time", "tt", "u", "var", "wbr")
)  # fmt: skip
_UNSEEN = frozenset(("script", "style", "template"))
_START_TAG = re.compile(r"""<(?:[^>"']|"[^"]*"|'[^']*')*>""")
_DECLARATION = re.compile(r"""\sxmlns(?::([^\s=]+))?=(?:"([^"]*)"|'([^']*)')""")

_BORDER, _SMALL, _RAISED = "\x03", "\x04", "\x05"
_MARKED = f"{_BORDER}{_SMALL}{_RAISED}"
_ALONE = rf"(\d\d)(?=\s*[€$£¥]?\s*[{_MARKED}])"
_CENTS = re.compile(rf"(?<=\d)(?:{_BORDER}*[{_SMALL}{_RAISED}]|\s+{_BORDER}*{_RAISED})\s*{_ALONE}")
_BETWEEN_DIGITS = re.compile(rf"(?<=\d)[{_MARKED}]+(?=\d)")
_MARKS = str.maketrans("", "", _MARKED)


def element_text(element: Any) -> str:
    """Return an element's text as a reader sees it: white space collapsed, blocks separated, no scripts."""
    return " ".join("".join(_pieces(element, _gap)).split())


def number_text(element: Any) -> str:
    """Return an element's text as :func:`element_text`, prepared for reading a number.

    Two digits in different elements are separated by :data:`CENTS` if the second ones are exactly two raised
    or small digits, as in ``12<sup>99</sup>``, else by :data:`SPLIT`: the plain text would be 1299.
    """
    text = "".join(_pieces(element, _border))
    if any(mark in text for mark in _MARKED):
        text = _CENTS.sub(rf"{CENTS}\1", text.replace(CENTS, " ").replace(SPLIT, " "))
        text = _BETWEEN_DIGITS.sub(SPLIT, text).translate(_MARKS)
    return " ".join(text.split())


def markup(element: Any, *, xml: bool) -> str:
    """Return an element's mark-up as it is on the page, without the text after it."""
    from lxml import etree

    text = str(etree.tostring(element, method="xml" if xml else "html", encoding="unicode", with_tail=False))
    parent = element.getparent()
    if not xml or parent is None or not element.nsmap:
        return text
    # Declarations of outer elements are not part of it.
    outer = parent.nsmap
    start = _START_TAG.match(text)
    if start is None:
        return text
    kept = _DECLARATION.sub(lambda one: "" if outer.get(one[1]) == (one[2] or one[3]) else one[0], start[0])
    return kept + text[start.end() :]


def _pieces(element: Any, between: Any) -> Iterator[str]:
    """Yield the text of an element in pieces, with the result of `between` at the borders of elements."""
    from lxml import etree

    walk = etree.iterwalk(element, events=("start", "end", "comment", "pi"))
    for event, node in walk:
        if event == "start":
            if node.tag in _UNSEEN and node is not element:
                walk.skip_subtree()
            else:
                yield between(node.tag, start=True)
                yield node.text or ""
            continue
        if event == "end":
            yield between(node.tag, start=False)
        if node is not element:
            yield node.tail or ""


def _gap(tag: str, *, start: bool) -> str:  # noqa: ARG001 - as _border
    name = tag.rpartition("}")[2] if tag[:1] == "{" else tag
    return "" if name in _INLINE else " "


def _border(tag: str, *, start: bool) -> str:
    if tag == "wbr":
        return ""
    if start and tag in ("sup", "small", "sub"):
        return _RAISED if tag == "sup" else _SMALL
    return _gap(tag, start=start) or _BORDER
