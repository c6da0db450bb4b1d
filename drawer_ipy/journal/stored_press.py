"""A press of a run as it was stored, with what is missing in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from drawer_ipy.journal.codec import Unkept
from drawer_ipy.journal.rows import Lost
from drawer_ipy.journal.scripts import Script
from drawer_ipy.record.disk_outputs import DiskOutputs
from drawer_ipy.record.loop import LoopOutput
from drawer_ipy.record.run import RunRecord


@dataclass(slots=True)
class StoredPress:
    """One press of a run as it was stored.

    Attributes:
        record: its record.
        meta: the definition, the options and so on; see
            :class:`~drawer_ipy.journal.press_source.PressSource`.
        asked: name of an input whose value was not kept -> the reason.
        lost: step id of a loop -> (index, nested step) of each output that is not there -> the reason, or
            which outputs of a nested loop are not there.
        lost_steps: id of a top-level step whose output is not there -> the reason.
        trusted: whether all of it was sealed by this user.
        cut_off: whether the press has no end.
        in_flight: id of a loop -> the number of its items that were running when the press was cut off.
        scripts: the processes of its scripts that may still run on this machine.
    """

    record: RunRecord
    meta: Mapping[str, Any] = field(default_factory=dict)
    asked: dict[str, str] = field(default_factory=dict)
    lost: dict[str, Lost] = field(default_factory=dict)
    lost_steps: dict[str, str] = field(default_factory=dict)
    trusted: bool = True
    cut_off: bool = False
    in_flight: dict[str, int] = field(default_factory=dict)
    scripts: list[Script] = field(default_factory=list)


def check_outputs(press: StoredPress) -> None:
    """Read the outputs that are only on disk once, and add those that cannot be read to ``press.lost``.

    Raises:
        DrawerError: the file cannot be read.
    """
    for step in press.record.steps:
        if isinstance(step.output, LoopOutput):
            lost = press.lost.setdefault(step.id, {})
            for column in step.output.record.columns:
                outputs = column.outputs
                for index in range(len(outputs)) if isinstance(outputs, DiskOutputs) else ():
                    if type(value := outputs[index]) is Unkept:
                        lost.setdefault((index, column.id), value.why)
