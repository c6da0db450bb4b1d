"""Make the files in ``tests/golden_runs``: ``python tests/support/golden_runs.py``.

Each version of the format of stored runs adds files, which every later version must be able to read. Existing
files are never made again.
"""

from __future__ import annotations

import datetime as dt
import gzip
import json
import os
import sys
import tempfile
import uuid
from decimal import Decimal
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent.parent / "golden_runs"

VALUES: list[Any] = [
    {"n": 1, "text": "plain"},
    [1.5, None, True, b"bytes"],
    dt.datetime(2024, 2, 29, 12, 30, tzinfo=dt.UTC),
    Decimal("1.50"),
    (1, {2}, 2**70),
    uuid.UUID(int=7),
]
"""The outputs of the items that end ok."""

SECRET = "golden-secret-value"

DRAWER = """
name: golden
inputs: [xs, {name: token, secret: true}]
steps:
  - {id: before, button: before}
  - id: each
    kind: for_each
    over: ${inputs.xs}
    as: x
    on_item_failure: continue
    steps:
      - {id: work, button: work, args: {x: "${x}", token: "${inputs.token}"}}
      - id: inner
        kind: for_each
        over: [1, 2]
        as: y
        steps: [{id: leaf, button: leaf, args: {y: "${y}"}}]
  - {id: total, kind: aggregate, from: "${each.output.results}", pluck: "${item.index}"}
"""


def buttons(fail: bool) -> dict[str, Any]:
    """The buttons; item 6 fails, and item 7 returns the secret."""

    def work(x: int, token: str) -> Any:
        if x == 6 and fail:
            raise ValueError("on purpose")
        return f"with {token}" if x == 7 else VALUES[x % len(VALUES)]

    return {"before": lambda: "ready", "work": work, "leaf": lambda y: y * 10}


def press_golden(count: int = 8, *, fail: bool = True, **options: Any) -> Any:
    """Press the drawer."""
    from drawer_ipy import press

    inputs = {"xs": list(range(count)), "token": SECRET}
    options = {"check": False, "quiet": True, "durable": "on", **options}
    return press(DRAWER, inputs, buttons=buttons(fail), **options)


def main() -> None:
    """Make the files of the present version, if they do not exist."""
    from drawer_ipy.journal.file import VERSION
    from drawer_ipy.journal.folder import files

    for presses in (1, 2):
        target = FOLDER / f"version-{VERSION}-presses-{presses}.db.gz"
        if target.exists():
            sys.exit(f"{target} exists; files of a version that was released stay as they are")
        with tempfile.TemporaryDirectory() as folder:
            os.environ["BUTTONS_HOME"] = f"{folder}/home"
            os.environ["XDG_CACHE_HOME"] = f"{folder}/cache"
            Path(folder, "home").mkdir()
            press_golden()
            if presses == 2:
                press_golden(9, fail=False, resume=True)
            (path,) = files(Path(folder, "home", "runs"))
            key = Path(folder, "cache", "drawer_ipy", "key").read_bytes()
            target.write_bytes(gzip.compress(path.read_bytes(), mtime=0))
            about = {"name": path.name, "key": key.hex()}
            target.with_name(target.name.replace(".db.gz", ".json")).write_text(json.dumps(about) + "\n")


def restore(packed: Path, home: Path, cache: Path) -> Path:
    """Put a file of ``tests/golden_runs`` and its key where a press looks for them; return the file."""
    about = json.loads(packed.with_name(packed.name.replace(".db.gz", ".json")).read_text())
    for folder in (home / "runs", cache / "drawer_ipy"):
        folder.mkdir(parents=True, mode=0o700)
    (cache / "drawer_ipy" / "key").write_bytes(bytes.fromhex(about["key"]))
    (cache / "drawer_ipy" / "key").chmod(0o600)
    path = home / "runs" / str(about["name"])
    path.write_bytes(gzip.decompress(packed.read_bytes()))
    return path


if __name__ == "__main__":
    main()
