"""``python -m drawer_ipy.demo [--port N]``: serve the demo site until Ctrl-C."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence

from drawer_ipy.demo.site import DemoSite


def main(argv: Sequence[str] | None = None) -> int:
    """Serve in the foreground; return 0 after Ctrl-C, and 1 if the port is not available."""
    parser = argparse.ArgumentParser(
        prog="python -m drawer_ipy.demo", description="A small web site for practice on 127.0.0.1."
    )
    parser.add_argument("--port", type=int, default=0, help="TCP port; by default any free port")
    port: int = parser.parse_args(argv).port
    try:
        asyncio.run(_serve(port))
    except KeyboardInterrupt:
        return 0
    except (OSError, ValueError) as error:
        print(getattr(error, "strerror", None) or error, file=sys.stderr)
        return 1
    return 0


async def _serve(port: int) -> None:
    async with DemoSite.serve(port) as site:
        # Flushed, so that a program which reads this through a pipe gets the address.
        print(f"Demo site at {site.url} (Ctrl-C stops it)", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    sys.exit(main())
