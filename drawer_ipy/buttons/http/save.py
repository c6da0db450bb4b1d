"""Save responses to files: completely or not at all, and never outside the folder that the button names."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from drawer_ipy.buttons.arguments import missing_args, shorten
from drawer_ipy.buttons.base import Call
from drawer_ipy.buttons.http.decode import Body
from drawer_ipy.buttons.http.failure import RequestFailed
from drawer_ipy.buttons.http.resume import Download
from drawer_ipy.buttons.http.saved import SavedFiles, SaveTarget, is_below
from drawer_ipy.buttons.http.template import TextTemplate
from drawer_ipy.common.threads import Threads
from drawer_ipy.definition.own_texts import PLACE
from drawer_ipy.errors import ArgumentError, Code, UsageError

if TYPE_CHECKING:
    from drawer_ipy.buttons.http.open_response import OpenResponse

_UNSAFE = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|%]')
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_LONGEST_NAME = 200
"""Maximum length of a name in bytes; file systems allow 255 or slightly less."""


class SavePath:
    """``save: pages/{{id}}.html``: the file for each press.

    The author may write any path before the first placeholder. An argument can only be part of one name: a
    ``/`` in it is written as ``%2F``, so it cannot lead to another folder, and neither can symbolic links.

    Args:
        text: the path; a relative one starts at the working folder.
        owner: the button's name, for messages.

    Attributes:
        folder: the folder that the file must not leave.
        names: the arguments that it has placeholders for.

    Raises:
        UsageError: it does not name a file.
    """

    def __init__(self, text: str, owner: str) -> None:
        self._owner = owner
        text = text.strip()
        first = PLACE.search(text)
        fixed = text[: first.start()] if first else text
        folder = fixed[: fixed.replace("\\", "/").rfind("/") + 1]
        self.folder: Path = Path(folder).expanduser() if folder else Path()
        parts = re.split(r"[/\\]", text[len(folder) :])
        if not all(parts) or any(part in (".", "..") for part in parts):
            raise UsageError(
                f"button {owner!r} cannot save to {shorten(text)}: it must end with a file name, "
                "and its first argument must not be followed by `.`, `..` or an empty name",
                remediation="write a path like pages/{{id}}.html",
            )
        self._parts = [TextTemplate(part, _as_name) for part in parts]
        self.names: tuple[str, ...] = tuple(
            dict.fromkeys(name for part in self._parts for name in part.names)
        )

    def fill(self, values: Mapping[str, Any]) -> Path:
        """Return the file for these arguments, without creating it.

        Raises:
            ArgumentError: an argument is missing, or a symbolic link leads out of the folder.
        """
        lacking = [name for name in self.names if values.get(name) is None]
        if lacking:
            raise missing_args(self._owner, lacking, values)
        path = self.folder.joinpath(*(_name(part.fill(values)) for part in self._parts))
        if not is_below(os.path.realpath(path.parent), os.path.realpath(self.folder)):
            raise ArgumentError(f"{path} would be saved outside of {self.folder}, because of a symbolic link")
        return path


def _as_name(text: str) -> str:
    """Escape path separators and characters with a special meaning, to make `text` part of a file name."""
    return _UNSAFE.sub(lambda match: f"%{ord(match.group(0)):02X}", text)


def _name(text: str) -> str:
    """Make a file name that every system accepts; a long one is cut, with a digest to keep it unique."""
    if text in (".", "..") or _RESERVED.fullmatch(text) or text.endswith((".", " ")) or not text:
        text = f"_{text.rstrip('. ')}_"
    try:
        raw = text.encode("utf-8", errors="surrogateescape")  # the form of file names that are not UTF-8
    except UnicodeEncodeError:
        raise ArgumentError(f"{shorten(text)} cannot be a file name: it is not valid UTF-8") from None
    if len(raw) <= _LONGEST_NAME:
        return text
    _, dot, suffix = text.rpartition(".")
    suffix = f"{dot}{suffix}" if dot and len(suffix) <= 10 else ""
    digest = hashlib.blake2b(raw, digest_size=8).hexdigest()
    return f"{raw[:150].decode(errors='ignore')}-{digest}{suffix}"


async def _write(answer: OpenResponse, body: Body, file: BinaryIO, path: Path) -> int:
    """Write `body` to `file` as it arrives; return how many bytes it had."""
    size = 0
    async for chunk in answer.content.iter_any():
        piece = body.feed(chunk)
        size += len(piece)
        with _reporting(path):
            file.write(piece)
    body.end()
    return size


async def save_body(answer: OpenResponse, body: Body, path: Path, call: Call, download: Download) -> int:
    """Write a body to `path` as it arrives, for the step that presses with `call`; return its size in bytes.

    The file appears when it is complete. Until then, or if anything fails, the previous file stays in place.

    Args:
        download: the part that exists already; it also keeps the new bytes if it can be resumed later.

    Raises:
        RequestFailed: the file cannot be written, the path is not a regular file, or another step of the
            run has saved to it.
        TooLarge, Damaged: see Body.
    """
    saved = call.resources.lasting(SavedFiles)
    claim = saved.begun(path, call)
    with _reporting(path):
        folder = _Folder(claim.target)
    part, temporary, received = None, f".{secrets.token_hex(8)}.part", False
    try:
        part = download.file_for(answer)
        with _reporting(path):
            file, temporary = part if part is not None else (folder.create(temporary), temporary)
        try:
            size = download.start + await _write(answer, body, file, path)
            received = True
            await call.resources.get(Threads).submit(lambda: _flush(file, path))
            written = os.fstat(file.fileno())
        finally:
            # On a full disk, closing fails again, and the first error is the one to report.
            with contextlib.suppress(OSError):
                file.close()
        # There is no await between this check and the replacement, so no other step of the run can interfere.
        there = folder.about(claim.target.name)
        claim.target.check_kind(there)
        saved.check(claim, there)
        with _reporting(path):
            folder.replace(temporary, claim.target.name)
        saved.done(claim, written)
        download.finished()
        return size
    except BaseException as error:
        if not (part and download.broke_off(error, received=received)):
            with contextlib.suppress(OSError):
                folder.remove(temporary)
        raise
    finally:
        folder.close()


_BINARY = getattr(os, "O_BINARY", 0)  # on Windows, line endings would change without it
_HAS_FOLDERS = {os.open, os.mkdir, os.stat, os.unlink, os.rename} <= os.supports_dir_fd
_OPEN_FOLDER = (
    getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_PATH", os.O_RDONLY)
)


class _Folder:
    """An open folder, so that files are created in this folder even if it is moved or replaced by a link.

    It is created if necessary. On systems that cannot address a file relative to an open folder, the path is
    used.

    Raises:
        OSError: it cannot be created or opened, or a link has appeared on the way since `target` was made.
    """

    def __init__(self, target: SaveTarget) -> None:
        self._path = os.path.join(target.folder, *target.inner)
        self._handle: int | None = None
        os.makedirs(target.folder if _HAS_FOLDERS else self._path, exist_ok=True)
        if not _HAS_FOLDERS:
            return
        self._handle = os.open(target.folder, _OPEN_FOLDER)
        try:
            for name in target.inner:
                self._enter(name)
        except BaseException:
            self.close()
            raise

    def _enter(self, name: str) -> None:
        with contextlib.suppress(FileExistsError):
            os.mkdir(name, dir_fd=self._handle)
        inner = os.open(name, _OPEN_FOLDER, dir_fd=self._handle)
        self.close()
        self._handle = inner

    def _named(self, name: str) -> str:
        return os.path.join(self._path, name) if self._handle is None else name

    def create(self, name: str) -> BinaryIO:
        """Create a file. Its mode depends on the umask, as for any new file of the user."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY
        return os.fdopen(os.open(self._named(name), flags, 0o666, dir_fd=self._handle), "wb")

    def about(self, name: str) -> os.stat_result | None:
        """Return the status of what has that name, without following links; ``None`` if there is nothing."""
        try:
            return os.stat(self._named(name), dir_fd=self._handle, follow_symlinks=False)
        except OSError:
            return None

    def replace(self, name: str, by: str) -> None:
        """Rename the file `by` to `name`, atomically and durably."""
        source, target = self._named(name), self._named(by)
        os.replace(source, target, src_dir_fd=self._handle, dst_dir_fd=self._handle)

    def remove(self, name: str) -> None:
        """Remove a file."""
        os.unlink(self._named(name), dir_fd=self._handle)

    def close(self) -> None:
        """Close the folder; closing it twice is harmless."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


def _flush(file: BinaryIO, path: Path) -> None:
    with _reporting(path):
        file.flush()
        os.fsync(file.fileno())


@contextlib.contextmanager
def _reporting(path: Path) -> Iterator[None]:
    """Turn system errors into RequestFailed."""
    try:
        yield
    except OSError as error:
        raise RequestFailed(
            f"{path} cannot be written: {error.strerror or error}", code=Code.VALIDATION_ERROR, final=True
        ) from None
