"""Read data files as values of inputs: CSV, TSV, JSON, JSON Lines, Parquet, lines of text; also gzipped.

Cells of CSV and TSV files stay text, since a guess could alter them (``007``, ``1.10``). A file that is not
well formed is refused as a whole, with the numbers of the bad lines; nothing is skipped or repaired.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import json
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from drawer_ipy.common.bad_value import BadValue
from drawer_ipy.common.bounded_numbers import finite
from drawer_ipy.common.counted import number_of
from drawer_ipy.common.install import install_hint
from drawer_ipy.common.short_repr import shown

_LISTED = 5
"""Bad lines that a message describes; it only counts the others."""

_LONGEST_CELL = 2**31 - 1
_OTHER_SEPARATORS = {"\t": "name the file .tsv", ";": "", "|": ""}
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_GZIPPED = b"\x1f\x8b"


def is_data_file(path: Path) -> bool:
    """Whether the name of the file says that it has one of the formats that are read here."""
    return _suffix(path) in _READERS


def read_data(path: Path) -> Any:
    """Return the contents of a data file.

    Returns:
        A list of dicts with text values for CSV and TSV, a list of values for JSON Lines, a list of lines for
        text, any value for JSON, and for Parquet a sequence of rows that reads the table in place.

    Raises:
        BadValue: the contents do not have the format that the file's name promises, or pyarrow is missing.
        OSError: the file cannot be read.
    """
    return _READERS[_suffix(path)](_bytes_of(path))


def read_text(path: Path) -> str:
    """Return the contents of a data file as text, unpacked but not parsed.

    Raises:
        BadValue: it is not text.
        OSError: the file cannot be read.
    """
    return _text(_bytes_of(path))


def _suffix(path: Path) -> str:
    name = path.name.lower().removesuffix(".gz")
    return Path(name).suffix


def _bytes_of(path: Path) -> bytes:
    data = path.read_bytes()
    if path.name.lower().endswith(".gz"):
        try:
            return gzip.decompress(data)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise BadValue(f"it is not a whole gzip file: {error}") from None
    if data.startswith(_GZIPPED):
        raise BadValue("it is gzipped", f"name it {path.name}.gz")
    return data


def _text(data: bytes) -> str:
    encoding = "utf-16" if data.startswith(_UTF_16) else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding == "utf-16":
            raise BadValue(f"it is not UTF-16 text: {error.reason}") from None
        line = error.object.count(b"\n", 0, error.start) + 1
        raise BadValue(
            f"line {line} is not UTF-8 text (byte 0x{error.object[error.start]:02x})",
            "save it as UTF-8, or give a data frame of pandas.read_csv(..., encoding=...)",
        ) from None
    nul = text.find("\0")
    if nul >= 0:
        line = text.count("\n", 0, nul) + 1
        raise BadValue(f"line {line} contains a NUL character", "save it as UTF-8 text")
    return text


class _BadLines:
    """The bad lines of one file: the first ones with what is wrong, and how many there are."""

    def __init__(self) -> None:
        self._described: list[str] = []
        self._count = 0

    def add(self, line: int, what: str) -> None:
        self._count += 1
        if self._count <= _LISTED:
            self._described.append(f"line {line} {what}")

    def refuse(self, hint: str = "") -> None:
        """Raise BadValue if there is any bad line."""
        if self._count:
            more = self._count - len(self._described)
            rest = f"; and {more:,} more bad line{'s' if more > 1 else ''}" if more else ""
            raise BadValue("; ".join(self._described) + rest, hint)


def _csv_rows(data: bytes) -> list[dict[str, str]]:
    return _separated(data, ",")


def _tsv_rows(data: bytes) -> list[dict[str, str]]:
    return _separated(data, "\t")


def _separated(data: bytes, separator: str) -> list[dict[str, str]]:
    bad, rows = _BadLines(), list[dict[str, str]]()
    names: list[str] | None = None
    for line, cells in _records(_text(data), separator, bad):
        if names is None:
            names = _checked_header(cells, line, separator)
        elif len(cells) == len(names):
            rows.append(dict(zip(names, cells, strict=True)))
        else:
            bad.add(line, f"has {number_of(len(cells), 'cell')}, the header has {len(names)}")
    bad.refuse()
    if names is None:
        raise BadValue("it is empty", "its first line must have the names of the columns")
    return rows


def _records(text: str, separator: str, bad: _BadLines) -> Iterator[tuple[int, list[str]]]:
    """Yield the first line and the cells of each record; blank lines are none."""
    # newline="" keeps the line ends inside quoted cells as they are.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    with _long_cells():
        while True:
            line = reader.line_num + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                unclosed = "unexpected end of data" in str(error)
                bad.add(
                    line, "has a quoted cell that is never closed" if unclosed else f"is invalid: {error}"
                )
                continue
            if cells:
                yield line, cells


@contextmanager
def _long_cells() -> Iterator[None]:
    """Accept cells of any length: whole pages are longer than the 128 KiB that the module csv allows."""
    before = csv.field_size_limit(_LONGEST_CELL)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _checked_header(names: Sequence[str], line: int, separator: str) -> list[str]:
    for other, hint in _OTHER_SEPARATORS.items():
        if len(names) == 1 and other != separator and other in names[0]:
            named = "tabs" if other == "\t" else repr(other)
            raise BadValue(
                f"its header has one column {shown(names[0])}; the cells seem to be separated by {named}",
                hint or f"give a data frame of pandas.read_csv(..., sep={other!r})",
            )
    for position, name in enumerate(names, 1):
        if not name.strip():
            raise BadValue(f"line {line}: column {position} of the header has no name", "give it a name")
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        listed = ", ".join(shown(name) for name in twice[:_LISTED])
        raise BadValue(f"line {line}: the header has more than one column {listed}", "rename all but one")
    return list(names)


def _json_value(data: bytes) -> Any:
    text = _text(data)
    try:
        return _parsed(text)
    except BadValue:
        raise
    except (ValueError, RecursionError) as error:
        raise BadValue(f"it is not JSON: {error}") from None


def _json_lines(data: bytes) -> list[Any]:
    bad, rows = _BadLines(), list[Any]()
    text = _text(data)
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip(" \t\r"):
            continue
        try:
            rows.append(_parsed(line))
        except BadValue as error:
            bad.add(number, f"is invalid: {error.message}")
        except json.JSONDecodeError as error:
            bad.add(number, f"is not JSON: {error.msg} at column {error.colno}")
        except RecursionError:
            bad.add(number, "is nested too deeply")
    bad.refuse("one JSON value on each line; a file with one value over many lines is named .json")
    return rows


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(key for key, times in Counter(key for key, _ in pairs).items() if times > 1)
        raise BadValue(f"an object has the key {shown(twice)} more than once")
    return found


# Made once: json.loads would make a decoder for each line.
_DECODER = json.JSONDecoder(parse_float=finite, object_pairs_hook=_without_duplicates)


def _parsed(text: str) -> Any:
    try:
        return _DECODER.decode(text)
    except (BadValue, json.JSONDecodeError):
        raise
    except ValueError:  # the only cause left
        raise BadValue("a whole number has more digits than Python converts") from None


def _lines(data: bytes) -> list[str]:
    """Return the lines as editors count them; blank lines count, a line end at the end adds none."""
    lines = _text(data).replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return lines[:-1] if not lines[-1] else lines


def _parquet_rows(data: bytes) -> Any:
    from drawer_ipy.engine.rows import rows_of  # most verbs read no tables

    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise BadValue("Parquet files are read with pyarrow", install_hint("arrow")) from None
    try:
        table = pyarrow.parquet.ParquetFile(pyarrow.BufferReader(data)).read()
    except (pyarrow.ArrowException, OSError) as error:
        raise BadValue(f"it is not a Parquet file: {error}") from None
    return rows_of(table)


_READERS: Mapping[str, Callable[[bytes], Any]] = {
    ".csv": _csv_rows,
    ".tsv": _tsv_rows,
    ".json": _json_value,
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".parquet": _parquet_rows,
    ".txt": _lines,
}

SUFFIXES = tuple(f"{suffix}{packed}" for suffix in _READERS for packed in ("", ".gz"))
"""The ends of the names of files that are read as data."""
