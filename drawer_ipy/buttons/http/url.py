"""URLs as text: characters that cannot be sent are escaped, everything else is left as written.

The signature of a signed link covers its exact characters, so ``%7e`` stays ``%7e``, and ``a%2Fb`` is not
``a/b``. Escaping, and the resolution of references, follow the URL standard of browsers (WHATWG). Texts may
contain bytes that are not UTF-8 as lone surrogates, as in aiohttp's headers.
"""

from __future__ import annotations

import re

from yarl import URL

_NO_PATH = re.compile(r"[^!$-;=@-\[\]_a-z|~]")
_NO_QUERY = re.compile(r"[^!$-;=?-~]")
_NO_FRAGMENT = re.compile(r"[^!#-;=?-_a-~]")
_SAFE = re.compile(r"[%/:?#\[\]@!$&'()*+,;=~\-.\w]*", re.ASCII)

_IGNORED = re.compile(r"[\t\n\r]")
_ENDS = "".join(map(chr, range(0x21)))
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):", re.ASCII)
_NO_HOST = re.compile(r"[\x00-\x20\x7f#/<>?@\\^|%\"`{}]")
_DEFAULT_PORTS = {"http": 80, "https": 443}


def _escape(match: re.Match[str]) -> str:
    return "".join([f"%{byte:02X}" for byte in match.group(0).encode(errors="surrogateescape")])


def escape_path(text: str) -> str:
    """Escape `text` for a path; a backslash is not a slash here.

    Raises:
        UnicodeEncodeError: it contains half of a surrogate pair.
    """
    return _NO_PATH.sub(_escape, text)


def escape_query(text: str) -> str:
    """Escape `text` for a query. Raises UnicodeEncodeError as :func:`escape_path`."""
    return _NO_QUERY.sub(_escape, text)


def escape_fragment(text: str) -> str:
    """Escape `text` for a fragment. Raises UnicodeEncodeError as :func:`escape_path`."""
    return _NO_FRAGMENT.sub(_escape, text)


def escape_after_host(text: str) -> str:
    """Escape path, query and fragment of a URL. Raises UnicodeEncodeError as :func:`escape_path`."""
    if _SAFE.fullmatch(text):
        return text
    rest, sharp, fragment = text.partition("#")
    path, question, query = rest.partition("?")
    return escape_path(path) + question + escape_query(query) + sharp + escape_fragment(fragment)


def target_of(address: str) -> str:
    """Return path and query of a URL, unchanged, as in the first line of a request."""
    end = address.find("#")
    if end >= 0:
        address = address[:end]
    host = address.find("://") + 3
    path, query = address.find("/", host), address.find("?", host)
    if query >= 0 and not 0 <= path < query:
        return "/" + address[query:]
    return address[path:] if path >= 0 else "/"


def resolved(base: str, reference: str) -> str:
    """Resolve `reference`, as written in a header or on a page, relative to the URL `base`.

    A reference without a fragment inherits the one of `base` (RFC 9110, 10.2.2).

    Args:
        base: an absolute http or https URL.

    Raises:
        ValueError: the result is not a URL.
    """
    text = _IGNORED.sub("", reference.strip(_ENDS))
    base, _, fragment = base.partition("#")
    text, sharp, own = text.partition("#")
    if sharp:
        fragment = escape_fragment(own)
    whole = _joined(base, text)
    return f"{whole}#{fragment}" if fragment or sharp else whole


def _joined(base: str, text: str) -> str:
    scheme, _, rest = base.partition("://")
    scheme = scheme.lower()
    authority = re.split(r"[/?]", rest, maxsplit=1)[0]
    said = _SCHEME.match(text)
    if said is not None:
        own, text = said.group(1).lower(), text[said.end() :]
        if own not in _DEFAULT_PORTS:
            return f"{own}:{escape_query(text)}"
        if own != scheme or text[:2].replace("\\", "/") == "//":
            return _absolute(own, text)
    path, question, query = text.partition("?")
    path = path.replace("\\", "/")
    tail = question + escape_query(query)
    if path.startswith("//"):
        return _absolute(scheme, text)
    before, _, asked = target_of(base).partition("?")
    if path.startswith("/"):
        path = escape_path(path)
    elif path:
        path = before[: before.rfind("/") + 1] + escape_path(path)
    else:
        path, tail = before, tail or (f"?{asked}" if "?" in base else "")
        return f"{scheme}://{authority}{path}{tail}"
    return f"{scheme}://{authority}{_without_dots(path)}{tail}"


def _absolute(scheme: str, text: str) -> str:
    """Return the URL for `text`, which follows the scheme: two slashes and a host."""
    path, question, query = text.partition("?")
    slashes, path = path[:2].replace("\\", "/"), path[2:]
    host, slash, path = path.replace("\\", "/").partition("/")
    if slashes != "//":
        raise ValueError("it has no host")
    path = _without_dots(slash + escape_path(path)) if slash else "/"
    tail = question + escape_query(query)
    return f"{scheme}://{_authority(host, scheme)}{path}{tail}"


def _authority(text: str, scheme: str) -> str:
    """Return host and port as they are sent, with an international name in the form that DNS uses."""
    user, at, place = text.rpartition("@")
    if not place or not place.isprintable() or _NO_HOST.search(place):
        raise ValueError("it has no host")
    url = URL(f"{scheme}://{place}")
    if not url.raw_host or url.port is None:
        raise ValueError("it has no host")
    host = url.raw_host.lower()
    host = f"[{host}]" if ":" in host else host
    port = "" if url.port == _DEFAULT_PORTS[scheme] else f":{url.port}"
    # Callers decide whether to refuse a user name.
    return f"{escape_path(user)}{at}{host}{port}" if user else f"{host}{port}"


def _without_dots(path: str) -> str:
    """Return an absolute path without the segments ``.`` and ``..`` (RFC 3986, 5.2.4)."""
    if "/." not in path:
        return path
    out: list[str] = []
    segments = path[1:].split("/")
    for segment in segments:
        if segment == "..":
            del out[-1:]
        elif segment != ".":
            out.append(segment)
    if segments[-1] in (".", ".."):
        out.append("")
    return "/" + "/".join(out)
