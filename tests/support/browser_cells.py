"""Cells for the tests in a browser: loops whose items wait, fail or are mended."""

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
"""Defines the button: item 7 fails, the other items below 20 take 0.1 s, the rest a minute."""

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
"""Twenty items, one after the other; the run takes two seconds."""

LONG = _RUN.replace("COUNT", "40")
"""Forty items: after 20 have ended, 4 stay running and 16 wait until the run is stopped."""

BACKGROUND = LONG.replace("--out pages", "--background --out run", 1)
"""The same forty items in the background, so that other cells can run."""

PAGES = """\
import asyncio
from pathlib import Path
from urllib.parse import quote
%load_ext drawer_ipy

async def page(n: int) -> dict:
    if n % 10 == 7 and not Path("mended").exists():
        raise ValueError(f"{n} is refused")
    for _ in range(600):
        if n % 10 != 7 or Path("gate").exists():
            break
        await asyncio.sleep(0.05)
    return {"title": f"Page {n}", "price": n / 4}
"""
"""Defines the button. Once the file ``mended`` exists, the refused pages wait for the file ``gate``."""


def pages_run(count: int, options: str = "") -> str:
    """A cell that presses the button for so many pages, with further options on its first line."""
    return f"""\
%%drawer pages --out pages --no-raise {options}n={{range({count})}}
steps:
  - id: each
    kind: for_each
    over: ${{inputs.n}}
    as: n
    parallelism: {min(50, max(1, count // 1000))}
    on_item_failure: continue
    steps:
      - {{id: page, button: page, args: {{n: "${{n}}"}}}}
"""
