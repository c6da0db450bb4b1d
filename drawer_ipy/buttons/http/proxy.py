"""Proxies: what an address of one means, and the proxy that a button names."""

from __future__ import annotations

import base64
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from yarl import URL

from drawer_ipy.common.install import install_hint
from drawer_ipy.errors import ArgumentError, ResolveError, UsageError
from drawer_ipy.expressions import compile_value

_ROOTS = frozenset({"batteries", "env"})
_NONE = "none"
_SOCKS = frozenset({"socks4", "socks4a", "socks5", "socks5h"})
_SOCKS_PORT = 1080


@dataclass(frozen=True)
class Proxy:
    """What requests go through; its text may hold a password, so messages show :attr:`place`.

    Attributes:
        url: its address; ``None`` to go through none.
        source: who names it, for messages: ``HTTPS_PROXY of the environment``.
    """

    url: URL | None = field(repr=False)
    source: str

    @property
    def socks(self) -> bool:
        """Whether it speaks SOCKS and not HTTP."""
        return self.url is not None and self.url.scheme in _SOCKS

    @property
    def names_here(self) -> bool:
        """Whether this computer looks up the names of hosts, and the proxy is given their addresses."""
        return self.url is not None and self.url.scheme in ("socks4", "socks5")

    @cached_property
    def place(self) -> str:
        """Its host and port."""
        return "" if self.url is None else f"{self.url.host_subcomponent}:{self.url.port}"

    @property
    def bare(self) -> URL | None:
        """Its address for making a connection: for HTTP without the user, whom :attr:`greeting` names."""
        return self.url if self.url is None or self.socks else self.url.with_user(None)

    @cached_property
    def greeting(self) -> dict[str, str]:
        """The headers by which an HTTP proxy learns of a user; empty when there is none.

        In UTF-8. aiohttp would take Latin-1, and show the address in its errors.
        """
        if self.url is None or self.socks or (self.url.raw_user is None and self.url.raw_password is None):
            return {}
        login = f"{self.url.user or ''}:{self.url.password or ''}"
        return {"Proxy-Authorization": f"Basic {base64.b64encode(login.encode()).decode()}"}

    def without_password(self, text: str) -> str:
        """`text` with nothing in it of what the address says of a user."""
        if self.url is None:
            return text
        for secret in (self.url.raw_password, self.url.password):
            if secret:
                text = text.replace(secret, "***")
        return text


NO_PROXY = Proxy(None, "`proxy: none`")
"""Goes through none, whatever the environment says."""


def parse_proxy(text: str, source: str) -> Proxy:
    """The proxy at an address; one without a scheme speaks HTTP, as everywhere.

    Raises:
        ArgumentError: when it is none, or a SOCKS one without python-socks being installed.
    """
    text = text.strip()
    try:
        url = URL(text if "://" in text else f"http://{text}")
        scheme = url.scheme
        fine = bool(url.host) and url.explicit_port != 0
    except ValueError:
        scheme, fine = "", False
    if not fine:
        raise ArgumentError(
            f"{source} is not an address of a proxy",
            remediation="write one like http://host:3128, http://user:password@host:3128 or socks5h://host:1080",
        )
    if scheme in _SOCKS:
        if importlib.util.find_spec("python_socks") is None:
            raise ArgumentError(
                f"{source} is a SOCKS proxy, which needs the package python-socks",
                remediation=install_hint("socks"),
            )
        if not f"{url.user or ''}{url.password or ''}".isascii():
            raise ArgumentError(
                f"{source} has a user or a password that is not ASCII, which a SOCKS proxy cannot be told",
                remediation="give the user another password",
            )
        url = url.with_port(url.port or _SOCKS_PORT)
    elif scheme not in ("http", "https"):
        raise ArgumentError(
            f"{source} is not an address of a proxy that can be used here: nothing here speaks {scheme}://",
            remediation="write http://, https://, socks4://, socks4a://, socks5:// or socks5h://",
        )
    return Proxy(url, source)


class ProxyTemplate:
    """``proxy: http://user:${batteries.PROXY}@host:3128``, or ``proxy: none``.

    Its text is never shown in messages, since it may hold a password.

    Args:
        text: the address.
        owner: the button's name, for messages.

    Raises:
        UsageError: when it cannot be one, or refers to something else.
    """

    def __init__(self, text: str, owner: str) -> None:
        self._owner = owner
        self._found: dict[str, Proxy] = {}
        try:
            self._text = compile_value(text.strip())
        except ResolveError as error:
            raise UsageError(f"`proxy` of button {owner!r} cannot be read: {error.message}") from None
        strange = {ref.root for ref in self._text.references} - _ROOTS
        if strange:
            raise UsageError(
                f"`proxy` of button {owner!r} refers to {min(strange)!r}; "
                "only batteries and env can be used there"
            )
        if self._text.is_constant:
            try:
                self.resolve({})
            except ArgumentError as error:
                raise UsageError(error.message, remediation=error.remediation) from None

    def resolve(self, scope: Mapping[str, Any]) -> Proxy:
        """The proxy. Raises ResolveError for a missing name, ArgumentError when it is none."""
        text = str(self._text.resolve(dict(scope))).strip()
        found = self._found.get(text)
        if found is None:
            named = text.lower() == _NONE
            found = NO_PROXY if named else parse_proxy(text, f"`proxy` of button {self._owner!r}")
            self._found = {text: found}
        return found
