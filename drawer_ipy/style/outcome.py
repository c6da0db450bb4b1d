"""The outcome of a run, a table or a step in words, with one rule and one wording for all displays."""

from __future__ import annotations

from collections.abc import Mapping

from drawer_ipy.style.palette import PARTIAL


def outcome_of(status: str, failed: int) -> str:
    """Return the state in which a run or step is shown.

    A run with the status ``ok`` in which parts failed is shown as :data:`~drawer_ipy.style.palette.PARTIAL`,
    never as ``ok``.

    Args:
        status: the status of the run or step.
        failed: how many of its items and steps did not end ok.
    """
    return PARTIAL if status == "ok" and failed else status


def outcome_of_rows(counts: Mapping[str, int]) -> str:
    """Return the state in which a set of rows is shown.

    Args:
        counts: name of a state -> number of rows in it.
    """
    states = {state for state, n in counts.items() if n}
    if states & {"waiting", "running"}:
        return "running"
    if not states:
        return "ok"
    return next(iter(states)) if len(states) == 1 else PARTIAL


def counts_text(counts: Mapping[str, int], noun: str, so_far: bool = False) -> str:
    """Describe how many are ok, and how the others ended: ``175 of 180 items ok, 5 failed``.

    Args:
        counts: name of a state -> number of rows in it.
        noun: what is counted, in the singular.
        so_far: whether there may be more.
    """
    total = sum(counts.values())
    nouns = f"{noun}{'' if total == 1 else 's'}{' so far' if so_far else ''}"
    parts = [f"{counts.get('ok', 0):,} of {total:,} {nouns} ok"]
    others = ("failed", "cancelled", "skipped", "running", "waiting")
    return ", ".join([*parts, *(f"{counts[name]:,} {name}" for name in others if counts.get(name))])


def failed_text(items: int, steps: int) -> str:
    """Describe how many items and steps failed: ``5 items failed, 1 step failed``."""
    named = ((items, "item"), (steps, "step"))
    return ", ".join(f"{n:,} {noun}{'' if n == 1 else 's'} failed" for n, noun in named if n)


def elsewhere_text(items: int, steps: int) -> list[str]:
    """Describe the failures that are not among the counted rows.

    Args:
        items: failed items of other loops.
        steps: failed steps.
    """
    words = [f"{items:,} item{'' if items == 1 else 's'} of other loops failed"] if items else []
    return [*words, failed_text(0, steps)] if steps else words
