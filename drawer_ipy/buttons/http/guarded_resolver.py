"""Host names whose addresses are checked before a connection uses them."""

from __future__ import annotations

import socket

from aiohttp.abc import AbstractResolver, ResolveResult

from drawer_ipy.buttons.http.guard import is_private, refuse


class GuardedResolver(AbstractResolver):
    """Resolve names, and refuse those with any private address.

    Args:
        inner: the resolver to use.
    """

    def __init__(self, inner: AbstractResolver) -> None:
        self._inner = inner

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the addresses of `host`.

        Raises:
            AddressRefused: one of them is private.
            OSError: the name cannot be resolved.
        """
        found = await self._inner.resolve(host, port, family)
        for entry in found:
            if is_private(entry["host"]):
                raise refuse(host, entry["host"])
        return found

    async def close(self) -> None:
        """Close the inner resolver."""
        await self._inner.close()
