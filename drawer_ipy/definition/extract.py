"""What a button's ``extract``, ``follow`` and ``max_pages`` ask for, and what a transform step's does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from drawer_ipy.definition.follow import LINK, Counted, Cursor, Rule, read_items, read_paging
from drawer_ipy.definition.models import ButtonSpec
from drawer_ipy.definition.own_texts import PLACE
from drawer_ipy.errors import did_you_mean
from drawer_ipy.scrape.json_path import JsonPath
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
"""Pages that are followed when ``max_pages`` says nothing; a calendar goes on for ever."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to become of the pages that a button fetches.

    Attributes:
        extraction: what to take from each; ``None`` for the pages themselves.
        follow: what gives the next page: a field's name, a selector, or what an API says; ``None`` for none.
        most: how many pages are fetched at most.
        bounded: whether that was asked for.
        sitemap: whether they are site maps: ``urls`` for the addresses, ``full`` for details; else ``""``.
        items: where in an answer that is JSON its items are; ``None`` for the whole.
    """

    extraction: Extraction | None
    follow: str | Field | Rule | None = None
    most: int = MOST_PAGES
    bounded: bool = False
    sitemap: str = ""
    items: JsonPath | None = None

    @property
    def by_parameter(self) -> bool:
        """Whether pages are requested by a parameter, and not by their addresses."""
        return isinstance(self.follow, Cursor | Counted)


def read_asked(spec: ButtonSpec) -> tuple[Asked | None, list[Trouble]]:
    """What `spec` asks for, ``None`` when nothing; and what is wrong with it, by path below the button.

    What is returned is only fit for use when no trouble is a hard one.
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
        yield Trouble(("meta_refresh",), "only requests have refreshes, so `meta_refresh` needs `url`")
    if spec.save:
        hint = "remove one of them"
        yield Trouble(("meta_refresh",), "`meta_refresh` needs the page that `save` puts into a file", hint)


def _about_sitemap(spec: ButtonSpec) -> Iterator[Trouble]:
    missing = needs_parsel("sitemap")
    if missing is not None:
        yield Trouble(("sitemap",), missing.message, missing.remediation)
    if not spec.url:
        yield Trouble(("sitemap",), "only requests have site maps, so `sitemap` needs `url`")
    others = {"extract": spec.extract is not None, "follow": bool(spec.follow), "save": bool(spec.save)}
    others |= {"items": bool(spec.items), "output": spec.output != "body", "meta_refresh": spec.meta_refresh}
    for key, given in others.items():
        if given:
            hint = "remove one of them; `sitemap: full` gives details of each address"
            yield Trouble((key,), f"`sitemap` gives a list of addresses, so `{key}` says nothing", hint)
    if spec.sent_method != "GET":
        key = "method" if spec.method.strip() else "files" if spec.files else "body_file"
        yield Trouble((key,), f"site maps are read by GET, and this is a {spec.sent_method}")


def _misplaced(spec: ButtonSpec) -> Iterator[Trouble]:
    key = "extract" if spec.extract is not None else "follow" if spec.follow else "items"
    if not spec.url:
        yield Trouble((key,), f"only requests have pages, so `{key}` needs `url`", "use a transform step")
    if spec.save:
        yield Trouble((key,), f"`{key}` needs the page that `save` puts into a file", "remove one of them")
    if spec.follow and spec.output == "full":
        hint = "remove one of them; `about` of the step tells the last one"
        yield Trouble(("follow",), "`output: full` tells of one answer, and `follow` makes many", hint)
    if spec.items and spec.output == "full":
        hint = "remove one of them"
        yield Trouble(("items",), "`output: full` tells of the whole answer, and `items` of a part", hint)
    if spec.items and spec.extract is not None:
        hint = "remove one of them"
        yield Trouble(("items",), "`items` is for JSON, and `extract` for pages", hint)
    method = spec.sent_method
    if spec.follow and isinstance(spec.follow, str) and method != "GET":
        hint = "of an API that takes a cursor or a page number: `follow: {cursor: json:next, into: after}`"
        yield Trouble(("follow",), f"only the pages of GET requests can be followed, not of {method}", hint)


def _idle(spec: ButtonSpec) -> Iterator[Trouble]:
    """What says nothing on a button without ``extract`` and ``follow``, or cannot be."""
    if spec.meta_refresh:
        yield from _about_refresh(spec)
    if spec.max_pages:
        yield Trouble(("max_pages",), "`max_pages` says nothing without `follow`", "", soft=True)
    for key in ("namespaces", "decimal"):
        if getattr(spec, key):
            yield Trouble((key,), f"`{key}` says nothing without `extract`", "", soft=True)


def _mismatched(spec: ButtonSpec, follow: object) -> Iterator[Trouble]:
    """What cannot be asked of one answer at once."""
    of_json = isinstance(follow, JsonPath) or (isinstance(follow, Cursor) and follow.path is not None)
    if of_json and spec.extract is not None:
        yield Trouble(("follow",), "`follow` is for JSON, and `extract` for pages", "remove one of them")
    if isinstance(follow, Cursor) and any(place[1] == follow.into for place in PLACE.finditer(spec.url)):
        hint = f'put it in `query: {{{follow.into}: "{{{{{follow.into}}}}}"}}`, where null is left out'
        yield Trouble(
            ("follow", "into"), f"the first page has no {follow.into!r} yet, which `url` needs", hint
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
            troubles.append(Trouble((), "`follow` is one address, it takes neither [] nor a type"))
        return field, troubles
    if extraction is None or extraction.each is not None:
        hint = 'give a selector, "css:a.next::attr(href)", a path into JSON, "json:next", or "link"'
        return None, [Trouble((), "`follow` names a field, and `extract` has no mapping of fields", hint)]
    name = given.strip()
    found = extraction.fields.get(name)
    if found is None:
        if not extraction.fields:
            return None, []  # what is wrong with them has been reported
        hint = f"{did_you_mean(name, extraction.fields)} it has {', '.join(extraction.fields)}".strip()
        return None, [Trouble((), f"`extract` has no field {name!r} to follow", hint)]
    if not isinstance(found, Field) or found.many or found.type not in ("", "url", "text", "raw"):
        return None, [Trouble((), f"field {name!r} is not an address, so it cannot be followed")]
    return name, []
