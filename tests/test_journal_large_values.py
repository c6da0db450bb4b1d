"""Large values of stored runs are files beside them; frames and arrays come back as they were."""

from __future__ import annotations

import contextlib
import json
import os
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import drawer_ipy
from drawer_ipy import Results, press
from drawer_ipy.cache import private
from drawer_ipy.journal.codec import Unkept, decode, encode
from drawer_ipy.journal.folder import files, glance, prune
from drawer_ipy.journal.trouble import JournalTrouble
from drawer_ipy.journal.value_files import LARGE, ValueFiles, folder_of

BIG = "x" * (LARGE + 1)


pytestmark = pytest.mark.usefixtures("runs_folder")


class Work:
    def __init__(self, make: Any) -> None:
        self.make = make
        self.pressed: list[Any] = []

    def __call__(self, x: Any) -> Any:
        self.pressed.append(x)
        return self.make(x)


DRAWER = {
    "name": "large",
    "inputs": ["xs"],
    "steps": [
        {
            **{"id": "each", "kind": "for_each", "over": "${inputs.xs}", "as": "x"},
            "steps": [{"id": "work", "button": "work", "args": {"x": "${x}"}}],
        }
    ],
}


def go(work: Work, xs: list[Any], **options: Any) -> Results:
    return press(DRAWER, {"xs": xs}, buttons={"work": work}, durable="on", quiet=True, check=False, **options)


def values_of(runs_folder: Path) -> list[Path]:
    (path,) = files(runs_folder)
    folder = folder_of(path)
    return sorted(folder.iterdir()) if folder.exists() else []


def test_values_above_256_kib_are_private_files_and_equal_ones_are_stored_once(runs_folder: Path) -> None:
    go(Work(lambda x: BIG * (1 + x % 3)), list(range(12)))
    found = values_of(runs_folder)
    assert len(found) == 3
    assert {stat.S_IMODE(path.stat().st_mode) for path in found} == {0o600}
    (path,) = files(runs_folder)
    assert stat.S_IMODE(folder_of(path).stat().st_mode) == 0o700
    assert path.stat().st_size < LARGE
    assert glance(path).size > 6 * LARGE
    assert [len(value) for value in Results.open("large")["work"]] == [
        len(BIG) * (1 + x % 3) for x in range(12)
    ]


KINDS = [BIG, BIG.encode(), [BIG], {"a": {"b": BIG}}, list(range(200_000)), 10**700_000]


@pytest.mark.parametrize("value", KINDS, ids=["text", "bytes", "list", "nested", "numbers", "number"])
def test_large_values_of_every_kind_are_files(runs_folder: Path, value: Any) -> None:
    go(Work(lambda x: value if x else "small"), [0, 1])
    assert len(values_of(runs_folder)) == 1
    assert list(Results.open("large")["work"]) == ["small", value]


def test_large_items_inputs_and_outputs_of_other_steps_are_files(runs_folder: Path) -> None:
    whole = {"id": "whole", "button": "whole", "args": {"x": "${inputs.text}"}}
    drawer = {**DRAWER, "inputs": ["xs", "text"], "steps": [*DRAWER["steps"], whole]}  # type: ignore[misc]
    inputs = {"xs": [BIG + "1"], "text": BIG + "2"}
    buttons = {"work": lambda x: f"{len(x)}", "whole": lambda x: x + "3"}
    press(drawer, inputs, buttons=buttons, durable="on", quiet=True)
    (path,) = files(runs_folder)
    assert path.stat().st_size < LARGE
    opened = Results.open("large")
    assert opened.run.step("whole").output == BIG + "23"
    assert opened.run.inputs == inputs
    assert list(opened["x"]) == [BIG + "1"]


def test_a_value_larger_than_the_former_limit_is_kept(runs_folder: Path) -> None:
    go(Work(lambda x: bytes(65 * 1024**2)), [1])
    assert len(Results.open("large")["work"][0]) == 65 * 1024**2


def shorten(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def garble(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def link(path: Path) -> None:
    other = path.with_name("other")
    path.rename(other)
    path.symlink_to(other)


@pytest.mark.parametrize("spoil", [Path.unlink, shorten, garble, link, lambda path: path.write_bytes(b"")])
def test_a_damaged_file_costs_one_value_which_is_made_again(
    runs_folder: Path, capsys: pytest.CaptureFixture[str], spoil: Any
) -> None:
    work = Work(lambda x: BIG + str(x))
    go(work, [0, 1, 2])
    spoil(values_of(runs_folder)[1])
    opened = list(Results.open("large")["work"])
    (lost,) = [x for x in range(3) if type(opened[x]) is Unkept]
    assert "file" in opened[lost].why
    work.pressed.clear()
    results = go(work, [0, 1, 2], resume=True)
    assert work.pressed == [lost]
    assert list(results["work"]) == [BIG + str(x) for x in range(3)]
    assert list(Results.open("large")["work"]) == [BIG + str(x) for x in range(3)]


def test_the_files_are_removed_with_their_run(runs_folder: Path) -> None:
    go(Work(lambda x: BIG), [1])
    (run,) = drawer_ipy.runs()
    run.remove()
    assert [path.name for path in runs_folder.iterdir()] == [".gitignore"]


def test_retention_counts_and_removes_the_files(runs_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for text in "ab":
        go(Work(lambda x, text=text: BIG + text), [1])
    older, newer = sorted(files(runs_folder))
    monkeypatch.setattr("drawer_ipy.journal.folder.ROOM", LARGE + LARGE // 2)
    prune(runs_folder, newer, now=older.stat().st_mtime + 100)
    assert files(runs_folder) == [newer]
    assert not folder_of(older).exists()
    assert folder_of(newer).exists()


def test_values_without_their_run_are_removed_later(runs_folder: Path) -> None:
    go(Work(lambda x: BIG), [1])
    (path,) = files(runs_folder)
    path.unlink()
    go(Work(lambda x: x), [1])
    assert not folder_of(path).exists()


def test_a_link_in_place_of_the_folder_is_not_followed(runs_folder: Path, tmp_path: Path) -> None:
    go(Work(lambda x: BIG), [1])
    (path,) = files(runs_folder)
    precious = tmp_path / "precious"
    folder_of(path).rename(precious)
    folder_of(path).symlink_to(precious)
    drawer_ipy.runs()[0].remove()
    assert list(precious.iterdir())


def test_the_files_of_another_user_are_read_without_code(
    runs_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = pd.DataFrame({"a": range(100_000), "b": ["text"] * 100_000})
    go(Work(lambda x: [BIG, frame, Evil()][x]), [0, 1, 2])
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "other"))
    private.private_key()
    text, table, evil = Results.open("large")["work"]
    assert text == BIG
    pd.testing.assert_frame_equal(table, frame)
    assert type(evil) is Unkept
    assert not Evil.ran


class Evil:
    """An object whose pickle calls something."""

    ran = False

    def __reduce__(self) -> Any:
        return Evil._run, (BIG,)

    @staticmethod
    def _run(_text: str) -> Evil:
        Evil.ran = True
        return Evil()


def test_secrets_that_become_known_later_are_not_left_in_files(runs_folder: Path) -> None:
    """A drawer that is pressed late declares a secret that an earlier output contains."""
    secret = "a-secret-of-length"
    late = {
        "name": "late",
        "inputs": [{"name": "token", "secret": True}],
        "steps": [{"id": "s", "button": "s"}],
    }
    root = runs_folder.parent / "drawers" / "late"
    root.mkdir(parents=True)
    (root / "drawer.json").write_text(json.dumps(late))
    pressed = {"id": "late", "kind": "drawer", "drawer": "late", "args": {"token": secret}}
    wait = {"id": "wait", "button": "wait"}
    drawer = {**DRAWER, "steps": [*DRAWER["steps"], wait, pressed]}  # type: ignore[misc]
    buttons = {"work": lambda x: BIG + secret, "s": lambda: 1, "wait": lambda: time.sleep(0.7)}
    press(drawer, {"xs": [1, 2]}, buttons=buttons, durable="on", quiet=True, check=False)
    found = [path.read_bytes() for path in values_of(runs_folder)]
    assert found
    assert not any(secret.encode() in data for data in found)


# Frames and arrays

FRAMES = {
    "frame": pd.DataFrame({"a": [1, 2], "b": ["x", None], "c": [1.5, float("nan")]}),
    "index": pd.DataFrame({"a": [1, 2]}, index=pd.Index(["p", "q"], name="key")),
    "levels": pd.DataFrame({"a": [1, 2]}, index=pd.MultiIndex.from_tuples([(1, "a"), (2, "b")])),
    "categories": pd.DataFrame({"k": pd.Categorical(["b", "a", "b"], ordered=True)}),
    "zones": pd.DataFrame({"t": pd.to_datetime(["2024-01-01", "2025-06-01"], utc=True)}),
    "nullable": pd.DataFrame({"k": pd.array([1, None], dtype="Int8")}),
    "mixed": pd.DataFrame({"k": pd.Series([1, "a", None, float("nan")], dtype=object)}),
    "lists": pd.DataFrame({"k": [[1], [2, 3]]}),
    "dates": pd.DataFrame({"k": [1, 2]}, index=pd.date_range("2024", periods=2)),
    "twice": pd.DataFrame([[1, 2], [3, 4]], columns=["a", "a"]),
    "numbers": pd.DataFrame([[1, 2], [3, 4]]),
    "empty": pd.DataFrame(),
    "series": pd.Series([1, 2], name=("a", 1), index=["x", "y"]),
    "polars": pl.DataFrame({"a": [1, None], "f": [float("nan"), 1.0], "l": [[1], [2, 3]]}),
    "polars enum": pl.DataFrame({"e": pl.Series(["a", "b"], dtype=pl.Enum(["b", "a"]))}),
    "polars series": pl.Series("n", [1.0, None]),
    "table": pa.table({"a": [1, None], "f": [float("nan"), 1.0]}).replace_schema_metadata({"k": "v"}),
    "batch": pa.record_batch({"a": [1, 2]}),
    "no rows": pa.record_batch({"a": pa.array([], pa.int8())}),
    "entries": pa.array([1.0, None, 2.5]).slice(1, 2),
    "dictionary": pa.array(["a", "b", "a"]).dictionary_encode(),
    "chunks": pa.chunked_array([[1], [2, 3]]),
    "array": np.arange(12.0).reshape(3, 4),
    "columns first": np.asfortranarray(np.arange(12).reshape(3, 4)),
    "structured": np.zeros(2, dtype=[("a", "i4"), ("b", "U3")]),
    "times": np.array(["2024-01-01", "NaT"], dtype="M8[us]"),
    "big endian": np.arange(3, dtype=">i4"),
    "scalar": np.float32(0.1),
    "no dimensions": np.array(3),
}
PICKLED = {"mixed", "lists", "dates", "twice", "numbers", "empty"}


def same(one: Any, other: Any) -> None:
    assert type(one) is type(other)
    if isinstance(one, pd.DataFrame):
        pd.testing.assert_frame_equal(one, other, check_freq=True)
        assert (one.attrs, type(one.index), type(one.columns)) == (
            other.attrs,
            type(other.index),
            type(other.columns),
        )
    elif isinstance(one, pd.Series):
        pd.testing.assert_series_equal(one, other)
        assert type(one.name) is type(other.name)
    elif isinstance(one, pl.DataFrame | pl.Series):
        assert one.equals(other, null_equal=True)
    elif type(one).__module__.startswith("pyarrow"):
        assert str(one) == str(other)
        assert getattr(one, "schema", None) == getattr(other, "schema", None)
    else:
        np.testing.assert_array_equal(one, other, strict=True)
        assert one.dtype == other.dtype


@pytest.mark.parametrize("name", FRAMES)
def test_frames_and_arrays_come_back_as_they_were(name: str) -> None:
    value = FRAMES[name]
    if isinstance(value, pd.DataFrame):
        value.attrs["unit"] = {"of": [1, "m"]}
    for given in (value, {"in": [value, 1]}):
        data, lost = encode([given])
        assert not lost
        (found,) = decode(data, 1, trusted=True)
        same(value, found if given is value else found["in"][0])
        (foreign,) = decode(data, 1, trusted=False)
        if name in PICKLED:
            assert type(foreign) is Unkept
        else:
            same(value, foreign if given is value else foreign["in"][0])


def test_subclasses_and_objects_in_arrays_are_pickled() -> None:
    class Own(pd.DataFrame):
        pass

    for value in (np.array([{1}], dtype=object), np.ma.masked_array([1], [True]), np.str_("a\0")):
        data, lost = encode([value])
        assert not lost
        assert type(decode(data, 1, trusted=True)[0]) is type(value)
        assert type(decode(data, 1, trusted=False)[0]) is Unkept


@pytest.mark.parametrize("name", [name for name in FRAMES if name not in PICKLED])
def test_garbled_frames_cost_one_value(name: str) -> None:
    data, _ = encode([1, FRAMES[name], "b"])
    for at in range(40, len(data), 7):
        garbled = bytearray(data)
        garbled[at] ^= 0x55
        with contextlib.suppress(JournalTrouble):
            assert len(decode(bytes(garbled), 3, trusted=False)) == 3


def test_libraries_are_not_imported_for_plain_values(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from drawer_ipy import press, Results\n"
        "D = {'name': 'd', 'inputs': ['xs'], 'steps': [{'id': 'e', 'kind': 'for_each', "
        "'over': '${inputs.xs}', 'as': 'x', 'steps': [{'id': 'w', 'button': 'w', 'args': {'x': '${x}'}}]}]}\n"
        "press(D, {'xs': [1, {2}, object]}, buttons={'w': lambda x: {'x': x}}, durable='on', quiet=True)\n"
        "assert list(Results.open('d')['w']) == [{'x': 1}, {'x': {2}}, {'x': object}]\n"
        "print([name for name in ('numpy', 'pandas', 'polars', 'pyarrow') if name in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=os.environ, check=False
    )
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


def test_a_file_is_named_by_a_hash_that_needs_the_key(tmp_path: Path) -> None:
    one = ValueFiles(tmp_path / "a.db", b"1" * 32).put(b"value")
    other = ValueFiles(tmp_path / "b.db", b"2" * 32).put(b"value")
    assert one != other
