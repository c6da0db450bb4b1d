"""Options for extraction and paging: ``extract``, ``follow``, ``max_pages`` of a button or transform step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from drawer_ipy.definition.follow import LINK, Counted, Cursor, Rule, read_items, read_paging
from drawer_ipy.definition.models import ButtonSpec
from drawer_ipy.definition.own_texts import PLACE
from drawer_ipy.errors import did_you_mean
from drawer_ipy.scrape.json_path import JsonPath
from drawer_ipy.scrape.reader import PageReader
from drawer_ipy.scrape.spec import (
    Extraction,
    Field,
    Manner,
    Trouble,
    needs_parsel,
    read_extraction,
    read_manner,
    read_selector,
)

MOST_PAGES = 1000
"""Most pages that are followed without ``max_pages``; the pages of a calendar, for example, never end."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What to do with the pages that a button fetches.

    Attributes:
        extraction: what to take from each page; ``None`` for the pages themselves.
        follow: how to find the next page: a field's name, a selector, or a rule for an API; or ``None``.
        most: the most pages to fetch.
        bounded: whether the button sets that limit.
        sitemap: ``urls`` for the addresses of a site map, ``full`` for details, ``""`` for other pages.
        items: the path of the items in a JSON response; ``None`` for the whole response.
    """

    extraction: Extraction | None
    follow: str | Field | Rule | None = None
    most: int = MOST_PAGES
    bounded: bool = False
    sitemap: str = ""
    items: JsonPath | None = None

    @property
    def by_parameter(self) -> bool:
        """Whether pages are requested by a parameter rather than by their URLs."""
        return isinstance(self.follow, Cursor | Counted)

    def reader(self) -> PageReader | None:
        """Return what takes the values from each page with selectors; ``None`` if there are no selectors."""
        follow = self.follow if isinstance(self.follow, Field) else None
        if self.extraction is None and follow is None:
            return None
        return PageReader(self.extraction, follow)


def read_asked(spec: ButtonSpec) -> tuple[Asked | None, list[Trouble]]:
    """Read the options of `spec` (``None`` if it has none), and the problems with them by path in the button.

    The options may be used only if all troubles are soft.
    """
    if spec.sitemap:
        kind = "full" if spec.sitemap == "full" else "urls"
        most = spec.max_pages or MOST_PAGES
        return Asked(None, None, most, bounded=bool(spec.max_pages), sitemap=kind), list(_about_sitemap(spec))
    if spec.extract is None and not spec.follow and not spec.items:
        return None, list(_idle(spec))
    troubles = list(_misplaced(spec))
    if spec.meta_refresh and not spec.save:
        troubles += _about_refresh(spec)
    manner, found = read_manner(spec.namespaces, spec.decimal)
    troubles += found
    extraction = None
    if spec.extract is not None:
        extraction, found = read_extraction(spec.extract, manner)
        troubles += _below("extract", found)
    follow, found = _follow(spec, extraction, manner)
    troubles += _below("follow", found)
    items, found = read_items(spec.items)
    troubles += found
    troubles += _mismatched(spec, follow)
    most = spec.max_pages or MOST_PAGES
    return Asked(extraction, follow, most, bool(spec.max_pages), items=items), troubles


def _below(key: str, troubles: list[Trouble]) -> Iterator[Trouble]:
    for one in troubles:
        yield Trouble((key, *one.path), one.message, one.remediation, one.offset, one.soft)


def _about_refresh(spec: ButtonSpec) -> Iterator[Trouble]:
    if not spec.url:
        yield Trouble(("meta_refresh",), "`meta_refresh` is only for requests: it needs `url`")
    if spec.save:
        hint = "remove one of them"
        yield Trouble(("meta_refresh",), "`meta_refresh` cannot be combined with `save`", hint)


def _about_sitemap(spec: ButtonSpec) -> Iterator[Trouble]:
    missing = needs_parsel("sitemap")
    if missing is not None:
        yield Trouble(("sitemap",), missing.message, missing.remediation)
    if not spec.url:
        yield Trouble(("sitemap",), "`sitemap` is only for requests: it needs `url`")
    others = {"extract": spec.extract is not None, "follow": bool(spec.follow), "save": bool(spec.save)}
    others |= {"items": bool(spec.items), "output": spec.output != "body", "meta_refresh": spec.meta_refresh}
    for key, given in others.items():
        if given:
            hint = "remove one of them; `sitemap: full` returns details of each address"
            yield Trouble((key,), f"`sitemap` returns a list of addresses, so `{key}` has no effect", hint)
    if spec.sent_method != "GET":
        key = "method" if spec.method.strip() else "files" if spec.files else "body_file"
        yield Trouble((key,), f"`sitemap` needs a GET request, not {spec.sent_method}")


def _misplaced(spec: ButtonSpec) -> Iterator[Trouble]:
    key = "extract" if spec.extract is not None else "follow" if spec.follow else "items"
    if not spec.url:
        yield Trouble((key,), f"`{key}` is only for requests: it needs `url`", "use a transform step")
    if spec.save:
        yield Trouble((key,), f"`{key}` cannot be combined with `save`", "remove one of them")
    if spec.follow and spec.output == "full":
        hint = "remove one of them; the step's `about` describes the last response"
        yield Trouble(("follow",), "`output: full` is for one response, and `follow` makes several", hint)
    if spec.items and spec.output == "full":
        hint = "remove one of them"
        yield Trouble(("items",), "`output: full` is the whole response, and `items` a part of it", hint)
    if spec.items and spec.extract is not None:
        hint = "remove one of them"
        yield Trouble(("items",), "`items` is for JSON, and `extract` for pages", hint)
    method = spec.sent_method
    if spec.follow and isinstance(spec.follow, str) and method != "GET":
        hint = "for an API with a cursor or a page number: `follow: {cursor: json:next, into: after}`"
        yield Trouble(("follow",), f"`follow` by address needs a GET request, not {method}", hint)


def _idle(spec: ButtonSpec) -> Iterator[Trouble]:
    """The options that have no effect, or are wrong, on a button without ``extract`` and ``follow``."""
    if spec.meta_refresh:
        yield from _about_refresh(spec)
    if spec.max_pages:
        yield Trouble(("max_pages",), "`max_pages` has no effect without `follow`", "", soft=True)
    for key in ("namespaces", "decimal"):
        if getattr(spec, key):
            yield Trouble((key,), f"`{key}` has no effect without `extract`", "", soft=True)


def _mismatched(spec: ButtonSpec, follow: object) -> Iterator[Trouble]:
    """The options that cannot be combined for one response."""
    of_json = isinstance(follow, JsonPath) or (isinstance(follow, Cursor) and follow.path is not None)
    if of_json and spec.extract is not None:
        yield Trouble(("follow",), "`follow` is for JSON, and `extract` for pages", "remove one of them")
    if isinstance(follow, Cursor) and any(place[1] == follow.into for place in PLACE.finditer(spec.url)):
        hint = f'put it in `query: {{{follow.into}: "{{{{{follow.into}}}}}"}}`, where null is omitted'
        yield Trouble(
            ("follow", "into"), f"`url` needs {follow.into!r}, which has no value for the first page", hint
        )


def _follow(
    spec: ButtonSpec, extraction: Extraction | None, manner: Manner
) -> tuple[str | Field | Rule | None, list[Trouble]]:
    given: Any = spec.follow
    if not given:
        return None, []
    named_link = extraction is not None and LINK in extraction.fields
    rule, troubles = read_paging(given, field_named_link=named_link)
    if rule is not None or troubles:
        return rule, troubles
    if given.strip().lower().startswith(("css:", "xpath:")):
        missing = needs_parsel()
        if missing is not None:
            return None, [missing] if extraction is None else []
        field, troubles = read_selector(given, manner)
        if field is not None and (field.many or field.type not in ("", "url")):
            troubles.append(Trouble((), "`follow` must be one address, without [] and without a type"))
        return field, troubles
    if extraction is None or extraction.each is not None:
        hint = 'give a selector, "css:a.next::attr(href)", a path into JSON, "json:next", or "link"'
        return None, [Trouble((), "`follow` names a field, but `extract` has no named fields", hint)]
    name = given.strip()
    found = extraction.fields.get(name)
    if found is None:
        if not extraction.fields:
            return None, []  # already reported
        hint = f"{did_you_mean(name, extraction.fields)} it has {', '.join(extraction.fields)}".strip()
        return None, [Trouble((), f"`extract` has no field {name!r} to follow", hint)]
    if not isinstance(found, Field) or found.many or found.type not in ("", "url", "text", "raw"):
        return None, [Trouble((), f"field {name!r} is not an address, so it cannot be followed")]
    return name, []
