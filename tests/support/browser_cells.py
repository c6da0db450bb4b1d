"""Cells that the tests in a browser run: a loop whose first items are fast, and whose others wait."""

from __future__ import annotations

SETUP = """\
import asyncio
%load_ext drawer_ipy

async def tens(n: int) -> int:
    if n == 7:
        raise ValueError("seven is refused")
    await asyncio.sleep(0.1 if n < 20 else 60)
    return n * 10
"""
"""Defines the button: item 7 fails, the others below 20 take a tenth of a second, those above a minute."""

_RUN = """\
%%drawer pages --out pages --no-raise n={range(COUNT)}
steps:
  - id: each
    kind: for_each
    over: ${inputs.n}
    as: n
    parallelism: 4
    on_item_failure: continue
    steps:
      - {id: tens, button: tens, args: {n: "${n}"}}
"""

SHORT = _RUN.replace("COUNT", "20").replace("parallelism: 4", "parallelism: 1")
"""Twenty items, one after the other, over in two seconds."""

LONG = _RUN.replace("COUNT", "40")
"""Forty items: it comes to a halt with 20 ended, 4 running and 16 left, until it is stopped."""

BACKGROUND = LONG.replace("--out pages", "--background --out run", 1)
"""The same forty items, while other cells run."""
