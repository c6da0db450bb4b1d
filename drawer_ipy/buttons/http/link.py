"""The Link header (RFC 8288): find the address of the next page."""

from __future__ import annotations

import re
from collections.abc import Iterable

_TARGET = re.compile(r"[\s,]*<([^>]*)>")
_PARAMETER = re.compile(
    r'\s*;\s*([!#$%&\'*+.^_`|~0-9A-Za-z-]*)\s*(?:=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]*)))?\s*'
)
_REST = re.compile(r"[^<]*")


def next_link(headers: Iterable[str]) -> str | None:
    """Return the first target with the relation ``next``, as written; ``None`` if there is none.

    Args:
        headers: the values of the Link headers, each of which may contain several links.
    """
    for header in headers:
        at = 0
        while (target := _TARGET.match(header, at)) is not None:
            at, found = target.end(), dict[str, str]()
            while (parameter := _PARAMETER.match(header, at)) is not None and parameter.end() > at:
                quoted = parameter[2]
                value = parameter[3] or "" if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
                found.setdefault(parameter[1].lower(), value)  # the first of several counts
                at = parameter.end()
            # A link with an anchor belongs to another page.
            if "next" in found.get("rel", "").lower().split() and "anchor" not in found:
                return target[1].strip()
            rest = _REST.match(header, at)
            at = rest.end() if rest is not None else len(header)
    return None
