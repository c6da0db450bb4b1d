"""The user's own folder and key: what makes results that others left in a folder worthless to us.

Results are pickles, and reading a foreign pickle runs foreign code. So each is sealed with a key that only
this user has, and what does not bear the seal is never read: a cache folder that came with somebody's
project is only a folder of misses. The same key goes into the keys of results, so that nobody can find out
an argument (a password, say) by trying.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
import sys
from collections.abc import Mapping
from pathlib import Path

from drawer_ipy.cache.trouble import CacheTrouble
from drawer_ipy.common.folders import kind_in_words, make_private, open_regular

KEY_BYTES = 32


def user_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Where this system keeps caches of the current user; it need not exist."""
    if sys.platform == "win32":
        return Path(environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "drawer_ipy"
    if environ.get("XDG_CACHE_HOME"):
        return Path(environ["XDG_CACHE_HOME"]).absolute() / "drawer_ipy"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "drawer_ipy"
    return Path.home() / ".cache" / "drawer_ipy"


def make_folder(folder: Path) -> None:
    """Make `folder` and what is missing above it, each for its owner only (0700).

    Raises:
        CacheTrouble: it cannot be made, is not a folder, a symbolic link to one, or another user's.
    """
    try:
        make_private(folder)
    except OSError as error:
        raise CacheTrouble(f"{folder} cannot be made: {error.strerror or error}") from None
    try:
        about = os.lstat(folder)
    except OSError as error:
        raise CacheTrouble(f"{folder}: {error.strerror or error}") from None
    if not stat.S_ISDIR(about.st_mode):
        raise CacheTrouble(f"{folder} is {kind_in_words(about.st_mode)} and no folder")
    if hasattr(os, "geteuid") and about.st_uid != os.geteuid():
        raise CacheTrouble(f"{folder} belongs to another user")


def private_key(folder: Path | None = None) -> bytes:
    """The user's key, made the first time; :data:`KEY_BYTES` long.

    Raises:
        CacheTrouble: it can neither be read nor made, or belongs to somebody else.
    """
    folder = folder or user_folder()
    path = folder / "key"
    make_folder(folder)
    try:
        for _ in range(2):
            with contextlib.suppress(FileNotFoundError):
                key = _read(path)
                if len(key) == KEY_BYTES:
                    return key
                path.unlink()  # cut off by a full disk, say; results sealed with it are lost anyway
            _make(path)
        key = _read(path)
    except OSError as error:
        raise CacheTrouble(f"{path} cannot be read or made: {error.strerror or error}") from None
    if len(key) != KEY_BYTES:
        raise CacheTrouble(f"{path} is damaged")
    return key


def _read(path: Path) -> bytes:
    handle = open_regular(path)
    try:
        about = os.fstat(handle)
        if hasattr(os, "geteuid") and about.st_uid != os.geteuid():
            raise CacheTrouble(f"{path} belongs to another user")
        if about.st_mode & 0o077 and hasattr(os, "fchmod"):
            os.fchmod(handle, 0o600)
        return os.read(handle, KEY_BYTES + 1)
    finally:
        os.close(handle)


def _make(path: Path) -> None:
    """Put a new key there, whole; if another process has just done so, leave that one."""
    temporary = path.with_name(f".key.{secrets.token_hex(8)}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
        with contextlib.suppress(FileExistsError):
            os.link(temporary, path)
    finally:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
