"""A disk that fails during a run: the view shows it at once, and until the run can be written again."""

from __future__ import annotations

import contextlib
import io
import os
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from disk_rig import small_disk

from drawer_ipy import Results
from drawer_ipy.display.live import LiveDisplay
from drawer_ipy.display.outline import Outline
from drawer_ipy.display.progress import Snapshot
from drawer_ipy.display.progress_html import static_html
from drawer_ipy.display.terminal import TextDisplay
from drawer_ipy.display.view import View
from drawer_ipy.pressing.job import Options
from drawer_ipy.pressing.prepare import prepare
from drawer_ipy.pressing.surroundings import Surroundings

DRAWER = """
name: pages
inputs: [xs]
steps:
  - id: each
    kind: for_each
    over: ${inputs.xs}
    as: x
    steps:
      - {id: work, button: work, args: {x: "${x}"}}
"""
TEXT = re.compile(r"not saved since \d\d:\d\d \(the disk is full\)")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def fill(runs: Path) -> Path:
    """Use up the rest of the disk; return the file that does."""
    filler = runs / "filler"
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"x" * 1000)
    return filler


def press(tmp_path: Path, display: LiveDisplay, seen: Callable[[], bool]) -> Results:
    """Press on a disk that is full from the first item, until `seen`, and is not full after that."""
    runs = tmp_path / "home" / "runs"
    fillers: list[Path] = []
    gone: list[float] = []

    def work(x: int) -> bytes:
        if x == 0:
            fillers.append(fill(runs))
        until = time.monotonic() + 20
        while x == 1 and not seen() and time.monotonic() < until:
            time.sleep(0.02)
        if x == 1:
            fillers[0].unlink()
            gone.append(time.monotonic())
        while x == 2 and seen() and time.monotonic() < until:
            time.sleep(0.02)
        return os.urandom(20_000)

    around = Surroundings(namespace={"work": work})
    with small_disk(runs, "300k"):
        job = prepare(DRAWER, {"xs": list(range(4))}, Options(durable="on"), around)
        results = job.press_blocking(display)
        assert len(Results.open("pages")) == 4
        assert not job.run.notes, "nothing is missing on the disk at the end"
    return results


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUTTONS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


class Watching(LiveDisplay):
    def __init__(self) -> None:
        super().__init__()
        self.snapshots: list[Snapshot] = []
        self.view = View(lambda: None, lambda *_: [])
        self.warnings: list[str] = []
        self.lock = threading.Lock()

    def open(self, snapshot: Snapshot) -> None:
        self.update(snapshot)

    def update(self, snapshot: Snapshot) -> None:
        self.snapshots.append(snapshot)
        self.view.show(snapshot, Outline())
        self.warnings.append(self.view.warning)

    def finish(self, snapshot: Snapshot, results: object) -> None:
        self.update(snapshot)


def test_the_view_shows_it_until_the_run_can_be_written_again(tmp_path: Path) -> None:
    display = Watching()
    press(tmp_path, display, lambda: bool(display.warnings and display.warnings[-1]))
    changes = [w for w, before in zip(display.warnings, ["", *display.warnings], strict=False) if w != before]
    assert len(changes) == 2
    assert TEXT.fullmatch(changes[0])
    assert changes[1] == ""
    shown = next(snapshot for snapshot in display.snapshots if snapshot.unsaved)
    assert TEXT.search(static_html(shown))


def test_a_terminal_shows_it_beside_the_bar_until_it_is_over(tmp_path: Path) -> None:
    stream = Terminal()
    display = TextDisplay(stream)

    def seen() -> bool:
        return TEXT.search(stream.getvalue().rpartition("\r")[2]) is not None

    press(tmp_path, display, seen)
    frames = stream.getvalue().split("\r")
    assert any(TEXT.search(frame) for frame in frames)
    assert not TEXT.search(frames[-1])
