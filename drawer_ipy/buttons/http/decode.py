"""Undoing a body's Content-Encoding piece by piece, never holding more than a limit allows.

Done here and not by aiohttp because of decompression bombs: a few kilobytes may stand for gigabytes, so
every decoder is told how much it may give back. Small pieces are also decoded faster where they are than
in a thread.
"""

from __future__ import annotations

import importlib
import zlib
from collections.abc import Callable
from typing import Any, Protocol

from drawer_ipy.common.install import install_hint

_MOST_CODINGS = 5
"""Codings one upon the other; real ones have one, seldom two."""

_OPTIONAL = ("br", "zstd")
_AROUND = " \t\"'"
_GZIP_MAGIC = b"\x1f\x8b"


class TooLarge(Exception):
    """The body is longer than the limit.

    Attributes:
        piece: what of the latest piece is within the limit; ``b""`` where a coding was not yet undone.
    """

    def __init__(self, piece: bytes = b"") -> None:
        super().__init__()
        self.piece = piece


class Damaged(Exception):
    """The body is not what its Content-Encoding says; the message says how."""


class Decoder(Protocol):
    """Undoes one coding."""

    def feed(self, data: bytes, room: int) -> bytes:
        """What `data` adds to the body, at most about `room` bytes and one block.

        Raises:
            Damaged: when `data` is not what it should be.
        """

    def end(self) -> None:
        """Say that there is no more. Raises Damaged when there should have been."""


class _Zlib:
    """gzip, also several members one after the other, and deflate with or without zlib's header."""

    def __init__(self, name: str) -> None:
        self._gzip = name == "gzip"
        self._object: Any = zlib.decompressobj(31) if self._gzip else None
        self._begun = False
        self._rest = b""

    def feed(self, data: bytes, room: int) -> bytes:
        if self._object is None:
            # Some servers send deflate without zlib's two bytes; a header is told by its check sum.
            header = data[0] & 0x0F == 8 and (len(data) < 2 or (data[0] * 256 + data[1]) % 31 == 0)
            self._object = zlib.decompressobj(15 if header else -15)
        out = []
        while data and room > 0:
            if self._object.eof:
                data, self._rest = self._rest + data, b""
                if self._gzip and data == _GZIP_MAGIC[:1]:
                    self._rest = data
                    break
                if not (self._gzip and data.startswith(_GZIP_MAGIC)):
                    break  # padding after the end, which everybody ignores
                self._object = zlib.decompressobj(31)
            self._begun = True
            piece = self._object.decompress(data, room)
            out.append(piece)
            room -= len(piece)
            data = self._object.unused_data
        return out[0] if len(out) == 1 else b"".join(out)

    def end(self) -> None:
        if self._begun and not self._object.eof:
            raise Damaged("it ends too early")


class _Brotli:
    def __init__(self) -> None:
        self._object = importlib.import_module("brotli").Decompressor()
        self._begun = False

    def feed(self, data: bytes, room: int) -> bytes:
        self._begun = True
        found: bytes = self._object.process(data, output_buffer_limit=max(room, 1))
        return found

    def end(self) -> None:
        if self._begun and not self._object.is_finished():
            raise Damaged("it ends too early")


class _Zstd:
    def __init__(self) -> None:
        self._new: Callable[[], Any] = _zstd_module().ZstdDecompressor
        self._object = self._new()
        self._begun = False

    def feed(self, data: bytes, room: int) -> bytes:
        out = []
        while data and room > 0:
            if self._object.eof:
                self._object = self._new()  # several frames make one body
            self._begun = True
            piece = self._object.decompress(data, max_length=room)
            out.append(piece)
            room -= len(piece)
            data = self._object.unused_data
        return b"".join(out)

    def end(self) -> None:
        if self._begun and not self._object.eof:
            raise Damaged("it ends too early")


def _zstd_module() -> Any:
    """zstd of the standard library (from Python 3.14 on) or its backport."""
    try:
        return importlib.import_module("compression.zstd")
    except ImportError:
        return importlib.import_module("backports.zstd")


def _has(load: Callable[[], Any]) -> bool:
    try:
        load()
    except ImportError:
        return False
    return True


def _brotli_is_bounded() -> Any:
    """brotli, where it is new enough to be told how much it may give back."""
    module = importlib.import_module("brotli")
    if not hasattr(module.Decompressor, "can_accept_more_data"):
        raise ImportError("brotli before 1.2 cannot be bounded")
    return module


_DECODERS: dict[str, Callable[[], Decoder]] = {
    "gzip": lambda: _Zlib("gzip"),
    "x-gzip": lambda: _Zlib("gzip"),
    "deflate": lambda: _Zlib("deflate"),
}
if _has(_brotli_is_bounded):
    _DECODERS["br"] = _Brotli
if _has(_zstd_module):
    _DECODERS["zstd"] = _Zstd

ACCEPTED = ", ".join(name for name in ("gzip", "deflate", "br", "zstd") if name in _DECODERS)
"""Value of Accept-Encoding: what can be undone here."""


class Body:
    """A body as it arrives, decoded, within a limit.

    Args:
        encodings: value of Content-Encoding, ``""`` when there is none.
        limit: most bytes of the body, as sent and also after each decoding.

    Attributes:
        unknown: the codings that nobody knows; what they name is left as it is.

    Raises:
        Damaged: when it has a coding whose library is not installed, or too many.
    """

    def __init__(self, encodings: str, limit: int) -> None:
        names = [name.strip(_AROUND).lower() for name in encodings.split(",")] if encodings else []
        names = [name for name in names if name not in ("", "identity")]
        for name in names:
            if name in _OPTIONAL and name not in _DECODERS:
                raise Damaged(f"its Content-Encoding {name!r} needs a package; {install_hint('scrape')}")
        self.unknown = [name for name in names if name not in _DECODERS]
        names = [name for name in names if name in _DECODERS]
        if len(names) > _MOST_CODINGS:
            raise Damaged(f"its Content-Encoding {encodings[:60]!r} names {len(names)} codings")
        self._decoders = [_DECODERS[name]() for name in reversed(names)]
        self._limit = limit
        self._sizes = [0] * (len(names) + 1)

    def feed(self, data: bytes) -> bytes:
        """The part of the body that `data` brings.

        Raises:
            TooLarge: as soon as there is more than the limit; little more than that is ever held.
            Damaged: when it is not what its Content-Encoding says.
        """
        self._count(0, data)
        for number, decoder in enumerate(self._decoders, start=1):
            if not data:
                break
            try:
                data = decoder.feed(data, self._limit - self._sizes[number] + 1)
            except (zlib.error, EOFError, ValueError) as error:
                raise Damaged(str(error)) from None
            except Exception as error:  # brotli and zstd have errors of their own, loaded only here
                if type(error).__module__.partition(".")[0] not in _LIBRARIES:
                    raise
                raise Damaged(str(error)) from None
            self._count(number, data)
        return data

    def _count(self, number: int, data: bytes) -> None:
        before = self._sizes[number]
        self._sizes[number] += len(data)
        if self._sizes[number] > self._limit:
            undone = number == len(self._decoders)
            raise TooLarge(data[: self._limit - before] if undone else b"")

    def end(self) -> None:
        """Say that there is no more. Raises Damaged when there should have been."""
        for decoder in self._decoders:
            decoder.end()


_LIBRARIES = frozenset({"brotli", "_brotli", "backports", "compression", "_zstd"})
