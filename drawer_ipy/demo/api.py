"""Handlers of the JSON interface: items with validators for caching, search, and an echo."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from aiohttp import web
from multidict import MultiMapping

from drawer_ipy.demo.catalogue import Item
from drawer_ipy.demo.keys import CATALOGUE
from drawer_ipy.demo.params import bad_request, query_int, query_text
from drawer_ipy.demo.shop import requested_item

MAX_OFFSET = 1_000_000
MAX_LIMIT = 100
LONGEST_QUERY = 200


async def items(request: web.Request) -> web.Response:
    """A slice of all items; ``next`` is the path of the next slice, or null."""
    goods = request.app[CATALOGUE].items
    offset = query_int(request, "offset", 0, MAX_OFFSET, default=0)
    limit = query_int(request, "limit", 1, MAX_LIMIT, default=20)
    end = offset + limit
    return web.json_response(
        {
            "total": len(goods),
            "offset": offset,
            "limit": limit,
            "next": f"/api/items?offset={end}&limit={limit}" if end < len(goods) else None,
            "items": [item.as_json() for item in goods[offset:end]],
        }
    )


async def item(request: web.Request) -> web.Response:
    """One item with ETag and Last-Modified; 304 if the client already has it."""
    shown = requested_item(request)
    body = json.dumps(shown.as_json()).encode()
    tag = hashlib.blake2b(body, digest_size=8).hexdigest()
    if _client_has_it(request, shown, tag):
        response = web.Response(status=304)
    else:
        response = web.Response(body=body, content_type="application/json", charset="utf-8")
    response.etag = tag
    response.last_modified = shown.updated
    return response


async def search(request: web.Request) -> web.Response:
    """The items that contain a text in their title, description, category or tags."""
    wanted = query_text(request, "q", LONGEST_QUERY)
    limit = query_int(request, "limit", 1, MAX_LIMIT, default=20)
    found = request.app[CATALOGUE].search(wanted)
    return web.json_response(
        {
            "query": wanted,
            "total": len(found),
            "items": [item.as_json() for item in found[:limit]],
        }
    )


async def echo(request: web.Request) -> web.Response:
    """The request as the server received it: method, headers, query, and its parsed body."""
    form: dict[str, Any] | None = None
    text, parsed = "", None
    if request.content_type == "multipart/form-data":
        # A multipart body can be read only once, so its text is not shown.
        form = await _multipart(request)
    else:
        raw = await request.read()
        text = _decode(raw, request.charset)
        if request.content_type == "application/x-www-form-urlencoded":
            form = _plain(await request.post())
        else:
            parsed = _parse_json(text)
    return web.json_response(
        {
            "method": request.method,
            "path": request.path,
            "query": _plain(request.query),
            "headers": {name: ", ".join(request.headers.getall(name)) for name in request.headers},
            "text": text,
            "json": parsed,
            "form": form,
        }
    )


def _client_has_it(request: web.Request, shown: Item, tag: str) -> bool:
    if "If-None-Match" in request.headers:  # takes precedence over the date, RFC 9110
        return any(known.value in (tag, "*") for known in request.if_none_match or ())
    since = request.if_modified_since
    return since is not None and shown.updated <= since


async def _multipart(request: web.Request) -> dict[str, Any]:
    try:
        fields = await request.post()
    except (ValueError, AssertionError) as error:  # what aiohttp raises for a malformed body
        raise bad_request(f"The multipart body cannot be read: {error}") from error
    for field in fields.values():
        if isinstance(field, web.FileField):
            field.file.close()
    return _plain(fields)


def _plain(values: MultiMapping[Any]) -> dict[str, Any]:
    """A dict of values; a name that occurs more than once has a list of its values."""
    result: dict[str, Any] = {}
    for name in dict.fromkeys(values.keys()):
        shown = [_shown(value) for value in values.getall(name)]
        result[name] = shown[0] if len(shown) == 1 else shown
    return result


def _shown(value: object) -> object:
    if isinstance(value, web.FileField):
        return {"filename": value.filename, "content_type": value.content_type}
    return value.decode(errors="replace") if isinstance(value, bytes | bytearray) else value


def _decode(raw: bytes, charset: str | None) -> str:
    try:
        return raw.decode(charset or "utf-8", errors="replace")
    except LookupError:  # the client named an unknown charset
        return raw.decode("utf-8", errors="replace")


def _parse_json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
