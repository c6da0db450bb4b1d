"""A worker process, as the kernel sees it: send it presses, read its messages, end it."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import pickle
import signal
import socket
import sys
from collections import deque
from collections.abc import Callable, Iterable

from drawer_ipy.common.process_ids import pidfd
from drawer_ipy.engine.backends.answers import answer_of
from drawer_ipy.engine.backends.base import Answer, BackendError
from drawer_ipy.engine.backends.press_prints import PressPrints, print_here
from drawer_ipy.engine.backends.sending import Packed
from drawer_ipy.engine.backends.sent_presses import SentPress, SentPresses
from drawer_ipy.engine.backends.worker import connection as messages
from drawer_ipy.engine.backends.worker_start import Started, kill_group
from drawer_ipy.errors import Code, ErrorInfo

_CHUNK = 1 << 18
_MOST_BUFFERS = 64
"""Most messages that one call sends."""


class WorkerProcess:
    """One process that runs one press at a time; further ones may be sent ahead.

    Attributes:
        pid: its process id.
        where: the same in words.
        ended: done when the process has ended and was reaped.

    Args:
        started: the process.
        measured: called with the seconds that a press took; mean values where several answers arrive at once.
    """

    def __init__(self, started: Started, measured: Callable[[float], None]) -> None:
        process, connection = started.process, started.connection
        self._process = process
        self._socket: socket.socket | None = connection
        self._life = started.life
        self._permits = started.permits
        self._measured = measured
        self._loop = asyncio.get_running_loop()
        self._buffer = bytearray()
        self._out: deque[memoryview] = deque()
        self._writing = self._flushing = False
        self._presses = SentPresses(started.permits)
        self._since = 0.0  # when the first of them began, as far as the kernel knows
        self._answers = 0
        self._known: set[bytes] = set()
        self._ready: asyncio.Future[None] = self._loop.create_future()
        self._killed = False
        self.pid: int = process.pid
        self.where: str = f"process {process.pid}"
        self.ended: asyncio.Future[None] = self._loop.create_future()
        self._pidfd = pidfd(process.pid)
        connection.setblocking(False)
        self._loop.add_reader(connection, self._readable)
        if self._pidfd is not None:
            self._loop.add_reader(self._pidfd, self._exited)

    @property
    def is_alive(self) -> bool:
        """Whether it can run presses."""
        return self._socket is not None and not self._killed

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
    ) -> Answer | None:
        """Run a press after those that were sent before.

        A cancellation ends it, if necessary with the process.

        Args:
            button: its name, for messages.
            arguments: as pickled by :class:`~drawer_ipy.engine.backends.sending.Sender`.
            begun: see :class:`~drawer_ipy.engine.backends.base.Ticket`.
            prints: receives what it prints.

        Returns:
            The result; ``None`` if the press was withdrawn and has not begun.
        """
        presses = self._presses
        if not self.is_alive:  # it has ended since the place was taken
            return None
        if not presses:
            self._since = self._loop.time()
        self._teach(function)
        press = presses.add(button, begun, prints)
        flags = messages.TELLS_BEGIN if begun is not None else 0
        head = messages.PRESS_HEAD.pack(flags, press.number)
        self._send(messages.PRESS, head, function.key, arguments)
        try:
            return await press.answer
        except asyncio.CancelledError:
            if presses.cancel(press):
                self.kill()
            raise

    def _teach(self, function: Packed) -> None:
        """Send a function, unless the process has it."""
        if function.key not in self._known:
            self._known.add(function.key)
            self._send(messages.FUNCTION, *function.parts)

    @property
    def seconds(self) -> float:
        """How long its press has been running, as far as the kernel knows; 0 if it runs none."""
        return self._loop.time() - self._since if self._presses else 0.0

    def relieve(self) -> None:
        """Withdraw the presses that have not begun."""
        if len(self._presses) > 1:
            self._presses.withdraw()

    def kill(self) -> None:
        """End the process and its children at once, whatever they do."""
        self._killed = True
        self._presses.withdraw()
        kill_group(self.pid)
        self._read_rest()  # answers of presses that have ended
        self._close()
        if self._pidfd is None and not self.ended.done():  # nothing else reports that it has ended
            self._exited()

    async def end(self, patience: float) -> None:
        """Let an idle process end as Python programs do, or kill it after `patience` seconds."""
        if self._socket is not None and not self._killed:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_WR)
            self._permits.stop()
            await asyncio.wait([self.ended], timeout=patience)
        if not self.ended.done():
            self.kill()
        await asyncio.wait([self.ended])

    # Messages

    def _send(self, kind: int, *parts: bytes) -> None:
        """Send a message soon, together with others of the same moment."""
        size = sum(map(len, parts))
        header = messages.HEADER.pack(kind, size)
        if size < _CHUNK:
            self._out.append(memoryview(b"".join((header, *parts))))
        else:
            self._out.extend(map(memoryview, (header, *parts)))
        if not self._flushing:
            self._flushing = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flushing = False
        if self._socket is None:
            return
        self._presses.give_permits()
        if not self._writing:
            self._write()

    def _write(self) -> None:
        out = self._out
        while out and self._socket is not None:
            try:
                sent = self._socket.sendmsg(itertools.islice(out, _MOST_BUFFERS))
            except BlockingIOError:
                if not self._writing:
                    self._writing = True
                    self._loop.add_writer(self._socket, self._write)
                return
            except OSError:  # it has ended, which the reader reports
                out.clear()
                break
            while out and sent >= len(out[0]):
                sent -= len(out.popleft())
            if sent:
                out[0] = out[0][sent:]
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
        self._buffer += data
        self._answers = 0
        self._read_messages()
        if self._answers:
            now = self._loop.time()
            self._measured((now - self._since) / self._answers)
            self._since = now

    def _read_messages(self) -> None:
        """Handle the complete messages of the buffer."""
        buffer, size = self._buffer, messages.HEADER.size
        done = 0
        try:
            while len(buffer) - done >= size:
                kind, length = messages.HEADER.unpack_from(buffer, done)
                start = done + size
                if len(buffer) - start < length:
                    return
                body = bytes(buffer[start : start + length])
                done = start + length  # first, since a listener that is called may raise
                self._received(kind, body)
        finally:
            del buffer[:done]

    def _received(self, kind: int, body: bytes) -> None:
        press = self._presses.first
        if kind == messages.READY:
            if not self._ready.done():
                self._ready.set_result(None)
        elif kind == messages.PRINTED:
            text, is_error = body[1:].decode("utf-8", "replace"), body[:1] == b"e"
            if press is None:  # by a thread that a press has left behind
                print_here(text, is_error=is_error)
            else:
                press.prints.add(text, is_error=is_error)
        elif kind == messages.BEGUN:
            if press is not None and press.begun is not None:
                press.begun()
        elif press is not None:
            self._presses.ended()
            self._answers += 1
            press.finish(answer_of(kind, body, press.button))
        elif kind == messages.UNREAD and not self._ready.done():
            why = body.decode("utf-8", "replace")
            self._ready.set_exception(BackendError(f"a worker process could not start: {why}"))

    # The end

    def _hung_up(self) -> None:
        """The connection is closed: the process ends, or has closed it and cannot be used any more."""
        kill_group(self.pid)
        self._close()
        if self._pidfd is None:
            self._exited()

    def _read_rest(self) -> None:
        """Read what it has sent until now."""
        while self._socket is not None:
            before = self._socket
            self._readable()
            if self._socket is before and not _has_data(before):
                return

    def _exited(self) -> None:
        """The process has ended; read what it sent before that, and reap it."""
        self._read_rest()
        kill_group(self.pid)  # children that it has left
        self._close()
        if self._pidfd is not None:
            self._loop.remove_reader(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = None
        with contextlib.suppress(OSError):
            os.close(self._life)
        code = self._process.wait()
        if not self._ready.done():
            self._ready.set_exception(BackendError(f"a worker process ended when it started: {_how(code)}"))
            self._ready.exception()  # a caller that was cancelled does not look at it
        self._presses.withdraw()
        while (press := self._presses.ended()) is not None:
            press.finish(Answer(error=_lost(code, self.pid, press)))
        self._permits.close()
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


def _how(code: int) -> str:
    """Say how a process has ended."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"


def _lost(code: int, pid: int, press: SentPress) -> ErrorInfo:
    hint = "`retry` presses the item again"
    if code == -signal.SIGKILL:
        hint = f"the system may have ended it for lack of memory; {hint}"
    message = f"worker process {pid} ended while it pressed `{press.button}`: {_how(code)}"
    return ErrorInfo(Code.WORKER_LOST, message, hint)


def _has_data(connection: socket.socket) -> bool:
    """Whether there is something to read, if only the end."""
    try:
        connection.recv(1, socket.MSG_PEEK)
    except OSError:
        return False
    return True
