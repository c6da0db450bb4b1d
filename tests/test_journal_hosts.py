"""Runs on disks that several machines use, and processes that are stopped: who presses a run, and who may."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from orphans_rig import until

from drawer_ipy import UsageError, press
from drawer_ipy.cache.private import private_key
from drawer_ipy.journal import lock
from drawer_ipy.journal.folder import StoredRun, files, glance
from drawer_ipy.journal.reader import read_run

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="machines are told apart on Linux only"),
    pytest.mark.usefixtures("runs_folder"),
]

PROGRAM = """
import errno, fcntl, os, socket, sys, time
from drawer_ipy import press
from drawer_ipy.common import process_ids
what = sys.argv[1:]
def unsupported(handle, how):
    raise OSError(errno.ENOLCK, "no locks available")
if "no-flock" in what:
    fcntl.flock = unsupported
if "local-flock" in what:
    fcntl.flock = lambda handle, how: None
if "elsewhere" in what:
    socket.gethostname = lambda: "other-host"
    process_ids._text = lambda path: "other " + path
def work(x):
    time.sleep(0.02)
    return x
each = {"id": "each", "kind": "for_each", "over": "${inputs.xs}", "as": "x",
        "steps": [{"id": "work", "button": "work", "args": {"x": "${x}"}}]}
press({"name": "pages", "inputs": ["xs"], "steps": [each]}, {"xs": list(range(int(what[0])))},
      buttons={"work": work}, durable="on", resume="resume" in what)
"""


@pytest.fixture
def programs() -> Iterator[list[subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []
    yield started
    for program in started:
        program.kill()
        program.wait()
        if program.stdout is not None:
            program.stdout.close()


def start(programs: Any, *words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PROGRAM, *words]
    program = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    programs.append(program)
    return program


def stored(runs_folder: Path) -> StoredRun:
    """The only run, once something of it is on disk."""

    def is_there() -> bool:
        try:
            return glance(files(runs_folder)[0]).ok > 5
        except Exception:
            return False

    assert until(is_there)
    (path,) = files(runs_folder)
    return glance(path)


def resume(count: int = 2000, **options: Any) -> list[int]:
    """Resume the run; return the items that were pressed."""
    pressed: list[int] = []

    def work(x: int) -> int:
        pressed.append(x)
        return x

    each = {
        "id": "each",
        "kind": "for_each",
        "over": "${inputs.xs}",
        "as": "x",
        "steps": [{"id": "work", "button": "work", "args": {"x": "${x}"}}],
    }
    drawer = {"name": "pages", "inputs": ["xs"], "steps": [each]}
    press(
        drawer,
        {"xs": list(range(count))},
        buttons={"work": work},
        durable="on",
        resume=True,
        quiet=True,
        **options,
    )
    return pressed


def no_flock(_handle: int, _how: int) -> None:
    raise OSError(37, "no locks available")


@pytest.mark.parametrize("words", [(), ("no-flock",)])
def test_a_stopped_process_keeps_its_run_and_a_killed_one_does_not(
    runs_folder: Path, programs: Any, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "SILENCE", 0.5)
    if words:
        monkeypatch.setattr(lock.fcntl, "flock", no_flock)
    program = start(programs, "2000", *words)
    stored(runs_folder)
    program.send_signal(signal.SIGSTOP)
    time.sleep(1)
    run = stored(runs_folder)
    assert (run.status, run.pid, run.host) == ("running", program.pid, "")
    with pytest.raises(UsageError, match=f"running in pid {program.pid}, so it cannot be resumed"):
        resume()
    program.kill()
    program.communicate()
    run = stored(runs_folder)
    assert (run.status, run.pid) == ("cut off", None)
    assert len(resume()) < 2000
    assert stored(runs_folder).status == "ok"
    assert sorted(os.listdir(runs_folder)) == [".gitignore", run.path.name]


@pytest.mark.parametrize("flock", ["no-flock", "local-flock"])
@pytest.mark.parametrize("jump", [0.0, -7200.0, 7200.0], ids=["", "back", "forward"])
def test_a_run_of_another_machine_is_running_while_it_gives_signs_of_life(
    runs_folder: Path, programs: Any, flock: str, jump: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    if flock == "no-flock":
        monkeypatch.setattr(lock.fcntl, "flock", no_flock)
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + jump)
    program = start(programs, "2000", flock, "elsewhere")
    if flock == "local-flock":
        monkeypatch.setattr(lock.fcntl, "flock", lambda _handle, _how: None)
    run = stored(runs_folder)
    assert (run.status, run.pid, run.host) == ("running", program.pid, "other-host")
    words = rf"is running on other-host \(pid {program.pid}\), last seen \d s ago, so it cannot be resumed"
    with pytest.raises(UsageError, match=words) as caught:
        resume()
    assert "no sign of life for 30 s" in caught.value.remediation


def test_a_process_of_another_machine_that_wakes_up_too_late_writes_nothing_more(
    runs_folder: Path, programs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "SILENCE", 1.0)
    monkeypatch.setattr(lock, "_CONFIRM", 0.5)
    program = start(programs, "300", "local-flock", "elsewhere")
    run = stored(runs_folder)
    program.send_signal(signal.SIGSTOP)
    assert until(lambda: stored(runs_folder).status == "cut off")
    pressed = resume(300)
    assert 0 < len(pressed) < 300
    before = run.path.read_bytes()
    program.send_signal(signal.SIGCONT)
    output, _ = program.communicate(timeout=60)
    assert "another process continues the run" in output
    assert run.path.read_bytes() == before
    assert len(read_run(run.path, private_key())) == 2


def test_a_lock_that_is_touched_is_not_taken_even_if_its_time_is_far_off(
    runs_folder: Path, programs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = start(programs, "2000", "local-flock", "elsewhere")
    path = stored(runs_folder).path.with_suffix(".lock")
    real = lock._silence
    monkeypatch.setattr(lock, "_silence", lambda at: real(at) + 7200)  # the disk's clock has just been set
    with pytest.raises(UsageError, match="running"):
        resume()
    assert program.poll() is None
    assert path.exists()


def test_a_run_from_an_earlier_start_of_this_machine_was_cut_off(
    runs_folder: Path, programs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = start(programs, "2000")
    run = stored(runs_folder)
    program.kill()
    program.communicate()
    locked = run.path.with_suffix(".lock")
    text = locked.read_text()
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    monkeypatch.setattr(lock.fcntl, "flock", no_flock)
    locked.write_text(text.replace(boot, "another").replace(str(program.pid), str(os.getpid())))
    machine = Path("/etc/machine-id")
    if machine.exists() and machine.read_text().strip():
        assert stored(runs_folder).status == "cut off"
    os.utime(locked, (1, time.time() - 60))
    assert stored(runs_folder).status == "cut off", "it gave no sign of life for a minute"


@pytest.mark.parametrize(
    "content", [b"", b"12\n", b"12\n[1]\n", b"\xff\xfe", b"1\n{}\n", b"x\n[1,2,3,4,5]\n", b"0" * 5000]
)
def test_a_damaged_lock_that_nothing_holds_does_not_matter(runs_folder: Path, content: bytes) -> None:
    assert resume(10) == list(range(10))
    (path,) = files(runs_folder)
    path.with_suffix(".lock").write_bytes(content)
    assert glance(path).pid is None
    assert resume(11) == [10]


def test_of_two_that_take_the_lock_of_an_ended_process_at_once_one_gets_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, first = tmp_path / "run.db", threading.Event()
    program = "import os, sys; from pathlib import Path; from drawer_ipy.journal.lock import Lock; "
    program += f"print(Lock(Path({str(path)!r})).take()); sys.stdout.flush(); os._exit(0)"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stdout == "True\n"
    assert path.with_suffix(".lock").exists()
    truncate = os.ftruncate

    def late(handle: int, length: int) -> None:
        """The first one has the system's lock and has not written its number yet."""
        if not first.is_set():
            first.set()
            time.sleep(0.3)
        truncate(handle, length)

    monkeypatch.setattr(os, "ftruncate", late)
    locks = [lock.Lock(path), lock.Lock(path)]
    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(locks[0].take)
        assert first.wait(10)
        other = pool.submit(locks[1].take)
        assert (one.result(), other.result()) == (True, False)
    assert locks[0].is_held()
    locks[0].release()
