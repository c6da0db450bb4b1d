"""docs/language.md is complete: it has every kind, key and error code, and its example is valid."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from drawer_ipy import Drawer
from drawer_ipy.definition.models import InputSpec, Queue
from drawer_ipy.definition.policy import BackoffSpec, Policy
from drawer_ipy.definition.reading.shape import keys_of
from drawer_ipy.definition.step_base import step_models
from drawer_ipy.errors import Code

TEXT = (Path(__file__).resolve().parent.parent / "docs" / "language.md").read_text(encoding="utf-8")
WORDS = set(re.findall(r"[A-Za-z_]+", TEXT))


@pytest.mark.parametrize("kind", step_models())
def test_every_kind_has_a_row_with_its_keys(kind: str) -> None:
    [row] = [line for line in TEXT.splitlines() if line.startswith(f"| `{kind}` |")]
    common = {"id", "kind", "args", "on_failure", "timeout_seconds", "bindings"}
    keys = set(keys_of(step_models()[kind])) - common
    text = row + ("".join(re.findall(r"\| `for_each` \|.*", TEXT)) if kind == "batch" else "")
    assert not [key for key in keys if f"`{key}" not in text]


@pytest.mark.parametrize("model", [Policy, BackoffSpec, Queue, InputSpec])
def test_every_key_is_mentioned(model: type) -> None:
    assert set(keys_of(model)) - {"name", "description", "type"} <= WORDS


def test_every_error_code_is_mentioned() -> None:
    codes = {value for name, value in vars(Code).items() if name.isupper()} - {Code.INTERNAL}
    assert codes <= WORDS


def test_the_example_is_a_valid_drawer() -> None:
    [example] = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
    press = "{id: p, button: fetch, args: {url: '${item}'}}"
    step = f"[{{id: each, kind: for_each, over: inputs.urls, steps: [{press}]}}]"
    drawer = Drawer.load(example.replace("[...]", step))
    problems = [p.message for p in drawer.validate(["team"]).errors]
    assert problems == ["there is no drawer 'notify'"]
