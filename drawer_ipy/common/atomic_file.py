"""Write a file that replaces another one only when it is complete."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a file whose content becomes that of `path` if the block ends without an exception.

    Other programs see the old or the new content, never a part. A symbolic link stays, and the file that it
    points to is replaced; the file's permissions stay too. A device or a named pipe is never replaced: the
    content is written straight into it.

    Raises:
        OSError: the file cannot be written; the old content is unchanged.
    """
    before = _stat(path)
    if before is not None and (not stat.S_ISREG(before.st_mode) or _is_open_stream(path)):
        with open(path, "wb") as special:  # fails for a folder
            yield special
        return
    target = Path(os.path.realpath(path))
    if before is not None and not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
    temporary = target.with_name(f".{secrets.token_hex(8)}.part")
    # The mask of the process decides on the permissions of a new file.
    mode = 0o666 if before is None else stat.S_IMODE(before.st_mode) & 0o777
    try:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode)
    except OSError as error:  # name the file of the user, not the temporary one
        raise type(error)(error.errno, error.strerror, str(path)) from None
    with completed(handle, temporary, target) as file:
        if before is not None:
            _keep_owner_and_mode(file.fileno(), before, mode)
        yield file


@contextlib.contextmanager
def completed(
    handle: int, temporary: str | os.PathLike[str], target: Path, *, durable: bool = True
) -> Iterator[BinaryIO]:
    """Open a new file for the block; then give it the name `target`, or remove it after an exception.

    Args:
        handle: the descriptor of the new file; it is closed at the end.
        temporary: the path of the new file, in the folder of `target`.
        target: the path that it gets; a symbolic link there is replaced, not followed.
        durable: whether the content must be on disk before the file gets its name.

    Raises:
        OSError: it cannot be written or renamed; what was at `target` is unchanged.
    """
    try:
        with _opened(handle) as file:
            yield file
            file.flush()
            if durable:
                os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def _opened(handle: int) -> BinaryIO:
    try:
        return os.fdopen(handle, "wb")
    except BaseException:
        os.close(handle)
        raise


def _stat(path: str | os.PathLike[str]) -> os.stat_result | None:
    try:
        return os.stat(path)
    except FileNotFoundError:
        return None


def _is_open_stream(path: str | os.PathLike[str]) -> bool:
    """Whether `path` is a name of a file that is open already, such as ``/dev/stdout``."""
    return os.path.abspath(path).startswith(("/dev/", "/proc/"))


def _keep_owner_and_mode(handle: int, before: os.stat_result, mode: int) -> None:
    own = hasattr(os, "fchown") and hasattr(os, "geteuid")
    if own and (before.st_uid, before.st_gid) != (os.geteuid(), os.getegid()):
        with contextlib.suppress(OSError):  # only the superuser may give files away
            os.fchown(handle, before.st_uid, before.st_gid)
    if hasattr(os, "fchmod"):
        with contextlib.suppress(OSError):
            os.fchmod(handle, mode)
