"""Files that may follow ``name=@``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from drawer_ipy.notebook.completion.offers import Offer, Word, beginning
from drawer_ipy.verbs.data_files import is_data_file

_MOST = 200
"""Entries of a folder that are proposed."""


def file_offer(typed: str) -> Offer:
    """After ``@``: data files and folders; `typed` begins with the ``@``."""
    folder, slash, _ = typed[1:].rpartition("/")
    found = sorted(_entries(Path(folder + slash).expanduser(), f"@{folder}{slash}"), key=lambda w: w.text)
    return beginning(typed, found[:_MOST])


def _entries(folder: Path, before: str) -> Iterator[Word]:
    try:
        entries = list(folder.iterdir())
    except (OSError, RuntimeError, ValueError):
        return
    for entry in entries:
        # A blank would end the word, and a dot begins what is hidden.
        if entry.name.startswith(".") or any(char.isspace() for char in entry.name):
            continue
        if entry.is_dir():
            yield Word(f"{before}{entry.name}/", "path")
        elif is_data_file(entry):
            yield Word(f"{before}{entry.name}", "path")
