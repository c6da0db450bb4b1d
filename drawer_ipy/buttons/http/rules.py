"""The rules for where the requests of one button may go."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection

from yarl import URL

from drawer_ipy.buttons.http.guard import AddressRefused, check_literal, private_networks_open
from drawer_ipy.definition.models import ButtonSpec
from drawer_ipy.errors import ArgumentError

_ANY_HOST_ENV = "BUTTONS_ALLOW_ANY_HOST"
_MOST_PASSED = 1000


class Rules:
    """Check each request before it is sent, both the first and those that redirects lead to.

    Args:
        spec: the button, with ``allowed_host`` and ``allow_private_networks``.
        allowed_origins: see HttpButton.
    """

    def __init__(self, spec: ButtonSpec, allowed_origins: Callable[[], Collection[str]]) -> None:
        self._name = spec.name
        self._open = spec.allow_private_networks
        self._allowed_host = spec.allowed_host.strip().lower()
        self._allowed_origins = allowed_origins
        self._passed: dict[tuple[str, str], URL] = {}
        self._no_private: set[tuple[str, str]] = set()

    def check(self, url: URL) -> bool:
        """Refuse a forbidden URL; return whether the address must be checked after the name is resolved.

        Raises:
            AddressRefused: the host is a private IP address, or is not allowed.
            ArgumentError: the scheme is not allowed, or the URL contains a user.
        """
        # A run uses few hosts; checks that do not depend on the rest of the URL run once for each.
        place = url.scheme, url.raw_authority
        there = self._passed.get(place)
        if there is None:
            there = self._first_check(url)
            if len(self._passed) < _MOST_PASSED:
                self._passed[place] = there
        if self._allowed_host:
            self._check_host(url)
        if self._open or private_networks_open():
            return False
        origins = self._allowed_origins()
        if origins and there in {URL(allowed).origin() for allowed in origins}:
            return False
        if place not in self._no_private:
            check_literal(url.host or "")
            if len(self._no_private) < _MOST_PASSED:
                self._no_private.add(place)
        return True

    def _first_check(self, url: URL) -> URL:
        """Refuse a URL that no button may request; return its origin."""
        if url.scheme not in ("http", "https") or not url.host:
            raise ArgumentError(f"{url} is not an http or https URL")
        if url.raw_user is not None or url.raw_password is not None:
            raise ArgumentError(f"a URL must not contain a user name: {url.with_user(None)}")
        return url.origin()

    def _check_host(self, url: URL) -> None:
        allowed = self._allowed_host
        if allowed == "*":
            if os.environ.get(_ANY_HOST_ENV) != "1":
                raise ArgumentError(
                    f"button {self._name!r} has `allowed_host: '*'`, which the environment does not permit",
                    remediation=f"set the environment variable {_ANY_HOST_ENV}=1, or name the host",
                )
            return
        if allowed not in (url.authority.lower(), (url.host_port_subcomponent or "").lower()):
            raise AddressRefused(
                f"button {self._name!r} may only request {allowed}, not {url.authority}",
                remediation="change `allowed_host` of the button",
            )


def origin(url: URL) -> tuple[str, str | None, int | None]:
    """Return scheme, host and port, the scope of credentials."""
    return url.scheme, url.host, url.port
