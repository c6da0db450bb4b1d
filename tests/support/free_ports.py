"""Ports for programs that are told which port to open.

A port that the system picked for port 0 cannot be handed to another program: as soon as it is closed, the
system can give it to somebody else, and the program finds it in use. The ports here are outside the range
that the system picks from.
"""

from __future__ import annotations

import random
import socket
from pathlib import Path

PICKED_BY_THE_SYSTEM = Path("/proc/sys/net/ipv4/ip_local_port_range")
_LOWEST, _HIGHEST = 10_000, 65_535  # well-known servers are below
_ENOUGH = 1_000
"""With fewer candidates, tests that run at the same time would choose the same one."""


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody uses."""
    ports = candidates()
    while True:
        port = random.SystemRandom().choice(ports)  # hypothesis and tests set the seed of `random`
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def pytest_configure() -> None:
    """As a plugin of pytest, for tests that are not below this folder."""
    let_kernels_have_free_ports()


def let_kernels_have_free_ports() -> None:
    """Let every manager of kernels in this process choose with :func:`free_port`.

    A manager chooses the ports and the kernel opens them when it has started, up to seconds later.
    """
    from jupyter_client.connect import LocalPortCache

    LocalPortCache.find_available_port = lambda self, ip: free_port()  # type: ignore[method-assign]


def candidates(picked_by_the_system: Path = PICKED_BY_THE_SYSTEM) -> list[int]:
    """The ports that the system never picks by itself, unless they are too few.

    Args:
        picked_by_the_system: the file in which Linux says what it picks from.
    """
    try:
        first, last = map(int, picked_by_the_system.read_text().split())
    except OSError:  # macOS and Windows
        first, last = 49_152, 65_535
    every = range(_LOWEST, _HIGHEST + 1)
    outside = [port for port in every if not first <= port <= last]
    return outside if len(outside) >= _ENOUGH else list(every)
