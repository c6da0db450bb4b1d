"""The cookies of a run: kept and sent back byte for byte (RFC 6265, and 6265bis where browsers follow it).

``http.cookies``, on which aiohttp's jar is built, takes quoted values apart and puts new quotes around values
that hold ``/``, ``=``, ``,`` or a blank, so that a server no longer knows its own session. A value is opaque
here: it goes back as it came, and only what stands beside it (``Path``, ``Domain``, ``Expires`` and so on)
is read.
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
"""Cookies kept for one domain; the oldest give way. Browsers keep 150 to 180."""

_SECOND_LEVELS = frozenset({"ac", "co", "com", "edu", "gov", "gob", "mil", "net", "ne", "nom", "or", "org"})
"""What stands before a country's code where names are registered one level further down: ``co.uk``."""

_DELIMITER = re.compile(r"[\x09\x20-\x2f\x3b-\x40\x5b-\x60\x7b-\x7e]+")
_TIME = re.compile(r"(\d{1,2}):(\d{1,2}):(\d{1,2})(?:\D.*)?", re.ASCII | re.DOTALL)
_DAY = re.compile(r"(\d{1,2})(?:\D.*)?", re.ASCII | re.DOTALL)
_YEAR = re.compile(r"(\d{2,4})(?:\D.*)?", re.ASCII | re.DOTALL)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


@dataclass(slots=True)
class _Cookie:
    """What is kept of one; `host_only` says that it goes to no subdomain of its domain."""

    name: str
    value: str
    path: str
    host_only: bool
    secure: bool
    expires: float
    number: int


class Cookies:
    """A run's cookies.

    Texts are header values as aiohttp gives them: UTF-8, with bytes that are none as lone surrogates.
    """

    def __init__(self) -> None:
        self._domains: dict[str, dict[tuple[str, str, bool], _Cookie]] = {}
        self._numbers = itertools.count()

    def take(self, set_cookie: str, url: URL) -> None:
        """Keep, replace or delete what one ``Set-Cookie`` header of an answer from `url` says.

        What no browser would take is left out: control characters, a ``Domain`` that is not that of `url`,
        a ``__Host-`` or ``__Secure-`` name without what it promises.
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
            cookie.number = before.number  # a value that is renewed keeps its place in the order
        if cookie.expires <= time.time():
            kept.pop(key, None)
            return
        kept[key] = cookie
        if len(kept) > _MOST_OF_A_DOMAIN:
            del kept[min(kept, key=lambda one: kept[one].number)]

    def header(self, url: URL, given: str = "") -> str:
        """The value of ``Cookie`` for a request to `url`; ``""`` when there is none to send.

        Longer paths come first, then what was set earlier.

        Args:
            given: a ``Cookie`` header of the button's own. It stays as it is written, but for names that
                a server has set since.
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
    """By lower-case name; of one that is there several times the last counts."""
    said = {}
    for part in parts:
        name, _, value = part.partition("=")
        value = value.strip(_WHITE)
        if len(value) <= _LONGEST_ATTRIBUTE:
            said[name.strip(_WHITE).lower()] = value
    return said


def _domain(text: str, host: str) -> str | None:
    """The domain that a cookie of `host` is for, ``""`` for that alone; ``None`` when it may set none."""
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
    """Whether anybody may register names below it, as far as its form tells: ``com``, ``co.uk``."""
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
    """Whether its name says nothing that it is not (``__Secure-``, ``__Host-``)."""
    name = (cookie.name or cookie.value).lower()
    if not name.startswith(("__secure-", "__host-")):
        return True
    if not cookie.name or not cookie.secure or scheme != "https":
        return False
    return name.startswith("__secure-") or (cookie.host_only and path_said and cookie.path == "/")


def _expires(said: dict[str, str]) -> float:
    """Seconds since the epoch; infinite for a cookie that lasts as long as the run."""
    age = said.get("max-age", "")
    if _MAX_AGE.fullmatch(age):
        seconds = min(float(age[:15]), _LONGEST_AGE)
        return time.time() + seconds if seconds > 0 else -math.inf
    return _date(said["expires"]) if "expires" in said else math.inf


def _date(text: str) -> float:
    """A cookie's date in any of the forms that are out there (RFC 6265, 5.1.1); infinite when it is none."""
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
