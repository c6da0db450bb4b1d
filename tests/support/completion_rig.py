"""What Tab proposes in a cell, in which a mark stands for the cursor."""

from __future__ import annotations

from drawer_ipy.notebook.completion import offer_at
from drawer_ipy.notebook.completion.offers import Offer
from drawer_ipy.pressing.surroundings import Surroundings

CURSOR = "‸"


def offered(cell: str, around: Surroundings) -> Offer:
    """The proposals at the cursor."""
    before, _, after = cell.partition(CURSOR)
    row, column = before.count("\n"), len(before.rpartition("\n")[2])
    return offer_at((before + after).split("\n"), row, column, lambda: around)


def texts(cell: str, around: Surroundings) -> list[str]:
    """The texts of the proposals at the cursor."""
    return [word.text for word in offered(cell, around).words]
