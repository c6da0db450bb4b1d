"""Handlers of the shop: pages of items, lists, and pages with special encodings or delays."""

from __future__ import annotations

import asyncio
import gzip

from aiohttp import web

from drawer_ipy.demo import pages
from drawer_ipy.demo.catalogue import (
    CATEGORIES,
    ITEM_COUNT,
    MIXED_MAX,
    Item,
    mixed_item_id,
    mixed_outcome,
)
from drawer_ipy.demo.keys import CATALOGUE, INDEX
from drawer_ipy.demo.params import not_found, path_int, query_int

_ANY_ID = 10**9  # an unknown id up to here is 404, a larger one is 400


def html(text: str, status: int = 200) -> web.Response:
    """An HTML response in UTF-8."""
    return web.Response(text=text, status=status, content_type="text/html", charset="utf-8")


def requested_item(request: web.Request) -> Item:
    """The item whose id is in the path; HTTPNotFound if there is none."""
    item_id = path_int(request, "id", 0, _ANY_ID)
    item = request.app[CATALOGUE].get(item_id)
    if item is None:
        raise not_found(f"There is no item {item_id}; the ids run from 1 to {ITEM_COUNT}.")
    return item


async def index(request: web.Request) -> web.Response:
    """The first page: a list of what the site offers."""
    return html(request.app[INDEX])


async def catalogue(request: web.Request) -> web.Response:
    """One page of the list of all items."""
    goods = request.app[CATALOGUE]
    number = query_int(request, "page", 1, goods.page_count, default=1)
    following = f"/catalogue?page={number + 1}" if number < goods.page_count else None
    heading = f"Catalogue, page {number} of {goods.page_count}"
    return html(pages.listing_page(heading, goods.page(number), following))


async def category(request: web.Request) -> web.Response:
    """All items of one category."""
    name = request.match_info["name"]
    items = request.app[CATALOGUE].in_category(name)
    if not items:
        raise not_found(f"There is no such category; the categories are {', '.join(CATEGORIES)}.")
    return html(pages.listing_page(f"Category {name}", items))


async def item(request: web.Request) -> web.Response:
    """The page of one item."""
    return html(_item_html(requested_item(request)))


async def item_gzip(request: web.Request) -> web.Response:
    """The page of one item, always sent compressed."""
    body = gzip.compress(_item_html(requested_item(request)).encode(), mtime=0)
    return web.Response(
        body=body,
        content_type="text/html",
        charset="utf-8",
        headers={"Content-Encoding": "gzip"},
    )


async def mixed(request: web.Request) -> web.Response:
    """The page of one item after a short wait; some ids always fail."""
    item_id = path_int(request, "id", 1, MIXED_MAX)
    outcome = mixed_outcome(item_id)
    await asyncio.sleep(outcome.delay_ms / 1000)
    if outcome.status == 404:
        raise not_found(f"Item {item_id} has been taken out of the mixed shelf.")
    if outcome.status == 500:
        raise web.HTTPInternalServerError(text=f"The shelf of item {item_id} has collapsed.")
    shown = request.app[CATALOGUE].get(mixed_item_id(item_id))
    assert shown is not None, "mixed_item_id stays within the catalogue"
    return html(_item_html(shown))


async def latin1(_request: web.Request) -> web.Response:
    """A page encoded in ISO-8859-1, as its header declares."""
    text = pages.message_page("Café à la crème", "Price: £12.34. Größe: ½ litre, naïve façade.")
    # The document must not declare UTF-8.
    body = text.replace('charset="utf-8"', 'charset="iso-8859-1"').encode("iso-8859-1")
    return web.Response(body=body, content_type="text/html", charset="iso-8859-1")


async def robots(_request: web.Request) -> web.Response:
    """The robots.txt of the site."""
    return web.Response(text="User-agent: *\nDisallow: /private/\nCrawl-delay: 0\n")


async def private(_request: web.Request) -> web.Response:
    """A page that robots.txt disallows."""
    return html(pages.message_page("Private", "robots.txt asks robots not to come here."))


def _item_html(shown: Item) -> str:
    following = f"/item/{shown.id + 1}" if shown.id < ITEM_COUNT else None
    return pages.item_page(shown, following)
