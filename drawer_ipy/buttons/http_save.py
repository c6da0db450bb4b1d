"""Putting answers into files: whole or not at all, and never outside the folder that the button names."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from drawer_ipy.buttons.arguments import missing_args, shorten
from drawer_ipy.buttons.base import Resources
from drawer_ipy.buttons.http_decode import Body
from drawer_ipy.buttons.http_failure import RequestFailed
from drawer_ipy.buttons.http_resume import Download
from drawer_ipy.buttons.http_template import PLACE, Template
from drawer_ipy.buttons.http_wire import Answer
from drawer_ipy.buttons.threads import Threads
from drawer_ipy.errors import ArgumentError, Code, UsageError

_UNSAFE = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|%]')
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_LONGEST_NAME = 200
"""Bytes of one name; file systems take 255 or a little less."""

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)  # without, Windows changes line ends


class SavePath:
    """``save: pages/{{id}}.html``: the file for each press.

    What stands before the first place is the author's to choose. An argument fills in part of one name: a
    ``/`` in it is written as ``%2F``, so it cannot lead to another folder; symbolic links do not, either.

    Args:
        text: the path; a relative one is meant from the working folder on.
        owner: the button's name, for messages.

    Attributes:
        names: the arguments it has places for.

    Raises:
        UsageError: when it names no file.
    """

    def __init__(self, text: str, owner: str) -> None:
        self._owner = owner
        text = text.strip()
        first = PLACE.search(text)
        fixed = text[: first.start()] if first else text
        folder = fixed[: fixed.replace("\\", "/").rfind("/") + 1]
        self._folder = Path(folder).expanduser() if folder else Path()
        parts = re.split(r"[/\\]", text[len(folder) :])
        if not all(parts) or any(part in (".", "..") for part in parts):
            raise UsageError(
                f"button {owner!r} cannot save to {shorten(text)}: it must end in a file's name, "
                "and no `.`, `..` or empty name may follow its first argument",
                remediation="write a path like pages/{{id}}.html",
            )
        self._parts = [Template(part, _as_name) for part in parts]
        self.names = tuple(dict.fromkeys(name for part in self._parts for name in part.names))

    def fill(self, values: Mapping[str, Any]) -> Path:
        """The file for these arguments; nothing is made yet.

        Raises:
            ArgumentError: when an argument is missing, or a symbolic link leads out of the folder.
        """
        lacking = [name for name in self.names if values.get(name) is None]
        if lacking:
            raise missing_args(self._owner, lacking, values)
        path = self._folder.joinpath(*(_name(part.fill(values)) for part in self._parts))
        if not path.parent.resolve().is_relative_to(self._folder.resolve()):
            raise ArgumentError(f"{path} would be saved outside of {self._folder}: there is a symbolic link")
        return path


def _as_name(text: str) -> str:
    """As part of a file's name: what separates names, or means something to a system, is escaped."""
    return _UNSAFE.sub(lambda match: f"%{ord(match.group(0)):02X}", text)


def _name(text: str) -> str:
    """One whole name that every system takes; a long one is cut, and told from others by a digest."""
    if text in (".", "..") or _RESERVED.fullmatch(text) or text.endswith((".", " ")) or not text:
        text = f"_{text.rstrip('. ')}_"
    raw = text.encode("utf-8", errors="replace")
    if len(raw) <= _LONGEST_NAME:
        return raw.decode()
    _, dot, suffix = text.rpartition(".")
    suffix = f"{dot}{suffix}" if dot and len(suffix) <= 10 else ""
    digest = hashlib.blake2b(raw, digest_size=8).hexdigest()
    return f"{raw[:150].decode(errors='ignore')}-{digest}{suffix}"


async def save_body(answer: Answer, body: Body, path: Path, resources: Resources, download: Download) -> int:
    """Write a body to `path` as it arrives; returns its size in bytes.

    The file appears when it is whole; until then, and for ever when anything fails, what was there before
    is still there.

    Args:
        download: what there is of it already, and keeps what comes of it where it can go on later.

    Raises:
        RequestFailed: when the file cannot be written.
        TooLarge, Damaged: see Body.
    """
    part = download.file_for(answer)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(part[1] if part else f".{secrets.token_hex(8)}.part")
        # As any new file of the user's, its mode is what the umask leaves.
        file = part[0] if part else os.fdopen(os.open(temporary, _NEW, 0o666), "wb")
    except OSError as error:
        raise _unwritable(path, error) from None
    try:
        with file:
            size = download.start
            async for chunk in answer.content.iter_any():
                piece = body.feed(chunk)
                size += len(piece)
                _write(file, piece, path)
            body.end()
            await resources.get(Threads).submit(lambda: _flush(file, path))
            try:
                os.replace(temporary, path)
            except OSError as error:
                raise _unwritable(path, error) from None
        download.finished()
        return size
    except BaseException as error:
        if not (part and download.broke_off(error)):
            with contextlib.suppress(OSError):
                temporary.unlink()
        raise


def _write(file: Any, piece: bytes, path: Path) -> None:
    try:
        file.write(piece)
    except OSError as error:
        raise _unwritable(path, error) from None


def _flush(file: Any, path: Path) -> None:
    try:
        file.flush()
        os.fsync(file.fileno())
    except OSError as error:
        raise _unwritable(path, error) from None


def _unwritable(path: Path, error: OSError) -> RequestFailed:
    return RequestFailed(
        f"{path} cannot be written: {error.strerror or error}", code=Code.VALIDATION_ERROR, final=True
    )
