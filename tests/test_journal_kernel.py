"""A kernel that is killed in the middle of a cell, and the ones after it.

``DRAWER_KILLS=200`` in the environment makes that many kills instead of a few; see CONTRIBUTING.md.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from kernel_rig import kernel_in
from kill_rig import KILLS, Figures, KilledRuns
from killed_drawer import DRAWER

COUNT = 2_000
_SECONDS = 0.032
"""Seconds per item; all of them take eight seconds, longer than the kills of a chain need."""

_OF_A_CHAIN = 5 if KILLS else 2
"""Kills of one run before it is pressed to its end."""

SETUP = f"""
%load_ext drawer_ipy
import sys
sys.path.insert(0, {str(Path(__file__).parent / "support")!r})
from kill_ledger import Ledger
from killed_run import buttons, first_of
from drawer_ipy import Results
ledger = Ledger("ledger", {COUNT + 1})
globals().update(buttons(ledger, {COUNT}, {_SECONDS}))
"""


def cell(durable: str) -> str:
    body = DRAWER.replace("name: killed\n", "")
    return f"%%drawer killed xs={{range({COUNT})}} --quiet --resume --durable {durable}\n{body}"


@pytest.fixture(scope="module")
def figures() -> Iterator[Figures]:
    found = Figures()
    yield found
    print(f"\n{found.said()}")


def moment(runs: KilledRuns, durable: str, chance: random.Random) -> tuple[bool, float]:
    """Choose when to kill a kernel.

    Returns:
        whether to wait for the first press of the cell, and after how many more seconds to kill.
    """
    if durable == "auto" and runs.file is None:
        return True, chance.uniform(1.7, 3.2)  # nothing is stored in the first two seconds
    if chance.random() < 0.25:
        return False, chance.uniform(0.0, 0.4)  # perhaps while the stored run is read
    return True, chance.uniform(0.0, 1.2)


@pytest.mark.timeout(240)
@pytest.mark.parametrize("seed", range(max(1, KILLS // _OF_A_CHAIN)))
def test_a_cell_goes_on_in_the_kernel_after_one_that_was_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, figures: Figures, seed: int
) -> None:
    chance = random.Random(seed)
    runs = KilledRuns(tmp_path, COUNT, figures)
    monkeypatch.setenv("BUTTONS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    durable = "auto" if seed % 3 == 1 else "on"
    for _ in range(_OF_A_CHAIN):
        with kernel_in(tmp_path, SETUP) as kernel:
            runs.before_press()
            before = runs.ledger.begun()
            is_unstored = durable == "auto" and runs.file is None
            after_begin, seconds = moment(runs, durable, chance)
            kernel.client.execute(cell(durable))
            until = time.monotonic() + 30
            while after_begin and runs.ledger.begun() == before and time.monotonic() < until:
                time.sleep(0.002)
            began = time.monotonic()
            time.sleep(seconds)
            provisioner = kernel.manager.provisioner
            assert provisioner is not None
            killed = time.monotonic()
            os.kill(provisioner.pid, signal.SIGKILL)
            kernel.manager.provisioner.process.wait()  # type: ignore[union-attr]
        runs.after_kill(killed, unstored=began + 2.3 if is_unstored else 0.0)
        figures.check()
    with kernel_in(tmp_path, SETUP) as kernel:
        runs.before_press()
        if runs.file is not None:
            assert kernel.value("Results.open('killed').status") == "cancelled"
        kernel.run(f"globals().update(buttons(ledger, {COUNT}, 0.0))")
        kernel.run(cell("on"))
        runs.after_press()
        figures.check()
        assert kernel.value(f"list(_drawer['second']) == [x * x for x in range({COUNT})]") is True
        assert kernel.value(f"list(_drawer['first']) == list(map(first_of, range({COUNT})))") is True
        assert kernel.value("_drawer.status") == "ok"
        assert kernel.value("len(Results.open('killed'))") == COUNT
