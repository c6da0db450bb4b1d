"""Tables saved to files: formats by suffix, atomic replacement, paths refused before a run, safe CSV."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest
from engine_rig import loop

from drawer_ipy import Results, UsageError
from drawer_ipy.common.atomic_file import replacing
from drawer_ipy.errors import DrawerError
from drawer_ipy.record.loop import OK, RUNNING, LoopOutput, LoopRecord
from drawer_ipy.record.run import RunRecord
from drawer_ipy.record.step import StepResult
from drawer_ipy.results import MissingLibrary, check_save_path

AS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0


@pytest.fixture(scope="module")
def results() -> Results:
    return loop([1, 2], lambda x: {"n": x, "t": ["é", None][x - 1], "l": [x]})


def read_csv(path: Path) -> Any:
    return list(csv.DictReader(io.StringIO(text_of(path), newline="")))


def text_of(path: Path) -> str:
    data = path.read_bytes()
    return (gzip.decompress(data) if path.suffix.lower() == ".gz" else data).decode()


CSV_ROWS = [{"x": "1", "n": "1", "t": "é", "l": "[1]"}, {"x": "2", "n": "2", "t": "", "l": "[2]"}]
READERS: dict[str, tuple[Callable[[Path], Any], bool]] = {
    "t.parquet": (lambda path: pq.read_table(path).to_pylist(), False),
    "t.csv": (read_csv, True),
    "T.CSV": (read_csv, True),
    "a.b.csv.gz": (read_csv, True),
    "t.jsonl": (lambda path: [json.loads(line) for line in text_of(path).splitlines()], False),
    "t.ndjson": (lambda path: [json.loads(line) for line in text_of(path).splitlines()], False),
    "t.jsonl.gz": (lambda path: [json.loads(line) for line in text_of(path).splitlines()], False),
    "t.ndjson.GZ": (lambda path: [json.loads(line) for line in text_of(path).splitlines()], False),
    "t.json": (lambda path: json.loads(text_of(path)), False),
    "t.json.gz": (lambda path: json.loads(text_of(path)), False),
}


@pytest.mark.parametrize("name", READERS)
def test_the_suffix_determines_the_format(name: str, results: Results, tmp_path: Path) -> None:
    read, is_csv = READERS[name]
    path = results.save(tmp_path / name)
    assert path == tmp_path / name
    assert read(path) == (CSV_ROWS if is_csv else results.to_dicts())
    results[:0].save(path)
    assert read(path) == []
    assert os.listdir(tmp_path) == [name]


def test_compressed_csv_is_readable_by_pandas_and_reproducible(results: Results, tmp_path: Path) -> None:
    first = results.save(tmp_path / "a.csv.gz").read_bytes()
    assert pd.read_csv(tmp_path / "a.csv.gz")["n"].tolist() == [1, 2]
    assert results.save(tmp_path / "b.csv.gz").read_bytes() == first


def test_the_table_of_a_run_in_progress_can_be_saved(tmp_path: Path) -> None:
    record = LoopRecord(("each",), "u", ["a", "b"], ["title"], 4)
    record.move(0, RUNNING)
    record.columns[0].put(0, StepResult("title", status="ok", output={"t": "x"}))
    record.move(0, OK)
    run = RunRecord("0" * 16, "d", "running", 1.0, 2.0, steps=[StepResult("each", output=LoopOutput(record))])
    rows = json.loads(text_of(Results.of(run).save(tmp_path / "t.json")))
    assert rows == [
        {"u": "a", "t": "x", "status": "ok", "error": None},
        {"u": "b", "t": None, "status": "waiting", "error": None},
    ]


def test_paths_may_be_relative_or_in_the_home_folder(
    results: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert results.save("a.csv") == tmp_path / "a.csv"
    assert results.save("~/b.csv") == tmp_path / "b.csv"
    checked = check_save_path("c.csv")
    monkeypatch.chdir("/")
    assert results.save(checked) == tmp_path / "c.csv"
    assert sorted(os.listdir(tmp_path)) == ["a.csv", "b.csv", "c.csv"]


REFUSED: dict[str, tuple[Any, str, str]] = {
    "no suffix": ("t", "its name has no suffix", ".parquet, .csv"),
    "only a suffix": (".csv", "its name has no suffix", ".parquet, .csv"),
    "an unknown suffix": ("t.xyz", "suffix '.xyz' is unknown", ".parquet, .csv"),
    "a typing error": ("t.cvs", "did you mean '.csv'", ".parquet, .csv"),
    "compressed Parquet": ("t.parquet.gz", "'.parquet.gz' is unknown", ".parquet, .csv"),
    "only compressed": ("t.gz", "suffix '.gz' is unknown", ".csv.gz"),
    "a missing folder": ("no/t.csv", "there is no folder", "create the folder"),
    "a file as folder": ("file.csv/t.csv", "is not a folder", ""),
    "a folder": ("folder.csv", "is a folder", "another path"),
    "a named pipe": ("pipe.csv", "is a named pipe", "another path"),
    "a link to a pipe": ("to-pipe.csv", "is a named pipe", "another path"),
    "a socket": ("socket.csv", "is a socket", "another path"),
    "a circle of links": ("circle.csv", "symbolic link", ""),
    "a link to nowhere": ("dangling.csv", "there is no folder", "create the folder"),
    "too long a name": ("x" * 300 + ".csv", "too long", ""),
    "a null character": ("a\0b.csv", "null", ""),
    "an unknown home": ("~no-such-user-here/t.csv", "home folder", ""),
    "a number": (3, "not int", "pages.parquet"),
    "nothing": (None, "not NoneType", "pages.parquet"),
    "bytes": (b"t.csv", "not bytes", "pages.parquet"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_invalid_paths_are_refused_before_a_run(
    case: str, results: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file.csv").write_text("old")
    (tmp_path / "folder.csv").mkdir()
    os.mkfifo("pipe.csv")
    os.symlink("pipe.csv", "to-pipe.csv")
    os.symlink("circle.csv", "circle.csv")
    os.symlink("nowhere/t.csv", "dangling.csv")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.csv")
        before = {name: os.lstat(name) for name in os.listdir()}
        path, message, hint = REFUSED[case]
        for use in (check_save_path, results.save):
            with pytest.raises(UsageError) as raised:
                use(path)
            assert message in str(raised.value)
            assert hint in raised.value.remediation
    assert {name: os.lstat(name) for name in os.listdir()} == before


def test_checking_a_path_writes_nothing(tmp_path: Path) -> None:
    assert check_save_path(str(tmp_path / "t.csv")) == tmp_path / "t.csv"
    assert not os.listdir(tmp_path)


def test_a_missing_pyarrow_is_reported_before_a_run(
    results: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(MissingLibrary, match=r"pip install '\.\[arrow\]'"):
        check_save_path(tmp_path / "t.parquet")
    results.save(tmp_path / "t.csv")


@pytest.mark.parametrize("name", ["t.csv", "t.json", "t.jsonl.gz", "t.parquet"])
def test_permissions_and_links_are_kept(name: str, results: Results, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    target, link = tmp_path / "real" / f"of-{name}", tmp_path / name
    target.write_text("old")
    target.chmod(0o640)
    link.symlink_to(Path("real") / target.name)
    results.save(link)
    assert link.is_symlink()
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert target.read_bytes() != b"old"
    assert os.listdir(tmp_path / "real") == [target.name]


def test_a_new_file_has_the_permissions_of_the_umask(tmp_path: Path) -> None:
    code = (
        "import os, sys; os.umask(0o027)\n"
        "from drawer_ipy.common.atomic_file import replacing\n"
        "with replacing(sys.argv[1]) as file: file.write(b'x')"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "t.csv")], check=True)
    assert stat.S_IMODE((tmp_path / "t.csv").stat().st_mode) == 0o640


def test_a_failure_while_writing_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("old")

    def write_half() -> None:
        with replacing(path) as file:
            file.write(b"half")
            assert path.read_text() == "old"
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_half()
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["t.csv"]


@pytest.mark.parametrize("name", ["t.csv", "t.json", "t.jsonl", "t.csv.gz", "t.parquet"])
def test_a_full_disk_leaves_the_old_file(name: str, tmp_path: Path) -> None:
    code = """
import resource, signal, sys, random
sys.path.insert(0, sys.argv[2])
from engine_rig import loop
results = loop(range(3000), lambda x: {"t": random.Random(x).randbytes(40).hex()})
import pyarrow.parquet
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
try:
    results.save(sys.argv[1])
except OSError as error:
    print(type(error).__name__, error.strerror)
"""
    path = tmp_path / name
    path.write_text("old")
    support = str(Path(__file__).parent / "support")
    done = subprocess.run(
        [sys.executable, "-c", code, str(path), support], capture_output=True, text=True, check=True
    )
    assert "File too large" in done.stdout
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == [name]


def test_a_pipe_is_written_to_and_never_replaced(results: Results, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    results.to_csv(pipe)
    reader.join(20)
    assert got[0].decode() == results.to_csv()
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_dev_stdout_can_be_written_to(tmp_path: Path) -> None:
    code = "from engine_rig import loop; loop([1], lambda x: {'n': x}).to_csv('/dev/stdout'); print('more')"
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parent / "support")}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, check=True)
    assert done.stdout == "x,n\n1,1\nmore\n"


@pytest.mark.skipif(AS_ROOT, reason="the superuser may write anywhere")
def test_places_without_permission_are_refused(results: Results, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("old")
    path.chmod(0o400)
    with pytest.raises(UsageError, match="read-only"):
        check_save_path(path)
    with pytest.raises(PermissionError):
        results.to_csv(path)
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(UsageError, match="may not write to the folder"):
            results.save(tmp_path / "new.csv")
    finally:
        tmp_path.chmod(0o700)


FORMULAS = ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "－x", "-", "+"]
HARMLESS = ["-5", "+1.5", "-.5e3", "5%", "-7%", "", "a=b", " =1", "text", "[1]"]


def test_safe_csv_escapes_formulas_but_not_numbers(tmp_path: Path) -> None:
    values: list[Any] = [*FORMULAS, *HARMLESS, -5, -2.5, float("-inf"), True, None, ["=1"]]
    results = loop(range(len(values)), lambda x: {"=t": values[x]})
    assert "=1+1" in results.to_csv().splitlines()[1]
    path = results.save(tmp_path / "t.csv", safe=True)
    header, *rows = csv.reader(io.StringIO(path.read_bytes().decode(), newline=""))
    assert header == ["x", "'=t"]
    cells = [row[1] for row in rows]
    n = len(FORMULAS)
    assert cells[:n] == [f"'{text}" for text in FORMULAS]
    assert cells[n : n + len(HARMLESS)] == HARMLESS
    assert cells[-6:] == ["-5", "-2.5", "-inf", "True", "", '["=1"]']


def test_save_raises_errors_of_drawer_ipy(results: Results, tmp_path: Path) -> None:
    with pytest.raises(DrawerError):
        results.save(tmp_path / "t.unknown")
