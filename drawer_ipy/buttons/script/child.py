"""A child process with pipes for its output."""

from __future__ import annotations

import itertools
import os
import subprocess
from collections.abc import Mapping

from drawer_ipy.buttons.script.posix_spawn import posix_spawn
from drawer_ipy.common.environment import inherited_variables


class ScriptChild:
    """A program that was started in its own session.

    Args:
        argv: the program and its arguments, encoded.
        added: the variables that it gets beside those of this process, encoded.
        stdin: the descriptor of its stdin; ``None`` for a pipe.

    Raises:
        OSError: it could not be started.
        ValueError: an argument or variable contains a NUL character.

    Attributes:
        pid: its process id, which is also the id of its group.
        stdin: the descriptor of the pipe to its stdin; ``None`` if there is none, or none any more.
        stdout, stderr: the descriptors of the pipes with its output.
        code: its exit code, negative for the signal that ended it; ``None`` until :meth:`poll` or
            :meth:`wait` finds that it has ended.
    """

    __slots__ = ("_popen", "code", "pid", "stderr", "stdin", "stdout")

    def __init__(self, argv: tuple[bytes, ...], added: Mapping[bytes, bytes], stdin: int | None) -> None:
        self.code: int | None = None
        self.stdin: int | None = None
        self._popen: subprocess.Popen[bytes] | None = None
        pipes: list[tuple[int, int]] = []
        try:
            self.stdout, out = _add_pipe(pipes)
            self.stderr, err = _add_pipe(pipes)
            theirs = [out, err]
            if stdin is None:
                stdin, self.stdin = _add_pipe(pipes)
                theirs.append(stdin)
            self.pid: int = self._start(argv, added, stdin, out, err)
        except BaseException:
            for fd in itertools.chain(*pipes):
                os.close(fd)
            raise
        for fd in theirs:
            os.close(fd)

    def _start(
        self, argv: tuple[bytes, ...], added: Mapping[bytes, bytes], stdin: int, out: int, err: int
    ) -> int:
        spawn = posix_spawn()
        if spawn is not None:
            return spawn(argv, added, stdin, out, err)
        env = {**inherited_variables(), **added}
        self._popen = subprocess.Popen(
            argv, env=env, stdin=stdin, stdout=out, stderr=err, start_new_session=True
        )
        return self._popen.pid

    def poll(self) -> int | None:
        """Return its exit code if it has ended, and :attr:`code` is set then."""
        return self._collect(os.WNOHANG)

    def wait(self) -> int | None:
        """Wait until it has ended."""
        return self._collect(0)

    def _collect(self, options: int) -> int | None:
        if self.code is None:
            try:
                pid, status = os.waitpid(self.pid, options)
            except ChildProcessError:  # SIGCHLD is ignored, or a handler for it has collected the code
                pid, status = self.pid, 0
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
                if self._popen is not None:
                    self._popen.returncode = self.code
        return self.code

    def close_stdin(self) -> None:
        """Close the pipe to its stdin, if it is open."""
        fd, self.stdin = self.stdin, None
        if fd is not None:
            os.close(fd)

    def close(self) -> None:
        """Close the pipes."""
        self.close_stdin()
        os.close(self.stdout)
        os.close(self.stderr)


def above_standard(fd: int) -> int:
    """Return `fd`, or if it is one of the three standard descriptors, a copy above them, and close `fd`.

    A process that has closed one of those gets its number for the next file.
    """
    if fd > 2:
        return fd
    import fcntl  # not on Windows

    copy = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 3)
    os.close(fd)
    return copy


def _add_pipe(pipes: list[tuple[int, int]]) -> tuple[int, int]:
    """Make a pipe, add its ends to `pipes`, and return them: for reading and for writing."""
    read, write = os.pipe()
    pipes.append((above_standard(read), above_standard(write)))
    return pipes[-1]
