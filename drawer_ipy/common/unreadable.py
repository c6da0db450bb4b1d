"""Why a file cannot be read, and what to do about it, in words."""

from __future__ import annotations

import os
from pathlib import Path

from drawer_ipy.errors import did_you_mean

_MOST_NAMES = 10_000


def why_unreadable(path: Path, error: Exception) -> tuple[str, str]:
    """Return why the file at `path` cannot be read, and a hint (or ``""``).

    Args:
        path: as the user wrote it.
        error: what reading it raised: an OSError, UnicodeDecodeError, or ValueError for an impossible name.
    """
    if isinstance(error, FileNotFoundError):
        return _absent(path)
    if isinstance(error, UnicodeDecodeError):
        wrong = error.object[error.start]
        return f"it is not UTF-8 text (byte {error.start + 1:,} is 0x{wrong:02x})", "save it as UTF-8"
    if "\0" in str(path):
        return "its name has a NUL character", ""
    if _is_folder(path):
        return "it is a folder, not a file", _inside(path)
    if isinstance(error, NotADirectoryError):
        above = next(one for one in path.parents if not _is_folder(one))
        return f"{str(above)!r} is not a folder", ""
    if isinstance(error, PermissionError):
        return "you have no permission to read it", f"look at its rights: ls -ld {path}"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__, ""


def _absent(path: Path) -> tuple[str, str]:
    """The reason for a path where nothing is: the first part of it that does not exist, and where."""
    if os.path.lexists(path):
        return f"it is a link to {os.readlink(path)!r}, which does not exist", ""
    missing = next((one for one in reversed(path.parents) if not os.path.lexists(one)), path)
    what = "file" if missing == path else "folder"
    reason = f"there is no {what} {missing.name!r} in {missing.parent.absolute()}"
    try:
        names = sorted(os.listdir(missing.parent))[:_MOST_NAMES]
    except OSError:
        return reason, ""
    alike = [name for name in names if name.lower() == missing.name.lower()]
    return reason, did_you_mean(missing.name, alike or names, 0.0 if alike else 0.6)


def _inside(folder: Path) -> str:
    """The hint for a folder: the file in it that may be meant."""
    try:
        names = sorted(name for name in os.listdir(folder) if (folder / name).is_file())
    except OSError:
        return ""
    meant = next((name for name in ("drawer.json", "drawer.yaml", "drawer.yml") if name in names), "")
    meant = meant or (names[0] if len(names) == 1 else "")
    return f"did you mean {str(folder / meant)!r}?" if meant else "give a file in it"


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False
