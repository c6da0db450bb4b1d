"""A run's progress in words, the same for every display."""

from __future__ import annotations

from drawer_ipy.display.progress import Snapshot
from drawer_ipy.style.amounts import clock_text, rate_text
from drawer_ipy.style.outcome import counts_text, elsewhere_text
from drawer_ipy.style.palette import PARTIAL, mark_of


def progress_line(snapshot: Snapshot) -> str:
    """The progress in one line of plain text, such as ``drawer pages: 40/200 (5 failed)``."""
    if snapshot.loop is None:
        listed = f"{snapshot.steps_done}/{snapshot.steps} steps"
    else:
        listed = f"{snapshot.done} so far" if snapshot.so_far else f"{snapshot.done}/{snapshot.total}"
    extra = [] if snapshot.status == "running" else [f"{mark_of(snapshot.outcome)} {outcome_words(snapshot)}"]
    if snapshot.outcome != PARTIAL:
        extra += [f"{snapshot.failed} failed"] if snapshot.failed else []
        extra += [f"{snapshot.cancelled} cancelled"] if snapshot.cancelled else []
    return f"drawer {snapshot.drawer}: {listed}" + (f" ({', '.join(extra)})" if extra else "")


def outcome_words(snapshot: Snapshot) -> str:
    """The outcome in words: the status, or the counts of a run that ended ok with failures."""
    if snapshot.outcome != PARTIAL:
        return snapshot.status
    counts = {name: getattr(snapshot, name) for name in ("ok", "failed", "cancelled", "skipped")}
    noun, steps = "item", snapshot.elsewhere.steps
    if snapshot.loop is None:
        counts, noun, steps = {"ok": snapshot.steps_done - steps, "failed": steps}, "step", 0
    return ", ".join([counts_text(counts, noun), *elsewhere_text(snapshot.elsewhere.items, steps)])


def place_words(snapshot: Snapshot) -> list[str]:
    """The current step, and the loops inside it."""
    words = []
    if snapshot.position and snapshot.status == "running":
        words.append(f"step {snapshot.step} ({snapshot.position} of {snapshot.steps})")
    if snapshot.loop is None:
        words.append(f"{snapshot.steps_done} of {snapshot.steps} steps done")
    if snapshot.inner:
        words.append(f"inner: {snapshot.inner:,} {'loop' if snapshot.inner == 1 else 'loops'}")
    return words


def counts_words(snapshot: Snapshot) -> list[tuple[str, int]]:
    """The number of items in each state as words and as a number; rare states only if there are any."""
    if snapshot.loop is None:
        return []
    out = [
        (f"{mark_of(name)} {getattr(snapshot, name):,} {name}", getattr(snapshot, name))
        for name in ("ok", "failed", "cancelled", "running")
        if getattr(snapshot, name) or name in ("ok", "failed")
    ]
    out += (
        [(f"{mark_of('skipped')} {snapshot.skipped:,} skipped", snapshot.skipped)] if snapshot.skipped else []
    )
    if snapshot.so_far:
        return [*out, (f"{snapshot.total:,} so far", snapshot.total)]
    return [*out, (f"{snapshot.left:,} of {snapshot.total:,} left", snapshot.left)]


def pace_words(snapshot: Snapshot) -> list[str]:
    """Retries, cached items, rate, time left and elapsed time."""
    words = []
    if snapshot.retries:
        words.append(f"{snapshot.retries:,} {'retry' if snapshot.retries == 1 else 'retries'}")
    if snapshot.cached:
        words.append(f"{snapshot.cached:,} cached")
    if snapshot.width is not None and snapshot.status == "running":
        words.append(f"{snapshot.width} at once")
    if snapshot.rate and snapshot.status == "running":
        words.append(rate_text(snapshot.rate))
    if snapshot.eta is not None:
        words.append(f"ETA {clock_text(snapshot.eta)}")
    return [*words, clock_text(snapshot.elapsed)]
