"""Runs with cached buttons: which presses are repeated, and which results are never kept."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from cache_rig import locked_file
from hypothesis import given, settings
from hypothesis import strategies as st

from drawer_ipy import DefinitionError, Results, UsageError, button, press
from drawer_ipy.buttons.function.button import FunctionButton
from drawer_ipy.cache import private
from drawer_ipy.cache.store import FILE, Store
from drawer_ipy.display.progress import ProgressState
from drawer_ipy.display.wording import pace_words
from drawer_ipy.pressing.prepare import prepare
from drawer_ipy.pressing.surroundings import Surroundings
from drawer_ipy.verbs import VerbContext, VerbError, run_verb
from drawer_ipy.workspace.lookup import Workspace


class Tally:
    """Counts calls; it is an object, so that the count is not part of a function's key."""

    def __init__(self) -> None:
        self.calls: list[Any] = []


tally = Tally()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Use a separate workspace and cache folder for the test."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("BUTTONS_HOME", str(folder))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "own"))
    tally.calls.clear()
    return folder


def run(
    items: list[Any], work: Callable[..., Any] | FunctionButton, **more: Any
) -> tuple[Results, list[str]]:
    """Press `work` for each of `items`; return the results and the notes of the run."""
    parallelism = more.pop("parallelism", 4)
    each = {"id": "each", "kind": "for_each", "over": "${inputs.xs}", "as": "x", "parallelism": parallelism}
    each |= {
        "on_item_failure": "continue",
        "steps": [{"id": "work", "button": "work", "args": {"x": "${x}"}}],
    }
    drawer = {"name": "t", "inputs": ["xs"], "steps": [each]} | more.pop("drawer", {})
    made = {"work": work}
    around = Surroundings(made) if isinstance(work, FunctionButton) else Surroundings({}, made)
    job = prepare(drawer, {"xs": items, **more}, around=around)
    record = asyncio.run(job.run.execute())
    return Results.of(record), job.run.notes


def cached(results: Results) -> int:
    return int(results.run.steps[0].output.record.cached)


# Repeated presses


@button(name="work", cache="1h")
def square(x: Any) -> Any:
    tally.calls.append(x)
    return {"square": x * x, "pair": (x, [x])}


def test_a_second_run_presses_nothing_and_shows_the_number_of_cached_items() -> None:
    first, _ = run([1, 2, 3], square)
    second, notes = run([1, 2, 3, 4], square)
    assert sorted(tally.calls) == [1, 2, 3, 4]
    assert [cached(first), cached(second)] == [0, 3]
    assert list(second.outputs)[:3] == list(first.outputs)
    assert second[0].output == {"square": 1, "pair": (1, [1])}
    assert "3 cached" in str(second).splitlines()[0]
    assert "cached" not in str(first).splitlines()[0]
    assert notes == []


def test_identical_simultaneous_presses_are_made_once() -> None:
    results, _ = run([5] * 20, slow, parallelism=20)
    assert tally.calls == [5]
    assert (cached(results), results.counts["ok"]) == (19, 20)


@button(name="work", cache="forever")
async def slow(x: Any) -> Any:
    tally.calls.append(x)
    await asyncio.sleep(0.05)
    return [x]


def test_waiting_presses_get_copies_of_the_result() -> None:
    results, _ = run([5, 5], slow, parallelism=2)
    results[0].output.append("mine")
    assert results[1].output == [5]


def test_only_successes_are_kept_and_waiting_presses_share_a_failure() -> None:
    for _ in range(2):
        results, _ = run([1, 1, 1, 2], fails_for_one, parallelism=4)
        assert (results.counts["failed"], results.counts["ok"]) == (3, 1)
    assert sorted(tally.calls) == [1, 1, 2]


@button(name="work", cache="1h")
async def fails_for_one(x: int) -> int:
    tally.calls.append(x)
    await asyncio.sleep(0.02)
    if x == 1:
        raise ValueError("one")
    return x


@button(name="work", cache="1h", timeout=0.1)
async def slow_at_first(x: int) -> int:
    tally.calls.append(x)
    await asyncio.sleep(10 if len(tally.calls) == 1 else 0)
    return x


def test_a_waiting_press_takes_over_after_a_timeout() -> None:
    results, _ = run([7, 7, 7], slow_at_first, parallelism=3)
    assert tally.calls == [7, 7]
    assert (results.counts["failed"], results.counts["ok"]) == (1, 2)


def test_a_cancelled_run_keeps_finished_items() -> None:
    async def main() -> None:
        drawer = {
            "name": "t",
            "inputs": ["xs"],
            "steps": [
                {"id": "a", "button": "work", "args": {"x": 1}},
                {"id": "b", "kind": "wait", "duration": "30s"},
            ],
        }
        job = prepare(drawer, {"xs": []}, around=Surroundings({}, {"work": square}))
        task = asyncio.create_task(job.run.execute())
        await asyncio.sleep(0.5)
        assert tally.calls == [1]
        job.run.cancel()
        await task

    asyncio.run(main())
    run([1], square)
    assert tally.calls == [1]


def test_the_current_setting_determines_how_long_a_result_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_700_000_000.0
    monkeypatch.setattr("drawer_ipy.engine.caching.time.time", lambda: now)
    counted = FunctionButton(square, "work", cache="1h")
    run([1], counted)
    now += 3599
    run([1], counted)
    assert tally.calls == [1]
    now += 2
    run([1], counted)
    assert tally.calls == [1, 1]
    now += 600
    run([1], FunctionButton(square, "work", cache="10m"))
    assert tally.calls == [1, 1, 1]
    now += 10**9
    run([1], FunctionButton(square, "work", cache="forever"))
    assert tally.calls == [1, 1, 1]
    now -= 2 * 10**9  # setting the clock back does not extend a lifetime
    run([1], FunctionButton(square, "work", cache="forever"))
    assert tally.calls == [1, 1, 1, 1]


KINDS: Mapping[str, Any] = {
    "text": "a\ud83dé",
    "bytes": b"\0\xff",
    "nested": {"a": [1, 2.5, None, {"b": (True,)}], 3: {4}},
    "empty": None,
}


@pytest.mark.parametrize("name", KINDS)
def test_cached_values_keep_their_types(name: str) -> None:
    first, _ = run([name], give)
    second, _ = run([name], give)
    assert second[0].output == first[0].output == KINDS[name]
    assert repr(second[0].output) == repr(first[0].output)
    assert tally.calls == [name]


@button(name="work", cache="1h")
def give(x: str) -> Any:
    tally.calls.append(x)
    return KINDS[x]


def test_frames_and_arrays_are_kept() -> None:
    pandas = pytest.importorskip("pandas")
    for _ in range(2):
        results, notes = run([3], frame)
        assert notes == []
        pandas.testing.assert_frame_equal(results[0].output, pandas.DataFrame({"a": range(3)}))
    assert tally.calls == [3]


@button(name="work", cache="1h")
def frame(x: int) -> Any:
    import pandas

    tally.calls.append(x)
    return pandas.DataFrame({"a": range(x)})


ITEMS = st.lists(st.sampled_from([0, 1, True, 1.0, "1", "a", None, (1,), 2]), max_size=12)


@given(st.lists(ITEMS, min_size=1, max_size=3), st.integers(1, 6))
@settings(max_examples=15, deadline=None)
def test_each_distinct_press_is_computed_once_across_runs(runs: list[list[Any]], parallelism: int) -> None:
    run_verb(["cache", "clear"], VerbContext(Workspace.current()))
    tally.calls.clear()
    for items in runs:
        results, _ = run(items, name_it, parallelism=parallelism)
        assert list(results.outputs) == [f"{type(x).__name__} {x!r}" for x in items]
    met = {(type(x), x) for items in runs for x in items}
    assert len(tally.calls) == len(met)


@button(name="work", cache="1h")
def name_it(x: Any) -> str:
    tally.calls.append(x)
    return f"{type(x).__name__} {x!r}"


# Scripts


SCRIPT = {"work": {"code": 'echo x >> "$LOG"; printf "%s!" "$BUTTONS_ARG_X"', "args": ["x"], "cache": "1h"}}


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file to which the script appends a line each time it runs."""
    path = tmp_path / "log"
    path.touch()
    monkeypatch.setenv("LOG", str(path))
    return path


def scripts(change: Mapping[str, Any] | None = None, **more: Any) -> tuple[Results, list[str]]:
    spec = {**SCRIPT["work"], **(change or {})}
    return run(["a", "b", "a"], lambda x: None, drawer={"buttons": {"work": spec}}, **more)


def test_a_script_with_the_same_text_and_arguments_runs_once(log: Path) -> None:
    for _ in range(2):
        results, _ = scripts()
        assert list(results.outputs) == ["a!", "b!", "a!"]
    assert log.read_text().count("x") == 2
    assert cached(results) == 3


@pytest.mark.parametrize(
    "change",
    [{"code": SCRIPT["work"]["code"] + "\n"}, {"runtime": "bash"}, {"env": {"A": "1"}}, {"env": {"A": "2"}}],
    ids=repr,
)
def test_a_different_text_runtime_or_variable_is_a_different_script(
    change: dict[str, Any], log: Path
) -> None:
    scripts()
    scripts(change)
    assert log.read_text().count("x") == 4


def test_the_current_text_of_a_script_file_is_compared(home: Path, log: Path) -> None:
    folder = home / "buttons" / "mark"
    folder.mkdir(parents=True)
    (folder / "button.json").write_text('{"name": "mark", "cache": "1h", "args": ["x"]}')
    drawer = {"name": "t", "steps": [{"id": "a", "button": "mark", "args": {"x": 1}}]}
    for text, times in (("echo x >> $LOG; echo 1", 1), ("echo x >> $LOG; echo 2", 2)):
        (folder / "main.sh").write_text(text)
        for _ in range(2):
            results = press(drawer, quiet=True)
            assert results.run.steps[0].output == int(text[-1])
        assert log.read_text().count("x") == times
    assert results.run.to_dict()["steps"][0]["cached"] is True


def test_batteries_and_the_folder_are_part_of_a_scripts_key(
    home: Path, log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for value in ("longsecret1", "longsecret2"):
        (home / "batteries.json").write_text(f'{{"K": "{value}"}}')
        scripts()
    monkeypatch.chdir(tmp_path)
    scripts()
    assert log.read_text().count("x") == 6


def test_a_script_that_fails_is_not_kept(log: Path) -> None:
    for _ in range(2):
        results, _ = scripts({"code": 'echo x >> "$LOG"; exit 3'})
        assert results.counts["failed"] == 3
    assert log.read_text().count("x") >= 4


# Results that are not kept


def test_arguments_without_canonical_form_are_not_cached_with_a_note() -> None:
    for _ in range(2):
        results, notes = run([object()], slow)
        assert results.counts["ok"] == 1
        assert len(notes) == 1
        assert notes[0].startswith(
            "button 'work' was not cached: its argument 'x' is or contains an instance of object"
        )
    assert len(tally.calls) == 2


def test_results_that_cannot_be_kept_cause_one_note() -> None:
    results, notes = run([1, 2], locks)
    assert results.counts["ok"] == 2
    assert len(notes) == 1
    assert "its result is or contains a" in notes[0]
    assert "cannot be pickled" in notes[0]


@button(name="work", cache="1h")
def locks(x: int) -> Any:
    return threading.Lock()


SECRET = "correct-horse-battery"


def everything(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("work", ["tells", "hides"])
def test_no_secret_is_written_to_disk(work: str, tmp_path: Path) -> None:
    secret = {"inputs": [{"name": "xs"}, {"name": "key", "secret": True}]}
    function = {"tells": tells, "hides": hides}[work]
    for _ in range(2):
        results, notes = run([SECRET], function, key=SECRET, drawer=secret)
        assert results.counts["ok"] == 1
    assert SECRET.encode() not in everything(tmp_path)
    if work == "tells":
        assert notes == ["button 'work' was not cached: its result contains a secret"]
        assert len(tally.calls) == 2
    else:
        assert (notes, len(tally.calls)) == ([], 1)


@button(name="work", cache="1h")
def tells(x: str) -> Any:
    tally.calls.append(1)
    return {"deep": [f"the key is {x}"] * 100}


@button(name="work", cache="1h")
def hides(x: str) -> int:
    tally.calls.append(1)
    return len(x)


def test_cache_files_are_private_and_in_the_workspace(home: Path) -> None:
    run([1], square)
    assert (home / "cache").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in (home / "cache").iterdir()} == {0o600}


def test_without_a_workspace_results_are_kept_in_the_users_cache_folder(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.rmdir()
    run([1], square)
    assert (tmp_path / "own" / "drawer_ipy" / FILE).is_file()


# Problems of the cache file


def ruin_with_garbage(folder: Path) -> None:
    folder.mkdir()
    (folder / FILE).write_bytes(b"garbage" * 1000)


def ruin_with_a_file(folder: Path) -> None:
    folder.write_text("no folder")


def ruin_with_a_folder(folder: Path) -> None:
    (folder / FILE).mkdir(parents=True)


@pytest.mark.parametrize(
    ("ruin", "message", "works"),
    [
        (ruin_with_garbage, "the cache file was damaged and has been replaced by a new one", True),
        (ruin_with_a_file, "nothing was cached: ", False),
        (ruin_with_a_folder, "nothing was cached: ", False),
    ],
)
def test_a_broken_cache_file_causes_a_note_and_no_failure(
    ruin: Callable[[Path], None], message: str, works: bool, home: Path
) -> None:
    ruin(home / "cache")
    results, notes = run([1, 2], square)
    assert results.counts["ok"] == 2
    assert len(notes) == 1
    assert notes[0].startswith(message)
    run([1, 2], square)
    assert len(tally.calls) == (2 if works else 4)


def test_a_locked_cache_file_causes_a_note_and_no_failure(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run([1], square)
    monkeypatch.setattr("drawer_ipy.cache.store.PATIENCE", 0.1)
    monkeypatch.setattr(Store.__init__, "__defaults__", (0.1,))
    with locked_file(home / "cache" / FILE, "EXCLUSIVE"):
        results, notes = run([1], square)
    assert results.counts["ok"] == 1
    assert notes == [f"nothing was cached: {home / 'cache' / FILE}: another process has locked it"]


def test_a_read_only_cache_folder_causes_a_note_and_no_failure(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Root may write anywhere, so the refusal of the system is simulated.
    real = os.open

    def refuse(path: Any, *args: Any, **kwargs: Any) -> int:
        if str(path).startswith(str(home / "cache")):
            raise PermissionError(13, "Permission denied")
        return real(path, *args, **kwargs)

    monkeypatch.setattr("drawer_ipy.cache.store.os.open", refuse)
    results, notes = run([1], square)
    assert results.counts["ok"] == 1
    assert notes == [f"nothing was cached: {home / 'cache' / FILE}: Permission denied"]


@pytest.mark.parametrize("what", ["another key", "a foreign result"])
def test_results_without_a_valid_signature_are_never_loaded(what: str, home: Path, tmp_path: Path) -> None:
    run([1], square)
    if what == "another key":
        (tmp_path / "own" / "drawer_ipy" / "key").write_bytes(os.urandom(private.KEY_BYTES))
    else:
        store = Store(home / "cache")
        store._writing.execute("UPDATE results SET body = ?", (b"x" * 16 + b"p" + b"cos\nabort\n(tR.",))
        store.close()
    run([1], square)
    assert tally.calls == [1, 1]


# Definitions


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("5", "line 3, column 31: `cache: 5` has no unit (say for how long: 10m, 1h, 7d or forever)"),
        ("true", "`cache: true` does not say for how long"),
        ("1 fortnight", "`cache: 1 fortnight` is not a length of time"),
        ("0s", "`cache: 0s` keeps nothing"),
        ("[1h]", "`cache` must be text, not a list"),
    ],
)
def test_an_invalid_cache_duration_is_reported_once_with_its_place(value: str, message: str) -> None:
    text = (
        f"name: t\nbuttons:\n  work: {{code: 'true', cache: {value}}}\nsteps:\n  - {{id: a, button: work}}\n"
    )
    with pytest.raises(DefinitionError) as caught:
        press(text, quiet=True)
    assert message in str(caught.value)
    assert len(caught.value.problems) == 1


@pytest.mark.parametrize("value", ["10m", "1h30m", "7d", "1.5 d", "forever", "off", "false", "null"])
def test_valid_cache_durations_are_accepted(value: str) -> None:
    text = (
        f"name: t\nbuttons:\n  work: {{code: 'true', cache: {value}}}\nsteps:\n  - {{id: a, button: work}}\n"
    )
    assert press(text, quiet=True).run.status == "ok"


def test_the_decorator_refuses_an_invalid_cache_duration() -> None:
    with pytest.raises(UsageError, match=r"button 'f': `cache: soon` is not a length of time"):
        button(name="f", cache="soon")(lambda x: x)


# The cache verb


@pytest.fixture
def context(home: Path) -> VerbContext:
    return VerbContext(Workspace.current())


def test_the_cache_verb_shows_and_deletes_cached_results(context: VerbContext, home: Path) -> None:
    assert (
        run_verb(["cache"], context).text == f"nothing is cached; results would be stored in {home / 'cache'}"
    )
    assert not (home / "cache").exists()
    run([1, 2], square)
    message = run_verb(["cache", "info"], context)
    assert message.data["entries"] == 2
    assert message.data["buttons"]["work"]["entries"] == 2
    assert message.text.startswith("2 results in ")
    assert run_verb(["cache", "clear", "--older", "1h"], context).data == {"cleared": 0}
    dry = run_verb(["cache", "clear", "work", "--dry-run"], context)
    assert (dry.data, dry.text) == ({"cleared": 2, "executed": False}, "would delete 2 results")
    assert run_verb(["cache", "clear", "work"], context).text == "deleted 2 results"
    run([1, 2], square)
    assert sorted(tally.calls) == [1, 1, 2, 2]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["cache", "claer"], "unknown verb 'claer'\n  did you mean 'clear'?"),
        (["cache", "clear", "wrok"], "no results of a button 'wrok' are cached\n  did you mean 'work'?"),
        (["cache", "clear", "--older", "5"], "--older 5: it must be a length of time"),
        (["cache", "clear", "--older", "forever"], "--older forever: it must be a length of time"),
        (["create", "cache"], "'cache' is a word of the command line"),
    ],
)
def test_invalid_arguments_of_the_cache_verb_are_reported(
    words: list[str], message: str, context: VerbContext
) -> None:
    run([1], square)
    with pytest.raises((VerbError, UsageError)) as caught:
        run_verb(words, context)
    assert message in str(caught.value)


def test_the_number_of_cached_items_is_shown_during_a_run() -> None:
    run([1, 2], square)
    each = {"id": "each", "kind": "for_each", "over": [1, 2, 3], "as": "x"}
    each["steps"] = [{"id": "work", "button": "work", "args": {"x": "${x}"}}]
    job = prepare({"name": "t", "steps": [each]}, around=Surroundings({}, {"work": square}))
    state = ProgressState()
    state.attach(job.run.listeners)
    asyncio.run(job.run.execute())
    snapshot = state.snapshot(time.monotonic())
    assert snapshot.cached == 2
    assert "2 cached" in pace_words(snapshot)
