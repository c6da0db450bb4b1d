"""Scripts of a kernel that is killed: they end with it, or before its run is resumed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from kernel_rig import kernel_in
from orphans_rig import groups, members, start, until, watchdogs_of

from drawer_ipy import Results
from drawer_ipy.buttons.script import watchdog
from drawer_ipy.common.process_ids import start_of, start_ticks
from drawer_ipy.journal.scripts import end_scripts

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="only on Linux"),
    pytest.mark.usefixtures("home"),
]


def all_gone(found: list[int], seconds: float = 10) -> bool:
    return until(lambda: not any(map(members, found)), seconds)


def end_all(found: list[int]) -> None:
    for group in found:
        for process in members(group):
            process.kill()


def test_the_scripts_of_a_killed_program_end_with_all_that_they_started(tmp_path: Path) -> None:
    program = start(tmp_path / "ledger")
    found = groups(tmp_path / "ledger")
    assert all(len(members(group)) == 3 for group in found), "a shell and two sleeps"
    (dog,) = watchdogs_of(program.pid)
    assert os.getsid(dog.pid) != os.getsid(program.pid), "no Ctrl-C reaches it"
    opened = {
        os.readlink(f"/proc/{dog.pid}/fd/{name}").split(":")[0] for name in os.listdir(f"/proc/{dog.pid}/fd")
    }
    assert opened == {"pipe", "/memfd", "/dev/null"}, "it holds nothing of the program but pipe and file"
    assert dog.memory_info().rss < 6_000_000
    program.kill()
    program.communicate(timeout=5)  # it would wait for a process that holds the program's stdout
    assert all_gone(found)
    assert until(lambda: not dog.is_running() or dog.status() == psutil.STATUS_ZOMBIE)


def test_a_program_that_ends_leaves_nothing(tmp_path: Path) -> None:
    program = start(tmp_path / "ledger", seconds=1)
    groups(tmp_path / "ledger")
    dogs = watchdogs_of(program.pid)
    assert len(dogs) == 1
    output, _ = program.communicate(timeout=60)
    assert program.returncode == 0, output
    assert until(lambda: not any(dog.is_running() for dog in dogs))


def test_two_programs_have_their_own_scripts(tmp_path: Path) -> None:
    one, two = start(tmp_path / "one"), start(tmp_path / "two")
    found = groups(tmp_path / "one"), groups(tmp_path / "two")
    one.kill()
    one.communicate()
    assert all_gone(found[0])
    assert all(len(members(group)) == 3 for group in found[1])
    two.kill()
    two.communicate()
    assert all_gone(found[1])


def test_a_watchdog_that_was_killed_is_replaced_with_the_next_script(tmp_path: Path) -> None:
    program = start(tmp_path / "ledger", seconds=3, count=6)
    groups(tmp_path / "ledger")
    (dog,) = watchdogs_of(program.pid)
    dog.kill()
    found = groups(tmp_path / "ledger", 6)[3:]
    assert len(watchdogs_of(program.pid)) == 1
    program.kill()
    program.communicate()
    assert all_gone(found, 2.5)


FORKING = """
import os, sys, time
from drawer_ipy import press
def go(name, seconds):
    code = f"echo $$ >> {sys.argv[1]}.{name}; sleep {seconds}"
    button = {"runtime": "sh", "code": code}
    steps = [{"id": "work", "button": "work"}]
    press({"name": name, "buttons": {"work": button}, "steps": steps}, quiet=True)
go("first", 0)
if os.fork() == 0:
    go("child", 60)
go("parent", 60)
"""


def test_a_forked_child_has_its_own_scripts(tmp_path: Path) -> None:
    program = subprocess.Popen([sys.executable, "-c", FORKING, str(tmp_path / "ledger")])
    (of_child,) = groups(tmp_path / "ledger.child", 1)
    (of_parent,) = groups(tmp_path / "ledger.parent", 1)
    (child,) = [p for p in psutil.Process(program.pid).children() if p.cmdline()[0] == sys.executable]
    try:
        program.kill()
        program.wait()
        assert all_gone([of_parent]), "although the child lives, which was forked while the pipe was open"
        assert members(of_child)
    finally:
        child.kill()
    assert all_gone([of_child])


@pytest.mark.parametrize("in_memory", [True, False])
@pytest.mark.parametrize("shell", ["/bin/sh", "/bin/bash"])
def test_a_process_that_got_the_number_of_a_script_is_not_ended(
    shell: str, in_memory: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watchdog, "_SHELL", shell)
    if not in_memory:
        monkeypatch.delattr(os, "memfd_create")
    since = start_ticks()
    processes = [subprocess.Popen(["sleep", "60"], start_new_session=True) for _ in range(4)]
    same, other, ended, gone = processes
    dog = watchdog.Watchdog()
    for process in (same, ended, gone):
        dog.add(process.pid, since)
    assert dog._groups is not None
    dog._groups.add(other.pid, since - 2, since - 1)
    dog.remove(ended.pid)
    gone.kill()
    gone.wait()
    dog._forget()
    assert same.wait(timeout=10) == -signal.SIGTERM
    time.sleep(1)
    assert other.poll() is None
    assert ended.poll() is None
    assert end_scripts([(other.pid, "12345"), (ended.pid, "1"), (gone.pid, "1")]) == 0
    assert end_scripts([(other.pid, start_of(other.pid))]) == 1
    assert other.wait(timeout=10) == -signal.SIGTERM
    ended.kill()
    ended.wait()


def test_the_file_of_groups_grows_and_its_lines_are_used_again() -> None:
    groups = watchdog._GroupFile()
    expected = set[int]()
    chance = random.Random(1)
    for group in range(1, 1000):
        groups.add(group, 10**19, 10**19 + group)
        expected.add(group)
        while expected and chance.random() < 0.45:
            ended = chance.choice(sorted(expected))
            groups.remove(ended)
            expected.remove(ended)
    groups.remove(5_000)
    lines = os.pread(groups.fd, 1_000_000, 0).decode("ascii").splitlines()
    assert sorted(tuple(map(int, line.split())) for line in lines if line.strip()) == [
        (group, 10**19, 10**19 + group) for group in sorted(expected)
    ]
    assert len(lines) < 2 * len(expected) + 64
    groups.close()


@pytest.mark.parametrize("differs", [False, True])
def test_starts_are_told_by_the_clock_unless_the_system_counts_them_from_another_moment(
    differs: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watchdog, "start_ticks", lambda: start_ticks() + 100_000 * differs)
    before = watchdog.start_ticks()
    one, two = (subprocess.Popen(["sleep", "60"], start_new_session=True) for _ in range(2))
    dog = watchdog.Watchdog()
    dog.add(one.pid, before)
    dog.add(two.pid, before)
    dog._forget()
    assert one.wait(timeout=10) == two.wait(timeout=10) == -signal.SIGTERM


SETUP = "%load_ext drawer_ipy"
CELL = """\
%%drawer orphans --quiet --durable off
buttons:
  work: {{runtime: sh, code: "trap '' TERM; echo $$ >> {ledger}; sleep 60; sleep 60"}}
steps:
  - {{id: work, button: work}}
"""


def test_a_killed_kernel_ends_even_scripts_that_ignore_sigterm(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger"
    with kernel_in(tmp_path, SETUP) as kernel:
        provisioner = kernel.manager.provisioner
        assert provisioner is not None
        pid = provisioner.pid
        # The next cell is sent before this one has ended; by default its error would abort the next one.
        kernel.client.execute(CELL.format(ledger=tmp_path / "first"), stop_on_error=False)
        first = groups(tmp_path / "first", 1)
        (dog,) = watchdogs_of(pid)
        os.killpg(os.getpgid(pid), signal.SIGINT)  # as Ctrl-C in the terminal of a notebook server
        assert all_gone(first)
        kernel.client.execute(CELL.format(ledger=ledger))
        second = groups(ledger, 1)
        assert watchdogs_of(pid) == [dog]
        os.kill(pid, signal.SIGKILL)
        assert all_gone(second)


def test_a_run_that_is_resumed_ends_the_scripts_that_were_left(tmp_path: Path) -> None:
    program = start(tmp_path / "ledger", 60, "on")
    found = groups(tmp_path / "ledger")
    time.sleep(1)
    (dog,) = watchdogs_of(program.pid)
    dog.kill()  # as where there is no watchdog
    program.kill()
    program.communicate()
    time.sleep(0.5)
    assert all(len(members(group)) == 3 for group in found)
    Results.open("orphans")
    assert all(members(group) for group in found), "opening the table ends nothing"
    try:
        again = start(tmp_path / "again", 0, "on", 3, "resume", "loud")
        output, _ = again.communicate(timeout=60)
        assert "3 scripts of it were still running, and ended before the run was resumed" in output
        assert all_gone(found, 1)
    finally:
        end_all(found)


def test_the_scripts_of_a_strict_run_are_in_its_file_soon(tmp_path: Path) -> None:
    program = start(tmp_path / "ledger", 60, "strict")
    found = groups(tmp_path / "ledger")
    time.sleep(1)
    watchdogs_of(program.pid)[0].kill()
    program.kill()
    program.communicate()
    try:
        start(tmp_path / "again", 0, "on", 3, "resume").communicate(timeout=60)
        assert all_gone(found, 1)
    finally:
        end_all(found)
