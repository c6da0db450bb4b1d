"""Options and inputs of ``%%drawer`` cells, and the error for each mistake; in a real kernel."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from kernel_rig import Kernel, kernel_in

SETUP = """
%load_ext drawer_ipy
import asyncio
pressed = []
three = [1, 2, 3]
class Thing: pass
thing = Thing()

async def double(x):
    pressed.append(x)
    await asyncio.sleep(0)
    return x * 2

def two(a, b): return [a, b]
def same(x): return x
kept = "from an earlier cell"
"""

LOOP = """
steps:
  - id: each
    kind: for_each
    over: ${inputs.xs}
    as: x
    steps: [{id: y, button: double, args: {x: "${x}"}}]
"""

ONE = 'steps: [{id: y, button: same, args: {x: "${inputs.x}"}}]'


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    with kernel_in(tmp_path_factory.mktemp("home"), SETUP) as kernel:
        yield kernel


@pytest.mark.parametrize(
    ("head", "variable"),
    [
        ("%%drawer t xs=$three", "_drawer"),
        ("%%drawer xs=$three --out got", "got"),
        ("%%drawer t xs=$three -o got2", "got2"),
        ("%%drawer got3 << t xs=$three", "got3"),
        ("%%drawer t xs=[1,2,3] -o got4", "got4"),
        ("%%drawer t xs={[1, 2] + [3]} -o got5", "got5"),
        ("%%drawer t xs={range(1, 4)} -o got6 -p 2 --concurrency 2 --mode parallel --timeout 1m", "got6"),
        ("%%drawer t xs=$three --display html -o got7", "got7"),
        ("%%drawer t xs=$three --display text -o got8", "got8"),
        ("%%time\n%%drawer t xs=$three -o got9", "got9"),
        ("%%capture said\n%%drawer t xs=$three -o got10", "got10"),
        ("%%time\n# why\n\n%%drawer t xs=$three -o got11", "got11"),
        ("\n\n%%drawer t xs=$three -o got12", "got12"),
        ("# a comment\n#another\n\n%%drawer t xs=$three -o got13", "got13"),
    ],
)
def test_a_cell_returns_its_results_with_any_other_magic_around_it(
    kernel: Kernel, head: str, variable: str
) -> None:
    cell = kernel.run(head + LOOP)
    assert kernel.value(f"[row['y'] for row in {variable}]") == [2, 4, 6]
    assert kernel.value(f"_drawer is {variable}")
    if "capture" not in head:
        assert "✔ finished · 3 ok" in (cell.stdout if "text" in head else cell.shown)


def test_capture_captures_the_view(kernel: Kernel) -> None:
    cell = kernel.run("%%capture said\n%%drawer t xs=$three" + LOOP)
    assert cell.of("display_data") == []
    assert kernel.value("said.outputs[-1].data['text/plain'].startswith('✔ finished · 3 ok')")


def test_quiet_shows_nothing(kernel: Kernel) -> None:
    cell = kernel.run("%%drawer t xs=$three --quiet -o silent" + LOOP)
    # Pages may hear meanwhile that the results of an earlier cell are gone.
    kinds = {message["msg_type"] for _, message in cell.messages} - {"comm_msg"}
    assert kinds == {"status", "execute_input"}
    assert kernel.value("list(silent['y'])") == [2, 4, 6]


@pytest.mark.parametrize(
    ("given", "value"),
    [
        ("x=7", 7),
        ("x=seven", "seven"),
        ('x="7"', "7"),
        ("x='two words'", "two words"),
        ('x={"a": [1, 2]}', {"a": [1, 2]}),
        ("x={len(three) + 1}", 4),
        ("x={'$three'}", "$three"),
        ("x=null", None),
    ],
)
def test_inputs_can_be_json_text_variables_or_expressions(kernel: Kernel, given: str, value: object) -> None:
    kernel.run(f"%%drawer t {given}\n{ONE}")
    assert kernel.value("_drawer.run.steps[0].output") == value


def test_variables_are_passed_by_identity_even_if_only_declared_as_inputs(kernel: Kernel) -> None:
    kernel.run(f"%%drawer t x=$thing\n{ONE}")
    assert kernel.value("_drawer.run.steps[0].output is thing")
    kernel.run("%%drawer t\ninputs: [thing, exit]\n" + ONE.replace("inputs.x", "inputs.thing"))
    assert kernel.value("_drawer.run.steps[0].output is thing")


def test_a_dry_run_shows_what_would_run_and_presses_nothing(kernel: Kernel) -> None:
    kernel.run("pressed.clear()")
    cell = kernel.run("%%drawer t xs={range(500)} -p 9 --dry-run -o kept" + LOOP)
    assert cell.shown.splitlines() == [
        "drawer t: dry run, nothing was pressed",
        "  input xs = range(0, 500)",
        "  each: for each x in inputs.xs, 9 at once",
        "    y: press double (function) with x=${x}",
    ]
    assert kernel.value("(pressed, kept)") == ([], "from an earlier cell")


def test_a_defined_drawer_can_be_changed_and_pressed_by_verbs(kernel: Kernel) -> None:
    kernel.run("pressed.clear()")
    printed = kernel.run("%%drawer doubled --define xs=1" + LOOP).stdout
    assert printed == "drawer doubled is defined; `%drawer doubled press` runs it\n"
    assert kernel.value("pressed") == []
    assert "for each x in inputs.xs" in kernel.run("%drawer doubled").stdout
    changed = kernel.run("%drawer doubled set each.parallelism=10 each.on_item_failure=continue").stdout
    assert "each.parallelism = 10" in changed
    assert kernel.run("%drawer doubled press xs=$three").shown.startswith("✔ finished · 3 ok")
    assert kernel.value("[row['y'] for row in _drawer]") == [2, 4, 6]
    assert kernel.run("again = %drawer doubled press xs={range(2)}\nprint(len(again))").stdout == "2\n"
    kernel.run("%%drawer outer\nsteps: [{id: s, kind: drawer, drawer: doubled, args: {xs: [5]}}]")
    assert kernel.value("pressed[-1]") == 5
    assert "doubled  1 step (cell)" in kernel.run("%drawer list").stdout
    kernel.run("%drawer doubled remove")
    assert "there is no drawer 'doubled'" in kernel.run("%drawer doubled press", fails=True).traceback


def test_a_pressed_cell_can_be_pressed_again_by_its_name(kernel: Kernel) -> None:
    kernel.run("%%drawer mine xs=$three" + LOOP)
    kernel.run("n = 4\n%drawer mine set each.parallelism=$n")
    assert kernel.run("%drawer mine press xs=[4]").shown.startswith("✔ finished · 1 ok")
    assert "4 at once" in kernel.run("%drawer mine").stdout


def test_a_failed_press_by_name_ends_like_a_failed_cell(kernel: Kernel) -> None:
    kernel.run("def bad(x): raise ValueError('no')")
    kernel.run("%%drawer broken xs=$three --define" + LOOP.replace("double", "bad"))
    for code in ("%drawer broken press xs=$three", "x = 1\n%drawer broken press xs=$three"):
        cell = kernel.run(code, fails=True)
        assert cell.traceback.startswith("DrawerFailed: drawer 'broken' failed at step 'each': ")
        assert "drawer_ipy" not in cell.traceback
        assert kernel.value("_drawer.counts['failed']") == 1


def test_settings_are_the_defaults_of_options_and_survive_a_reload(kernel: Kernel) -> None:
    kernel.run(
        "%config DrawerMagics.out = 'everywhere'\n"
        "%config DrawerMagics.no_raise = True\n"
        "%config DrawerMagics.parallelism = 7\n"
    )
    kernel.run("%reload_ext drawer_ipy")
    try:
        kernel.run("def bad(x): raise ValueError('no')")
        kernel.run("%%drawer t xs=$three" + LOOP.replace("double", "bad"))
        assert kernel.value("everywhere is _drawer")
        assert "7 at once" in kernel.run("%%drawer t --dry-run xs=$three" + LOOP).shown
        assert "3 at once" in kernel.run("%%drawer t --dry-run xs=$three -p 3" + LOOP).shown
        kernel.run("%%drawer got14 << t xs=$three" + LOOP)
        assert kernel.value("got14 is _drawer")
        refused = kernel.run("%config DrawerMagics.loop = 'sideways'")
        assert "sideways" in refused.printed("stderr") + refused.stdout
    finally:
        kernel.run(
            "%config DrawerMagics.out = ''\n"
            "%config DrawerMagics.no_raise = False\n"
            "%config DrawerMagics.parallelism = None\n"
        )


def test_loading_twice_is_harmless_and_unloading_restores_everything(kernel: Kernel) -> None:
    kernel.run("%%button hello\necho hi\n")
    kernel.run("%load_ext drawer_ipy\n%reload_ext drawer_ipy\n%reload_ext drawer_ipy")
    kernel.run("%%drawer t\nsteps: [{id: y, button: hello}]")
    assert kernel.value("_drawer.run.steps[0].output") == "hi\n"
    count = "len([c for c in get_ipython().configurables if type(c).__name__ == 'DrawerMagics'])"
    hooks = (
        "sorted({h.__module__ for h in get_ipython().input_transformers_cleanup if 'drawer' in h.__module__})"
    )
    assert kernel.value(hooks) == [
        "drawer_ipy.notebook.awaited_cells",
        "drawer_ipy.notebook.misplaced_magics",
    ]
    assert kernel.value(count) == 1
    kernel.run("%unload_ext drawer_ipy")
    assert kernel.value(count) == 0
    assert kernel.value(hooks) == []
    assert kernel.value("'button' in globals()") is False
    gone = kernel.client.execute("%%drawer t xs=$three" + LOOP)
    assert "not found" in kernel.follow(gone).printed("stderr")
    kernel.run("%load_ext drawer_ipy")
    kernel.run("%%drawer t xs=$three" + LOOP)


def test_a_misspelt_runtime_is_not_taken_for_an_argument(kernel: Kernel) -> None:
    message = kernel.run("%%button odd pyton\nprint(1)", fails=True).traceback
    assert "'pyton' is not a runtime (did you mean 'python'?)" in message
    assert "if it is an argument, give its type: pyton:string" in message
    kernel.run("%%button odd pyton:string base\necho $BUTTONS_ARG_PYTON $BUTTONS_ARG_BASE")
    kernel.run("%%drawer t\nsteps: [{id: y, button: odd, args: {pyton: hi, base: all}}]")
    assert kernel.value("_drawer.run.steps[0].output") == "hi all\n"


def test_a_question_mark_shows_all_options(kernel: Kernel) -> None:
    reply = kernel.client.execute("%%drawer?")
    (payload,) = kernel.follow(reply).reply["payload"]
    text = payload["data"]["text/plain"]
    options = "--out --parallelism --mode --concurrency --on-failure --timeout --dry-run --define --quiet"
    for option in [*options.split(), "--no-raise", "--display"]:
        assert option in text


MISTAKES = {
    "malformed YAML": ("t", "steps:\n  - {id: a, button: same\n", "line 3, column 5: "),
    "a tab": ("t", "steps:\n\t- id: a\n", "line 3, column 1: "),
    "an unknown key": (
        "t",
        "steps:\n  - {id: a, buton: same}",
        "line 3, column 13: step 'a': unknown key 'buton'",
    ),
    "an unknown button": (
        "t",
        "steps:\n  - id: a\n    button: smae",
        "line 4, column 13: step 'a': there is no button 'smae' (did you mean 'same'?",
    ),
    "a wrong type": ("t", "steps:\n  - {id: a, button: same, args: [1]}", "line 3, column 33: step 'a': "),
    "steps that are no list": ("t", "steps: 7", "line 2, column 8: "),
    "over that is not a list": (
        "t",
        "steps:\n  - {id: e, kind: for_each, over: 7, as: x, steps: [{id: a, button: same}]}",
        "line 3, column 35: step 'e': ",
    ),
    "negative parallelism": (
        "t",
        "steps:\n  - {id: e, kind: for_each, over: [1], as: x, parallelism: -1, "
        'steps: [{id: a, button: same, args: {x: "${x}"}}]}',
        "line 3, column 60: step 'e': parallelism cannot be -1",
    ),
    "duplicate ids": (
        "t",
        "steps:\n  - {id: a, button: same, args: {x: 1}}\n  - {id: a, button: same, args: {x: 1}}",
        "line 4, column 10: step 'a': ",
    ),
    "a reference to a later step": (
        "t",
        'steps:\n  - {id: a, button: same, args: {x: "${b.output}"}}\n  - {id: b, button: same}',
        "line 3, column 40: step 'a': 'b.output' refers to",
    ),
    "a missing argument": (
        "t",
        "steps:\n  - {id: a, button: two, args: {a: 1}}",
        "step 'a': button 'two' needs the argument 'b', which is not given",
    ),
    "an input that is not given": (
        "t",
        'steps:\n  - {id: a, button: same, args: {x: "${inputs.xx}"}}',
        "line 3, column 40: step 'a': there is no input 'xx'",
    ),
    "an empty cell": ("t", "", "is empty"),
    "no variable": ("t xs=$threee", ONE, "there is no variable 'threee'\n  did you mean 'three'?"),
    "a bad expression": ("t xs={1/0}", ONE, "{1/0} cannot be evaluated: ZeroDivisionError"),
    "an unknown option": ("t --quite", ONE, "unknown option --quite\n  did you mean '--quiet'?"),
    "a bad number": ("t -p -3", ONE, "must be a whole number from 0 up, not '-3'"),
    "a bad time": ("t --timeout never", ONE, "must be seconds, or a duration such as 2m, not 'never'"),
    "a bad variable": ("t --out 3x", ONE, "--out needs a variable's name, not '3x'"),
    "an open bracket": ("t xs=[1,2", ONE, "a closing ] is missing"),
    "two names": ("a b", ONE, "takes one name, not 'a b'"),
    "no name to define": ("--define", ONE, "--define needs a name"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_a_short_error_before_anything_runs(kernel: Kernel, mistake: str) -> None:
    head, text, message = MISTAKES[mistake]
    kernel.run("pressed.clear()")
    cell = kernel.run(f"%%drawer {head}{'' if '--out' in head else ' -o kept'}\n{text}", fails=True)
    assert message in cell.traceback
    assert len(cell.traceback.splitlines()) <= 8
    for word in ("drawer_ipy", "site-packages", "Traceback", "magic"):
        assert word not in cell.traceback.replace("magic line", "")
    assert cell.of("display_data") == []
    assert kernel.value("(pressed, kept)") == ([], "from an earlier cell")


def test_line_numbers_count_from_the_top_of_the_cell_with_text_above_the_magic(kernel: Kernel) -> None:
    cell = kernel.run("# why\n\n%%drawer t\nsteps:\n  - {id: a, button: smae}\n", fails=True)
    assert "line 5, column 21: step 'a': there is no button 'smae'" in cell.traceback
    assert cell.traceback.splitlines()[2:] == [
        "      - {id: a, button: smae}",
        "    " + " " * 20 + "^",
    ]


def test_all_mistakes_are_reported_at_once(kernel: Kernel) -> None:
    cell = kernel.run(
        "%%drawer t\nsteps:\n  - {id: a, buton: same}\n  - {id: a, button: two, args: {c: 1}}\n", fails=True
    )
    assert "was not run: " in cell.traceback.splitlines()[0]
    assert int(cell.traceback.split(" problems")[0].split()[-1]) >= 4


def test_the_error_for_over_without_a_list_names_the_step(kernel: Kernel) -> None:
    cell = kernel.run("%%drawer t xs=7" + LOOP, fails=True)
    assert "drawer 't' failed at step 'each': " in cell.traceback
    assert "int" in cell.traceback or "7" in cell.traceback
    assert len(cell.traceback.splitlines()) <= 3


def test_results_do_not_replace_a_function_that_the_drawer_presses(kernel: Kernel) -> None:
    text = kernel.run(f"%%drawer xs=[1] -o double\ninputs: [xs]\n{LOOP}", fails=True).traceback
    assert "--out double would replace the function 'double', which a step presses" in text
    assert "--out double_results" in text
    kernel.run(f"%%drawer xs=[1] -o two\ninputs: [xs]\n{LOOP}")
    assert kernel.value("len(two)") == 1
    kernel.run("def two(a, b): return [a, b]")
