"""Selectors, compiled once for HTML, and for XML once for each set of namespaces that pages declare."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from drawer_ipy.scrape.namespaces import ANY, PageNames, prefixes_in, resolve

_MOST_KNOWN = 64
_HTML = PageNames()
_ANY_NAMESPACE = re.compile(r"""("[^"]*"|'[^']*')|(?<![\w\\|*-])\*\|(?=[\w*-])""")
_AT = re.compile(r" at (\d+)")
_ATTR = re.compile(r"::attr\(\s*([\w-]+)\s*(?:[:|]\s*([\w-]+)\s*)?\)")
_NAMED_ATTRIBUTE = re.compile(r"attribute::\*\[name\(\) = '([\w-]+:[\w-]+)'\]")


class BadSelector(Exception):
    """A selector is invalid.

    Attributes:
        message: the reason.
        offset: the position of the error, counted from 0; ``None`` if unknown.
    """

    def __init__(self, message: str, offset: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset


class Finder:
    """Select from an element of a page.

    Args:
        language: ``css`` or ``xpath``.
        text: the selector.
        namespaces: the namespaces that the definition declares, by prefix.

    Attributes:
        prefixes: the prefixes in the selector.

    Raises:
        BadSelector: it cannot be parsed or evaluated.
    """

    def __init__(self, language: str, text: str, namespaces: Mapping[str, str]) -> None:
        self._made_of = (language, text, dict(namespaces))
        self._declared = namespaces
        self._html = _from_css(text, xml=False) if language == "css" else text
        self._xml = _from_css(text, xml=True) if language == "css" else text
        self.prefixes: tuple[str, ...] = prefixes_in(self._xml)
        self._known: dict[Any, Any] = {}
        self._on_html = _tried(self._compiled(_HTML))

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle what it was made of: compiled selectors cannot be pickled."""
        return Finder, self._made_of

    def __call__(self, element: Any, names: PageNames) -> Any:
        """Return a list of elements and texts, or a single value.

        Args:
            names: the names of the page.

        Raises:
            UnknownPrefix: it has a prefix that is not declared.
        """
        if not names.xml:
            return self._on_html(element)
        key = (names.default, *(names.prefixes.get(prefix) for prefix in self.prefixes))
        find = self._known.get(key)
        if find is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            find = self._known[key] = self._compiled(names)
        return find(element)

    def _compiled(self, names: PageNames) -> Any:
        from lxml import etree

        resolved = resolve(self._xml if names.xml else self._html, names, self._declared)
        namespaces = {**_of_functions(), **resolved.namespaces}
        try:
            return etree.XPath(resolved.text, namespaces=namespaces, smart_strings=False)
        except etree.XPathError as error:
            raise BadSelector(f"this XPath expression cannot be evaluated: {error}") from None


@lru_cache(maxsize=1)
def _of_functions() -> Mapping[str, str]:
    """Return the namespaces of parsel's XPath functions, which are not in the standard."""
    from parsel import Selector

    return dict(Selector(text="<p></p>").namespaces)


def _tried(find: Any) -> Any:
    """Return `find` after evaluating it once: some errors (an unknown function) only appear then."""
    from lxml import etree

    try:
        find(etree.fromstring("<p/>"))
    except etree.XPathError as error:
        raise BadSelector(f"this XPath expression cannot be evaluated: {error}") from None
    return find


def _from_css(text: str, *, xml: bool) -> str:
    """Return the XPath expression for a CSS selector.

    Raises:
        BadSelector: it is invalid.
    """
    from cssselect import ExpressionError, SelectorSyntaxError
    from parsel.csstranslator import GenericTranslator, HTMLTranslator

    translator = GenericTranslator() if xml else HTMLTranslator()
    prepared = _ANY_NAMESPACE.sub(lambda found: found[1] or f"{ANY}|", text)
    prepared = _ATTR.sub(lambda found: _attribute(found, xml=xml), prepared)
    try:
        return _NAMED_ATTRIBUTE.sub(r"@\1", translator.css_to_xpath(prepared))
    except (SelectorSyntaxError, ExpressionError) as error:
        place = _AT.search(str(error)) if prepared == text else None
        offset = int(place[1]) if place else None
        raise BadSelector(f"invalid CSS selector: {_AT.sub('', str(error))}", offset) from None


def _attribute(found: re.Match[str], *, xml: bool) -> str:
    name = found[1] if found[2] is None else f"{found[1]}:{found[2]}"
    # HTML attribute names are in lower case, however they were written.
    name = name if xml else name.lower()
    return f'::attr("{name}")' if ":" in name else f"::attr({name})"
