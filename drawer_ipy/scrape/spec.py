"""The description in ``extract:``, read and checked: fields, lists of fields, and conversions.

A field is one text::

    css:h1::text              a CSS selector; or an XPath one after ``xpath:``
    css:.price::text|float    with a conversion, one of :data:`TYPES`
    css:.price|float:de       a number in the format of a language, ``1.234,50``
    css:itunes|title          an element in a namespace, for XML
    css:.tag::text[]          all matches, as a list
    css:h1::text!             an error if there is no match; otherwise null (an empty list)

A mapping with ``each: css:li.item`` is a list with one entry for each element; its other fields are searched
within that element. A mapping without ``each`` is a single entry of fields.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from drawer_ipy.common.install import install_hint
from drawer_ipy.common.key_path import KeyPath
from drawer_ipy.errors import did_you_mean
from drawer_ipy.scrape.finder import BadSelector, Finder
from drawer_ipy.scrape.namespaces import PageNames
from drawer_ipy.scrape.numbers import decimal_sign

TYPES = ("text", "int", "float", "url", "json", "html", "raw", "exists")
EACH = "each"

_LANGUAGES = ("css", "xpath")
_PREFIX = re.compile(r"\s*([A-Za-z]+)\s*:(?!:)\s*")
_TYPE = re.compile(r"\|\s*([A-Za-z_]+)(?::([A-Za-z]{2,3}(?:[-_][A-Za-z]{2,4})?))?\s*$")
_QUALIFIED = re.compile(r"(?:^|[\s>+~,(])(\*|[\w-]+)\|[\w-]+$")
_ATTRIBUTE = re.compile(r"(?:::attr\(\s*([\w:|-]+)\s*\)|@([\w:-]+))\s*$")
_PREFIX_NAME = re.compile(r"[^\W\d][\w.-]*")
_NUMBERS = ("int", "float")
_TAGS = frozenset(
    ("a", "article", "b", "body", "button", "dd", "div", "dl", "dt", "em", "footer", "h1", "h2",
     "h3", "h4", "h5", "h6", "header", "html", "i", "img", "input", "label", "li", "link", "main",
     "meta", "nav", "ol", "option", "p", "script", "section", "select", "small", "span", "strong",
     "table", "tbody", "td", "th", "thead", "tr", "u", "ul")
)  # fmt: skip
"""Elements of HTML; before a ``|`` they are not prefixes."""

_LINKS = frozenset(("href", "src", "action", "formaction", "poster", "cite", "data-src", "data-href"))


@dataclass(frozen=True, slots=True)
class Trouble:
    """An error in ``extract``.

    Attributes:
        path: the path of the value, below ``extract``.
        message, remediation: what is wrong, and how to fix it.
        offset: the position of the error in the text, ``None`` for the whole text.
        soft: whether extraction is possible all the same.
    """

    path: KeyPath
    message: str
    remediation: str = ""
    offset: int | None = None
    soft: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    """One value, or a list of values.

    Attributes:
        text: the selector as written.
        find: selects from an element of a page with given names, and returns a list of elements and texts,
            or a single value. Raises UnknownPrefix.
        type: the conversion, one of :data:`TYPES`; ``""`` for text, and for absolute addresses if it selects
            an attribute that contains an address.
        many: whether it is a list.
        required: whether no match is an error.
        attribute: whether it selects an attribute.
        link: whether that attribute contains an address.
        decimal: the decimal sign of a number, ``""`` to detect it.
    """

    text: str
    find: Callable[[Any, PageNames], Any]
    type: str = ""
    many: bool = False
    required: bool = False
    attribute: bool = False
    link: bool = False
    decimal: str = ""


@dataclass(frozen=True, slots=True)
class Extraction:
    """A group of fields; the whole of ``extract`` is one.

    Attributes:
        fields: name -> field or nested group.
        each: selects the elements of a list of entries; ``None`` for a single entry.
    """

    fields: Mapping[str, Field | Extraction] = field(default_factory=dict)
    each: Field | None = None


def needs_parsel(what: str = "extract") -> Trouble | None:
    """Return the error for the key `what` if parsel is not installed; ``None`` if it is."""
    if importlib.util.find_spec("parsel") is not None:
        return None
    return Trouble((), f"`{what}` requires the package parsel", install_hint("scrape"))


@dataclass(frozen=True, slots=True)
class Manner:
    """The settings for selectors and numbers.

    Attributes:
        namespaces: by prefix, in addition to those that pages declare.
        decimal: the decimal sign, ``.`` or ``,``; ``""`` to detect it.
    """

    namespaces: Mapping[str, str] = field(default_factory=dict)
    decimal: str = ""


def read_manner(namespaces: Any, decimal: Any) -> tuple[Manner, list[Trouble]]:
    """Return the settings of the keys ``namespaces`` and ``decimal``, and their errors by path."""
    troubles, spaces = [], dict[str, str]()
    for prefix, uri in (namespaces or {}).items():
        if not _PREFIX_NAME.fullmatch(str(prefix)):
            troubles.append(Trouble(("namespaces", prefix), f"{prefix!r} is not a prefix", "such as `atom`"))
        elif not isinstance(uri, str) or not uri.strip():
            hint = f'the namespace\'s address: `{prefix}: "http://..."`'
            troubles.append(Trouble(("namespaces", prefix), f"the prefix {prefix!r} needs a namespace", hint))
        else:
            spaces[str(prefix)] = uri.strip()
    sign = str(decimal or "").strip()
    sign = sign if sign in ("", ".", ",") else decimal_sign(sign)
    if decimal and not sign:
        hint = 'use "," or ".", or name a language: `decimal: de`'
        troubles.append(Trouble(("decimal",), f"{decimal!r} is not a decimal sign", hint))
    return Manner(spaces, sign), troubles


def read_extraction(given: Any, manner: Manner | None = None) -> tuple[Extraction, list[Trouble]]:
    """Return the extraction that `given` describes, and all errors; without parsel, only that error."""
    missing = needs_parsel()
    if missing is not None:
        return Extraction(), [missing]
    reader = _SpecReader(manner or Manner())
    return reader.group(given, (), within=False), reader.troubles


def read_selector(given: str, manner: Manner | None = None) -> tuple[Field | None, list[Trouble]]:
    """Return a single field, and its errors."""
    reader = _SpecReader(manner or Manner())
    return reader.field(given, (), within=False), reader.troubles


class _SpecReader:
    """Read one definition, and collect its errors."""

    def __init__(self, manner: Manner) -> None:
        self._manner = manner
        self.troubles: list[Trouble] = []

    def _trouble(
        self, path: KeyPath, message: str, hint: str = "", offset: int | None = None, *, soft: bool = False
    ) -> None:
        self.troubles.append(Trouble(path, message, hint, offset, soft))

    def group(self, given: Any, path: KeyPath, *, within: bool) -> Extraction:
        """Read a mapping of fields; `within` says whether it is inside an element of an ``each``."""
        if not isinstance(given, Mapping):
            self._trouble(path, "`extract` is a mapping of names to selectors", '`title: "css:h1::text"`')
            return Extraction()
        each = None
        if EACH in given:
            each = self._each(given[EACH], (*path, EACH), within=within)
        names = [name for name in given if name != EACH]
        if not names:
            self._trouble(path, "there are no fields to extract", 'name some: `title: "css:h1::text"`')
        inside = within or EACH in given
        fields: dict[str, Field | Extraction] = {}
        for name in names:
            found = self._entry(given[name], (*path, name), within=inside)
            if found is not None:
                fields[name] = found
        return Extraction(fields, each)

    def _entry(self, given: Any, path: KeyPath, *, within: bool) -> Field | Extraction | None:
        if isinstance(given, Mapping):
            return self.group(given, path, within=within)
        if isinstance(given, list) and len(given) == 1 and isinstance(given[0], str):
            self._trouble(path, "a list of values is written with `[]`", f'write "{given[0]}[]"')
            return None
        if not isinstance(given, str):
            what = "null" if given is None else f"a {type(given).__name__}"
            message = f"field {path[-1]!r} must be a selector or a mapping of fields, not {what}"
            self._trouble(path, message, 'such as "css:h1::text"')
            return None
        return self.field(given, path, within=within)

    def _each(self, given: Any, path: KeyPath, *, within: bool) -> Field | None:
        if not isinstance(given, str):
            self._trouble(path, "`each` must be a selector", 'such as `each: "css:li.item"`')
            return None
        found = self.field(given, path, within=within)
        if found is None:
            return None
        if found.type or found.many:
            self._trouble(path, "`each` selects elements; it cannot have a type or []", "remove it")
        if "::text" in found.text or _ATTRIBUTE.search(found.text) or found.text.rstrip().endswith("text()"):
            hint = "select the element here, and its text or attribute in a field"
            self._trouble(path, "`each` must select elements, not text or attributes", hint)
        return found

    def field(self, given: str, path: KeyPath, *, within: bool) -> Field | None:
        """Read one selector with its suffixes; ``None`` if it is invalid."""
        prefix = _PREFIX.match(given)
        if prefix is None or prefix[1].lower() not in _LANGUAGES:
            near = did_you_mean(prefix[1].lower(), _LANGUAGES) if prefix else ""
            hint = near or f'write "css:{given.strip()}" or "xpath:{given.strip()}"'
            self._trouble(path, "a selector begins with css: or xpath:", hint)
            return None
        language = prefix[1].lower()
        suffixes = self._suffixes(given[prefix.end() :], path, prefix.end(), language)
        if suffixes is None:
            return None
        text, kind, decimal, many, required = suffixes
        if not text.strip():
            self._trouble(path, "the selector is missing", f'such as "{language}:h1"', prefix.end())
            return None
        if kind == "exists" and (many or required):
            self._trouble(path, "|exists is true or false, so it cannot have [] or !", "remove them")
        try:
            find = Finder(language, text, self._manner.namespaces)
        except BadSelector as error:
            self._trouble(path, error.message, "", prefix.end() + (error.offset or 0))
            return None
        self._near_prefixes(find.prefixes, path)
        if within and language == "xpath" and text.lstrip().startswith("/"):
            message = "inside `each`, an XPath that begins with / searches the whole page"
            self._trouble(path, message, f"write .{text.strip()} to search within the element", soft=True)
        attribute = _ATTRIBUTE.search(text)
        link = attribute is not None and (attribute[1] or attribute[2]).lower() in _LINKS
        sign = decimal or (self._manner.decimal if kind in _NUMBERS else "")
        return Field(f"{language}:{text}", find, kind, many, required, attribute is not None, link, sign)

    def _near_prefixes(self, prefixes: Iterable[str], path: KeyPath) -> None:
        """Report prefixes that are almost the same as one that the definition declares."""
        declared = self._manner.namespaces
        for prefix in prefixes:
            near = did_you_mean(prefix, declared, near=0.75)
            if prefix not in declared and near:
                self._trouble(path, f"`namespaces` has no prefix {prefix!r}", near)

    def _suffixes(
        self, text: str, path: KeyPath, start: int, language: str
    ) -> tuple[str, str, str, bool, bool] | None:
        """Return the selector without its suffixes, the type, the decimal sign of its language, whether it is
        a list, and whether it is required.
        """
        kind, decimal, many, required = "", "", False, False
        while True:
            text = text.rstrip()
            named = _TYPE.search(text)
            if text.endswith("!") and not required:
                text, required = text[:-1], True
            elif text.endswith("[]") and not many:
                text, many = text[:-2], True
            elif named and not kind and named[1] in TYPES:
                kind = named[1]
                if named[2]:
                    decimal = decimal_sign(named[2])
                    if not self._is_locale(named, decimal, path, start):
                        return None
                text = text[: named.start()]
            elif named and language == "css" and not self._is_qualified(text, kind):
                hint = f"{did_you_mean(named[1], TYPES)} types are {', '.join(TYPES)}".strip()
                self._trouble(path, f"unknown type {named[1]!r}", hint, start + named.start(1))
                return None
            else:
                return text, kind, decimal, many, required

    def _is_locale(self, named: re.Match[str], decimal: str, path: KeyPath, start: int) -> bool:
        """Whether a type may have the language that it is written with, as in ``float:de``."""
        if named[1] not in _NUMBERS:
            message = f"only int and float can have a language, not {named[1]!r}"
            self._trouble(path, message, f"write |{named[1]}", start + named.start(1))
        elif not decimal:
            hint = 'such as float:de, float:fr or float:en; or `decimal: ","` beside `extract`'
            self._trouble(path, f"unknown language {named[2]!r}", hint, start + named.start(2))
        else:
            return True
        return False

    def _is_qualified(self, text: str, kind: str) -> bool:
        """Whether `text` ends in the name of an element in a namespace, instead of a misspelt type."""
        found = _QUALIFIED.search(text)
        if found is None:
            return False
        if found[1] in self._manner.namespaces or found[1] == "*" or kind:
            return True
        name = text.rpartition("|")[2]
        return found[1].lower() not in _TAGS and not did_you_mean(name, TYPES, near=0.8)
