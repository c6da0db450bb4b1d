"""Test a few hundred random definitions and expressions; ``python -m benchmarks.fuzz`` tests ten thousand."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks import fuzz, fuzz_grammar
from drawer_ipy.pressing.prepare import prepare
from drawer_ipy.pressing.surroundings import Surroundings, named_buttons

EXAMPLES = {"expression": 300, "text": 80, "mapping": 100, "press": 80}


@pytest.mark.parametrize("target", fuzz.TARGETS)
def test_random_input_raises_only_errors_of_drawer_ipy(target: str) -> None:
    fuzz.fuzz(target, EXAMPLES[target])


def test_another_exception_is_found_and_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(text: str) -> None:
        if "}" in text:
            raise KeyError(text)

    monkeypatch.setitem(fuzz.TARGETS, "expression", (fuzz_grammar.expressions, breaks))
    with pytest.raises(KeyError) as caught:
        fuzz.fuzz("expression", 300)
    assert caught.value.args[0].count("}") == 1  # the smallest example that fails
    assert fuzz.main(["--only", "expression", "--examples", "300"]) == 1


def test_a_hang_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def hangs(text: str) -> None:
        while True:
            pass

    monkeypatch.setattr(fuzz, "PATIENCE", 1)
    monkeypatch.setitem(fuzz.TARGETS, "expression", (st.just("x"), hangs))
    with pytest.raises(fuzz.Hang):
        fuzz.fuzz("expression", 1)


def test_drawers_of_the_strategy_are_valid_and_many_succeed() -> None:
    """Otherwise the fuzzing would only test refusals."""
    ended: Counter[str] = Counter()
    buttons = named_buttons({f.__name__: f for f in (fuzz.same, fuzz.slow, fuzz.fail, fuzz.odd)})
    around = Surroundings(buttons, drawers=fuzz._children(fuzz.SOUND))

    @settings(max_examples=60, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(fuzz_grammar.sound_drawers())
    def press(tree: dict[str, Any]) -> None:
        job = prepare(tree, {"n": 2, "xs": [1, 2, 3], "d": {"x": 1}}, None, around)
        ended[asyncio.run(job.run.execute()).status] += 1

    press()
    assert min(ended["ok"], ended["failed"]) > 3


def test_the_command_prints_its_seed_and_the_number_of_examples(capsys: pytest.CaptureFixture[str]) -> None:
    assert fuzz.main(["--examples", "20", "--only", "expression", "--seed", "7"]) == 0
    assert capsys.readouterr().out.startswith("seed 7\nexpression: 20 examples")
