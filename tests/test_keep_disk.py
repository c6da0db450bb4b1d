"""``keep: disk``: the outputs of a loop are on disk only, and everything works as if they were in memory."""

from __future__ import annotations

import datetime as dt
import gc
import json
import os
import pickle
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from kernel_rig import kernel_in

import drawer_ipy
from drawer_ipy import DefinitionError, DrawerError, Results, UsageError, each, press
from drawer_ipy.journal.folder import files, prune
from drawer_ipy.journal.target import RunJournal
from drawer_ipy.journal.value_files import LARGE
from drawer_ipy.record.disk_outputs import DiskOutputs, StoredPiece

PROGRAM = Path(__file__).parent / "support" / "disk_loop.py"


pytestmark = pytest.mark.usefixtures("runs_folder")

STEP = {"id": "work", "button": "work", "args": {"x": "${x}"}}


def drawer(*after: Any, keep: str | None = "disk", steps: Any = (STEP,), **fields: Any) -> dict[str, Any]:
    loop = {"id": "each", "kind": "for_each", "over": "${inputs.xs}", "as": "x", "steps": list(steps)}
    loop |= {"on_item_failure": "continue", **({"keep": keep} if keep else {}), **fields}
    return {"name": "kept", "inputs": ["xs"], "steps": [loop, *after]}


def go(work: Any, xs: Any, text: Any = None, **options: Any) -> Results:
    buttons = {"work": work, **options.pop("buttons", {})}
    options = {"quiet": True, "check": False, **options}
    return press(text or drawer(), {"xs": xs}, buttons=buttons, **options)


def in_memory(results: Results) -> list[tuple[int, str]]:
    """The outputs of a loop that are in memory."""
    loop = results.view.source.loop
    assert loop is not None
    return [
        (index, column.id)
        for column in loop.columns
        for index, entry in enumerate(column.entries)
        if entry is not None and not isinstance(entry, StoredPiece)
    ]


def text_of(x: Any) -> dict[str, Any]:
    return {"x": x, "text": f"text of {x}" * 100}


def test_outputs_leave_the_memory_and_are_read_back(runs_folder: Path) -> None:
    results = go(text_of, list(range(300)))
    assert not in_memory(results)
    assert [row["text"] for row in results] == [f"text of {x}" * 100 for x in range(300)]
    assert results[7]["text"] == "text of 7" * 100
    assert results.columns == ("x", "work.x", "text")
    assert list(results["work"])[299] == text_of(299)
    assert results.outputs[-1] == text_of(299)
    assert results.filter(x=5).to_dicts() == [{"x": 5, "work.x": 5, "text": "text of 5" * 100}]
    assert results.output["results"][3]["steps"]["work"]["output"] == text_of(3)
    assert results.explain(3)
    assert not in_memory(results)


def test_later_steps_read_the_outputs() -> None:
    pick = {
        "id": "pick",
        "kind": "transform",
        "expression": "${each.output.results[5].steps.work.output.text}",
    }
    total = {"id": "all", "kind": "aggregate", "from": "${each.output.results}"}
    total |= {"pluck": "${item.steps.work.output.x}"}
    results = go(text_of, list(range(50)), drawer(pick, total))
    assert results.run.step("pick").output == "text of 5" * 100
    assert results.run.step("all").output["values"] == list(range(50))


def test_a_step_in_an_item_gets_the_output_of_the_one_before() -> None:
    second = {"id": "second", "button": "second", "args": {"text": "${work.output.text}"}}
    results = go(
        text_of,
        list(range(50)),
        drawer(steps=[STEP, second]),
        buttons={"second": lambda text: f"{len(text)}"},
    )
    assert [row["second"] for row in results] == [str(len(text_of(x)["text"])) for x in range(50)]


def test_failures_and_their_arguments_are_explained() -> None:
    def work(x: int) -> dict[str, Any]:
        if x % 3 == 0:
            raise ValueError(f"no {x}")
        return text_of(x)

    results = go(work, list(range(30)))
    assert len(results.failed) == 10
    assert results[3]["error"] == "FUNCTION_ERROR: ValueError: no 3" or "no 3" in results[3]["error"]
    assert "no 3" in str(results.explain(3))
    assert results.explain(3).presses[0].steps["work"].args == {"x": 3}
    assert isinstance(results.errors[0].exception, ValueError)


def test_a_retry_reads_what_is_kept_and_replaces_the_rest() -> None:
    bad = {2, 5}
    pressed = []

    def work(x: int) -> dict[str, Any]:
        pressed.append(x)
        if x in bad:
            raise ValueError(x)
        return text_of(x)

    results = go(work, list(range(10)))
    bad.clear()
    pressed.clear()
    results.retry(quiet=True)
    assert pressed == [2, 5]
    assert [row["text"] for row in results] == [text_of(x)["text"] for x in range(10)]
    assert not in_memory(results)
    assert [row["text"] for row in Results.open("kept")] == [text_of(x)["text"] for x in range(10)]


@pytest.mark.parametrize("now", ["disk", None])
@pytest.mark.parametrize("before", ["disk", None])
def test_a_resumed_run_may_change_where_outputs_are_kept(before: str | None, now: str | None) -> None:
    bad = {4}

    def work(x: int) -> dict[str, Any]:
        if x in bad:
            raise ValueError(x)
        return text_of(x)

    go(work, list(range(10)), drawer(keep=before), durable="on")
    bad.clear()
    results = go(work, [11, *reversed(range(10))], drawer(keep=now), durable="on", resume=True)
    assert results.view.source.loop is not None
    assert results.view.source.loop.kept == 9
    expected = [text_of(x)["text"] for x in [11, *reversed(range(10))]]
    assert [row["text"] for row in results] == expected
    assert bool(in_memory(results)) == (now is None)
    assert [row["text"] for row in Results.open("kept")] == expected


def test_an_opened_run_is_read_on_access_and_retried() -> None:
    bad = {4}
    pressed = []

    def work(x: int) -> dict[str, Any]:
        pressed.append(x)
        if x in bad:
            raise ValueError(x)
        return text_of(x)

    go(work, list(range(10)), drawer())
    opened = Results.open("kept")
    assert not in_memory(opened)
    assert opened.columns == ("x", "work.x", "text", "status", "error")
    bad.clear()
    pressed.clear()
    opened.retry(quiet=True)
    assert pressed == [4]
    assert [row["text"] for row in opened] == [text_of(x)["text"] for x in range(10)]


def test_a_damaged_value_of_an_opened_run_is_made_again_by_a_retry(runs_folder: Path) -> None:
    pressed = []
    bad = {2}

    def work(x: int) -> str:
        pressed.append(x)
        if x in bad:
            raise ValueError(x)
        return "x" * (LARGE + x)

    go(work, list(range(5)))
    bad.clear()
    (path,) = files(runs_folder)
    damaged = sorted(path.with_suffix(".values").iterdir())[0]
    damaged.write_bytes(damaged.read_bytes()[:-1])
    opened = Results.open("kept")
    pressed.clear()
    opened.retry(quiet=True)
    assert len(pressed) == 2
    assert 2 in pressed
    assert [len(value) for value in opened["work"]] == [LARGE + x for x in range(5)]


class FailsOnce:
    """A button that fails for one item at first, after a time in which the others are written."""

    def __init__(self, bad: int) -> None:
        self.bad = bad
        self.tried: list[int] = []

    def __call__(self, x: int) -> dict[str, Any]:
        self.tried.append(x)
        if x == self.bad:
            time.sleep(0.5)
            if self.tried.count(x) < 2:
                raise ValueError(x)
        return text_of(x)


def test_a_loop_that_is_tried_again_is_as_in_memory() -> None:
    policy = {"action": "retry", "max_attempts": 2}
    orders = []
    for keep in ("disk", None):
        work = FailsOnce(25)
        text = drawer(keep=keep, on_failure=policy, on_item_failure="stop")
        results = go(work, list(range(30)), text, durable="on")
        assert results.run.status == "ok"
        orders.append(work.tried)
        for table in (results, Results.open("kept")):
            assert [row["text"] for row in table] == [text_of(x)["text"] for x in range(30)]
    assert orders[0] == orders[1]


def test_batches_are_kept_on_disk() -> None:
    step = {"id": "work", "button": "work", "args": {"x": "${batch}"}}
    loop = {"id": "each", "kind": "batch", "size": 2, "over": "${inputs.xs}", "keep": "disk", "steps": [step]}
    results = go(text_of, list(range(5)), {"name": "kept", "inputs": ["xs"], "steps": [loop]})
    assert not in_memory(results)
    assert [row["text"] for row in results] == [text_of(x)["text"] for x in ([0, 1], [2, 3], [4])]


def test_a_killed_run_is_resumed(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "import sys, time\n"
        "from drawer_ipy import each\n"
        "def work(x):\n"
        "    time.sleep(0.002)\n"
        "    print(x, flush=True)\n"
        "    return {'n': x, 'text': str(x) * 2000}\n"
        "results = each(work, list(range(1500)), keep='disk', resume=True, quiet=True)\n"
        "assert [row['text'] for row in results] == [str(x) * 2000 for x in range(1500)]\n"
    )
    killed = subprocess.Popen([sys.executable, program], stdout=subprocess.PIPE, text=True, env=os.environ)
    assert killed.stdout is not None
    for line in killed.stdout:
        if int(line) > 900:
            break
    killed.kill()
    killed.stdout.close()
    killed.wait()
    command = [sys.executable, program]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ, check=False)
    assert (done.returncode, done.stderr.count("Error")) == (0, 0), done.stderr
    assert len(done.stdout.split()) < 1450


def test_a_cell_takes_it(runs_folder: Path) -> None:
    with kernel_in(runs_folder.parent, "%load_ext drawer_ipy") as kernel:
        kernel.run("%%each x in range(20) --keep disk --out made\n{'text': str(x) * 100}")
        assert kernel.value("made[7]['text']") == "7" * 100
        assert kernel.value("type(made.view.source.loop.columns[0].outputs).__name__") == "DiskOutputs"
        cell = kernel.run("%%each x in range(20) --keep memory\nx", fails=True)
        assert "disk" in cell.traceback
        cell = kernel.run("%%each x in range(20) --keep disk --durable off\nx", fails=True)
        assert "durable" in cell.traceback


def test_loops_inside_items_are_on_disk_too() -> None:
    inner = {
        "id": "inner",
        "kind": "for_each",
        "over": "${work.output.xs}",
        "as": "y",
        "on_item_failure": "continue",
    }
    inner |= {"steps": [{"id": "leaf", "button": "leaf", "args": {"y": "${y}"}}]}

    def leaf(y: int) -> str:
        if y == 13:
            raise ValueError(y)
        return f"leaf {y}" * 100

    results = go(
        lambda x: {"xs": list(range(x, x + 3))},
        list(range(20)),
        drawer(steps=[STEP, inner]),
        buttons={"leaf": leaf},
    )
    for table in (results, Results.open("kept")):
        loops = [output.record for output in table["inner"]]
        assert all(isinstance(loop.columns[0].outputs, DiskOutputs) for loop in loops)
        assert list(loops[4].columns[0].outputs) == [f"leaf {y}" * 100 for y in (4, 5, 6)]
        assert table["inner.leaf"][2] == [f"leaf {y}" * 100 for y in (2, 3, 4)]
        assert sum(loop.counts[3] for loop in loops) == 3
        assert "3 of 60 items of the loops 'inner' failed" in repr(table)


def test_pickled_tables_have_their_outputs_in_them(runs_folder: Path) -> None:
    results = go(text_of, list(range(10)))
    data = pickle.dumps(results)
    drawer_ipy.runs()[0].remove()
    assert [row["text"] for row in pickle.loads(data)] == [text_of(x)["text"] for x in range(10)]


def test_iterators_are_kept_on_disk() -> None:
    results = go(text_of, iter(range(50)))
    assert not in_memory(results)
    assert [row["text"] for row in results] == [text_of(x)["text"] for x in range(50)]


def test_values_that_cannot_be_stored_stay_in_memory(capsys: pytest.CaptureFixture[str]) -> None:
    made = [lambda: 1, "text"]
    results = go(lambda x: made[x], [0, 1], quiet=False)
    assert in_memory(results) == [(0, "work")]
    assert results["work"][0] is made[0]
    assert "1 value was not kept on disk" in capsys.readouterr().err


def test_large_outputs_are_files(runs_folder: Path) -> None:
    results = go(lambda x: "x" * (LARGE + x), list(range(5)))
    assert not in_memory(results)
    assert [len(value) for value in results["work"]] == [LARGE + x for x in range(5)]


# Where it is written

BODY = """name: n
steps:
  - id: e
    kind: for_each
    over: [1]
    keep: disk
    steps: [{id: w, button: w}]
"""


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("keep: memory", 6, 11, "keep"),
        ("keep: true", 6, 11, "keep"),
        ("keep: [disk]", 6, 11, "keep"),
        ("Keep: disk", 6, 5, "Keep"),
    ],
)
def test_other_values_are_refused_with_their_place(text: str, line: int, column: int, message: str) -> None:
    body = BODY.replace("keep: disk", text)
    with pytest.raises(DefinitionError) as caught:
        press(body, buttons={"w": lambda: 1}, quiet=True)
    (problem,) = caught.value.problems
    assert (problem.line, problem.column) == (line, column)
    assert message in problem.message


def test_it_needs_a_stored_run() -> None:
    pressed: list[int] = []
    with pytest.raises(DefinitionError) as caught:
        press(BODY, buttons={"w": lambda: pressed.append(1)}, durable="off", quiet=True)
    (problem,) = caught.value.problems
    assert (problem.line, problem.column, problem.step_id) == (6, 11, "e")
    assert "durable" in problem.message
    assert not pressed


def test_a_loop_inside_another_cannot_have_it() -> None:
    inner = {
        "id": "in",
        "kind": "for_each",
        "over": [1],
        "keep": "disk",
        "steps": [{"id": "w", "button": "work"}],
    }
    with pytest.raises(DefinitionError, match="top level"):
        go(lambda: 1, [1], drawer(steps=[inner]))


def test_a_pressed_drawer_says_that_it_has_no_effect(
    runs_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = runs_folder.parent / "drawers" / "inner"
    root.mkdir(parents=True)
    loop = {
        "id": "e",
        "kind": "for_each",
        "over": [1, 2],
        "keep": "disk",
        "steps": [{"id": "s", "kind": "wait"}],
    }
    loop["steps"] = [{"id": "s", "kind": "transform", "expression": "${item}"}]
    (root / "drawer.json").write_text(json.dumps({"schema_version": 2, "name": "inner", "steps": [loop]}))
    outer = {"name": "outer", "steps": [{"id": "call", "kind": "drawer", "drawer": "inner"}]}
    results = press(outer)
    assert results.run.status == "ok"
    assert "keep: disk has no effect" in capsys.readouterr().err


def test_each_takes_it() -> None:
    results = each(text_of, list(range(20)), keep="disk", quiet=True)
    assert not in_memory(results)
    with pytest.raises(UsageError, match="keep must be"):
        each(text_of, [1], keep="memory", quiet=True)  # type: ignore[arg-type]
    with pytest.raises(DefinitionError, match="durable"):
        each(text_of, [1], keep="disk", durable="off", quiet=True)


def test_short_runs_are_stored_whatever_the_default(runs_folder: Path) -> None:
    go(text_of, [1])
    assert len(files(runs_folder)) == 1


# The file


def test_a_removed_file_is_an_error_that_names_it(runs_folder: Path) -> None:
    results = go(text_of, list(range(10)))
    (run,) = drawer_ipy.runs()
    run.remove()
    with pytest.raises(DrawerError, match="removed") as caught:
        list(results["text"])
    assert str(run.about.path) in str(caught.value)
    assert "10 ok" in repr(results.run.steps[0].output)


def test_retention_keeps_what_is_read(runs_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results = go(text_of, list(range(10)))
    (path,) = files(runs_folder)
    monkeypatch.setattr("drawer_ipy.journal.folder.LONGEST", 1.0)
    later = path.stat().st_mtime + 1000
    prune(runs_folder, path.with_name("other"), now=later)
    assert results[3]["text"] == text_of(3)["text"]
    del results
    gc.collect()
    prune(runs_folder, path.with_name("other"), now=later)
    assert files(runs_folder) == []
    assert [found.name for found in runs_folder.iterdir()] == [".gitignore"]


def test_what_is_made_while_the_disk_fails_stays_in_memory(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(_self: RunJournal, _record: Any) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("drawer_ipy.record.backlog.LIMIT", 10_000)
    opened = RunJournal.opened
    made = []

    def work(x: int) -> dict[str, Any]:
        made.append(x)
        if x == 100:
            monkeypatch.setattr(RunJournal, "opened", full)
        if x >= 100:
            time.sleep(0.005)
        return text_of(x)

    results = go(work, list(range(200)), quiet=False)
    monkeypatch.setattr(RunJournal, "opened", opened)
    assert made == list(range(200))
    assert in_memory(results)
    assert [row["text"] for row in results] == [text_of(x)["text"] for x in range(200)]
    err = capsys.readouterr().err
    assert "the disk is full" in err
    assert "in memory" in err


def test_secrets_that_become_known_later_are_removed_from_the_disk(runs_folder: Path) -> None:
    secret = "a-secret-of-length"
    late = {
        "name": "late",
        "inputs": [{"name": "token", "secret": True}],
        "steps": [{"id": "s", "button": "s"}],
    }
    root = runs_folder.parent / "drawers" / "late"
    root.mkdir(parents=True)
    (root / "drawer.json").write_text(json.dumps(late))
    wait = {"id": "wait", "button": "wait"}
    pressed = {"id": "late", "kind": "drawer", "drawer": "late", "args": {"token": secret}}
    again = {
        "id": "again",
        "kind": "aggregate",
        "from": "${each.output.results}",
        "pluck": "${item.steps.work.output}",
    }
    length = {"id": "length", "button": "length", "args": {"values": "${again.output.values}"}}
    text = drawer(wait, pressed, again, length)
    lengths = []
    buttons = {
        "s": lambda: 1,
        "wait": lambda: time.sleep(1),
        "length": lambda values: lengths.extend(map(len, values)),
    }
    results = go(lambda x: f"{secret} of {x}", list(range(20)), text, buttons=buttons)
    (path,) = files(runs_folder)
    assert secret.encode() not in path.read_bytes()
    assert secret not in "".join(results["work"])
    assert lengths == [len(f"{secret} of {x}") for x in range(20)]


# Memory


def measured(folder: Path, count: int, size: int, mode: str) -> dict[str, Any]:
    command = [sys.executable, str(PROGRAM), str(folder), str(count), str(size), mode]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="the memory is read from /proc")
@pytest.mark.timeout(600)
def test_the_memory_does_not_grow_with_the_outputs(tmp_path: Path) -> None:
    """300 MB of outputs, of which the exports alone would make copies."""
    pressed = measured(tmp_path, 3000, 100_000, "press")
    assert pressed["rows"] == 3000
    assert pressed["groups"] > 10
    assert pressed["press"] < 150
    assert pressed["show"] - pressed["press"] < 20
    assert pressed["all"] < 250
    opened = measured(tmp_path, 3000, 100_000, "open")
    assert opened["all"] < 250


@pytest.mark.skipif(sys.platform != "linux", reason="the memory is read from /proc")
@pytest.mark.timeout(600)
def test_items_wait_for_a_slow_disk(tmp_path: Path) -> None:
    found = measured(tmp_path, 1500, 100_000, "slow")
    assert found["press"] < 150


# The same as in memory

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False)
    | st.text(max_size=5)
    | st.binary(max_size=5)
    | st.dates()
    | st.datetimes(timezones=st.sampled_from([None, dt.UTC]))
    | st.timedeltas()
    | st.decimals(allow_nan=False, places=3, min_value=-1000, max_value=1000),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcde"), inner, max_size=3),
    max_leaves=6,
)
ITEMS = st.lists(st.tuples(VALUES, st.booleans()), max_size=12)


def pressed_so(keep: str | None, items: list[tuple[Any, bool]], retried: bool) -> tuple[Any, ...]:
    first = [True]

    def work(x: int) -> Any:
        value, fails = items[x]
        if fails and first[0]:
            raise ValueError(x)
        return value

    total = {"id": "all", "kind": "aggregate", "from": "${each.output.results}", "pluck": "${item.failed}"}
    results = go(work, list(range(len(items))), drawer(total, keep=keep), durable="on")
    first[0] = False
    if retried:
        results.retry(quiet=True)
    tables = [results, Results.open("kept")]
    out: list[Any] = []
    for table in tables:
        out += [table.columns, table.counts, table.to_dicts(), table.to_dicts(flatten=True)]
        out += [table.to_csv(), table.to_json(), table.to_jsonl(flatten=True), table.run.step("all").output]
        folder = Path(os.environ["BUTTONS_HOME"])
        for flatten in (False, True):
            table.to_parquet(folder / "t.parquet", flatten=flatten)
            found = pq.read_table(folder / "t.parquet")
            out += [found.schema, found.to_pylist()]
    return tuple(out)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(items=ITEMS, retried=st.booleans())
@example(items=[(None, False), ({"a": None}, False)], retried=False)
def test_law_a_run_on_disk_equals_one_in_memory(items: list[tuple[Any, bool]], retried: bool) -> None:
    assert pressed_so("disk", items, retried) == pressed_so(None, items, retried)


@pytest.mark.parametrize(
    "values",
    [
        [1, 2.5, None],
        [1, "a"],
        [2**63, 1],
        [-1, 2**63],
        [Decimal("1.5"), Decimal("100.25")],
        [dt.timedelta(days=999_999_999), dt.timedelta(1)],
        [{"a": 1}, {"b": "x"}, {"a": 2.5}],
        [[1], [], ["x"]],
        [pd.Timestamp("2024-01-01"), pd.Timestamp("2024-01-01 00:00:00.000000001")],
    ],
    ids=str,
)
def test_parts_of_a_column_have_the_type_of_the_whole(
    values: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drawer_ipy.results.export.batches._FIRST", 1)
    monkeypatch.setattr("drawer_ipy.results.export.batches._MOST", 1)
    found = []
    for keep in ("disk", None):
        results = go(lambda x: {"v": values[x]}, list(range(len(values))), drawer(keep=keep))
        results.to_parquet(tmp_path / "t.parquet")
        found.append(pq.read_table(tmp_path / "t.parquet"))
    assert found[0].schema == found[1].schema
    assert found[0].to_pylist() == found[1].to_pylist()
