"""What must be recorded before a run goes on: the engine's side of ``durable="strict"``.

A run has a ledger only if it was asked for one. The engine awaits it before an item or a top-level step
begins, and hands it the state of what has ended, which the ledger sets once it is recorded.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from drawer_ipy.record.loop import LoopRecord
from drawer_ipy.record.step import StepResult


class ItemLedger(Protocol):
    """The ledger of the items of one loop."""

    async def begin(self, index: int) -> None:
        """Wait until it is recorded that item `index` has begun, and what ended before."""

    async def step_ended(self, index: int) -> None:
        """Wait until the steps of item `index` that have ended are recorded."""

    def ended(self, index: int, state: int, done: Callable[[], None]) -> None:
        """Call `done`, which sets the state of an item, on the event loop once `state` is recorded."""

    async def settle(self) -> None:
        """Wait until all items that have ended are recorded.

        Raises:
            asyncio.CancelledError: the caller was cancelled; all items have their final states.
        """


class Ledger(Protocol):
    """Records what a run does, ahead of the run."""

    def items(self, loop: LoopRecord, outer: tuple[LoopRecord, int] | None) -> ItemLedger:
        """Return the ledger of the items of `loop`.

        Args:
            outer: the loop and the index of the item that it runs in; ``None`` for a top-level loop.
        """

    async def step_begins(self) -> None:
        """Wait until the top-level steps that have been added to the record are recorded."""

    async def step_ended(self, result: StepResult) -> None:
        """Wait until the result of a top-level step is recorded; its status is ``running`` meanwhile.

        Raises:
            asyncio.CancelledError: the caller was cancelled; the step has its final status.
        """
