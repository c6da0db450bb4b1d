"""Write records as CSV, JSON and JSON lines, to a file or as text."""

from __future__ import annotations

import contextlib
import csv
import gzip
import io
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TextIO

from drawer_ipy.common.atomic_file import replacing
from drawer_ipy.record.jsonable import jsonable, to_json_text

PathLike = str | os.PathLike[str]

Records = Iterable[Sequence[Any]]
"""The rows of a table, each with one value per column."""


@contextlib.contextmanager
def _output(path: PathLike | None) -> Iterator[TextIO]:
    """Open a text file, or memory; unpaired surrogates, which UTF-8 lacks, are escaped.

    A file whose name ends in ``.gz`` is compressed.
    """
    if path is None:
        yield io.StringIO(newline="")
        return
    with contextlib.ExitStack() as stack:
        raw: Any = stack.enter_context(replacing(path))
        if os.fspath(path).lower().endswith(".gz"):
            raw = stack.enter_context(gzip.GzipFile("", "wb", fileobj=raw, mtime=0))
        text = io.TextIOWrapper(raw, encoding="utf-8", errors="backslashreplace", newline="")
        try:
            yield text
        finally:
            text.detach()  # flushes; the streams below are closed in their turn


def _result(out: TextIO) -> str | None:
    return out.getvalue() if isinstance(out, io.StringIO) else None


def to_csv(
    records: Records, names: Sequence[str], path: PathLike | None = None, safe: bool = False
) -> str | None:
    """Write the header and one line per record to `path`, or return the text.

    Args:
        records: the rows.
        names: the header.
        path: the file; ``None`` returns the text.
        safe: put an apostrophe before text that a spreadsheet would run as a formula.
    """
    cell = _safe_cell if safe else _csv_cell
    with _output(path) as out:
        writer = csv.writer(_Lines(out), lineterminator=_CRLF)
        writer.writerow([cell(name) for name in names])
        for record in records:
            writer.writerow([cell(value) for value in record])
        return _result(out)


_CRLF = "\r\n"


class _Lines:
    """Ends lines in a line feed although the writer ends them in two characters.

    Before Python 3.13 the writer puts quotes around a carriage return in a cell only if it ends lines too.
    """

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def write(self, line: str) -> int:
        return self._out.write(line.removesuffix(_CRLF) + "\n")


_LONG = 10**1000
"""Longer integers are written in hexadecimal if they exceed what Python converts."""


def _csv_cell(value: Any) -> Any:
    kind = type(value)
    if value is None or kind is str or kind is bool or kind is float:
        return value
    if kind is int and -_LONG < value < _LONG:
        return value
    if kind in (dict, list, tuple):
        return to_json_text(value)
    simple = jsonable(value)
    if simple is None and isinstance(number := _scalar(value), float):
        return number  # CSV can hold NaN and infinities, unlike JSON
    return to_json_text(simple) if isinstance(simple, dict | list) else simple


def _scalar(value: Any) -> Any:
    if isinstance(value, float):
        return float(value)
    if type(value).__module__ == "numpy" and getattr(value, "shape", None) == ():
        return value.item()
    return None


_FORMULA = re.compile("[=+@\t\r\n\uff1d\uff0b\uff0d\uff20-]")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?%?")


def _safe_cell(value: Any) -> Any:
    cell = _csv_cell(value)
    if isinstance(cell, str) and _FORMULA.match(cell) and not _NUMBER.fullmatch(cell):
        return f"'{cell}"
    return cell


def to_json(records: Records, names: Sequence[str], path: PathLike | None = None) -> str | None:
    """Write a list with one object, on one line, per record to `path`, or return the text."""
    with _output(path) as out:
        between = "[\n"
        for record in records:
            out.write(between + to_json_text(dict(zip(names, record, strict=True))))
            between = ",\n"
        out.write("[]\n" if between == "[\n" else "\n]\n")
        return _result(out)


def to_jsonl(records: Records, names: Sequence[str], path: PathLike | None = None) -> str | None:
    """Write one JSON object per line and record to `path`, or return the text."""
    with _output(path) as out:
        for record in records:
            out.write(to_json_text(dict(zip(names, record, strict=True))) + "\n")
        return _result(out)
