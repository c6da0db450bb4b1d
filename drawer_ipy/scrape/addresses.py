"""Addresses on pages, resolved as browsers do it (the WHATWG's URL standard)."""

from __future__ import annotations

import re
from urllib.parse import urljoin

_EDGES = "".join(map(chr, range(0x21)))
"""Control characters and the space, which are ignored around an address."""

_BREAKS = str.maketrans("", "", "\t\r\n")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_WEB = re.compile(r"https?:", re.IGNORECASE)
_PATH = re.compile(r"[^?#]*")


def joined(base: str, address: str) -> str:
    """Resolve `address` on a page at `base`; an address that cannot be resolved is returned unchanged.

    White space around it, and line breaks and tabs within it, are removed, and a backslash in the path
    becomes a slash. Other characters are unchanged: they are escaped when the address is requested.
    """
    clean = address.strip(_EDGES).translate(_BREAKS)
    if "\\" in clean and (_WEB.match(clean) or not _SCHEME.match(clean)):
        clean = _PATH.sub(lambda path: path[0].replace("\\", "/"), clean, count=1)
    try:
        return urljoin(base, clean)
    except ValueError:  # "http://[" cannot be resolved
        return address


def in_encoding(address: str, encoding: str) -> str:
    """Return `address` with its query escaped in the encoding of its page, as browsers send it.

    A shop with pages in Windows-1251 expects queries in that encoding, too. As the standard says, a character
    that the encoding does not contain becomes an escaped numeric reference.
    """
    path, mark, query = address.partition("?")
    query, sharp, fragment = query.partition("#")
    if not mark or query.isascii() or encoding.startswith(("utf", "iso-2022", "replacement")):
        return address
    try:
        escaped = "".join(letter if letter.isascii() else _escaped(letter, encoding) for letter in query)
    except LookupError:
        return address
    return f"{path}?{escaped}{sharp}{fragment}"


def _escaped(letter: str, encoding: str) -> str:
    try:
        written = letter.encode(encoding)
    except UnicodeEncodeError:
        return f"%26%23{ord(letter)}%3B"
    return "".join(chr(code) if chr(code).isalnum() and code < 0x80 else f"%{code:02X}" for code in written)
