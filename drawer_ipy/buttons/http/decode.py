"""Decode a body's Content-Encoding piece by piece, without ever holding more than a limit.

aiohttp does not do this because of decompression bombs: a few kilobytes can decompress to gigabytes, so every
decoder gets a limit for its output. Decoding small pieces in place is also faster than in a thread.
"""

from __future__ import annotations

import importlib
import zlib
from collections.abc import Callable
from typing import Any, Protocol

from drawer_ipy.common.install import install_hint

_MOST_CODINGS = 5
"""Maximum number of nested codings; real responses have one, rarely two."""

_OPTIONAL = ("br", "zstd")
_AROUND = " \t\"'"
_GZIP_MAGIC = b"\x1f\x8b"


class TooLarge(Exception):
    """The body exceeds the limit.

    Attributes:
        piece: the part of the latest piece within the limit; ``b""`` if a coding was not yet decoded.
    """

    def __init__(self, piece: bytes = b"") -> None:
        super().__init__()
        self.piece = piece


class Damaged(Exception):
    """The body does not match its Content-Encoding; the message says how."""


class Decoder(Protocol):
    """A decoder for one coding."""

    def feed(self, data: bytes, room: int) -> bytes:
        """Decode `data`: return at most about `room` bytes and one block.

        Raises:
            Damaged: `data` is invalid.
        """

    def end(self) -> None:
        """Finish decoding. Raises Damaged if data is missing."""


class _Zlib:
    """gzip, also with several members, and deflate with or without zlib's header."""

    def __init__(self, name: str) -> None:
        self._gzip = name == "gzip"
        self._object: Any = zlib.decompressobj(31) if self._gzip else None
        self._begun = False
        self._rest = b""

    def feed(self, data: bytes, room: int) -> bytes:
        if self._object is None:
            # Some servers send deflate without zlib's two bytes; the header's checksum shows which it is.
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
                    break  # padding after the end, which all clients ignore
                self._object = zlib.decompressobj(31)
            self._begun = True
            piece = self._object.decompress(data, room)
            out.append(piece)
            room -= len(piece)
            data = self._object.unused_data
        return out[0] if len(out) == 1 else b"".join(out)

    def end(self) -> None:
        if self._begun and not self._object.eof:
            raise Damaged("it is truncated")


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
            raise Damaged("it is truncated")


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
            raise Damaged("it is truncated")


def _zstd_module() -> Any:
    """zstd from the standard library (since Python 3.14) or its backport."""
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
    """brotli, if its version can limit the output."""
    module = importlib.import_module("brotli")
    if not hasattr(module.Decompressor, "can_accept_more_data"):
        raise ImportError("brotli before 1.2 cannot limit its output")
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
"""The Accept-Encoding header: the codings that can be decoded."""


class Body:
    """Decode a body as it arrives, within a limit.

    Args:
        encodings: the Content-Encoding header, ``""`` if there is none.
        limit: maximum size of the body in bytes, as sent and after each decoding.

    Attributes:
        unknown: unknown codings, which are not decoded.

    Raises:
        Damaged: a coding needs a library that is not installed, or there are too many codings.
    """

    def __init__(self, encodings: str, limit: int) -> None:
        names = [name.strip(_AROUND).lower() for name in encodings.split(",")] if encodings else []
        names = [name for name in names if name not in ("", "identity")]
        for name in names:
            if name in _OPTIONAL and name not in _DECODERS:
                raise Damaged(f"its Content-Encoding {name!r} needs a package; {install_hint('scrape')}")
        self.unknown: list[str] = [name for name in names if name not in _DECODERS]
        names = [name for name in names if name in _DECODERS]
        if len(names) > _MOST_CODINGS:
            raise Damaged(f"its Content-Encoding {encodings[:60]!r} names {len(names)} codings")
        self._decoders = [_DECODERS[name]() for name in reversed(names)]
        self._limit = limit
        self._sizes = [0] * (len(names) + 1)

    def feed(self, data: bytes) -> bytes:
        """Decode `data`.

        Raises:
            TooLarge: as soon as the limit is exceeded; little more than the limit is ever held.
            Damaged: the data does not match its Content-Encoding.
        """
        self._count(0, data)
        for number, decoder in enumerate(self._decoders, start=1):
            if not data:
                break
            try:
                data = decoder.feed(data, self._limit - self._sizes[number] + 1)
            except (zlib.error, EOFError, ValueError) as error:
                raise Damaged(str(error)) from None
            except Exception as error:  # brotli and zstd have their own exceptions, which are imported lazily
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
        """Finish decoding. Raises Damaged if data is missing."""
        for decoder in self._decoders:
            decoder.end()


_LIBRARIES = frozenset({"brotli", "_brotli", "backports", "compression", "_zstd"})
