"""How scripts are started: by glibc's posix_spawn and by subprocess, with the same result."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from descriptors_rig import same_descriptors

from drawer_ipy.buttons.script import child as child_module
from drawer_ipy.buttons.script.child import ScriptChild
from drawer_ipy.buttons.script.posix_spawn import posix_spawn

SH = b"/bin/sh"


@pytest.fixture(params=["posix_spawn", "subprocess"])
def _way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "subprocess":
        monkeypatch.setattr(child_module, "posix_spawn", lambda: None)
    elif posix_spawn() is None:
        pytest.skip("only with glibc 2.34 or newer")


@pytest.fixture(autouse=True)
def _no_descriptor_is_left(_way: None) -> Iterator[None]:
    with same_descriptors():
        yield


@pytest.fixture
def nothing() -> Iterator[int]:
    fd = os.open(os.devnull, os.O_RDONLY)
    yield fd
    os.close(fd)


def read_all(fd: int) -> bytes:
    chunks = []
    while chunk := os.read(fd, 65536):
        chunks.append(chunk)
    return b"".join(chunks)


Ended = tuple[int | None, bytes, bytes]
"""Exit code, stdout and stderr."""


def ended(nothing: int, *argv: bytes, added: dict[bytes, bytes] | None = None) -> Ended:
    """Run a program to its end."""
    child = ScriptChild(argv, added or {}, nothing)
    try:
        out, err = read_all(child.stdout), read_all(child.stderr)
        return child.wait(), out, err
    finally:
        child.close()


def test_it_gets_its_arguments(nothing: int) -> None:
    words = [b"", b"two words", "é☃".encode(), b"\xff not text"]
    code, out, err = ended(nothing, b"/usr/bin/printf", b"%s|", *words)
    assert (code, out, err) == (0, b"".join(word + b"|" for word in words), b"")


@pytest.mark.parametrize(
    "added",
    [
        {},
        {b"A": b""},
        {b"A": b"1=2", b"\xff": "é".encode(), b"C": b"x" * 100_000},
        {b"KEPT": b"replaced", b"A": b"1"},
    ],
)
def test_it_gets_the_present_variables_of_this_process_and_those_added(
    added: dict[bytes, bytes], nothing: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def variables() -> dict[bytes, bytes]:
        lines = ended(nothing, b"/usr/bin/env", b"-0", added=added)[1].split(b"\0")
        return dict(line.split(b"=", 1) for line in lines if line)

    monkeypatch.setenv("KEPT", "é")
    for name, value in (("CHANGES", "1"), ("CHANGES", "2"), ("KEPT", "later"), ("NEW", "")):
        monkeypatch.setenv(name, value)
        assert variables() == {**os.environb, **added}
    monkeypatch.delenv("CHANGES")
    assert variables() == {**os.environb, **added}


@pytest.mark.parametrize(
    ("text", "code"), [(b"exit 0", 0), (b"exit 7", 7), (b"kill -9 $$", -9), (b"kill -TERM $$; exit 3", -15)]
)
def test_its_exit_code_is_that_of_subprocess(text: bytes, code: int, nothing: int) -> None:
    assert ended(nothing, SH, b"-c", text)[0] == code
    assert subprocess.run([SH, b"-c", text], check=False).returncode == code


def test_its_output_and_its_errors_are_apart(nothing: int) -> None:
    assert ended(nothing, SH, b"-c", b"echo out; echo err >&2") == (0, b"out\n", b"err\n")


def test_it_reads_what_is_written_to_its_stdin() -> None:
    child = ScriptChild((SH, b"-c", b"cat"), {}, None)
    assert child.stdin is not None
    os.write(child.stdin, b"for you")
    child.close_stdin()
    child.close_stdin()
    assert read_all(child.stdout) == b"for you"
    assert child.wait() == 0
    child.close()


def test_it_has_a_session_of_its_own_and_nothing_to_read(nothing: int) -> None:
    child = ScriptChild((SH, b"-c", b"cat; echo read; exec sleep 60"), {}, nothing)
    assert os.read(child.stdout, 100) == b"read\n"
    assert os.getsid(child.pid) == os.getpgid(child.pid) == child.pid
    assert child.poll() is None
    os.killpg(child.pid, signal.SIGTERM)
    assert child.wait() == child.poll() == child.code == -signal.SIGTERM
    child.close()


def test_it_inherits_no_descriptor_of_this_process(nothing: int) -> None:
    inheritable = os.dup(nothing)
    os.set_inheritable(inheritable, True)
    try:
        code = b"import os; print(*sorted(os.listdir('/dev/fd'), key=int))"
        _, out, err = ended(nothing, os.fsencode(sys.executable), b"-S", b"-E", b"-c", code)
    finally:
        os.close(inheritable)
    assert out.split() == [b"0", b"1", b"2", b"3"], err  # the last one lists the others


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_signals_that_python_ignores_are_not_ignored_and_those_of_the_user_are(nothing: int) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        _, out, _ = ended(nothing, b"/bin/grep", b"SigIgn", b"/proc/self/status")
    finally:
        signal.signal(signal.SIGHUP, before)
    ignored = int(out.split()[1], 16)
    assert ignored & 1 << (signal.SIGHUP - 1)
    assert not ignored & 1 << (signal.SIGPIPE - 1)
    assert not ignored & 1 << (signal.SIGXFSZ - 1)


@pytest.mark.parametrize(
    ("mode", "size", "number"),
    [
        (None, 0, errno.ENOENT),
        (0o600, 0, errno.EACCES),
        (0o700, 0, errno.ENOEXEC),
        (0o700, 4_000_000, errno.E2BIG),
    ],
)
def test_what_cannot_be_started_is_an_error_and_leaves_nothing(
    mode: int | None, size: int, number: int, nothing: int, tmp_path: Path
) -> None:
    program = tmp_path / "program"
    if mode is not None:
        program.write_bytes(b"\x7fnot a program")
        program.chmod(mode)
    for stdin in (nothing, None):
        with pytest.raises(OSError, match="program") as caught:
            ScriptChild((os.fsencode(program), b"x" * size), {}, stdin)
        assert caught.value.errno == number
    assert psutil.Process().children() == []


@pytest.mark.parametrize(
    ("argv", "added"),
    [
        ((b"/bin/echo", b"a\0b"), {}),
        ((b"/bin/echo",), {b"A": b"a\0b"}),
        ((b"/bin/echo",), {b"A\0B": b"1"}),
        ((b"/bin/echo",), {b"A": b"\0"}),
    ],
)
def test_a_nul_character_is_an_error_and_cuts_nothing_off(
    argv: tuple[bytes, ...], added: dict[bytes, bytes], nothing: int
) -> None:
    with pytest.raises(ValueError, match=r"null byte|NUL"):
        ScriptChild(argv, added, nothing)


def test_a_code_that_something_else_has_collected_is_taken_as_0(nothing: int) -> None:
    child = ScriptChild((b"/bin/true",), {}, nothing)
    os.waitpid(child.pid, 0)
    assert child.poll() == 0
    child.close()


CLOSED = """
    import os, sys
    log = os.dup(2)
    script = (b"/bin/sh", b"-c", b"cat; echo out; echo err >&2")
    for fd in ({closed}): os.close(fd)
    from drawer_ipy.buttons.script import child
    if {subprocess}: child.posix_spawn = lambda: None
    with_stdin = child.ScriptChild(script, {{}}, None)
    os.write(with_stdin.stdin, b"in ")
    with_stdin.close_stdin()
    assert with_stdin.wait() == 0
    found = os.read(with_stdin.stdout, 100), os.read(with_stdin.stderr, 100)
    nothing = child.above_standard(os.open(os.devnull, os.O_RDONLY))
    without = child.ScriptChild(script, {{}}, nothing)
    assert without.wait() == 0
    found += os.read(without.stdout, 100), os.read(without.stderr, 100)
    os.write(log, repr(found).encode())
"""


@pytest.mark.parametrize("closed", ["0,", "1,", "2,", "0, 1", "0, 1, 2"])
def test_a_process_that_has_closed_its_standard_files_starts_scripts_all_the_same(
    closed: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    by_subprocess = request.node.callspec.params["_way"] == "subprocess"
    code = textwrap.dedent(CLOSED.format(closed=closed, subprocess=by_subprocess))
    done = subprocess.run(
        [sys.executable, "-c", code], stderr=subprocess.PIPE, cwd=tmp_path, timeout=60, check=False
    )
    assert done.stderr.decode() == repr((b"in out\n", b"err\n", b"out\n", b"err\n"))
