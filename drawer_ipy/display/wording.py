"""A run's progress in words, the same for every display."""

from __future__ import annotations

from drawer_ipy.common.counted import number_of
from drawer_ipy.display.snapshot import Snapshot
from drawer_ipy.style.amounts import clock_text, rate_text
from drawer_ipy.style.outcome import kept_text
from drawer_ipy.style.palette import KEPT, mark_of


def progress_line(snapshot: Snapshot) -> str:
    """The progress in one line, such as ``drawer pages: 40/200 (5 failed)``, or how the run ended."""
    if snapshot.status != "running":
        return f"drawer {snapshot.drawer}: {snapshot.head}"
    if snapshot.loop is None:
        listed = f"{snapshot.steps_done}/{snapshot.steps} steps"
    else:
        listed = f"{snapshot.done} so far" if snapshot.so_far else f"{snapshot.done}/{snapshot.total}"
    counts = snapshot.by_state
    extra = [f"{counts[name]} {name}" for name in (KEPT, "failed", "cancelled", "paused") if counts.get(name)]
    return f"drawer {snapshot.drawer}: {listed}" + (f" ({', '.join(extra)})" if extra else "")


def place_words(snapshot: Snapshot) -> list[str]:
    """The current step, and the loops inside it."""
    words = []
    if snapshot.position and snapshot.status == "running":
        words.append(f"step {snapshot.step} ({snapshot.position} of {snapshot.steps})")
    if snapshot.loop is None:
        words.append(f"{snapshot.steps_done} of {snapshot.steps} steps done")
    if snapshot.inner:
        words.append(f"inner: {number_of(snapshot.inner, 'loop')}")
    return words


def counts_words(snapshot: Snapshot) -> list[tuple[str, int]]:
    """The number of items in each state as words and as a number; rare states only if there are any."""
    if snapshot.loop is None:
        return []
    counts = snapshot.by_state
    out = [
        (f"{mark_of(name)} {counts[name]:,} {name}", counts[name])
        for name in (KEPT, "ok", "failed", "cancelled", "running", "paused", "skipped")
        if counts.get(name) or name in ("ok", "failed")
    ]
    if snapshot.so_far:
        return [*out, (f"{snapshot.total:,} so far", snapshot.total)]
    return [*out, (f"{snapshot.left:,} of {snapshot.total:,} left", snapshot.left)]


def kept_line(snapshot: Snapshot) -> str:
    """What an earlier press has left: ``7,703 kept · 16 in flight when it was cut off · 12,281 to go``.

    It is ``""`` for a loop that does not continue an earlier press, and after the run.
    """
    if not snapshot.resumed or snapshot.status != "running":
        return ""
    return kept_text(snapshot.kept, snapshot.in_flight, 0 if snapshot.so_far else snapshot.to_go)


def waits_text(snapshot: Snapshot) -> str:
    """What is waited for now, the most important reason first; ``""`` if nothing waits."""
    return "; ".join(line.text(snapshot.elapsed) for line in snapshot.waits)


def pace_words(snapshot: Snapshot) -> list[str]:
    """Retries, cached items, rate, time left and elapsed time."""
    words = []
    if snapshot.retries:
        words.append(number_of(snapshot.retries, "retry"))
    if snapshot.cached:
        words.append(f"{snapshot.cached:,} cached")
    if snapshot.width is not None and snapshot.status == "running":
        words.append(f"{snapshot.width} at once")
    if snapshot.rate and snapshot.status == "running":
        words.append(rate_text(snapshot.rate))
    if snapshot.eta is not None:
        words.append(f"ETA {clock_text(snapshot.eta)}")
    return [*words, clock_text(snapshot.elapsed)]
