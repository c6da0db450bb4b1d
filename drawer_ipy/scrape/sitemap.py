"""Site maps: the addresses that they list, and the further site maps of an index."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from drawer_ipy.scrape.addresses import joined
from drawer_ipy.scrape.parsing import parsed

_DETAILS = ("lastmod", "changefreq", "priority")
_ROBOTS = re.compile(r"^[ \t]*sitemap[ \t]*:[ \t]*(\S+)", re.IGNORECASE | re.MULTILINE)
_ADDRESS = re.compile(r"https?://\S+", re.IGNORECASE)


class SiteMap(NamedTuple):
    """One file of a site map.

    Attributes:
        entries: its entries, each with ``loc``, ``lastmod``, ``changefreq`` and ``priority``; ``None`` for
            missing values.
        parts: the addresses of further site maps.
        trouble: what is wrong with it, ``""`` if nothing is.
    """

    entries: list[dict[str, Any]]
    parts: list[str]
    trouble: str = ""


def read_sitemap(text: str, url: str, *, xml: bool) -> SiteMap:
    """Return the content of a site map: the protocol's XML, a feed, one address per line, or robots.txt.

    Args:
        url: its address; addresses in it are resolved against this.
        xml: whether it is XML.
    """
    return _of_xml(text, url) if xml else _of_text(text, url)


def _of_xml(text: str, url: str) -> SiteMap:
    page = parsed(text, xml=True)
    root = page.root
    kind = _local(root)
    trouble = page.notes[0].text if page.notes else ""
    if kind == "sitemapindex":
        parts = [_first(one, "loc") for one in _children(root, "sitemap")]
        return SiteMap([], _whole(parts, url), trouble)
    if kind == "urlset":
        found = [_entry(one, url) for one in _children(root, "url")]
    elif kind in ("rss", "RDF"):
        items = (one for one in root.iter() if _local(one) == "item")
        found = [
            _plain(_first(one, "link"), _first(one, "pubDate") or _first(one, "date"), url) for one in items
        ]
    elif kind == "feed":
        found = [_of_atom(one, url) for one in _children(root, "entry")]
    else:
        return SiteMap([], [], f"it is not a site map; its root element is {kind!r}")
    entries = [one for one in found if one is not None]
    if not trouble and len(entries) < len(found):
        trouble = f"{len(found) - len(entries)} of its {len(found)} entries have no address"
    return SiteMap(entries, [], trouble)


def _of_text(text: str, url: str) -> SiteMap:
    named = _ROBOTS.findall(text)
    if named:
        return SiteMap([], _whole(named, url))
    lines = [(number, line.strip("\ufeff \t")) for number, line in enumerate(text.splitlines(), start=1)]
    lines = [(number, line) for number, line in lines if line and not line.startswith("#")]
    entries = [_plain(line, None, url) for _, line in lines if _ADDRESS.fullmatch(line)]
    wrong = next((number for number, line in lines if not _ADDRESS.fullmatch(line)), None)
    trouble = ""
    if not entries:
        trouble = "it is not a site map: it lists no addresses"
    elif wrong is not None:
        trouble = f"line {wrong} is not an address"
    return SiteMap([one for one in entries if one is not None], [], trouble)


def _entry(element: Any, url: str) -> dict[str, Any] | None:
    loc = _first(element, "loc")
    return {"loc": joined(url, loc), **{name: _first(element, name) for name in _DETAILS}} if loc else None


def _of_rss(element: Any, url: str) -> dict[str, Any] | None:
    return _plain(_first(element, "link"), _first(element, "pubDate") or _first(element, "date"), url)


def _of_atom(element: Any, url: str) -> dict[str, Any] | None:
    links = list(_children(element, "link"))
    link = next((one for one in links if one.get("rel", "alternate") == "alternate"), None)
    return _plain(None if link is None else link.get("href"), _first(element, "updated"), url)


def _plain(loc: str | None, lastmod: str | None, url: str) -> dict[str, Any] | None:
    if not loc:
        return None
    return {"loc": joined(url, loc), "lastmod": lastmod, "changefreq": None, "priority": None}


def _whole(addresses: list[str] | list[str | None], url: str) -> list[str]:
    return [joined(url, one) for one in addresses if one]


def _children(element: Any, name: str) -> Iterator[Any]:
    return (one for one in element.iterchildren() if _local(one) == name)


def _first(element: Any, name: str) -> str | None:
    """Return the text of the first child with this name, in any namespace."""
    text = next(("".join(one.itertext()).strip() for one in _children(element, name)), "")
    return text or None


def _local(element: Any) -> str:
    # The tag of a comment or instruction is a function.
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""
