"""The C library's ``posix_spawn``, for starting a program in about half of the time of ``subprocess.Popen``.

``Popen`` converts each environment variable in Python, and makes a pipe through which the child reports
errors. ``os.posix_spawn`` does neither, but holds the interpreter until the program runs: all other threads
wait, for a millisecond if the child has to wait for a processor. A call through ctypes does not hold it.

It is used where it can do all that ``Popen`` does, which is in glibc since version 2.34.
"""

from __future__ import annotations

import array
import functools
import itertools
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from drawer_ipy.common.environment import inherited_variables

_SET_SIGNALS, _SET_SESSION = 0x04, 0x80
"""POSIX_SPAWN_SETSIGDEF and POSIX_SPAWN_SETSID of glibc, which has the same on all processors."""

_ROOM = 1024
"""Bytes for each structure of the library, several times as many as it needs."""


class PosixSpawn:
    """Start programs in their own session. Any thread may call it.

    Raises:
        AttributeError: the C library lacks a function.
    """

    def __init__(self) -> None:
        import ctypes

        self._ctypes: Any = ctypes
        self._words = functools.lru_cache(maxsize=32)(self._array_of_words)
        self._inherited: tuple[dict[bytes, bytes], _Array] = {}, self._array([])
        library, quick = ctypes.CDLL(None), ctypes.PyDLL(None)  # a call of `quick` lets no other thread go on
        self._start = library.posix_spawn
        self._begin = quick.posix_spawn_file_actions_init
        self._copy = quick.posix_spawn_file_actions_adddup2
        self._close_from = quick.posix_spawn_file_actions_addclosefrom_np
        self._end = quick.posix_spawn_file_actions_destroy
        for function in (self._begin, self._end):
            function.argtypes = [ctypes.c_void_p]
        self._copy.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_int]
        self._close_from.argtypes = [ctypes.c_void_p, ctypes.c_int]
        self._start.argtypes = [ctypes.c_void_p, ctypes.c_char_p, *[ctypes.c_void_p] * 4]
        self._how: Any = ctypes.create_string_buffer(_ROOM)
        _check(quick.posix_spawnattr_init(self._how))
        signals = ctypes.create_string_buffer(_ROOM)
        quick.sigemptyset(signals)
        for number in (signal.SIGPIPE, signal.SIGXFSZ):  # which Python ignores, and the program would, too
            quick.sigaddset(signals, int(number))
        _check(quick.posix_spawnattr_setsigdefault(self._how, signals))
        _check(quick.posix_spawnattr_setflags(self._how, ctypes.c_short(_SET_SIGNALS | _SET_SESSION)))

    def __call__(
        self, argv: tuple[bytes, ...], added: Mapping[bytes, bytes], stdin: int, stdout: int, stderr: int
    ) -> int:
        """Start a program and return its process id.

        Args:
            argv: the program, with its folder, and its arguments; encoded.
            added: the variables that it gets beside those of this process, encoded.
            stdin, stdout, stderr: descriptors for it, each above 2. It gets no other descriptor.

        Raises:
            OSError: it could not be started.
            ValueError: a text contains a NUL character.
        """
        words = self._words(argv)
        variables = self._variables(added)
        sys.audit("os.posix_spawn", argv[0], argv, added)
        pid = self._ctypes.c_int()
        changes = self._ctypes.create_string_buffer(_ROOM)
        _check(self._begin(changes))
        try:
            error = (
                self._copy(changes, stdin, 0)
                or self._copy(changes, stdout, 1)
                or self._copy(changes, stderr, 2)
                or self._close_from(changes, 3)
                or self._start(
                    self._ctypes.byref(pid), argv[0], changes, self._how, words.start, variables.start
                )
            )
        finally:
            self._end(changes)
        _check(error, argv[0])
        return int(pid.value)

    def _array_of_words(self, argv: tuple[bytes, ...]) -> _Array:
        return self._array([word + b"\0" for word in argv])

    def _variables(self, added: Mapping[bytes, bytes]) -> _Array:
        """Return the variables of this process and `added`; most presses add to the same ones."""
        before, array_of_them = self._inherited
        if inherited_variables() != before:
            before = dict(inherited_variables())
            array_of_them = self._array(_entries(before))
            self._inherited = before, array_of_them
        if before.keys().isdisjoint(added):
            return array_of_them.followed_by(self._array(_entries(added)))
        return self._array(_entries({**before, **added}))

    def _array(self, texts: Sequence[bytes]) -> _Array:
        """Return an array of texts that end with a NUL character, and are in one block.

        The addresses are sums of lengths. An array type of ctypes would look up each text, which takes twice
        as long.
        """
        block = b"".join(texts)
        if block.count(b"\0") != len(texts):
            raise ValueError("an argument or a variable contains a NUL character")
        begin = self._ctypes.cast(block, self._ctypes.c_void_p).value
        return _Array(array.array("L", itertools.accumulate(map(len, texts), initial=begin)), block)


class _Array:
    """Texts as C passes them: addresses of their bytes, then a zero.

    Args:
        addresses: the addresses, and one more.
        blocks: what is at these addresses.

    Attributes:
        start: the address of the array, which is valid as long as this object lives.
    """

    __slots__ = ("_addresses", "_blocks", "start")

    def __init__(self, addresses: array.array[int], *blocks: bytes) -> None:
        addresses[-1] = 0
        self._addresses = addresses
        self._blocks = blocks
        self.start: int = addresses.buffer_info()[0]

    def followed_by(self, other: _Array) -> _Array:
        """Return an array of its texts and those of `other`."""
        return _Array(self._addresses[:-1] + other._addresses, *self._blocks, *other._blocks)


def _entries(variables: Mapping[bytes, bytes]) -> list[bytes]:
    return [b"%b=%b\0" % item for item in variables.items()]


def _check(error: int, program: bytes | None = None) -> None:
    """Raise OSError if `error` is not zero."""
    if error:
        raise OSError(error, os.strerror(error), program and os.fsdecode(program))


@functools.cache
def posix_spawn() -> PosixSpawn | None:
    """Return the function of this system; ``None`` if it has none that does what is needed."""
    if sys.platform != "linux":
        return None
    try:
        return PosixSpawn()
    except (ImportError, AttributeError, OSError):
        return None
