"""A worker process, as the kernel sees it: start it, send it presses, read its messages, end it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pickle
import signal
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from drawer_ipy.engine.backends.answers import answer_of
from drawer_ipy.engine.backends.base import Answer, BackendError
from drawer_ipy.engine.backends.press_prints import PressPrints, print_here
from drawer_ipy.engine.backends.sending import Packed
from drawer_ipy.engine.backends.worker import connection as messages
from drawer_ipy.errors import Code, ErrorInfo

_BOOT = """
import os, sys
from types import ModuleType
path = sys.argv[1]
parents = ["drawer_ipy", "drawer_ipy.engine", "drawer_ipy.engine.backends"]
for name in reversed(parents):  # not the package itself, whose import would take much longer
    sys.modules[name] = ModuleType(name)
    sys.modules[name].__path__ = [path := os.path.dirname(path)]
from drawer_ipy.engine.backends.worker.main import main
for name in parents:
    del sys.modules[name]
main(int(sys.argv[2]), int(sys.argv[3]))
"""
_CHUNK = 1 << 18


@dataclass(slots=True)
class _RunningPress:
    """The press that a worker runs."""

    future: asyncio.Future[Answer]
    button: str
    begun: Callable[[], None] | None
    prints: PressPrints


class WorkerProcess:
    """One process that runs one press at a time.

    Attributes:
        pid: its process id.
        where: the same in words.
        ended: done when the process has ended and was reaped.
        rested: when it became idle, in the event loop's time.
    """

    def __init__(self, process: subprocess.Popen[bytes], connection: socket.socket, life: int) -> None:
        self._process = process
        self._socket: socket.socket | None = connection
        self._life = life
        self._loop = asyncio.get_running_loop()
        self._buffer = bytearray()
        self._out: deque[memoryview] = deque()
        self._writing = False
        self._press: _RunningPress | None = None
        self._known: set[bytes] = set()
        self._ready: asyncio.Future[None] = self._loop.create_future()
        self._killed = False
        self.pid = process.pid
        self.where = f"process {process.pid}"
        self.ended: asyncio.Future[None] = self._loop.create_future()
        self.rested = 0.0
        self._pidfd = _pidfd(process.pid)
        connection.setblocking(False)
        self._loop.add_reader(connection, self._readable)
        if self._pidfd is not None:
            self._loop.add_reader(self._pidfd, self._exited)

    @property
    def is_idle(self) -> bool:
        """Whether it can run a press now."""
        return self._socket is not None and self._press is None and not self._killed

    async def ready(self, functions: Iterable[Packed], seconds: float) -> None:
        """Wait until it can run presses.

        Args:
            functions: functions that it loads now, since the start of a press may have to be on time.

        Raises:
            BackendError: it ended, or took longer than `seconds`.
        """
        setup = {"path": list(sys.path), "argv": list(sys.argv)}
        self._send(messages.SETUP, pickle.dumps(setup, 5))
        for function in functions:
            self._teach(function)
        self._send(messages.PREPARE)
        try:
            async with asyncio.timeout(seconds):
                await self._ready
        except TimeoutError:
            raise BackendError(f"a worker process did not start within {seconds:g} s") from None

    async def press(
        self,
        button: str,
        function: Packed,
        arguments: bytes,
        begun: Callable[[], None] | None,
        prints: PressPrints,
    ) -> Answer:
        """Run a press; a cancellation kills the process.

        Args:
            button: its name, for messages.
            arguments: as pickled by :class:`~drawer_ipy.engine.backends.sending.Sender`.
            begun: see :class:`~drawer_ipy.engine.backends.base.Ticket`.
            prints: receives what it prints.
        """
        future: asyncio.Future[Answer] = self._loop.create_future()
        self._press = _RunningPress(future, button, begun, prints)
        self._teach(function)
        flags = messages.TELLS_BEGIN if begun is not None else 0
        self._send(messages.PRESS, bytes((flags,)), function.key, arguments)
        try:
            return await future
        except asyncio.CancelledError:
            if not future.done() or future.cancelled():
                self.kill()
            raise

    def _teach(self, function: Packed) -> None:
        """Send a function, unless the process has it."""
        if function.key not in self._known:
            self._known.add(function.key)
            self._send(messages.FUNCTION, *function.parts)

    def kill(self) -> None:
        """End the process and its children at once, whatever they do."""
        self._killed = True
        _kill_group(self.pid)
        self._close()
        if self._pidfd is None and not self.ended.done():  # nothing else reports that it has ended
            self._exited()

    async def end(self, patience: float) -> None:
        """Let an idle process end as Python programs do, or kill it after `patience` seconds."""
        if self._socket is not None and not self._killed:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_WR)
            await asyncio.wait([self.ended], timeout=patience)
        if not self.ended.done():
            self.kill()
        await asyncio.wait([self.ended])

    # Messages

    def _send(self, kind: int, *parts: bytes) -> None:
        header = messages.HEADER.pack(kind, sum(map(len, parts)))
        if sum(map(len, parts)) < _CHUNK:
            self._out.append(memoryview(b"".join((header, *parts))))
        else:
            self._out.extend(map(memoryview, (header, *parts)))
        if not self._writing:
            self._flush()

    def _flush(self) -> None:
        while self._out and self._socket is not None:
            first = self._out[0]
            try:
                sent = self._socket.send(first)
            except BlockingIOError:
                if not self._writing:
                    self._writing = True
                    self._loop.add_writer(self._socket, self._flush)
                return
            except OSError:  # it has ended, which the reader reports
                self._out.clear()
                break
            if sent == len(first):
                self._out.popleft()
            else:
                self._out[0] = first[sent:]
        if self._writing and self._socket is not None:
            self._loop.remove_writer(self._socket)
        self._writing = False

    def _readable(self) -> None:
        if self._socket is None:
            return
        try:
            data = self._socket.recv(_CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._hung_up()
            return
        buffer = self._buffer
        buffer += data
        size = messages.HEADER.size
        while len(buffer) >= size:
            kind, length = messages.HEADER.unpack_from(buffer)
            if len(buffer) - size < length:
                return
            with memoryview(buffer) as view:
                body = bytes(view[size : size + length])
            del buffer[: size + length]  # first, since a listener that is called may raise
            self._received(kind, body)

    def _received(self, kind: int, body: bytes) -> None:
        if kind == messages.READY:
            if not self._ready.done():
                self._ready.set_result(None)
            return
        press = self._press
        if press is None:
            if kind == messages.UNREAD and not self._ready.done():
                why = body.decode("utf-8", "replace")
                self._ready.set_exception(BackendError(f"a worker process could not start: {why}"))
            elif kind == messages.PRINTED:  # by a thread that a press has left behind
                print_here(body[1:].decode("utf-8", "replace"), is_error=body[:1] == b"e")
            return
        if kind == messages.BEGUN:
            if press.begun is not None:
                press.begun()
        elif kind == messages.PRINTED:
            press.prints.add(body[1:].decode("utf-8", "replace"), is_error=body[:1] == b"e")
        else:
            self._press = None
            answer = answer_of(kind, body, press.button)
            answer.stdout = press.prints.stdout
            if not press.future.done():
                press.future.set_result(answer)

    # The end

    def _hung_up(self) -> None:
        """The connection is closed: the process ends, or has closed it and cannot be used any more."""
        _kill_group(self.pid)
        self._close()
        if self._pidfd is None:
            self._exited()

    def _exited(self) -> None:
        """The process has ended; read what it sent before that, and reap it."""
        while self._socket is not None:
            before = self._socket
            self._readable()
            if self._socket is before and not _has_data(before):
                break
        _kill_group(self.pid)  # children that it has left
        self._close()
        if self._pidfd is not None:
            self._loop.remove_reader(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = None
        with contextlib.suppress(OSError):
            os.close(self._life)
        code = self._process.wait()
        lost = ErrorInfo(Code.WORKER_LOST, *_lost(code, self.pid, self._press))
        if not self._ready.done():
            self._ready.set_exception(BackendError(f"a worker process ended when it started: {_how(code)}"))
            self._ready.exception()  # a caller that was cancelled does not look at it
        press, self._press = self._press, None
        if press is not None and not press.future.done():
            press.future.set_result(Answer(error=lost, stdout=press.prints.stdout))
        if not self.ended.done():
            self.ended.set_result(None)

    def _close(self) -> None:
        connection, self._socket = self._socket, None
        if connection is not None:
            self._loop.remove_reader(connection)
            if self._writing:
                self._loop.remove_writer(connection)
            self._out.clear()
            connection.close()


Started = tuple[subprocess.Popen[bytes], socket.socket, int]
"""A process, the kernel's end of the connection to it, and the pipe that keeps it alive."""


def spawn() -> Started:
    """Start a process.

    Raises:
        OSError: the system refuses another process.
    """
    here, there = socket.socketpair()
    ends_at, life = os.pipe()
    try:
        program = str(Path(messages.__file__).parent)
        flags = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]  # noqa: SLF001 - as multiprocessing
        process = subprocess.Popen(
            [sys.executable, *flags, "-c", _BOOT, program, str(there.fileno()), str(ends_at)],
            stdin=subprocess.DEVNULL,
            pass_fds=(there.fileno(), ends_at),
            start_new_session=True,
        )
    except BaseException:
        here.close()
        os.close(life)
        raise
    finally:
        there.close()
        os.close(ends_at)
    return process, here, life


def _how(code: int) -> str:
    """Say how a process has ended."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"


def _lost(code: int, pid: int, press: _RunningPress | None) -> tuple[str, str]:
    name = "" if press is None else f" while it pressed `{press.button}`"
    hint = "`retry` presses the item again"
    if code == -signal.SIGKILL:
        hint = f"the system may have ended it for lack of memory; {hint}"
    return f"worker process {pid} ended{name}: {_how(code)}", hint


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _pidfd(pid: int) -> int | None:
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):  # not Linux
        return None


def _has_data(connection: socket.socket) -> bool:
    """Whether there is something to read, if only the end."""
    try:
        connection.recv(1, socket.MSG_PEEK)
    except OSError:
        return False
    return True
