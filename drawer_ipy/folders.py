"""Folders that are for their owner only."""

from __future__ import annotations

import contextlib
from pathlib import Path


def make_private(folder: Path) -> None:
    """Make `folder` and what is missing above it, each for its owner only (0700).

    Raises:
        OSError: it cannot be made.
    """
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    for path in reversed(missing):
        with contextlib.suppress(FileExistsError):  # somebody else was faster
            path.mkdir(mode=0o700)
