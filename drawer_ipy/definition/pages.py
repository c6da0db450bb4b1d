"""What a button's ``extract``, ``follow`` and ``max_pages`` ask for, and what a transform step's does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from drawer_ipy.definition.models import ButtonSpec
from drawer_ipy.errors import did_you_mean
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
        follow: what gives the address of the next page: a field's name, or a selector; ``None`` for one page.
        most: how many pages are fetched at most.
        bounded: whether that was asked for.
        sitemap: whether they are site maps: ``urls`` for the addresses, ``full`` for details; else ``""``.
    """

    extraction: Extraction | None
    follow: str | Field | None = None
    most: int = MOST_PAGES
    bounded: bool = False
    sitemap: str = ""


def read_asked(spec: ButtonSpec) -> tuple[Asked | None, list[Trouble]]:
    """What `spec` asks for, ``None`` when nothing; and what is wrong with it, by path below the button.

    What is returned is only fit for use when no trouble is a hard one.
    """
    if spec.sitemap:
        kind = "full" if spec.sitemap == "full" else "urls"
        most = spec.max_pages or MOST_PAGES
        return Asked(None, None, most, bounded=bool(spec.max_pages), sitemap=kind), list(_about_sitemap(spec))
    if spec.extract is None and not spec.follow:
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
    most = spec.max_pages or MOST_PAGES
    return Asked(extraction, follow, most, bounded=bool(spec.max_pages)), troubles


def _below(key: str, troubles: list[Trouble]) -> Iterator[Trouble]:
    for one in troubles:
        yield Trouble((key, *one.path), one.message, one.remediation, one.offset, one.soft)


def _about_refresh(spec: ButtonSpec) -> Iterator[Trouble]:
    if not spec.url:
        yield Trouble(("meta_refresh",), "only requests have refreshes, so `meta_refresh` needs `url`")
    if spec.save:
        hint = "take one of them away"
        yield Trouble(("meta_refresh",), "`meta_refresh` needs the page that `save` puts into a file", hint)


def _about_sitemap(spec: ButtonSpec) -> Iterator[Trouble]:
    missing = needs_parsel("sitemap")
    if missing is not None:
        yield Trouble(("sitemap",), missing.message, missing.remediation)
    if not spec.url:
        yield Trouble(("sitemap",), "only requests have site maps, so `sitemap` needs `url`")
    others = {"extract": spec.extract is not None, "follow": bool(spec.follow), "save": bool(spec.save)}
    others |= {"output": spec.output != "body", "meta_refresh": spec.meta_refresh}
    for key, given in others.items():
        if given:
            hint = "take one of them away; `sitemap: full` gives details of each address"
            yield Trouble((key,), f"`sitemap` gives a list of addresses, so `{key}` says nothing", hint)
    if (spec.method.strip().upper() or "GET") != "GET":
        yield Trouble(("method",), "site maps are read by GET")


def _misplaced(spec: ButtonSpec) -> Iterator[Trouble]:
    key = "extract" if spec.extract is not None else "follow"
    if not spec.url:
        yield Trouble((key,), f"only requests have pages, so `{key}` needs `url`", "use a transform step")
    if spec.save:
        yield Trouble((key,), f"`{key}` needs the page that `save` puts into a file", "take one of them away")
    if spec.follow and spec.output == "full":
        hint = "take one of them away; `about` of the step tells the last one"
        yield Trouble(("follow",), "`output: full` tells of one answer, and `follow` makes many", hint)
    method = spec.method.strip().upper() or "GET"
    if spec.follow and method != "GET":
        yield Trouble(("follow",), f"only the pages of GET requests can be followed, not of {method}")


def _idle(spec: ButtonSpec) -> Iterator[Trouble]:
    """What says nothing on a button without ``extract`` and ``follow``, or cannot be."""
    if spec.meta_refresh:
        yield from _about_refresh(spec)
    if spec.max_pages:
        yield Trouble(("max_pages",), "`max_pages` says nothing without `follow`", "", soft=True)
    for key in ("namespaces", "decimal"):
        if getattr(spec, key):
            yield Trouble((key,), f"`{key}` says nothing without `extract`", "", soft=True)


def _follow(
    spec: ButtonSpec, extraction: Extraction | None, manner: Manner
) -> tuple[str | Field | None, list[Trouble]]:
    given: Any = spec.follow
    if not given:
        return None, []
    if given.strip().lower().startswith(("css:", "xpath:")):
        missing = needs_parsel()
        if missing is not None:
            return None, [missing] if extraction is None else []
        field, troubles = read_selector(given, manner)
        if field is not None and (field.many or field.type not in ("", "url")):
            troubles.append(Trouble((), "`follow` is one address, it takes neither [] nor a type"))
        return field, troubles
    if extraction is None or extraction.each is not None:
        hint = 'give a selector: `follow: "css:a.next::attr(href)"`'
        return None, [Trouble((), "`follow` names a field, and `extract` has no mapping of fields", hint)]
    name = given.strip()
    found = extraction.fields.get(name)
    if found is None:
        if not extraction.fields:
            return None, []  # what is wrong with them has been told
        hint = f"{did_you_mean(name, extraction.fields)} it has {', '.join(extraction.fields)}".strip()
        return None, [Trouble((), f"`extract` has no field {name!r} to follow", hint)]
    if not isinstance(found, Field) or found.many or found.type not in ("", "url", "text", "raw"):
        return None, [Trouble((), f"field {name!r} is no address, so it cannot be followed")]
    return name, []
