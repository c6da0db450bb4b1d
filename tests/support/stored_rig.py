"""A small drawer whose runs are stored, for tests of what is on disk."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from drawer_ipy import Results, press

STEP = {"id": "work", "button": "work", "args": {"x": "${x}"}}
LOOP = {"id": "each", "kind": "for_each", "over": "${inputs.xs}", "as": "x", "on_item_failure": "continue"}


def pages(*more: Any, steps: Any = (STEP,), inputs: Any = ("xs",), **loop: Any) -> dict[str, Any]:
    """Return the drawer ``pages``: a loop over the input ``xs``, then the steps `more`."""
    each = {**LOOP, "steps": list(steps), **loop}
    return {"name": "pages", "inputs": list(inputs), "steps": [each, *more]}


def go(
    buttons: Mapping[str, Callable[..., Any]] | Callable[..., Any],
    xs: Any,
    *,
    text: Any = None,
    inputs: Mapping[str, Any] | None = None,
    **options: Any,
) -> Results:
    """Press the drawer and store its run."""
    options = {"durable": "on", "check": False, "quiet": True, **options}
    known = {"work": buttons} if callable(buttons) else dict(buttons)
    return press(text or pages(), {"xs": xs, **(inputs or {})}, buttons=known, **options)


def all_bytes(folder: Path) -> bytes:
    """Return the contents of all files in `folder`."""
    return b"\n".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())
