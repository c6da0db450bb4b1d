"""The proxy of a button: its address, which may refer to batteries and the environment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from yarl import URL

from drawer_ipy.errors import ArgumentError, ResolveError, UsageError
from drawer_ipy.expressions import compile_value

_ROOTS = frozenset({"batteries", "env"})


class ProxyTemplate:
    """``proxy: http://user:${batteries.PROXY}@host:3128``.

    Its text is never shown in messages, since it may hold a password.

    Args:
        text: the address.
        owner: the button's name, for messages.

    Raises:
        UsageError: when it cannot be one, or refers to something else.
    """

    def __init__(self, text: str, owner: str) -> None:
        self._owner = owner
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

    def resolve(self, scope: Mapping[str, Any]) -> str:
        """The address. Raises ResolveError for a missing name, ArgumentError when it is none."""
        text = str(self._text.resolve(dict(scope)))
        try:
            url = URL(text)
            fine = url.scheme in ("http", "https") and bool(url.host)
        except ValueError:
            fine = False
        if not fine:
            raise ArgumentError(
                f"`proxy` of button {self._owner!r} is no address of a proxy",
                remediation="write one like http://host:3128 or http://user:password@host:3128",
            )
        return text
