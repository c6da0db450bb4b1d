"""Progress in a terminal: a bar on standard error."""

from __future__ import annotations

import os
import sys
import threading
from typing import Any, TextIO

from drawer_ipy.display.live import LiveDisplay
from drawer_ipy.display.snapshot import Snapshot
from drawer_ipy.display.wording import kept_line, waits_text
from drawer_ipy.style.amounts import clock_text, rate_text
from drawer_ipy.style.palette import KEPT, WARNING, in_ansi, mark_of

_FORMAT = "{desc}: {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{elapsed}{postfix}]"
_SO_FAR = "{desc}: {n_fmt} so far [{elapsed}{postfix}]"
"""For items of an iterator, whose number is not known."""

_ENDED = "{desc}: {n_fmt}/{total_fmt} [{elapsed}{postfix}]"
"""For the end of a run, if the words about it would leave no room for the bar."""

_ROOM = 32
"""Most characters of those words beside a bar."""

_WIDTH = 80

_STATES = (KEPT, "ok", "failed", "running", "paused", "cancelled", "skipped")
"""The states behind a bar, in this order."""


class TextDisplay(LiveDisplay):
    """A bar of the items of the current loop, or of the steps while there is no loop.

    Nothing is written if the stream is not a terminal, such as a log file. The caller prints the results.

    Args:
        stream: the stream for the bar; the default is standard error.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        super().__init__()
        self._stream = stream if stream is not None else sys.stderr
        self._bar: Any = None
        self._shown: tuple[Any, ...] = ()
        self._warned = ""
        self._said_kept = False

    def open(self, snapshot: Snapshot) -> None:
        """Draw the bar, if there is a terminal."""
        if is_terminal(self._stream):
            self._bar = _bar_class()(
                total=snapshot.steps,
                desc=f"drawer {snapshot.drawer}",
                file=self._stream,
                bar_format=_FORMAT,
                dynamic_ncols=True,
                leave=True,
            )
            _mend_size(self._bar)
            self.update(snapshot)

    def update(self, snapshot: Snapshot) -> None:
        """Redraw the bar, if it has changed."""
        bar = self._bar
        if bar is None:
            return
        over_items = snapshot.loop is not None
        total = snapshot.total if over_items else snapshot.steps
        done = snapshot.done if over_items else snapshot.steps_done
        so_far = over_items and snapshot.so_far
        drawn = (None if so_far else total, done, _postfix(snapshot), clock_text(snapshot.elapsed))
        if snapshot.warning and snapshot.warning != self._warned:
            self._warned = snapshot.warning
            bar.write(f"{WARNING} warning: {snapshot.warning}", file=self._stream)
        if not self._said_kept and (kept := kept_line(snapshot)):
            self._said_kept = True
            bar.write(f"drawer {snapshot.drawer}: {kept}", file=self._stream)
        if drawn != self._shown:
            self._shown = drawn
            bar.total, bar.n = drawn[0], done
            long = snapshot.status != "running" and len(drawn[2]) > _ROOM
            bar.bar_format = _SO_FAR if so_far else _ENDED if long else _FORMAT
            coloured = drawn[2] if snapshot.status == "running" else _in_colour(drawn[2], snapshot.outcome)
            bar.set_postfix_str(coloured, refresh=False)
            bar.refresh()

    def finish(self, snapshot: Snapshot, results: Any | None) -> None:  # noqa: ARG002 - as LiveDisplay
        """Draw the bar for the last time and end its line."""
        bar, self._bar = self._bar, None
        if bar is not None:
            self._bar = bar
            self.update(snapshot)
            self._bar = None
            bar.close()


def is_terminal(stream: TextIO) -> bool:
    """Whether `stream` is a terminal; False for a closed stream or one without ``isatty``."""
    try:
        return stream.isatty()
    except (AttributeError, ValueError):
        return False


def _mend_size(bar: Any) -> None:
    """Make tqdm draw `bar` on a terminal of unknown size.

    Such a terminal (in a container) reports 0 by 0 (minus one in some versions of tqdm), for which tqdm draws
    nothing.
    """
    measure = bar.dynamic_ncols
    if not measure:
        return

    def shape(stream: Any) -> tuple[int, int | None]:
        columns, rows = measure(stream)
        return columns if columns and columns > 0 else _WIDTH, rows if rows and rows > 0 else None

    bar.dynamic_ncols = shape
    bar.ncols, bar.nrows = shape(bar.fp)


def _in_colour(text: str, outcome: str) -> str:
    """`text` with its mark in the colour of the outcome, unless NO_COLOR is set."""
    mark = mark_of(outcome)
    return text if os.environ.get("NO_COLOR") else text.replace(mark, in_ansi(mark, outcome), 1)


def _postfix(snapshot: Snapshot) -> str:
    """The text after the bar, without colours; the outcome comes first, since narrow lines are cut."""
    over = snapshot.status != "running"
    if not over and snapshot.loop is None:
        return " · ".join(filter(None, [_unsaved(snapshot), snapshot.step, waits_text(snapshot)]))
    seldom = [("retries", snapshot.retries), ("cached", snapshot.cached)]
    if over:
        return ", ".join(filter(None, [str(snapshot.head), _figures(seldom)]))
    counts = snapshot.by_state
    named = [(state, counts.get(state, 0)) for state in _STATES]
    words = [*filter(None, [_unsaved(snapshot), _figures([*named, *seldom]), waits_text(snapshot)])]
    if snapshot.rate:
        words.append(rate_text(snapshot.rate))
    if snapshot.eta is not None:
        words.append(f"ETA {clock_text(snapshot.eta)}")
    return ", ".join(words)


def _unsaved(snapshot: Snapshot) -> str:
    return f"{WARNING} {snapshot.unsaved}" if snapshot.unsaved else ""


def _figures(named: list[tuple[str, int]]) -> str:
    return " ".join(f"{name}={n}" for name, n in named if n or name == "ok")


def _bar_class() -> Any:
    """tqdm's bar class without its monitor thread and its lock between processes, which are not needed."""
    from tqdm import tqdm

    return type("Bar", (tqdm,), {"monitor_interval": 0, "_lock": threading.RLock()})
