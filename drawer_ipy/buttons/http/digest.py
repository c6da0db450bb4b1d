"""HTTP's Digest scheme (RFC 7616): answer a server's challenge without sending the password."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from drawer_ipy.errors import ArgumentError

_TOKEN68 = re.compile(r"[^,]*,?")
_PARAMETER = re.compile(r'\s*([!#$%&\'*+.^_`|~0-9A-Za-z-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*))\s*')
_SCHEME = re.compile(r"\s*,*\s*([A-Za-z][!#$%&'*+.^_`|~0-9A-Za-z-]*)(?=\s+|\s*,|\s*$)(?!\s*=)")
_HASHES: dict[str, Callable[[bytes], str]] = {
    "MD5": lambda data: hashlib.md5(data, usedforsecurity=False).hexdigest(),
    "SHA-256": lambda data: hashlib.sha256(data).hexdigest(),
    "SHA-512-256": lambda data: hashlib.new("sha512_256", data).hexdigest(),
}


@dataclass(slots=True)
class Challenge:
    """A server's challenge, and how often it has been answered.

    Attributes:
        realm, nonce, opaque, algorithm: as the server sent them.
        qop: whether to answer with ``qop=auth``; servers older than RFC 2617 do not support it.
        userhash: whether to hash the user's name.
        stale: whether the server rejected only the nonce, as too old.
        count: number of requests that used this nonce.
    """

    realm: str
    nonce: str
    opaque: str | None = None
    algorithm: str = ""
    qop: bool = False
    userhash: bool = False
    stale: bool = False
    count: int = 0

    def answer(self, method: str, target: str, user: str, password: str) -> str:
        """Return the Authorization header for one request; each has a new nonce count.

        Args:
            target: path and query as in the request line.
        """
        self.count += 1
        number, client = f"{self.count:08x}", secrets.token_hex(8)
        name = (self.algorithm or "MD5").upper()
        hashed = _HASHES[name.removesuffix("-SESS")]

        def joined(*parts: str) -> str:
            return hashed(":".join(parts).encode())

        secret = joined(user, self.realm, password)
        if name.endswith("-SESS"):
            secret = joined(secret, self.nonce, client)
        request = joined(method, target)
        between = (self.nonce, number, client, "auth") if self.qop else (self.nonce,)
        response = joined(secret, *between, request)
        shown = joined(user, self.realm) if self.userhash else user
        fields = [_user(shown), f"realm={_quoted(self.realm)}", f"nonce={_quoted(self.nonce)}"]
        fields += [f"uri={_quoted(target)}", f'response="{response}"']
        if self.algorithm:
            fields.append(f"algorithm={self.algorithm}")
        if self.opaque is not None:
            fields.append(f"opaque={_quoted(self.opaque)}")
        if self.qop:
            fields.append(f'qop=auth, nc={number}, cnonce="{client}"')
        elif name.endswith("-SESS"):
            fields.append(f'cnonce="{client}"')
        if self.userhash:
            fields.append("userhash=true")
        return f"Digest {', '.join(fields)}"


def _user(user: str) -> str:
    if user.isascii():
        return f"username={_quoted(user)}"
    return "username*=UTF-8''" + "".join(
        chr(b) if chr(b).isalnum() and b < 128 else f"%{b:02X}" for b in user.encode()
    )


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def read_challenge(headers: Iterable[str]) -> Challenge | None:
    """Return the first supported Digest challenge of WWW-Authenticate headers; ``None`` if there is none.

    Raises:
        ArgumentError: there are Digest challenges, but none is supported.
    """
    refused = ""
    for scheme, fields in _challenges(headers):
        if scheme.lower() != "digest" or "nonce" not in fields:
            continue
        algorithm = fields.get("algorithm", "")
        offered = [word.strip().lower() for word in fields.get("qop", "").split(",") if word.strip()]
        if (algorithm or "MD5").upper().removesuffix("-SESS") not in _HASHES:
            refused = f"the algorithm {algorithm!r}"
        elif offered and "auth" not in offered:
            refused = f"qop={', '.join(offered)!r}"
        else:
            return Challenge(
                fields.get("realm", ""),
                fields["nonce"],
                fields.get("opaque"),
                algorithm,
                bool(offered),
                fields.get("userhash", "").lower() == "true",
                fields.get("stale", "").lower() == "true",
            )
    if refused:
        raise ArgumentError(
            f"the server asks for a digest with {refused}, which is not supported",
            remediation="supported: MD5, SHA-256 and SHA-512-256, with qop=auth or without qop",
        )
    return None


def _challenges(headers: Iterable[str]) -> Iterable[tuple[str, dict[str, str]]]:
    """Return the schemes with their parameters; one header may contain several."""
    for header in headers:
        at = 0
        while (scheme := _SCHEME.match(header, at)) is not None:
            at, fields = scheme.end(), dict[str, str]()
            while (found := _PARAMETER.match(header, at)) is not None:
                quoted = found[2]
                value = found[3] if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
                fields.setdefault(found[1].lower(), value)
                at = found.end()
                if header[at : at + 1] != ",":
                    break
                if _SCHEME.match(header, at + 1) and not _PARAMETER.match(header, at + 1):
                    break
                at += 1
            yield scheme[1], fields
            if not fields and (token := _TOKEN68.match(header, at)) is not None:
                at = token.end()
