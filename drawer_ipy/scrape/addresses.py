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
