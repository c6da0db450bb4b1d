"""Nothing that a run shows or stores contains a secret, whatever kind of value holds it."""

from __future__ import annotations

import array
import asyncio
import base64
import copy
import functools
import pickle
import pprint
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from drawer_ipy import DrawerFailed, Results, button, press
from drawer_ipy.engine.secrets.needles import Needles
from drawer_ipy.engine.secrets.redactor import Redactor
from drawer_ipy.notebook.prints import Log
from drawer_ipy.pressing.job import Options
from drawer_ipy.pressing.prepare import prepare
from drawer_ipy.pressing.surroundings import Surroundings, named_buttons
from drawer_ipy.record.loop import LoopOutput
from tests.support.kernel_rig import kernel_in
from tests.support.notebook_rig import execute
from tests.support.secret_zoo import (
    AWKWARD,
    CONTAINERS,
    FORMS,
    HARMLESS,
    ZOO,
    Data,
    IntWithMore,
    Named,
    Plain,
)
from tests.support.workspace_rig import Folder, button_step

SECRET = "hunter2-secret-token"
ODD = "p@s&w+rd é\"'\\<x>"
"""A secret that is escaped differently in URLs, HTML, JSON and Python."""

DECLARED = [{"name": "token", "secret": True}]
TOKEN = "${inputs.token}"


def traces(secret: str) -> list[bytes]:
    """The forms that must not be shown or written: the secret as text, in other encodings and in base64."""
    raw = secret.encode()
    inner = [base64.b64encode(b"x" * k + raw).decode()[4:-4].encode() for k in range(3)]
    return [raw, secret.encode("utf-16-le"), secret.encode("utf-32-le"), raw.hex().encode(), *inner]


def assert_nowhere(shown: Any, secret: str = SECRET) -> None:
    data = shown if isinstance(shown, bytes) else str(shown).encode("utf-8", "surrogatepass")
    for trace in traces(secret):
        at = data.find(trace)
        assert at < 0, data[max(0, at - 60) : at + 60]


def everything(folder: Path) -> bytes:
    return b"\n".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


# The redactor


@pytest.mark.parametrize("secret", [SECRET, ODD])
@pytest.mark.parametrize("name", [*ZOO, *AWKWARD])
def test_a_value_that_contains_a_secret_is_replaced(name: str, secret: str) -> None:
    value = {**ZOO, **AWKWARD}[name](secret)
    shown = Redactor([secret]).value(value)
    assert shown is not value
    assert_nowhere(repr(shown), secret)
    assert_nowhere(pickle.dumps(shown), secret)
    assert "[redacted]" in repr(shown)
    assert Redactor([secret]).value(shown) is shown


@pytest.mark.parametrize("name", [*ZOO, *AWKWARD])
def test_a_value_without_a_secret_is_unchanged(name: str) -> None:
    value = {**ZOO, **AWKWARD}[name](SECRET)
    assert Redactor(["correct-horse-battery", 4711815, "abc"]).value(value) is value


@pytest.mark.parametrize("name", HARMLESS)
def test_a_harmless_value_is_unchanged(name: str) -> None:
    value = HARMLESS[name]()
    assert Redactor([SECRET]).value(value) is value


@pytest.mark.parametrize(
    "secret", [SECRET, ODD, "abcd1234", "00deadbeef", "x" * 300, "-----BEGIN\nMIIEvQIBADANBgkq\n"]
)
@pytest.mark.parametrize("form", FORMS)
def test_a_secret_is_found_in_every_encoding(form: str, secret: str) -> None:
    redactor = Redactor([secret])
    written = FORMS[form](secret)
    text = f"it was {written} yesterday"
    shown = redactor.text(text)
    assert "[redacted]" in shown
    assert not redactor.holds(shown)
    assert shown.startswith("it was ")
    assert shown.endswith(" yesterday")
    assert redactor.value({"a": [text.encode()]})["a"][0] != text.encode()
    assert redactor.value(Plain(text)) == "[redacted] (Plain)"


@given(
    st.text(min_size=4, max_size=60),
    st.text(max_size=30),
    st.text(max_size=30),
    st.sampled_from(sorted(FORMS)),
)
def test_any_secret_is_found_in_any_text(secret: str, before: str, after: str, form: str) -> None:
    if not secret.strip() or "\n" in secret.strip() or len(secret.strip()) < 6 or not _encodable(secret):
        return
    needles = Needles([secret])
    if form.startswith("cut") and len(set(secret)) < len(secret) // 2:
        return
    text = f"{before} {FORMS[form](secret)} {after}"
    assert needles.in_text(text)
    assert not needles.in_text(needles.out_of(text)) or secret in "[redacted]"


def _encodable(text: str) -> bool:
    try:
        return bool(text.encode())
    except UnicodeEncodeError:
        return False


def _nested(depth: int = 3) -> SearchStrategy[Callable[[str], Any]]:
    """Functions that put a text into nested containers and objects."""
    makers = st.sampled_from([*CONTAINERS.values(), ZOO["dataclass"], ZOO["SimpleNamespace"], ZOO["partial"]])
    return st.lists(makers, min_size=1, max_size=depth).map(_composed)


def _composed(makers: list[Callable[[str], Any]]) -> Callable[[str], Any]:
    def make(text: str) -> Any:
        value: Any = makers[0](text)
        for outer in makers[1:]:
            value = outer(value) if outer in _TAKES_ANYTHING else [value, {"x": value}]
        return value

    return make


_TAKES_ANYTHING = (
    ZOO["list"],
    ZOO["tuple"],
    ZOO["dict"],
    ZOO["dataclass"],
    ZOO["SimpleNamespace"],
    ZOO["partial"],
)


@given(_nested())
def test_a_secret_is_found_in_nested_values(make: Callable[[str], Any]) -> None:
    shown = Redactor([SECRET]).value(make(SECRET))
    assert_nowhere(repr(shown))
    harmless = make("nothing of the kind")
    assert Redactor([SECRET]).value(harmless) is harmless


def test_other_values_in_a_container_with_a_secret_are_kept() -> None:
    kept = object()
    value = {"a": [kept, SECRET], SECRET: 1, f"{SECRET} ": 2, (1, SECRET): {kept}}
    shown = Redactor([SECRET]).value(value)
    assert shown == {"a": [kept, "[redacted]"], "[redacted]": 1, "[redacted] ": 2, (1, "[redacted]"): {kept}}
    both = Redactor([SECRET, ODD]).value({SECRET: 1, ODD: 2})
    assert both == {"[redacted]": 1, "[redacted] (2)": 2}


@pytest.mark.parametrize(
    "make", [lambda s: s, ZOO["SecretStr"], ZOO["dataclass"], ZOO["bytes"], ZOO["dict"], ZOO["an attribute"]]
)
def test_a_secret_can_be_given_as_an_object(make: Callable[[str], Any]) -> None:
    given = make(SECRET)
    redactor = Redactor([given])
    assert redactor.text(f"<{SECRET}>") == "<[redacted]>"
    assert redactor.value([given]) != [given]


def test_a_number_can_be_a_secret() -> None:
    redactor = Redactor([48151623, 42])
    assert redactor.value([48151623, 48151623.0, 4815162342, 1, 42, 142, True]) == [
        *["[redacted]"] * 3, 1, "[redacted]", 142, True,
    ]  # fmt: skip
    makers: list[Callable[[Any], Any]] = [
        *(Plain, Data, Named, Decimal, np.int64, pa.scalar, IntWithMore),
        *(lambda n: np.array([1, n]), lambda n: np.array([1.5, n]), lambda n: array.array("q", [n])),
        *(lambda n: pd.DataFrame({"a": [1, n]}), lambda n: pd.Series([n]), lambda n: pd.Index([n])),
        *(lambda n: pl.DataFrame({"a": [n]}), lambda n: pl.Series([n]), lambda n: pa.table({"a": [n]})),
        *(lambda n: functools.partial(print, n), lambda n: lambda: n),
    ]
    for make in makers:
        assert "[redacted]" in repr(redactor.value(make(48151623)))
        harmless = make(48151624)
        assert redactor.value(harmless) is harmless
    assert redactor.value(10**6000) == 10**6000


def test_a_value_too_large_to_search_is_hidden() -> None:
    many = [{"n": [n]} for n in range(60_000)]
    assert Redactor([SECRET]).value(lambda: many) == "[redacted] (function)"


# A run and everything that is made from it


def loop(names: list[str], *steps: dict[str, Any], **fields: Any) -> dict[str, Any]:
    each = {
        "id": "each",
        "kind": "for_each",
        "over": "${inputs.names}",
        "as": "name",
        "steps": [*steps],
        **fields,
    }
    return {"name": "d", "inputs": [{"name": "names"}, *DECLARED], "steps": [each]}


def surfaces(results: Results, folder: Path) -> Iterator[tuple[str, Any]]:
    """All representations and exports of a table, by name."""
    yield "repr", repr(results)
    yield "html", results._repr_html_()
    yield "mimebundle", results._repr_mimebundle_()
    yield "timeline", results.timeline().svg
    yield "errors", repr(results.errors) + results.errors._repr_html_()
    yield "errors as dicts", results.errors.to_dicts()
    yield "run", repr(results.run.to_dict())
    yield "run printed", pprint.pformat(results.run)
    for row in results:
        yield "row", repr(row) + row._repr_html_() + repr(dict(row)) + repr(row.item) + repr(row.output)
        yield "steps", repr(row.steps)
        story = row.explain()
        yield "explain", repr(story) + story._repr_html_() + repr(story.steps) + repr(story.presses)
        if row.error is not None:
            yield "exception", pickle.dumps(row.error.exception)
    for flatten in (False, True):
        yield "to_dict", results.to_dict(flatten)
        yield "to_dicts", results.to_dicts(flatten)
        yield "csv", results.to_csv(flatten=flatten)
        yield "json", results.to_json(flatten=flatten)
        yield "pandas", pickle.dumps(results.to_pandas(flatten))
        yield "polars", results.to_polars(flatten).to_dicts()
        yield "arrow", results.to_arrow(flatten).to_pylist()
    results.to_parquet(folder / "t.parquet")
    yield "parquet", (folder / "t.parquet").read_bytes()
    yield "pickle", pickle.dumps(results)
    yield "deepcopy", repr(copy.deepcopy(results)) + str(copy.copy(results).to_dicts())


@pytest.mark.parametrize("secret", [SECRET, ODD], ids=["plain", "odd"])
def test_secrets_returned_by_functions_are_not_shown(secret: str, tmp_path: Path) -> None:
    def make(name: str, token: str) -> Any:
        return ZOO[name](token)

    def use(value: Any, token: str) -> Any:
        assert token == secret
        assert not isinstance(value, str) or "[redacted]" not in value  # the button gets real values
        return [value, "fine"]

    first = {"id": "make", "button": "make", "args": {"name": "${name}", "token": TOKEN}}
    then = {"id": "use", "button": "use", "args": {"value": "${make.output}", "token": TOKEN}}
    names = [name for name in ZOO if name not in ("map", "an iterator")]  # iterators are used up by reading
    results = press(
        loop(names, first, then),
        {"names": names, "token": secret},
        buttons={"make": make, "use": use},
        quiet=True,
    )
    assert results.counts["ok"] == len(names)
    for _, shown in surfaces(results, tmp_path):
        assert_nowhere(shown, secret)


def test_secrets_in_items_and_inputs_are_not_shown(tmp_path: Path) -> None:
    values = [make(SECRET) for make in ZOO.values()]
    names = {"names": values, "token": SECRET, "more": dict(zip(ZOO, values, strict=True))}
    step = {"id": "w", "button": "work", "args": {"x": "${name}", "more": "${inputs.more}"}}
    results = press(loop([], step), names, buttons={"work": lambda x, more: len(more)}, quiet=True)
    assert results.counts["ok"] == len(values)
    for _, shown in surfaces(results, tmp_path):
        assert_nowhere(shown)


def test_secrets_in_exceptions_are_not_shown(tmp_path: Path) -> None:
    def fail(name: str, token: str) -> Any:
        value = ZOO[name](token)
        raise value if isinstance(value, BaseException) else ValueError("bad", value)

    policy = {"action": "retry", "max_attempts": 2}
    step = {"id": "w", "button": "fail", "args": {"name": "${name}", "token": TOKEN}, "on_failure": policy}
    drawer = loop([], step, on_item_failure="continue")
    given = {"names": [*ZOO], "token": SECRET}
    results = press(drawer, given, buttons={"fail": fail}, quiet=True, check=False)
    assert results.counts["failed"] == len(ZOO)
    for _, shown in surfaces(results, tmp_path):
        assert_nowhere(shown)
    drawer["steps"][0]["on_item_failure"] = "stop"
    for name in ZOO:
        with pytest.raises(DrawerFailed) as caught:
            press(drawer, {"names": [name], "token": SECRET}, buttons={"fail": fail}, quiet=True)
        error = caught.value
        assert_nowhere(str(error) + repr(error) + "".join(error._render_traceback_()))
        assert_nowhere(pickle.dumps(error.__cause__))
        assert_nowhere(pickle.dumps(error.__context__))


# Files on disk


def test_no_file_on_disk_contains_a_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / ".buttons"
    monkeypatch.setenv("BUTTONS_HOME", str(home))
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = Folder(home)
    folder.drawer(
        "inner",
        button_step("w", "make", name="${inputs.name}", token=TOKEN),
        inputs=[{"name": "name"}, *DECLARED],
    )
    each = {
        "id": "each", "kind": "for_each", "over": "${inputs.names}", "as": "name",
        "steps": [
            {"id": "sub", "kind": "drawer", "drawer": "inner", "args": {"name": "${name}", "token": TOKEN}},
            button_step("kept", "kept", name="${name}", token=TOKEN),
        ],
    }  # fmt: skip
    folder.drawer("outer", each, inputs=[{"name": "names"}, *DECLARED])

    def make(name: str, token: str) -> Any:
        return ZOO[name](token)

    kept = button(name="kept", cache="1h")(lambda name, token: ZOO[name](token))
    results = press(
        "outer", {"names": [*ZOO], "token": SECRET}, buttons={"make": make, "kept": kept}, quiet=True
    )
    assert results.counts["ok"] == len(ZOO)
    assert len(folder.runs("inner")) == min(100, len(ZOO))
    assert "[redacted] (DataFrame)" in folder.everything()
    assert_nowhere(everything(tmp_path))
    assert list(home.rglob("results-*.db"))


# Values that change after they were recorded, and values that become secrets later


def test_a_secret_added_to_a_value_later_is_not_shown(tmp_path: Path) -> None:
    shared: list[Any] = [{"headers": {}}]
    model = Plain(None)

    def early(item: Any) -> Any:
        return [shared, model, item]

    def late(item: Any, token: str) -> str:
        item["token"] = token
        shared[0]["headers"]["Authorization"] = f"Bearer {token}"
        model.token = token
        return "done"

    steps = [
        {"id": "early", "button": "early", "args": {"item": "${name}"}},
        {"id": "late", "button": "late", "args": {"item": "${name}", "token": TOKEN}},
    ]
    items = [{"n": n} for n in range(3)]
    results = press(
        loop([], *steps),
        {"names": items, "token": SECRET},
        buttons={"early": early, "late": late},
        quiet=True,
    )
    assert items[0]["token"] == SECRET
    for _, shown in surfaces(results, tmp_path):
        assert_nowhere(shown)


def test_a_secret_declared_by_a_later_drawer_is_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = Folder(tmp_path / ".buttons")
    inner.drawer("inner", button_step("w", "knows", token=TOKEN), inputs=DECLARED)
    seen: list[str] = []

    def knows(token: str) -> str:
        seen.append(token)
        return "yes"

    nested = {
        "id": "inside",
        "kind": "for_each",
        "over": "${[name]}",
        "as": "x",
        "steps": [button_step("y", "make", token="${x}")],
    }
    drawer = loop([], button_step("made", "make", token="${name}"), nested)
    drawer["inputs"] = [{"name": "names"}]
    drawer["steps"].append(
        {"id": "sub", "kind": "drawer", "drawer": "inner", "args": {"token": "${inputs.names[0]}"}}
    )
    bad = [True]

    def make(token: str) -> Any:
        if bad and token != SECRET:
            raise ValueError("not yet")
        return Plain([token])

    drawer["steps"][0]["on_item_failure"] = "continue"
    around = {"names": [SECRET, "other"]}
    monkeypatch.chdir(tmp_path)
    results = press(drawer, around, buttons={"make": make, "knows": knows}, quiet=True)
    assert seen == [SECRET]
    for _, shown in surfaces(results, tmp_path):
        assert_nowhere(shown)
    bad.clear()
    results.retry(quiet=True)
    for _, shown in surfaces(results, tmp_path):
        assert_nowhere(shown)


def test_a_retry_passes_the_real_values_of_hidden_secrets(tmp_path: Path) -> None:
    """No argument of a retry contains the marker, for values of any kind and in nested loops."""
    seen: list[Any] = []
    bad = [True]

    def make(name: str, token: str) -> Any:
        return ZOO[name](token)

    def use(name: str, value: Any) -> str:
        seen.append(value)
        if bad:
            raise ValueError("not yet")
        return "used"

    inside = {
        "id": "inside", "kind": "for_each", "over": "${[made.output]}", "as": "value",
        "on_item_failure": "continue",
        "steps": [
            {"id": "again", "button": "make", "args": {"name": "${name}", "token": TOKEN}},
            {"id": "use", "button": "use", "args": {"name": "${name}", "value": "${again.output}"}},
        ],
    }  # fmt: skip
    outside = {"id": "made", "button": "make", "args": {"name": "${name}", "token": TOKEN}}
    last = {"id": "use", "button": "use", "args": {"name": "${name}", "value": "${made.output}"}}
    drawer = loop([], outside, inside, last, on_item_failure="continue")
    names = [name for name in ZOO if name not in ("map", "an iterator")]
    results = press(
        drawer, {"names": names, "token": SECRET}, buttons={"make": make, "use": use}, quiet=True, check=False
    )
    bad.clear()
    seen.clear()
    results.retry(quiet=True)
    assert results.counts["ok"] == len(names)
    assert len(seen) == 2 * len(names)
    for value in seen:
        assert not isinstance(value, str) or "[redacted]" not in value
        assert Redactor([SECRET]).holds(value)
    for _, shown in surfaces(results, tmp_path):
        assert_nowhere(shown)


def test_a_run_in_progress_shows_no_secret() -> None:
    """The record has no secret while a loop runs or a step waits for its next attempt."""
    looks: list[str] = []

    async def look(value: Any, token: str) -> Any:
        looks.append(repr(job.run.record.to_dict()) + repr(job.results))
        looks.append(pickle.dumps(job.results).decode("latin-1"))
        raise ValueError(f"no {token}", value)

    policy = {"action": "retry", "max_attempts": 3, "backoff": {"initial_ms": 1}}
    step = {"id": "w", "button": "look", "args": {"value": "${name}", "token": TOKEN}, "on_failure": policy}
    drawer = {
        "inputs": [{"name": "names"}, *DECLARED],
        "steps": [
            {
                **step,
                "args": {**step["args"], "value": "${inputs.names}"},
                "id": "alone",
                "on_failure": {**policy, "action": "retry"},
            },
        ],
    }
    for definition in (drawer, loop([], step, on_item_failure="continue")):
        given = {"names": [Plain(SECRET), [SECRET]], "token": SECRET}
        job = prepare(definition, given, Options(), Surroundings(named_buttons({"look": look}), {}))
        asyncio.run(job.run.execute())
        assert len(looks) >= 6
        for shown in looks:
            assert_nowhere(shown)
        looks.clear()


def test_a_log_hides_secrets_that_are_printed_in_pieces() -> None:
    log = Log()
    log.hide = Redactor([SECRET]).text
    for piece in ("see ", SECRET[:7], SECRET[7:], "\n", "x" * 1990, SECRET, "y" * 1990):
        log.write(piece)
        assert_nowhere(log.lines)
        assert SECRET[-8:] not in str(log.lines)
    assert log.lines[0] == "see [redacted]"


def test_secrets_in_the_output_of_a_loop_are_not_shown(tmp_path: Path) -> None:
    def same(x: Any) -> Any:
        return x

    steps = [
        {
            "id": "each",
            "kind": "for_each",
            "over": "${[inputs.token]}",
            "as": "x",
            "steps": [button_step("w", "same", x="${x}")],
        },
        button_step("whole", "same", x="${each.output}"),
        button_step("entries", "same", x="${each.output.results}"),
        button_step("listed", "same", x=["${each.output}", {"a": "${each.output.results}"}]),
        {"id": "real", "kind": "transform", "expression": "entries.output[0].steps.w.output == inputs.token"},
    ]
    results = press(
        {"inputs": DECLARED, "steps": steps}, {"token": SECRET}, buttons={"same": same}, quiet=True
    )
    assert results.run.step("real").output is True
    assert isinstance(results.run.step("whole").output, LoopOutput)
    assert_nowhere(repr(results.run.to_dict()))
    assert_nowhere(pickle.dumps(results))


# A notebook

SETUP = f"""
%load_ext drawer_ipy
import sys
sys.path.insert(0, {str(Path(__file__).parents[1])!r})
from tests.support.secret_zoo import ZOO, Plain
token = "".join(map(chr, {list(map(ord, SECRET))}))
values = [make(token) for make in ZOO.values()]
late = [{{"n": n}} for n in range(3)]

def make(name, token):
    return ZOO[name](token)

def same(name, token):
    return name

def fail(name, token):
    value = ZOO[name](token)
    raise value if isinstance(value, BaseException) else ValueError("bad", value)

def prints(item, token):
    print("print", token)
    item["token"] = token
    raise ValueError(token)
"""

EACH = """
inputs: {names: list, token: {secret: true}}
steps:
  - id: each
    kind: for_each
    over: ${inputs.names}
    as: name
    parallelism: 4
    on_item_failure: continue
    steps: [{id: w, button: BUTTON, args: {NAME: "${name}", token: "${inputs.token}"}}]
"""

CELLS = [
    "%%drawer d names={[*ZOO]}" + EACH.replace("BUTTON", "make").replace("NAME", "name"),
    "%%drawer d --no-raise names={[*ZOO]}" + EACH.replace("BUTTON", "fail").replace("NAME", "name"),
    "%%drawer d names={[*ZOO]}"
    + EACH.replace("BUTTON", "fail").replace("NAME", "name").replace("continue", "stop"),
    "%%drawer d --no-raise names=$values" + EACH.replace("BUTTON", "same").replace("NAME", "name"),
    "%%drawer d --no-raise --display html names={[*ZOO]}"
    + EACH.replace("BUTTON", "fail").replace("NAME", "name"),
    "%%drawer d --background --no-raise --out run names=$late"
    + EACH.replace("BUTTON", "prints").replace("NAME", "item"),
    "run.wait()",
    "run.log",
    "print(*run.log, run, run.results, run.results.run.to_dict())",
    "[row.output for row in _drawer], _drawer.errors, _drawer[0]",
    "_drawer.explain(0)",
    "_drawer.to_pandas()",
    "raise _drawer.errors[0].exception or ValueError('none is left')",
    "_drawer.timeline()",
]
FAILING = (2, 12)


def test_no_message_of_a_kernel_contains_a_secret(tmp_path: Path) -> None:
    """This covers saved outputs, the state of widgets and the replies to clicks."""
    with kernel_in(tmp_path, SETUP) as kernel:
        assert kernel.value("len(token)") == len(SECRET)
        cells = []
        for number, code in enumerate(CELLS):
            cell = kernel.run(code, fails=number in FAILING)
            cells.append(cell)
            assert_nowhere(repr([message["content"] for _, message in cell.messages]))
            assert_nowhere(repr([message["content"] for message in cell.others]))
            assert_nowhere(repr(cell.reply))
        assert f"{len(ZOO)} ok" in cells[0].shown
        assert "print [redacted]" in cells[8].stdout
        assert kernel.value("late[0]['token'] == token") is True


def test_a_saved_notebook_contains_no_secret(tmp_path: Path) -> None:
    cells = [nbformat.v4.new_code_cell(text) for text in (SETUP, *CELLS)]
    for number in FAILING:
        cells[number + 1].metadata["tags"] = ["raises-exception"]
    saved = execute(nbformat.v4.new_notebook(cells=cells), tmp_path)
    text = nbformat.writes(saved)
    assert "[redacted]" in text
    assert_nowhere(text)
    assert_nowhere(everything(tmp_path / ".buttons"))
