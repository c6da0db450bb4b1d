"""The output of a run and its later presses, which all use the same one."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field, replace
from typing import Self

from drawer_ipy.display.cell_output import CellOutput


@dataclass(frozen=True, slots=True)
class RunOutput:
    """What is known of the output of a run.

    Attributes:
        output: the output.
        cell: the id of the cell that started the run.
        places: the places of the views that were shown in it, oldest first.
        table: the key of the final table.
    """

    output: CellOutput
    cell: str
    places: tuple[str, ...] = ()
    table: str = field(default_factory=lambda: uuid.uuid4().hex)

    def after(self, place: str) -> Self:
        """Return the same for the next press, after a view was shown at `place`."""
        return replace(self, places=(*self.places, place))
