"""The reader of one page: a function that can be pickled, so that another process can run it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from drawer_ipy.common.notes import Note
from drawer_ipy.scrape.page import ExtractError, extract, select
from drawer_ipy.scrape.spec import Extraction, Field


@dataclass(frozen=True, slots=True)
class PageValues:
    """What a reader found on a page.

    Attributes:
        extracted: the extracted values; ``None`` without an extraction.
        following: the value of the field to follow; ``None`` without one.
        notes: notes for the user.
        error: why there are no values; ``""`` if there are.
        misses: whether the error is that a required value is missing.
    """

    extracted: Any = None
    following: Any = None
    notes: tuple[Note, ...] = ()
    error: str = ""
    misses: bool = False


@dataclass(frozen=True, slots=True)
class PageReader:
    """Take from a page what a button or a step asks for. It never raises for what a page contains.

    Attributes:
        extraction: the values to extract; ``None`` for none.
        follow: the field with the address of the next page; ``None`` for none.
    """

    extraction: Extraction | None
    follow: Field | None = None

    def __call__(self, text: str, url: str, xml: bool) -> PageValues:
        """Read a page; the arguments are those of :func:`~drawer_ipy.scrape.page.extract`."""
        notes: list[Note] = []
        extracted = following = None
        try:
            if self.extraction is not None:
                extracted = extract(self.extraction, text, url, xml=xml, notes=notes)
            if self.follow is not None:
                following = select(self.follow, text, url, xml=xml, notes=notes)
        except ExtractError as error:
            return PageValues(notes=tuple(notes), error=str(error), misses=error.misses)
        return PageValues(extracted, following, tuple(notes))
