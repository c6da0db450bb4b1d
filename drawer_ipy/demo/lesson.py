"""Checks of the exercises in ``notebooks/lesson``: properties of an answer, never how long it took.

A check returns a :class:`Verdict`, which a notebook shows. It never raises for a wrong answer, so a notebook
whose exercises are not solved yet can still be executed from top to bottom.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from types import EllipsisType
from typing import Any

from drawer_ipy.demo.site import DemoSite
from drawer_ipy.results import Results
from drawer_ipy.style.html_frame import UNTOUCHED

ANSWERS = {"a": 2, "b": 3, "c": 1, "d": 3, "e": 2}
"""The quiz: question -> the number of the right answer."""

_WHY = {
    "a": "Little's law: pages per second = pages in flight / seconds per page.",
    "b": "Waiting costs the kernel next to nothing, so the limit is what the server can serve.",
    "c": "Results have the order of the list, whatever finishes first.",
    "d": "Python runs the bytecode of one thread at a time, so computing needs processes.",
    "e": "Retry-After says when the server will respond again; an earlier request is wasted.",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of a check.

    Attributes:
        ok: whether the answer is right; ``None`` if there is no answer yet.
        text: what is right, or what is wrong and where to look.
    """

    ok: bool | None
    text: str

    def __repr__(self) -> str:
        return f"{self._mark} {self.text}"

    def _repr_html_(self) -> str:
        colour = {True: "#0a8a5f", False: "#b3261e", None: "#6b6b6b"}[self.ok]
        style = f"border-left: 4px solid {colour}; padding-left: 8px"
        return f'<p class="{UNTOUCHED}" style="{style}">{escape(repr(self))}</p>'

    @property
    def _mark(self) -> str:
        return {True: "✔", False: "✘", None: "…"}[self.ok]


NOTHING_YET = Verdict(None, "Nothing to check yet: replace the three dots, and run the cell again.")


def check_prediction(loop_seconds: object) -> Verdict:
    """Check a function ``(pages, seconds_per_page) -> seconds`` of a plain loop."""
    if (missing := _not_callable(loop_seconds)) is not None:
        return missing
    assert callable(loop_seconds)
    for pages, wait in ((24, 0.1), (1, 0.5), (0, 3), (1000, 0.25)):
        found = loop_seconds(pages, wait)
        if found is ...:
            return NOTHING_YET
        if not _is_near(found, pages * wait):
            return Verdict(
                False, f"For {pages} pages of {wait} s each it returns {found!r}. One page follows another."
            )
    return Verdict(True, "A plain loop waits for every page, so its time is the sum of all waits.")


def check_peak(peak: object, expected: int) -> Verdict:
    """Check the largest number of requests in flight that was found."""
    if peak is ...:
        return NOTHING_YET
    if peak == expected:
        return Verdict(True, f"All {expected} requests were in flight at once. The server had no say in it.")
    return Verdict(
        False,
        f"{peak!r} is not what the server counted. Look at site.stats().max_in_flight after the gather.",
    )


async def check_bounded(
    bounded: Callable[..., Awaitable[Any]] | EllipsisType, site: DemoSite, widths: Sequence[int] = (1, 3, 8)
) -> Verdict:
    """Check an async function ``(urls, n) -> list`` that fetches all in order, at most `n` at once."""
    if (missing := _not_callable(bounded)) is not None:
        return missing
    assert callable(bounded)
    waits = [60, 10, 40, 20, 50, 30] * 4
    urls = [f"{site.url}/slow/{wait}" for wait in waits]
    for n in widths:
        site.reset()
        made = bounded(urls, n)
        found = await made if inspect.isawaitable(made) else made
        stats = site.stats()
        if found is ... or found is None:
            return NOTHING_YET
        if wrong := _wrong_in(found, waits, n, stats.requests, stats.max_in_flight):
            return Verdict(False, f"With n={n}: {wrong}")
    return Verdict(True, "Order kept, every page fetched once, and never more than n in flight.")


def _wrong_in(found: Any, waits: Sequence[int], n: int, requests: int, peak: int) -> str:
    """What is wrong with a bounded fetch; ``""`` if nothing is."""
    if requests != len(waits):
        return f"the server got {requests} requests for {len(waits)} pages."
    if peak > n:
        return f"{peak} requests were in flight at once. Where does a request wait for its turn?"
    if peak < n:
        return f"only {peak} were in flight at once; do the tasks start before you wait for the first one?"
    try:
        order = [page["waited_ms"] for page in found]
    except (TypeError, KeyError, IndexError):
        return "the result must be a list of the pages, as fetch returns them."
    if order != list(waits):
        return "the pages are not in the order of the URLs. gather() keeps the order of its arguments."
    return ""


def check_smallest(answer: object, pages: int, wait: float, within: float) -> Verdict:
    """Check the least number in flight with which `pages` of `wait` seconds take at most `within` seconds."""
    if answer is ...:
        return NOTHING_YET
    if not isinstance(answer, int) or isinstance(answer, bool) or answer < 1:
        return Verdict(False, f"{answer!r} is not a number of requests: expected a whole number from 1.")
    rounds = math.ceil(pages / answer)
    if rounds * wait > within:
        return Verdict(False, f"{answer} at once make {rounds} rounds of {wait} s: longer than {within} s.")
    if answer > 1 and math.ceil(pages / (answer - 1)) * wait <= within:
        return Verdict(False, f"{answer} at once are enough, but fewer are, too.")
    return Verdict(
        True, f"{answer} at once make {rounds} rounds of {wait} s. More would only burden the server."
    )


def check_every_item_tried(results: object, failing: Sequence[int]) -> Verdict:
    """Check Results in which every item was tried, and exactly the items `failing` failed."""
    if (missing := _not_results(results)) is not None:
        return missing
    assert isinstance(results, Results)
    failed = [row.index for row in results if row.status == "failed"]
    if left := len(results) - results.counts["ok"] - len(failed):
        return Verdict(False, f"{left} items were not tried. A failure must not end the run.")
    if failed != list(failing):
        return Verdict(False, f"Items {failed} failed; expected {list(failing)}.")
    return Verdict(True, f"All {len(results)} items were tried; {len(failed)} rows say what went wrong.")


def check_retried(results: object, site: DemoSite, tries: int) -> Verdict:
    """Check Results that are all ok, after the server got exactly `tries` requests for each item."""
    if (missing := _not_results(results)) is not None:
        return missing
    assert isinstance(results, Results)
    if failed := len(results) - results.counts["ok"]:
        return Verdict(False, f"{failed} items did not end ok. How often does each of them have to be tried?")
    wrong = {path: n for path, n in site.stats().by_path.items() if n != tries}
    if wrong:
        path, n = next(iter(wrong.items()))
        return Verdict(False, f"The server got {n} requests for {path}; expected {tries} after site.reset().")
    return Verdict(True, f"Every item succeeded at its try {tries}, and no request was sent in vain.")


def check_kinds(answer: object) -> Verdict:
    """Check a mapping of jobs to where they should run: ``async``, ``threads`` or ``processes``."""
    if answer is ... or (isinstance(answer, Mapping) and ... in answer.values()):
        return NOTHING_YET
    if not isinstance(answer, Mapping):
        return Verdict(False, "expected a dict: job -> 'async', 'threads' or 'processes'.")
    fits = {
        "fetch 5,000 pages": "async",
        "call a library that only blocks": "threads",
        "parse 5,000 pages in pure Python": "processes",
    }
    for job, place in fits.items():
        if answer.get(job) != place:
            return Verdict(False, f"{job!r}: does it wait, or does it compute? Can it await?")
    return Verdict(True, "Waiting is cheap on one loop, blocking needs threads, computing needs processes.")


def check_quiz(answers: object) -> Verdict:
    """Check the answers of the exit quiz: question -> number of an answer."""
    if answers is ... or not isinstance(answers, Mapping) or all(value is ... for value in answers.values()):
        return NOTHING_YET
    right = [key for key, number in ANSWERS.items() if answers.get(key) == number]
    if len(right) == len(ANSWERS):
        return Verdict(True, f"{len(right)} of {len(ANSWERS)}. " + " ".join(_WHY.values()))
    wrong = [key for key in ANSWERS if key not in right]
    return Verdict(False, f"{len(right)} of {len(ANSWERS)} are right. Look again at: {', '.join(wrong)}.")


def _is_near(found: object, expected: float) -> bool:
    return isinstance(found, int | float) and math.isclose(found, expected, rel_tol=1e-9, abs_tol=1e-9)


def _not_callable(given: object) -> Verdict | None:
    if given is ... or given is None:
        return NOTHING_YET
    return None if callable(given) else Verdict(False, f"expected a function, got {type(given).__name__}.")


def _not_results(given: object) -> Verdict | None:
    if given is ... or given is None:
        return NOTHING_YET
    if isinstance(given, Results):
        return None
    return Verdict(False, f"expected the table of a run (--out pages), got {type(given).__name__}.")
