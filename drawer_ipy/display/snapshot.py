"""A run's progress at one moment: what every display shows."""

from __future__ import annotations

from dataclasses import dataclass

from drawer_ipy.display.held import WaitLine
from drawer_ipy.record.failures import NONE, Failures
from drawer_ipy.style.outcome import Head, head_of
from drawer_ipy.style.palette import KEPT


@dataclass(frozen=True, slots=True)
class ErrorLine:
    """One failure in one line.

    Attributes:
        index: the item, or ``None`` for a step that is not a loop.
        step: the id of the step that failed.
        text: ``CODE: message``, cleaned (see :func:`~drawer_ipy.style.preview.clean`) and shortened, but not
            escaped.
    """

    index: int | None
    step: str
    text: str

    def __str__(self) -> str:
        where = self.step if self.index is None else f"item {self.index}, {self.step}"
        return f"{where}: {self.text}"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A run at one moment.

    Attributes:
        drawer: the name of the drawer, cleaned and shortened.
        status: the status of the run (``running``, ``ok``, ``failed``, ``cancelled``).
        step: the id of the current top-level step, cleaned and shortened; ``""`` before the first.
        position: the 1-based position of that step among `steps`; 0 before the first. `steps_done` have
            ended, `steps_failed` of them with an error.
        loop: the id of the loop whose items are counted, ``None`` if no top-level loop has begun.
        total: the number of its items; `left` have not started, `running` are running, `paused` wait, the
            others have ended in the named state.
        so_far: whether they come from an iterator that has not ended, so that there may be more than `total`.
        inner: the number of loops that began within items.
        elapsed: seconds since the run began, up to its end.
        rate: recent items per second, 0.0 if none has ended.
        eta: seconds until the loop ends at that rate; ``None`` if unknown.
        retries: the number of failed attempts that were retried.
        waits: what is waited for now, the most important reason first.
        width: how many items may run at once now, for a loop with ``parallelism: auto``; otherwise ``None``.
        cached: the number of items that reused results of earlier presses, at least in part.
        kept: the number of items that are ok and were not pressed again; `ok` includes them.
        in_flight: the number of items that were running when the earlier press was cut off.
        to_go: the number of items that have not ended, except those in flight, which come first.
        resumed: whether the loop continues an earlier press.
        elsewhere: the failures of a run that ended ok which are not in `failed`.
        errors: the last failures, oldest first.
        ended: how the run ended; ``None`` while it runs.
        warning: a warning that all items of a loop fail for the same reason, or ``""``.
        unsaved: says that the run cannot be written to disk for now, or ``""``.
    """

    drawer: str = ""
    status: str = "running"
    step: str = ""
    position: int = 0
    steps: int = 0
    steps_done: int = 0
    steps_failed: int = 0
    loop: str | None = None
    total: int = 0
    so_far: bool = False
    left: int = 0
    running: int = 0
    ok: int = 0
    failed: int = 0
    cancelled: int = 0
    skipped: int = 0
    paused: int = 0
    inner: int = 0
    elapsed: float = 0.0
    rate: float = 0.0
    eta: float | None = None
    retries: int = 0
    cached: int = 0
    kept: int = 0
    in_flight: int = 0
    to_go: int = 0
    resumed: bool = False
    width: int | None = None
    elsewhere: Failures = NONE
    errors: tuple[ErrorLine, ...] = ()
    warning: str = ""
    unsaved: str = ""
    ended: Head | None = None
    waits: tuple[WaitLine, ...] = ()

    @property
    def warnings(self) -> str:
        """All warnings as one text, or ``""``."""
        return "; ".join(filter(None, [self.unsaved, self.warning]))

    @property
    def done(self) -> int:
        """The number of items that are ok or failed."""
        return self.ok + self.failed

    @property
    def fresh(self) -> int:
        """The number of items that ended ok in this press."""
        return self.ok - self.kept

    @property
    def by_state(self) -> dict[str, int]:
        """Items in each state, in the order of the states; kept ones are apart from ``ok``, and come last."""
        counts = {"waiting": self.left, "running": self.running, "ok": self.fresh, "failed": self.failed}
        counts |= {"cancelled": self.cancelled, "skipped": self.skipped, "paused": self.paused}
        return counts | {KEPT: self.kept} if self.kept else counts

    @property
    def outcome(self) -> str:
        """The state that the run is shown in: its status, or a separate one if it ended ok with failures."""
        return self.head.state

    @property
    def head(self) -> Head:
        """How the run ended, as above its table; only the status while it runs."""
        if self.ended is not None:
            return self.ended
        if self.status == "running":
            return Head(self.status, self.status)
        if self.loop is None:
            failed = self.steps_failed
            counts = {"ok": self.steps_done - failed, "failed": failed}
            return head_of(self.status, counts, "step", self.elsewhere.beside(0, failed))
        counts = {name: getattr(self, name) for name in ("ok", "failed", "cancelled", "skipped")}
        return head_of(self.status, counts, beside=self.elsewhere, so_far=self.so_far)
