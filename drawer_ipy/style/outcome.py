"""The outcome of a run, a table or a step in words, with one rule and one wording for all displays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from drawer_ipy.common.counted import number_of
from drawer_ipy.record.failed_counts import NONE, Failures
from drawer_ipy.style.palette import PARTIAL, mark_of

_VERBS = {"ok": "finished"}
_OTHERS = ("failed", "cancelled", "skipped", "running", "paused", "waiting")


@dataclass(frozen=True, slots=True)
class Head:
    """How a run ended, or how it is going, in one line.

    Attributes:
        state: the state that it is shown in.
        words: ``finished · 58 ok · 2 failed``.
    """

    state: str
    words: str

    def __str__(self) -> str:
        return f"{mark_of(self.state)} {self.words}"


def outcome_of(status: str, failed: int, nothing_ok: bool = False) -> str:
    """Return the state in which a run or step is shown.

    A run with the status ``ok`` in which parts failed is shown as :data:`~drawer_ipy.style.palette.PARTIAL`,
    or as ``failed`` if nothing in it succeeded, never as ``ok``.

    Args:
        status: the status of the run or step.
        failed: how many of its items and steps did not end ok.
        nothing_ok: whether nothing succeeded.
    """
    if status == "ok" and failed:
        return "failed" if nothing_ok else PARTIAL
    return status


def outcome_of_rows(counts: Mapping[str, int]) -> str:
    """Return the state in which a set of rows is shown.

    Args:
        counts: name of a state -> number of rows in it.
    """
    states = {state for state, n in counts.items() if n}
    if states & {"waiting", "running", "paused"}:
        return "running"
    if not states:
        return "ok"
    return next(iter(states)) if len(states) == 1 else PARTIAL


def head_of(
    status: str,
    counts: Mapping[str, int],
    noun: str = "item",
    beside: Failures = NONE,
    so_far: bool = False,
) -> Head:
    """Describe how a run ended: ``finished · 58 ok · 2 failed``; every display shows these words.

    Args:
        status: the status of the run.
        counts: name of a state -> number of items, or of steps, in it.
        noun: what is counted, ``item`` or ``step``.
        beside: the failures that are not in `counts`, and whether nothing succeeded.
        so_far: whether there may be more items than `counts` has.
    """
    state = outcome_of(status, counts.get("failed", 0) + beside.total, beside.nothing_ok)
    words = [verb_of(status), counts_text(counts, noun, so_far), *beside_text(beside, noun)]
    return Head(state, " · ".join(words))


def verb_of(status: str) -> str:
    """The word for the status of a run: ``finished`` for ``ok``, which says nothing about its items."""
    return _VERBS.get(status, status)


def counts_text(counts: Mapping[str, int], noun: str = "item", so_far: bool = False) -> str:
    """Describe how many are ok, and how the others ended: ``175 ok · 5 failed``.

    Args:
        counts: name of a state -> number in it.
        noun: what is counted, in the singular; items are not named.
        so_far: whether there may be more.
    """
    ok = counts.get("ok", 0)
    parts = [f"{ok:,} ok" if noun == "item" else f"{number_of(ok, noun)} ok"]
    names = dict.fromkeys((*_OTHERS, *counts))
    parts += [f"{counts[name]:,} {name}" for name in names if name != "ok" and counts.get(name)]
    if so_far:
        parts.append(f"{number_of(sum(counts.values()), noun)} so far")
    return " · ".join(parts)


def beside_text(beside: Failures, noun: str = "item") -> list[str]:
    """Describe the failures that are not among the counted items, or steps, named by `noun`."""
    words = [f"{number_of(beside.items, 'item')} failed in other loops"] if beside.items else []
    inner = "inner step" if noun == "step" else "step"
    return [*words, f"{number_of(beside.steps, inner)} failed"] if beside.steps else words


def failed_text(failures: Failures) -> str:
    """Describe how many items and steps failed: ``5 items failed · 1 step failed``."""
    named = ((failures.items, "item"), (failures.steps, "step"))
    return " · ".join(f"{number_of(n, noun)} failed" for n, noun in named if n)


def kept_text(kept: int, in_flight: int, to_go: int) -> str:
    """Describe what a press that continues another one has to do.

    Args:
        kept: how many items are kept.
        in_flight: how many were running when the earlier press was cut off.
        to_go: how many others are to be pressed.
    """
    words = [f"{kept:,} kept"]
    words += [f"{in_flight:,} in flight when it was cut off"] if in_flight else []
    words += [f"{to_go:,} to go"] if to_go else []
    return " · ".join(words)
