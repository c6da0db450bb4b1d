"""Inputs from data files: ``rows=@file.csv`` and other formats, and errors for malformed files."""

from __future__ import annotations

import csv
import gzip
import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drawer_ipy.engine.rows import TableRows
from drawer_ipy.errors import UsageError
from drawer_ipy.verbs.values import value_of

ROWS = [{"url": "a", "n": "1"}, {"url": "b", "n": "2"}]


def read(folder: Path, name: str, data: bytes) -> Any:
    """The value of ``rows=@NAME`` for a file with that content."""
    path = folder / name
    path.write_bytes(data)
    return value_of("rows", f"@{path}")


def error_of(folder: Path, name: str, data: bytes) -> str:
    """The error of ``rows=@NAME`` for a file with that content, without its folder."""
    with pytest.raises(UsageError) as raised:
        read(folder, name, data)
    return str(raised.value).replace(f"{folder}/", "")


WELL_FORMED: dict[str, tuple[str, bytes, Any]] = {
    "CSV": ("f.csv", b"url,n\na,1\nb,2\n", ROWS),
    "CSV without a last line end": ("f.csv", b"url,n\na,1\nb,2", ROWS),
    "CSV of Windows": ("f.CSV", b"\xef\xbb\xbfurl,n\r\na,1\r\nb,2\r\n", ROWS),
    "CSV of an old Mac": ("f.csv", b"url,n\ra,1\rb,2\r", ROWS),
    "CSV in UTF-16": ("f.csv", "url,n\na,1\nb,2\n".encode("utf-16"), ROWS),
    "CSV with blank lines": ("f.csv", b"\nurl,n\n\na,1\nb,2\n\n", ROWS),
    "text in CSV stays as it is": (
        "f.csv",
        b"a,b\n007, 1.10\n,nan\n",
        [{"a": "007", "b": " 1.10"}, {"a": "", "b": "nan"}],
    ),
    "quoted cells": ("f.csv", b'a,b\n"x, ""y""","1\r\n2"\n', [{"a": 'x, "y"', "b": "1\r\n2"}]),
    "a header alone": ("f.csv", b"url,n\n", []),
    "one column": ("f.csv", b"url\na\nb\n", [{"url": "a"}, {"url": "b"}]),
    "TSV": ("f.tsv", b"url\tn\na\t1\nb\t2\n", ROWS),
    "JSON": ("f.json", b'\xef\xbb\xbf [{"url": "a"}]', [{"url": "a"}]),
    "JSON of another kind": ("f.JSON", b"7", 7),
    "JSON Lines": ("f.jsonl", b'{"a": 1}\n\n[2]\r\n"\xe2\x80\xa8"\n', [{"a": 1}, [2], "\u2028"]),
    "the other name of JSON Lines": ("f.ndjson", b"1\n2", [1, 2]),
    "no JSON Lines": ("f.jsonl", b"", []),
    "lines": ("f.txt", b"a\n\n b \r\nc", ["a", "", " b ", "c"]),
    "lines with other separators in them": ("f.txt", "a\x0bb\u2028c\n".encode(), ["a\x0bb\u2028c"]),
    "no lines": ("f.txt", b"", []),
    "numbers as lines": ("f.txt", b"7\n", ["7"]),
    "an unknown name": ("f.dat", b"a\nb\n", "a\nb\n"),
    "an unknown name with JSON": ("f", b"[1]", [1]),
}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("what", WELL_FORMED)
def test_a_file_is_read_by_its_name(tmp_path: Path, what: str, packed: bool) -> None:
    name, data, value = WELL_FORMED[what]
    if packed and "unknown" not in what:
        name, data = f"{name}.gz", gzip.compress(data)
    assert read(tmp_path, name, data) == value


MALFORMED: dict[str, tuple[str, bytes, str]] = {
    "a short and a long row": (
        "f.csv",
        b"a,b\n1,2\n3\n4,5,6\n",
        "line 3 has 1 cell, the header has 2; line 4 has 3 cells, the header has 2",
    ),
    "lines after a quoted line end": ("f.csv", b'a,b\n"1\n2\n3",x\n4\n', "line 5 has 1 cell"),
    "a row that spans lines": ("f.csv", b'a,b\n"1\n2\n3"\n', "line 2 has 1 cell"),
    "many bad rows": ("f.csv", b"a,b\n" + b"1\n" * 9, "and 4 more bad lines"),
    "one more bad row": ("f.csv", b"a,b\n" + b"1\n" * 6, "and 1 more bad line"),
    "a quote that is never closed": (
        "f.csv",
        b'a,b\n1,2\n"3,4\n5,6\n',
        "line 3 has a quoted cell that is never closed",
    ),
    "text after a quote": ("f.csv", b'a,b\n"1"x,2\n', "line 2 is invalid: ',' expected after '\"'"),
    "two names": ("f.csv", b"a,b,a\n", "line 1: the header has more than one column 'a'"),
    "no name": ("f.csv", b"\na,,b\n", "line 2: column 2 of the header has no name"),
    "a blank name": ("f.csv", b"a, \n", "column 2 of the header has no name"),
    "nothing": ("f.csv", b"\n", "it is empty"),
    "semicolons": (
        "f.csv",
        b"a;b\n1;2\n",
        "separated by ';'\n  give a data frame of pandas.read_csv(..., sep=';')",
    ),
    "tabs": ("f.csv", b"a\tb\n1\t2\n", "separated by tabs\n  name the file .tsv"),
    "a NUL": ("f.csv", b"a,b\n1,\0\n", "line 2 contains a NUL character"),
    "Latin-1": ("f.csv", b"a,b\n1,2\n\xe4,3\n", "line 3 is not UTF-8 text (byte 0xe4)"),
    "half of a character": ("f.txt", b"a\n\xc3", "line 2 is not UTF-8 text"),
    "UTF-16 that is cut off": ("f.txt", b"\xff\xfea", "it is not UTF-16 text"),
    "a NUL among lines": ("f.txt", b"a\0", "line 1 contains a NUL"),
    "JSON on a line": (
        "f.jsonl",
        b"{}\n" * 3811 + b'{"a": \n',
        "line 3812 is not JSON: Expecting value at column 7",
    ),
    "two values on a line": ("f.ndjson", b"1\n2 3\n", "line 2 is not JSON: Extra data at column 3"),
    "one value over many lines": ("f.jsonl", b"[\n1\n]", "line 1 is not JSON"),
    "a key twice": (
        "f.jsonl",
        b'{"a": 1, "a": 2}',
        "line 1 is invalid: an object has the key 'a' more than once",
    ),
    "a number beyond floats": ("f.jsonl", b"1\n1e999", "line 2 is invalid: this number is too large"),
    "deep JSON": ("f.jsonl", b"[" * 200_000, "line 1 is nested too deeply"),
    "JSON that is cut off": ("f.json", b"[1,\n", "it is not JSON: Expecting value: line 2 column 1"),
    "a key twice in JSON": ("f.json", b'[{"a": 1, "a": 2}]', "an object has the key 'a' more than once"),
    "no gzip": ("f.csv.gz", b"a,b\n", "it is not a whole gzip file"),
    "half of a gzip": ("f.csv.gz", gzip.compress(b"a,b\n" * 99)[:-9], "it is not a whole gzip file"),
    "a gzip with another name": ("f.csv", gzip.compress(b"a,b\n"), "it is gzipped\n  name it f.csv.gz"),
    "no Parquet": ("f.parquet", b"a,b\n", "it is not a Parquet file"),
}


@pytest.mark.parametrize("what", MALFORMED)
def test_a_malformed_file_is_refused_with_its_bad_lines(tmp_path: Path, what: str) -> None:
    name, data, problem = MALFORMED[what]
    message = error_of(tmp_path, name, data)
    assert message.startswith(f"input rows: '{name}' cannot be read: ")
    assert problem in message
    assert len(message) < 500


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(UsageError, match="cannot be read: Is a directory"):
        value_of("rows", f"@{tmp_path}/folder.csv")
    with pytest.raises(UsageError, match="cannot be read: No such file or directory"):
        value_of("rows", f"@{tmp_path}/nowhere.parquet")


def test_a_field_may_exceed_the_limit_of_the_csv_module_which_is_not_changed(tmp_path: Path) -> None:
    before, page = csv.field_size_limit(), "x" * 1_000_000
    assert read(tmp_path, "f.csv", f"a,b\n{page},1\n".encode()) == [{"a": page, "b": "1"}]
    error_of(tmp_path, "f.csv", b"a,b\n1\n")
    assert csv.field_size_limit() == before


CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


@given(st.lists(st.lists(CELLS, min_size=2, max_size=2)))
def test_files_written_by_the_csv_module_are_read_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]]
) -> None:
    out = io.StringIO(newline="")
    csv.writer(out).writerows([["a", "b"], *rows])
    found = read(tmp_path_factory.mktemp("csv"), "f.csv", out.getvalue().encode())
    assert [list(row.values()) for row in found] == rows


def parquet(table: pa.Table, **options: Any) -> bytes:
    """`table` as the bytes of a Parquet file."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, **options)
    return bytes(sink.getvalue().to_pybytes())


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_the_rows_of_a_parquet_file_are_items(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    table = pa.table({"url": ["a", None, "c"], "n": [1, 2, 3], "tags": [["x"], [], None]})
    name = "f.parquet" if pack is bytes else "f.parquet.gz"
    rows = read(tmp_path, name, pack(parquet(table, row_group_size=2)))
    assert isinstance(rows, TableRows)
    assert [dict(row) for row in rows] == table.to_pylist()
    assert rows[0].url == rows[0]["url"] == "a"


def test_a_folder_named_like_a_partition_adds_no_column(tmp_path: Path) -> None:
    folder = tmp_path / "year=2020"
    folder.mkdir()
    assert list(read(folder, "f.parquet", parquet(pa.table({"a": [1]})))[0]) == ["a"]


def test_two_columns_of_one_name_in_parquet_are_refused(tmp_path: Path) -> None:
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    assert "more than one column 'a'" in error_of(tmp_path, "f.parquet", parquet(table))


def test_a_missing_pyarrow_is_reported_with_the_install_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert "read with pyarrow\n  in your clone of drawer_ipy: pip install '.[arrow]'" in error_of(
        tmp_path, "f.parquet", b""
    )


LOOP = {
    "schema_version": 1,
    "inputs": [{"name": "rows"}],
    "buttons": {"say": {"code": "echo $BUTTONS_ARG_X", "args": ["x"]}},
    "steps": [
        {
            "id": "each",
            "kind": "for_each",
            "over": "${inputs.rows}",
            "as": "row",
            "steps": [{"id": "say", "kind": "button", "button": "say", "args": {"x": "${row.url}"}}],
        },
    ],
}


@pytest.mark.parametrize("name", ["f.csv", "f.jsonl.gz", "f.parquet"])
def test_the_command_line_loops_over_a_file(tmp_path: Path, name: str) -> None:
    (tmp_path / "drawers" / "pages").mkdir(parents=True)
    (tmp_path / "drawers" / "pages" / "drawer.json").write_text(json.dumps({**LOOP, "name": "pages"}))
    data = {
        "f.csv": b"url,n\na,1\nb,2\n",
        "f.jsonl.gz": gzip.compress(b'{"url": "a"}\n{"url": "b"}\n'),
        "f.parquet": parquet(pa.table({"url": ["a", "b"]})),
    }
    (tmp_path / name).write_bytes(data[name])
    done = subprocess.run(
        [sys.executable, "-m", "drawer_ipy.cli", "pages", "press", f"rows=@{name}", "--json"],
        check=True,
        cwd=tmp_path,
        env={"BUTTONS_HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )
    results = json.loads(done.stdout)["data"]["steps"][0]["output"]["results"]
    assert [entry["steps"]["say"]["output"] for entry in results] == ["a\n", "b\n"]
