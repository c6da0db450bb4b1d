"""A few hundred random definitions and expressions; ``python -m benchmarks.fuzz`` tries ten thousand."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import fuzz, fuzz_grammar
from drawer_ipy import Drawer

EXAMPLES = {"expression": 300, "text": 80, "mapping": 150, "press": 100}


@pytest.mark.parametrize("target", fuzz.TARGETS)
def test_nothing_but_our_own_errors_gets_out(target: str) -> None:
    fuzz.fuzz(target, EXAMPLES[target])


def test_what_gets_out_is_found_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(text: str) -> None:
        if "}" in text:
            raise KeyError(text)

    monkeypatch.setitem(fuzz.TARGETS, "expression", (fuzz_grammar.expressions, breaks))
    with pytest.raises(KeyError) as caught:
        fuzz.fuzz("expression", 300)
    assert caught.value.args[0].count("}") == 1  # the smallest there is
    assert fuzz.main(["--only", "expression", "--examples", "300"]) == 1


def test_a_hang_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def hangs(text: str) -> None:
        while True:
            pass

    monkeypatch.setattr(fuzz, "PATIENCE", 1)
    monkeypatch.setitem(fuzz.TARGETS, "expression", (st.just("x"), hangs))
    with pytest.raises(fuzz.Hang):
        fuzz.fuzz("expression", 1)


def test_many_of_the_random_drawers_are_right() -> None:
    """Else the fuzzing would only try how things are refused."""
    loaded = sound = 0

    @settings(max_examples=60, database=None, deadline=None)
    @given(fuzz_grammar.drawers)
    def count(tree: object) -> None:
        nonlocal loaded, sound
        drawer = fuzz._refused(lambda: Drawer.load(tree))  # type: ignore[arg-type]
        loaded += isinstance(drawer, Drawer)
        sound += isinstance(drawer, Drawer) and drawer.validate(["n", "xs"], buttons={"same": fuzz.same}).ok

    count()
    assert loaded > 20
    assert sound > 3


def test_the_command_says_its_seed_and_what_it_tried(capsys: pytest.CaptureFixture[str]) -> None:
    assert fuzz.main(["--examples", "20", "--only", "expression", "--seed", "7"]) == 0
    assert capsys.readouterr().out.startswith("seed 7\nexpression: 20 examples")
