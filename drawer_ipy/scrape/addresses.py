"""Addresses on pages: made whole as browsers do it (the WHATWG's URL standard)."""

from __future__ import annotations

import re
from urllib.parse import urljoin

_EDGES = "".join(map(chr, range(0x21)))
"""Control characters and the blank, which count for nothing around an address."""

_BREAKS = str.maketrans("", "", "\t\r\n")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_WEB = re.compile(r"https?:", re.IGNORECASE)
_PATH = re.compile(r"[^?#]*")


def joined(base: str, address: str) -> str:
    """`address` as it is meant on a page at `base`; one that cannot be made whole comes back as it is.

    White space around it and line breaks and tabs within it are left out, and a backslash in the path is a
    slash. Other characters stay as they are written: they are escaped when the address is requested.
    """
    clean = address.strip(_EDGES).translate(_BREAKS)
    if "\\" in clean and (_WEB.match(clean) or not _SCHEME.match(clean)):
        clean = _PATH.sub(lambda path: path[0].replace("\\", "/"), clean, count=1)
    try:
        return urljoin(base, clean)
    except ValueError:  # "http://[": nothing that could be made whole
        return address


def in_encoding(address: str, encoding: str) -> str:
    """`address` with its query escaped in the encoding of the page it stands on, as browsers send it.

    A shop whose pages are in Windows-1251 expects its queries in that, too. What the encoding has no letter
    for becomes an escaped numeric reference, as the standard has it.
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
