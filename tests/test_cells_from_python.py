"""Functions that a notebook calls find what its cells have defined: buttons and drawers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from kernel_rig import Kernel, kernel_in

SETUP = "%load_ext drawer_ipy"
BUTTON = "%%button greet sh name\nprintf 'hello %s' \"$BUTTONS_ARG_NAME\"\n"
DRAWER = """\
%%drawer greeting --quiet
inputs: [{name: who, default: you}]
steps: [{id: a, button: greet, args: {name: "${inputs.who}"}}]
"""
STEP = "{'steps': [{'id': 'a', 'button': 'greet', 'args': {'name': 'x'}}]}"


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    with kernel_in(tmp_path_factory.mktemp("home"), SETUP) as kernel:
        kernel.run(BUTTON)
        kernel.run(DRAWER)
        kernel.run("from drawer_ipy import Drawer, aeach, apress, each, press")
        kernel.run("import asyncio, types")
        yield kernel


@pytest.mark.parametrize(
    ("call", "output"),
    [
        (f"press({STEP}, quiet=True).run.steps[0].output", "hello x"),
        (f"(await apress({STEP}, quiet=True)).run.steps[0].output", "hello x"),
        (f"(await asyncio.create_task(apress({STEP}, quiet=True))).run.steps[0].output", "hello x"),
        (f"(await asyncio.to_thread(press, {STEP}, quiet=True)).run.steps[0].output", "hello x"),
        ("each('greet', ['a', 'b'], quiet=True).outputs.to_list()", ["hello a", "hello b"]),
        ("(await aeach('greet', ['a'], quiet=True)).outputs.to_list()", ["hello a"]),
        ("press('greeting', {'who': 'w'}, quiet=True).run.steps[0].output", "hello w"),
        (f"Drawer.load({STEP} | {{'name': 'n'}}).validate().ok", True),
    ],
)
def test_a_call_finds_the_buttons_and_drawers_of_cells(kernel: Kernel, call: str, output: object) -> None:
    kernel.run(f"found = {call}")
    assert kernel.value("found") == output


def test_a_function_of_the_notebook_finds_them_too(kernel: Kernel) -> None:
    kernel.run(
        f"def go():\n    x = 1\n    return press({STEP}, quiet=True)\nfound = go().run.steps[0].output"
    )
    assert kernel.value("found") == "hello x"


def test_a_button_of_the_call_comes_before_that_of_a_cell(kernel: Kernel) -> None:
    kernel.run(f"r = press({STEP}, quiet=True, buttons={{'greet': lambda name: name * 2}})")
    assert kernel.value("r.run.steps[0].output") == "xx"


def test_another_module_does_not_see_the_cells(kernel: Kernel) -> None:
    kernel.run(
        f"""
        other = types.ModuleType("other")
        exec("from drawer_ipy import press\\ndef go(): return press({STEP}, quiet=True)", other.__dict__)
        try:
            other.go()
        except Exception as error:
            found = str(error)
        """
    )
    assert "there is no button 'greet'" in kernel.value("found")


def test_names_of_cells_are_suggested(kernel: Kernel) -> None:
    kernel.run("try: press('greting')\nexcept Exception as error: found = str(error)")
    assert "greeting" in kernel.value("found")
    kernel.run("try: each('gret', [1])\nexcept Exception as error: found = str(error)")
    assert "greet" in kernel.value("found")
