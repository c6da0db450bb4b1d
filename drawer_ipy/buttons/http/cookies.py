"""The cookies of a run, kept and sent back byte for byte (RFC 6265, and 6265bis where browsers follow it).

``http.cookies``, which aiohttp's cookie jar uses, unquotes quoted values and adds quotes around values that
contain ``/``, ``=``, ``,`` or a space, so that a server no longer recognizes its own session. Here a value is
opaque and is sent back unchanged; only its attributes (``Path``, ``Domain``, ``Expires`` and so on) are
parsed.
"""

from __future__ import annotations

import calendar
import itertools
import math
import re
import time
from dataclasses import dataclass

from yarl import URL

from drawer_ipy.buttons.http.guard import is_address

_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_WHITE = " \t"
_MAX_AGE = re.compile(r"-?\d+", re.ASCII)
_LONGEST_AGE = 400 * 86400.0
_LONGEST_ATTRIBUTE = 1024
_MOST_OF_A_DOMAIN = 1000
"""Maximum number of cookies per domain; the oldest are dropped. Browsers keep 150 to 180."""

_SECOND_LEVELS = frozenset({"ac", "co", "com", "edu", "gov", "gob", "mil", "net", "ne", "nom", "or", "org"})
"""Labels before a country code under which names are registered one level further down: ``co.uk``."""

_DELIMITER = re.compile(r"[\x09\x20-\x2f\x3b-\x40\x5b-\x60\x7b-\x7e]+")
_TIME = re.compile(r"(\d{1,2}):(\d{1,2}):(\d{1,2})(?:\D.*)?", re.ASCII | re.DOTALL)
_DAY = re.compile(r"(\d{1,2})(?:\D.*)?", re.ASCII | re.DOTALL)
_YEAR = re.compile(r"(\d{2,4})(?:\D.*)?", re.ASCII | re.DOTALL)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


@dataclass(slots=True)
class _Cookie:
    """A stored cookie; with `host_only` it is not sent to subdomains of its domain."""

    name: str
    value: str
    path: str
    host_only: bool
    secure: bool
    expires: float
    number: int


class Cookies:
    """A run's cookies.

    Texts are header values as aiohttp returns them: UTF-8, with invalid bytes as lone surrogates.
    """

    def __init__(self) -> None:
        self._domains: dict[str, dict[tuple[str, str, bool], _Cookie]] = {}
        self._numbers = itertools.count()

    def take(self, set_cookie: str, url: URL) -> None:
        """Store, replace or delete the cookie of one ``Set-Cookie`` header in a response from `url`.

        Cookies that no browser accepts are ignored: with control characters, with a ``Domain`` that does not
        match `url`, or with a ``__Host-`` or ``__Secure-`` prefix whose conditions are not met.
        """
        if _CONTROL.search(set_cookie):
            return
        pair, *rest = set_cookie.split(";")
        name, equals, value = pair.partition("=")
        if not equals:
            name, value = "", pair
        name, value = name.strip(_WHITE), value.strip(_WHITE)
        if not name and not value:
            return
        said = _attributes(rest)
        host = (url.raw_host or "").lower()
        domain = _domain(said.get("domain", ""), host)
        if domain is None:
            return
        path = said.get("path", "")
        cookie = _Cookie(
            name=name,
            value=value,
            path=path if path.startswith("/") else _default_path(url.raw_path),
            host_only=domain == "",
            secure="secure" in said,
            expires=_expires(said),
            number=next(self._numbers),
        )
        if _keeps_its_promise(cookie, "path" in said, url.scheme):
            self._put(cookie, domain or host)

    def _put(self, cookie: _Cookie, domain: str) -> None:
        kept = self._domains.setdefault(domain, {})
        key = cookie.name, cookie.path, cookie.host_only
        before = kept.get(key)
        if before is not None:
            cookie.number = before.number  # an updated cookie keeps its place in the order
        if cookie.expires <= time.time():
            kept.pop(key, None)
            return
        kept[key] = cookie
        if len(kept) > _MOST_OF_A_DOMAIN:
            del kept[min(kept, key=lambda one: kept[one].number)]

    def header(self, url: URL, given: str = "") -> str:
        """Return the ``Cookie`` header for a request to `url`; ``""`` if there are no cookies to send.

        Longer paths come first, then cookies that were set earlier.

        Args:
            given: the button's own ``Cookie`` header. It is kept as written, except for names that a server
                has set since.
        """
        found = self._for(url)
        if not given:
            return "; ".join(map(_written, found))
        renewed = {cookie.name for cookie in found}
        kept = [one for one in given.split(";") if one.strip(_WHITE)]
        if renewed:
            kept = [one for one in kept if one.partition("=")[0].strip(_WHITE) not in renewed]
        return "; ".join(
            [";".join(kept).strip(_WHITE), *map(_written, found)] if kept else map(_written, found)
        )

    def _for(self, url: URL) -> list[_Cookie]:
        if not self._domains:
            return []
        host, path, now = (url.raw_host or "").lower(), url.raw_path, time.time()
        found = []
        for domain in _and_parents(host):
            kept = self._domains.get(domain)
            for key, cookie in list(kept.items()) if kept else ():
                if cookie.expires <= now:
                    del self._domains[domain][key]
                elif (
                    (domain == host or not cookie.host_only)
                    and (not cookie.secure or url.scheme == "https")
                    and _within(path, cookie.path)
                ):
                    found.append(cookie)
        found.sort(key=lambda cookie: (-len(cookie.path), cookie.number))
        return found


def _written(cookie: _Cookie) -> str:
    return f"{cookie.name}={cookie.value}" if cookie.name else cookie.value


def _attributes(parts: list[str]) -> dict[str, str]:
    """Return the attributes by lower-case name; the last one of a name counts."""
    said = {}
    for part in parts:
        name, _, value = part.partition("=")
        value = value.strip(_WHITE)
        if len(value) <= _LONGEST_ATTRIBUTE:
            said[name.strip(_WHITE).lower()] = value
    return said


def _domain(text: str, host: str) -> str | None:
    """Return the domain of a cookie from `host`: ``""`` for that host alone, ``None`` if not allowed."""
    domain = text.removeprefix(".").lower()
    if not domain:
        return ""
    if not domain.isascii():
        try:
            domain = URL.build(scheme="http", host=domain).raw_host or ""
        except ValueError:
            return None
    if domain == host:
        return "" if is_address(host) or _is_public(domain) else domain
    if is_address(host) or _is_public(domain) or not host.endswith(f".{domain}"):
        return None
    return domain


def _is_public(domain: str) -> bool:
    """Whether a domain looks like a public suffix, below which anyone can register: ``com``, ``co.uk``."""
    above, dot, last = domain.rpartition(".")
    return not dot or (len(last) == 2 and above in _SECOND_LEVELS)


def _and_parents(host: str) -> list[str]:
    if is_address(host):
        return [host]
    labels = host.split(".")
    return [".".join(labels[start:]) for start in range(len(labels))]


def _default_path(path: str) -> str:
    return path[: path.rfind("/")] or "/"


def _within(path: str, folder: str) -> bool:
    if not path.startswith(folder):
        return False
    return len(path) == len(folder) or folder.endswith("/") or path[len(folder)] == "/"


def _keeps_its_promise(cookie: _Cookie, path_said: bool, scheme: str) -> bool:
    """Whether a cookie meets the conditions of its name's prefix (``__Secure-``, ``__Host-``)."""
    name = (cookie.name or cookie.value).lower()
    if not name.startswith(("__secure-", "__host-")):
        return True
    if not cookie.name or not cookie.secure or scheme != "https":
        return False
    return name.startswith("__secure-") or (cookie.host_only and path_said and cookie.path == "/")


def _expires(said: dict[str, str]) -> float:
    """Return the expiry in seconds since the epoch; infinite for a cookie that lasts as long as the run."""
    age = said.get("max-age", "")
    if _MAX_AGE.fullmatch(age):
        seconds = min(float(age[:15]), _LONGEST_AGE)
        return time.time() + seconds if seconds > 0 else -math.inf
    return _date(said["expires"]) if "expires" in said else math.inf


def _date(text: str) -> float:
    """Parse a cookie's date in any common form (RFC 6265, 5.1.1); infinite if it is invalid."""
    clock = day = month = year = None
    for token in _DELIMITER.split(text):
        if clock is None and (found := _TIME.fullmatch(token)):
            clock = tuple(map(int, found.groups()))
        elif day is None and (found := _DAY.fullmatch(token)):
            day = int(found.group(1))
        elif month is None and token[:3].lower() in _MONTHS:
            month = _MONTHS.index(token[:3].lower()) + 1
        elif year is None and (found := _YEAR.fullmatch(token)):
            year = int(found.group(1))
    if clock is None or day is None or month is None or year is None:
        return math.inf
    year += 1900 if 70 <= year <= 99 else 2000 if year <= 69 else 0
    hour, minute, second = clock
    if year < 1601 or hour > 23 or minute > 59 or second > 59:
        return math.inf
    if not 1 <= day <= calendar.monthrange(year, month)[1]:
        return math.inf
    return float(calendar.timegm((year, month, day, hour, minute, second)))
