"""The user's private folder and key, which make results from other users harmless.

Results are pickles, and reading a pickle can run code. So each result is sealed with a key that only this
user has, and results without a valid seal are never read: a cache folder that came with another person's
project contains only misses. The same key is part of the keys of results, so that an argument (a password,
say) cannot be found by guessing.
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
    """Return the system's folder for caches of the current user; it need not exist."""
    if sys.platform == "win32":
        return Path(environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "drawer_ipy"
    if environ.get("XDG_CACHE_HOME"):
        return Path(environ["XDG_CACHE_HOME"]).absolute() / "drawer_ipy"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "drawer_ipy"
    return Path.home() / ".cache" / "drawer_ipy"


def make_folder(folder: Path) -> None:
    """Create `folder` and its missing parents, accessible only to the owner (0700).

    Raises:
        CacheTrouble: it cannot be created, is a symbolic link or not a folder, or belongs to another user.
    """
    try:
        make_private(folder)
    except OSError as error:
        raise CacheTrouble(f"{folder} cannot be created: {error.strerror or error}") from None
    try:
        about = os.lstat(folder)
    except OSError as error:
        raise CacheTrouble(f"{folder}: {error.strerror or error}") from None
    if not stat.S_ISDIR(about.st_mode):
        kind = "a file" if stat.S_ISREG(about.st_mode) else kind_in_words(about.st_mode)
        raise CacheTrouble(f"{folder} is {kind}, not a folder")
    if hasattr(os, "geteuid") and about.st_uid != os.geteuid():
        raise CacheTrouble(f"{folder} belongs to another user")


def private_key(folder: Path | None = None) -> bytes:
    """Return the user's key, :data:`KEY_BYTES` long; create it on first use.

    Raises:
        CacheTrouble: it can neither be read nor created, or belongs to another user.
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
                path.unlink()  # incomplete, e.g. after a full disk; results sealed with it are lost anyway
            _make(path)
        key = _read(path)
    except OSError as error:
        raise CacheTrouble(f"{path} cannot be read or created: {error.strerror or error}") from None
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
    """Create a key file atomically; keep an existing one, which another process may just have created."""
    temporary = path.with_name(f".key.{secrets.token_hex(8)}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
        with contextlib.suppress(FileExistsError):
            if hasattr(os, "link"):
                os.link(temporary, path)
            else:  # a file system in memory, which no other process uses
                os.replace(temporary, path)
    finally:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
