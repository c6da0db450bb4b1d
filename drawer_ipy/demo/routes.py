"""The table of the demo site's routes, and the application made from it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from drawer_ipy.demo import api, behaviour, completions, faults, pages, shop
from drawer_ipy.demo.catalogue import Catalogue
from drawer_ipy.demo.keys import CATALOGUE, INDEX, STATE
from drawer_ipy.demo.middleware import allow_leaving, count, explain_errors
from drawer_ipy.demo.state import DemoState

MAX_BODY = 16 * 1024 * 1024
"""Largest request body in bytes; a larger one gets a 413 response."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One route: its pattern, an example, a description and the handler."""

    path: str
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    example: str
    note: str
    method: str = "GET"
    query: str = ""

    @property
    def label(self) -> str:
        """The route as shown to people."""
        return f"{self.path.replace('{rest:.*}', '…')}{self.query}"


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint("/", shop.index, "/", "This page."),
    Endpoint(
        "/catalogue",
        shop.catalogue,
        "/catalogue?page=1",
        "Lists of 20 items; follow a.next to the last one.",
        query="?page=N",
    ),
    Endpoint("/item/{id}", shop.item, "/item/1", "An item, 1 to 240."),
    Endpoint("/category/{name}", shop.category, "/category/maps", "The items of a category."),
    Endpoint(
        "/mixed/{id}",
        shop.mixed,
        "/mixed/1",
        "An item after 5 to 60 ms; 4 to 5 % of the ids always respond with 404 or 500. "
        "Accepts any id up to a million.",
    ),
    Endpoint("/gzip/{id}", shop.item_gzip, "/gzip/1", "An item, sent compressed."),
    Endpoint(
        "/api/items",
        api.items,
        "/api/items?offset=0&limit=20",
        "Items as JSON, up to 100 at once.",
        query="?offset=&limit=",
    ),
    Endpoint(
        "/api/items/{id}",
        api.item,
        "/api/items/1",
        "An item as JSON, with ETag and Last-Modified; 304 if the client has it.",
    ),
    Endpoint("/api/search", api.search, "/api/search?q=lamp", "Items that contain a text.", query="?q="),
    Endpoint(
        "/api/echo",
        api.echo,
        "/api/echo?a=1",
        "Any method: the request as the server received it.",
        method="*",
    ),
    Endpoint(
        "/api/completions",
        completions.completions,
        "/api/completions",
        f"A language model's API in small: POST a prompt with the bearer token {completions.TOKEN}. "
        "Requests a second and tokens a minute are limited.",
        method="POST",
        query="?rps=&tpm=&outage_after=",
    ),
    Endpoint("/slow/{ms}", behaviour.slow, "/slow/300", "Waits up to 30000 ms, then responds."),
    Endpoint(
        "/drip/{bytes}",
        behaviour.drip,
        "/drip/200?ms=500",
        "Headers at once, the body over a period of time.",
        query="?ms=",
    ),
    Endpoint("/status/{code}", behaviour.status, "/status/418", "Any status, 200 to 599."),
    Endpoint(
        "/flaky/{key}",
        behaviour.flaky,
        "/flaky/a?fail=2",
        "500 for the first requests of a key, then 200.",
        query="?fail=N",
    ),
    Endpoint(
        "/limited/{key}",
        behaviour.limited,
        "/limited/a?after=3&retry_after=1",
        "429 with Retry-After after some requests of a key, until that many seconds have passed.",
        query="?after=N&retry_after=S",
    ),
    Endpoint("/redirect/{n}", behaviour.redirect, "/redirect/3", "Redirects n times."),
    Endpoint(
        "/redirect-to",
        behaviour.redirect_to,
        "/redirect-to?url=/item/1",
        "Redirects to an address.",
        query="?url=",
    ),
    Endpoint(
        "/cookies/set",
        behaviour.set_cookies,
        "/cookies/set?name=value",
        "Sets cookies, then shows them.",
        query="?name=value",
    ),
    Endpoint("/cookies", behaviour.cookies, "/cookies", "The cookies that were sent, as JSON."),
    Endpoint("/encoding/latin1", shop.latin1, "/encoding/latin1", "A page in ISO-8859-1."),
    Endpoint("/robots.txt", shop.robots, "/robots.txt", "Disallows /private/ for robots."),
    Endpoint("/private/{rest:.*}", shop.private, "/private/page", "A page that robots.txt disallows."),
    Endpoint("/binary/{bytes}", faults.binary, "/binary/1024", "Up to 16 MiB, always the same."),
    Endpoint("/reset", faults.reset, "/reset", "The connection is reset without a response."),
    Endpoint("/truncated", faults.truncated, "/truncated", "A body shorter than announced."),
    Endpoint("/bad-gzip", faults.bad_gzip, "/bad-gzip", "Declares gzip, but is not compressed."),
    Endpoint("/endless", faults.endless, "/endless", "A body without an end."),
    Endpoint("/excess", faults.excess, "/excess", "A body longer than announced."),
    Endpoint("/half-headers", faults.half_headers, "/half-headers", "The headers break off."),
    Endpoint("/slow-headers/{ms}", faults.slow_headers, "/slow-headers/300", "Headers letter by letter."),
    Endpoint("/bomb", faults.bomb, "/bomb", "100 kB of gzip that decompress to 100 MB."),
    Endpoint("/faulty/{id}", faults.faulty, "/faulty/1", "One id in a hundred has a fault."),
)
"""Every route, in the order of the first page."""


def make_app(catalogue: Catalogue, state: DemoState) -> web.Application:
    """Make an application that serves ``catalogue`` and counts requests in ``state``."""
    app = web.Application(middlewares=(count, allow_leaving, explain_errors), client_max_size=MAX_BODY)
    app[CATALOGUE] = catalogue
    app[STATE] = state
    app[INDEX] = pages.index_page([(e.label, e.example, e.note) for e in ENDPOINTS])
    for endpoint in ENDPOINTS:
        if endpoint.method == "GET":
            app.router.add_get(endpoint.path, endpoint.handler)  # also handles HEAD
        else:
            app.router.add_route(endpoint.method, endpoint.path, endpoint.handler)
    return app
