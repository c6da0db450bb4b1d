"""Proxies: parse the address of one, and read a button's ``proxy``."""

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
    """A proxy for requests. Its URL may contain a password, so messages show :attr:`place`.

    Attributes:
        url: its address; ``None`` for a direct connection.
        source: the setting it comes from, for messages: ``the environment variable HTTPS_PROXY``.
    """

    url: URL | None = field(repr=False)
    source: str

    @property
    def socks(self) -> bool:
        """Whether it uses SOCKS instead of HTTP."""
        return self.url is not None and self.url.scheme in _SOCKS

    @property
    def names_here(self) -> bool:
        """Whether host names are resolved on this computer, so that the proxy gets addresses."""
        return self.url is not None and self.url.scheme in ("socks4", "socks5")

    @cached_property
    def place(self) -> str:
        """Its host and port."""
        return "" if self.url is None else f"{self.url.host_subcomponent}:{self.url.port}"

    @property
    def bare(self) -> URL | None:
        """Its address for connecting; for HTTP without the user, who is sent in :attr:`greeting`."""
        return self.url if self.url is None or self.socks else self.url.with_user(None)

    @cached_property
    def greeting(self) -> dict[str, str]:
        """The headers that log in to an HTTP proxy; empty without a user.

        They are UTF-8. aiohttp would use Latin-1, and show the address in its errors.
        """
        if self.url is None or self.socks or (self.url.raw_user is None and self.url.raw_password is None):
            return {}
        login = f"{self.url.user or ''}:{self.url.password or ''}"
        return {"Proxy-Authorization": f"Basic {base64.b64encode(login.encode()).decode()}"}

    def without_password(self, text: str) -> str:
        """Return `text` with the address's password replaced by asterisks."""
        if self.url is None:
            return text
        for secret in (self.url.raw_password, self.url.password):
            if secret:
                text = text.replace(secret, "***")
        return text


NO_PROXY = Proxy(None, "`proxy: none`")
"""A direct connection, whatever the environment says."""


def parse_proxy(text: str, source: str) -> Proxy:
    """Parse the address of a proxy; without a scheme it is an HTTP proxy, as in other tools.

    Raises:
        ArgumentError: it is invalid, or a SOCKS proxy while python-socks is not installed.
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
            f"{source} is not a valid proxy address",
            remediation="write one like http://host:3128, http://user:password@host:3128 or socks5h://host:1080",
        )
    if scheme in _SOCKS:
        if importlib.util.find_spec("python_socks") is None:
            raise ArgumentError(
                f"{source} is a SOCKS proxy, which requires the package python-socks",
                remediation=install_hint("socks"),
            )
        if not f"{url.user or ''}{url.password or ''}".isascii():
            raise ArgumentError(
                f"{source} has a user or password that is not ASCII, which SOCKS cannot transmit",
                remediation="use another user name or password",
            )
        url = url.with_port(url.port or _SOCKS_PORT)
    elif scheme not in ("http", "https"):
        raise ArgumentError(
            f"{source} is not a valid proxy address: the scheme {scheme}:// is not supported",
            remediation="use http://, https://, socks4://, socks4a://, socks5:// or socks5h://",
        )
    return Proxy(url, source)


class ProxyTemplate:
    """``proxy: http://user:${batteries.PROXY}@host:3128``, or ``proxy: none``.

    Messages never show its text, because it may contain a password.

    Args:
        text: the address.
        owner: the button's name, for messages.

    Raises:
        UsageError: it is invalid, or refers to something other than batteries and env.
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
        """Return the proxy. Raises ResolveError for a missing name, ArgumentError if it is invalid."""
        text = str(self._text.resolve(dict(scope))).strip()
        found = self._found.get(text)
        if found is None:
            named = text.lower() == _NONE
            found = NO_PROXY if named else parse_proxy(text, f"`proxy` of button {self._owner!r}")
            self._found = {text: found}
        return found
