"""What ``%drawer runs`` shows: the runs in the background, and those on disk."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from drawer_ipy.notebook.background import BackgroundRun, RunList
from drawer_ipy.pressing.stored import StoredRuns


class AllRuns:
    """Both lists; as a sequence, the runs in the background.

    Attributes:
        background: the runs in the background of this notebook.
        stored: the runs on disk, newest first.
    """

    def __init__(self, background: RunList, stored: StoredRuns) -> None:
        self.background = background
        self.stored = stored

    def __len__(self) -> int:
        return len(self.background)

    def __iter__(self) -> Iterator[BackgroundRun]:
        return iter(self.background)

    def __getitem__(self, index: Any) -> Any:
        return self.background[index]

    def __repr__(self) -> str:
        if not self.stored and not self.background:
            return "no stored runs, and none in the background"
        if not self.stored:
            return repr(self.background)
        if not self.background:
            return f"stored runs:\n{self.stored!r}"
        return f"stored runs:\n{self.stored!r}\n\nin the background:\n{self.background!r}"

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        printer.text(repr(self))
