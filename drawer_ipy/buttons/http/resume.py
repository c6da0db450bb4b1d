"""Interrupted downloads are resumed if the server says that the file has not changed.

The bytes received so far are kept next to the file in ``.NAME.part``, and ``.NAME.part.json`` identifies
their version: the address, a strong ETag or a date, and a digest of the request. The next request for the
file asks for the rest (``Range``) on condition that it has not changed (``If-Range``). Unless the response
fits exactly, the whole file is fetched. Concurrent downloads of one file do not share a part: it is locked.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import secrets
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, Self

from multidict import CIMultiDict, CIMultiDictProxy

from drawer_ipy.buttons.http.decode import Damaged, TooLarge
from drawer_ipy.buttons.http.failure import RequestFailed
from drawer_ipy.buttons.http.request import Request
from drawer_ipy.buttons.http.response import Response
from drawer_ipy.common.platform import file_locks

if TYPE_CHECKING:
    from drawer_ipy.buttons.http.open_response import OpenResponse

fcntl: Any = file_locks()  # without them, nothing is resumed

_CONDITIONS = ("Range", "If-Range", "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since")
_OF_A_PART = frozenset({"content-range", "content-length"})
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)", re.ASCII)
_OPEN = os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
_GONE = (404, 410)
_LARGE = 1024 * 1024
"""Size in bytes from which the version is recorded at once, so that a killed kernel can resume, too."""

_WHOLE, _PARTIAL, _BEYOND = 200, 206, 416


@dataclass(frozen=True, slots=True)
class _Version:
    """What identifies a version of a file.

    Attributes:
        address: the URL of the file.
        validator: a strong ETag, or the date of its last change.
        total: its size in bytes; ``None`` if unknown.
        salt, digest: a salted digest of the request's headers, so that a file that was meant for one user is
            not continued for another.
    """

    address: str
    validator: str
    total: int | None
    salt: str
    digest: str


class Download:
    """The file that a request is saved to, and the part of it that exists already.

    Use it as a context manager: it closes the part at the end.

    Args:
        path: the file.
        request: the request without conditions.
    """

    def __init__(self, path: Path, request: Request) -> None:
        self._request = request
        self._part = path.with_name(f".{path.name}.part")
        self._note = path.with_name(f".{path.name}.part.json")
        self._version: _Version | None = None
        self._file: BinaryIO | None = None
        self.start: int = 0
        """Number of bytes that exist already."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def asking(self, request: Request) -> Request:
        """Return `request`, or a request for the rest of the file if a part of it exists."""
        if fcntl is None or request.method != "GET" or any(name in request.headers for name in _CONDITIONS):
            return request
        version = self._read()
        if (
            version is None
            or version.address != _address(request)
            or version.digest != self._digest(version.salt)
        ):
            return request
        self._file = self._open(create=False)
        self.start = 0 if self._file is None else os.fstat(self._file.fileno()).st_size
        if not self.start:
            return request
        self._version = version
        rest = {"Range": f"bytes={self.start}-", "If-Range": version.validator, "Accept-Encoding": "identity"}
        return request.with_headers(rest)

    def must_begin_again(self, answer: OpenResponse) -> bool:
        """Whether to request the whole file because the rest is not available; this removes the part."""
        if self._version is None or answer.status not in (_PARTIAL, _BEYOND, *_GONE):
            return False
        if answer.status in _GONE:
            self._discard()
            return False
        if answer.status == _PARTIAL and self._fits(answer, self._version):
            return False
        self._discard()
        return True

    def goes_on(self, answer: OpenResponse) -> bool:
        """Whether `answer` is the rest of the existing part."""
        return self._version is not None and answer.status == _PARTIAL

    def file_for(self, answer: OpenResponse) -> tuple[BinaryIO, str] | None:
        """Return the part that `answer` is appended to, and its name.

        ``None`` if the download could not be resumed later anyway, or another download uses the part.
        """
        if self.goes_on(answer):
            assert self._file is not None
            self._file.seek(0, os.SEEK_END)
            return self._file, self._part.name
        self.start = 0
        version = self._version = self._versioned(answer)
        if version is None:
            return None
        if self._file is None:
            self._file = self._open(create=True)
        if self._file is None:
            self._version = None
            return None
        self._file.truncate(0)
        if (version.total or _LARGE) >= _LARGE:
            self._write()
        else:
            self._forget()
        return self._file, self._part.name

    def broke_off(self, error: BaseException, *, received: bool) -> bool:
        """Keep the part for the next time, unless it is invalid or cannot be written; return whether.

        Args:
            error: what ended the download.
            received: whether every byte had arrived. There is no rest to ask for then, and a thread that is
                still writing the part to the disk keeps its lock.
        """
        invalid = isinstance(error, RequestFailed | TooLarge | Damaged)
        kept = not received and not invalid and _size(self._part) > 0
        if kept:
            self._write()
        else:
            self._forget()
        return kept

    def finished(self) -> None:
        """Remove a remaining part, which is outdated now, unless another download is writing it."""
        if self._version is not None:  # the part was renamed to the file
            self._forget()
            return
        self._file = self._file or self._open(create=False)
        if self._file is not None:
            self._discard()

    def made_whole(self, response: Response) -> None:
        """Turn a partial response, now completed, into a response for the whole file."""
        kept = [(name, value) for name, value in response.headers.items() if name.lower() not in _OF_A_PART]
        kept.append(("Content-Length", str(response.size)))
        response.status, response.reason = _WHOLE, "OK"
        response.headers = CIMultiDictProxy(CIMultiDict(kept))

    def _digest(self, salt: str) -> str:
        named_headers = sorted((name.lower(), value) for name, value in self._request.headers.items())
        raw = json.dumps(named_headers).encode(errors="surrogateescape")
        return hashlib.blake2b(raw, key=salt.encode(), digest_size=16).hexdigest()

    def _versioned(self, answer: OpenResponse) -> _Version | None:
        """Return the version of a whole response; ``None`` if nothing identifies it."""
        headers = answer.headers
        if (
            fcntl is None
            or answer.status != _WHOLE
            or self._request.method != "GET"
            or "Content-Encoding" in headers
            or any(name in self._request.headers for name in _CONDITIONS)
            or headers.get("Accept-Ranges", "").strip().lower() == "none"
        ):
            return None
        validator = _validator(headers)
        if not validator:
            return None
        salt = secrets.token_hex(8)
        return _Version(_address(self._request), validator, answer.length, salt, self._digest(salt))

    def _fits(self, answer: OpenResponse, version: _Version) -> bool:
        headers = answer.headers
        ranges = headers.getall("Content-Range", ())
        said = _RANGE.fullmatch(ranges[0].strip()) if len(ranges) == 1 else None
        if said is None or "Content-Encoding" in headers:
            return False
        first, last, total = int(said[1]), int(said[2]), said[3]
        if first != self.start or total == "*" or last != int(total) - 1:
            return False
        if version.total is not None and int(total) != version.total:
            return False
        if answer.length is not None and answer.length != last - first + 1:
            return False
        etag, date = headers.get("ETag"), headers.get("Last-Modified")
        if version.validator.startswith('"'):
            return etag in (None, version.validator)
        return date in (None, version.validator)

    def _open(self, *, create: bool) -> BinaryIO | None:
        """Return the part, locked; ``None`` if it does not exist, or another download uses it."""
        try:
            if create:
                self._part.parent.mkdir(parents=True, exist_ok=True)
            opened = os.fdopen(os.open(self._part, _OPEN | (os.O_CREAT if create else 0), 0o666), "r+b")
        except OSError:
            return None
        try:
            assert fcntl is not None
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # The part may have been renamed to the file while this waited for the lock.
            found = os.fstat(opened.fileno())
            if stat.S_ISREG(found.st_mode) and os.path.samestat(found, os.lstat(self._part)):
                return opened
        except OSError:
            pass
        opened.close()
        return None

    def _read(self) -> _Version | None:
        try:
            found: Any = json.loads(self._note.read_bytes())
            version = _Version(**found)
        except (OSError, ValueError, TypeError):
            return None
        texts = (version.address, version.validator, version.salt, version.digest)
        return version if all(isinstance(text, str) for text in texts) else None

    def _write(self) -> None:
        version = self._version
        if version is not None:
            named_headers = {name: getattr(version, name) for name in _Version.__slots__}
            with contextlib.suppress(OSError):  # the whole file is then fetched the next time
                self._note.write_text(json.dumps(named_headers), encoding="ascii")

    def _forget(self) -> None:
        with contextlib.suppress(OSError):
            self._note.unlink()

    def _discard(self) -> None:
        self._forget()
        with contextlib.suppress(OSError):
            self._part.unlink()
        self._version = None
        self.start = 0
        self.__exit__(None, None, None)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _address(request: Request) -> str:
    return (request.address or str(request.url)).partition("#")[0]


def _validator(headers: Mapping[str, str]) -> str:
    """Return what identifies this version with certainty; ``""`` if nothing does."""
    etag = headers.get("ETag", "").strip()
    if etag.startswith('"'):
        return etag
    changed = headers.get("Last-Modified", "").strip()
    try:
        # A file may change twice within one second (RFC 9110, 8.8.2.2).
        old = parsedate_to_datetime(headers.get("Date", "")) - parsedate_to_datetime(changed)
    except (ValueError, TypeError, IndexError):
        return ""
    return changed if old.total_seconds() >= 1 else ""
