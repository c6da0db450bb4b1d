"""The test suite itself: its programs handle signals as usual, and none of them stays behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from free_ports import candidates
from kernel_rig import kernel_in
from surroundings_rig import MARK

ROOT = Path(__file__).parents[1]

TESTS = """
import os, signal, subprocess, sys, time
from pathlib import Path

CHILD = "import signal; print([n for n in (1, 2, 3, 15) if signal.getsignal(n) is signal.SIG_IGN])"

def test_signals():
    found = subprocess.run([sys.executable, "-c", CHILD], capture_output=True, text=True, check=True).stdout
    assert found == "[]\\n"
    assert not signal.pthread_sigmask(signal.SIG_BLOCK, ())
    os.kill(os.getpid(), signal.SIGHUP)

def test_leaves():
    code = "import time; print(flush=True); time.sleep(300)"
    left = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, start_new_session=True)
    left.stdout.readline()  # before that it may not have its variables yet, among them the mark
    Path("pids").write_text(str(left.pid))
    if os.environ["HOW"] == "hangs":
        time.sleep(300)
    assert os.environ["HOW"] != "fails"
"""
NEXT = """
import os, psutil
from pathlib import Path

def test_it_is_gone_by_now():
    pid = int(Path("pids").read_text())
    gone = not psutil.pid_exists(pid) or psutil.Process(pid).status() == "zombie"
    assert gone == (os.environ["HOW"] == "fails")
"""

IGNORING = "trap '' HUP INT QUIT TERM USR1 CHLD; exec \"$@\""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project with the conftest.py of this test suite."""
    (tmp_path / "conftest.py").write_text((ROOT / "tests" / "conftest.py").read_text())
    (tmp_path / "test_a.py").write_text(TESTS)
    (tmp_path / "test_b.py").write_text(NEXT)
    return tmp_path


def command(folder: Path, *more: str) -> list[str]:
    options = ["-q", "--import-mode=importlib", "-p", "no:cacheprovider", *more]
    return ["sh", "-c", IGNORING, "sh", sys.executable, "-m", "pytest", *options, str(folder)]


def environment(how: str) -> dict[str, str]:
    plain = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(ROOT / "tests" / "support")}
    return {**os.environ, **plain, "HOW": how}


def until(true: object, seconds: float = 20.0) -> bool:
    end = time.monotonic() + seconds
    while not true():  # type: ignore[operator]
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def is_gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


@pytest.mark.parametrize("workers", [[], ["-p", "xdist.plugin", "-n", "1"]], ids=["alone", "xdist"])
@pytest.mark.parametrize(("how", "failed"), [("passes", 0), ("fails", 1)])
def test_programs_do_not_inherit_ignored_signals_and_are_ended(
    folder: Path, how: str, failed: int, workers: list[str]
) -> None:
    done = subprocess.run(
        command(folder, *workers),
        cwd=folder,
        env=environment(how),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == failed, done.stdout + done.stderr
    assert f"{3 - failed} passed" in done.stdout
    assert until(lambda: is_gone(int((folder / "pids").read_text())))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda n: n.name)
def test_interrupted_tests_leave_no_programs(folder: Path, number: signal.Signals) -> None:
    with subprocess.Popen(
        command(folder),
        cwd=folder,
        env=environment("hangs"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as running:
        pids = folder / "pids"
        assert until(lambda: pids.exists() and pids.read_text().strip() != "")
        running.send_signal(number)
    assert until(lambda: is_gone(int(pids.read_text())))


def test_the_mark_is_inherited_by_programs_of_this_process() -> None:
    assert os.environ[MARK]
    printed = subprocess.run(["sh", "-c", f"echo ${MARK}"], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == os.environ[MARK]


@pytest.mark.parametrize(
    ("picked_by_the_system", "lowest", "highest"),
    [("32768\t60999\n", 10_000, 65_535), ("10500 65535", 10_000, 65_535), ("15000 65535", 10_000, 14_999)],
    ids=["Linux", "too few are left", "none above"],
)
def test_ports_are_outside_the_range_that_the_system_picks_from(
    tmp_path: Path, picked_by_the_system: str, lowest: int, highest: int
) -> None:
    (tmp_path / "range").write_text(picked_by_the_system)
    first, last = map(int, picked_by_the_system.split())
    found = candidates(tmp_path / "range")
    assert (min(found), max(found)) == (lowest, highest)
    assert any(first <= port <= last for port in found) is (first == 10_500)


def test_kernels_are_told_such_ports(tmp_path: Path) -> None:
    with kernel_in(tmp_path) as kernel:
        connection = kernel.manager.get_connection_info()
    ports = {connection[f"{channel}_port"] for channel in ("shell", "iopub", "stdin", "hb", "control")}
    assert len(ports) == 5
    assert ports <= set(candidates())
