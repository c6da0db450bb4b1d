"""The error that ends a cell has the reason only where the cell shows no table with it; in a real kernel."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from kernel_rig import Kernel, kernel_in

SETUP = """
%load_ext drawer_ipy
def work(x):
    if x == 2:
        raise ValueError("two is refused")
    return x
def wordy(x):
    raise ValueError("no " * 700 + str(x))
"""

LOOP = """
steps:
  - id: each
    kind: for_each
    over: ${inputs.xs}
    as: x
    steps: [{id: y, button: work, args: {x: "${x}"}}]
"""

REASON = "two is refused"


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    with kernel_in(tmp_path_factory.mktemp("home"), SETUP) as kernel:
        yield kernel


@pytest.mark.parametrize("options", ["", " --display html", " --display widget"])
def test_beside_a_table_the_error_names_the_item_and_the_table_the_reason(
    kernel: Kernel, options: str
) -> None:
    cell = kernel.run(f"%%drawer t xs=[1,2,3]{options}{LOOP}", fails=True)
    assert cell.traceback == (
        "DrawerFailed: drawer 't' failed at step 'each': FOREACH_ITEM_FAILED: item 1 failed at step 'y': "
        "FUNCTION_ERROR (ValueError); the output above says why"
    )
    table = cell.of("update_display_data")[-1]["data"]["text/html"]
    assert REASON in table
    assert REASON in cell.reply["evalue"], "programs still get the whole message"


def test_beside_a_printed_table_too(kernel: Kernel) -> None:
    cell = kernel.run(f"%%drawer t xs=[1,2,3] --display text{LOOP}", fails=True)
    assert cell.stdout.count(REASON) == 1
    assert REASON not in cell.traceback
    assert "item 1" in cell.traceback


@pytest.mark.parametrize("options", ["--quiet", "--display none"])
def test_without_a_table_the_error_has_the_reason(kernel: Kernel, options: str) -> None:
    assert REASON in kernel.run(f"%%drawer t xs=[1,2,3] {options}{LOOP}", fails=True).traceback


def test_in_another_cell_the_error_of_a_background_run_has_the_reason(kernel: Kernel) -> None:
    kernel.run(f"%%drawer t xs=[1,2,3] --background --out run{LOOP}")
    assert REASON in kernel.run("await run", fails=True).traceback


def test_a_reason_that_no_table_shows_whole_is_in_the_error(kernel: Kernel) -> None:
    cell = kernel.run("%%drawer t xs=[1]" + LOOP.replace("work", "wordy"), fails=True)
    assert "no " * 700 in cell.traceback


def test_a_run_that_never_began_says_why_somewhere(kernel: Kernel) -> None:
    text = (
        "\ninputs: [{name: n, type: int, required: true}]\n" + LOOP.replace("inputs.xs", "inputs.n").lstrip()
    )
    cell = kernel.run("%%drawer t n='x'" + text, fails=True)
    assert "int" in cell.traceback
