"""Parameters of requests: numbers and text; an invalid one raises a 400 response with what is allowed."""

from __future__ import annotations

import re

from aiohttp import web

_INTEGER = re.compile(r"-?[0-9]{1,12}")
_DECIMAL = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,9})?")


def path_int(request: web.Request, name: str, low: int, high: int) -> int:
    """The integer in the path under ``name``; HTTPBadRequest unless ``low <= it <= high``."""
    return _integer(request.match_info[name], name, low, high)


def query_int(request: web.Request, name: str, low: int, high: int, default: int) -> int:
    """The integer of the query under ``name``, or ``default`` if it is missing.

    Raises HTTPBadRequest unless ``low <= it <= high``.
    """
    text = request.query.get(name)
    return default if text is None else _integer(text, name, low, high)


def query_float(request: web.Request, name: str, low: float, high: float, default: float) -> float:
    """The decimal number of the query under ``name``, or ``default`` if it is missing.

    Raises HTTPBadRequest unless ``low <= it <= high``.
    """
    text = request.query.get(name)
    if text is None:
        return default
    if not _DECIMAL.fullmatch(text) or not low <= float(text) <= high:
        raise bad_request(f"{name} must be a number from {low:g} to {high:g}, not {_short(text)}.")
    return float(text)


def query_text(request: web.Request, name: str, longest: int) -> str:
    """The text of the query under ``name``; HTTPBadRequest if it is missing, empty or too long."""
    text = request.query.get(name, "")
    if not 1 <= len(text) <= longest:
        raise bad_request(f"{name} must be given in the query, with 1 to {longest} characters.")
    return text


def bad_request(message: str) -> web.HTTPBadRequest:
    """A 400 response to raise, with the body ``message``."""
    return web.HTTPBadRequest(text=message)


def not_found(message: str) -> web.HTTPNotFound:
    """A 404 response to raise, with the body ``message``."""
    return web.HTTPNotFound(text=message)


def _integer(text: str, name: str, low: int, high: int) -> int:
    # int() alone would also accept "1_000", " 7 " and digits of other scripts.
    if not _INTEGER.fullmatch(text) or not low <= int(text) <= high:
        raise bad_request(f"{name} must be an integer from {low} to {high}, not {_short(text)}.")
    return int(text)


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:39] + "…")
