"""Where a table can be saved: formats by suffix, and what is wrong with a path before anything runs."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from drawer_ipy.common.folders import kind_in_words
from drawer_ipy.errors import UsageError, did_you_mean
from drawer_ipy.results.export.optional import library

Writer = Literal["parquet", "csv", "jsonl", "json"]

_WRITERS: Mapping[str, Writer] = {
    ".parquet": "parquet",
    ".csv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".csv.gz": "csv",
    ".jsonl.gz": "jsonl",
    ".ndjson.gz": "jsonl",
    ".json.gz": "json",
}


def writer_for(path: Path) -> Writer:
    """Return the format of a file by its suffix, upper or lower case.

    Raises:
        UsageError: the suffix is unknown.
    """
    suffixes = [suffix.lower() for suffix in path.suffixes]
    known = "".join(suffixes[-2:]) if suffixes[-1:] == [".gz"] else "".join(suffixes[-1:])
    found = _WRITERS.get(known)
    if found is None:
        near = did_you_mean(known, _WRITERS) if known else ""
        raise UsageError(
            f"cannot save to {str(path)!r}: "
            + (f"the suffix {known!r} is unknown" if known else "its name has no suffix")
            + (f"; {near}" if near else ""),
            remediation=f"use one of {', '.join(_WRITERS)}",
        )
    return found


def check_save_path(path: str | os.PathLike[str]) -> Path:
    """Return the absolute path that :meth:`Results.save` would write, if it can; nothing is written.

    Args:
        path: the file; ``~`` is the home folder.

    Raises:
        UsageError: the suffix is unknown, the folder does not exist or cannot be written to, or there is
            something other than a regular file that can be written.
        MissingLibrary: pyarrow, which Parquet needs, is not installed.
    """
    if not isinstance(path, str | os.PathLike) or not isinstance(os.fspath(path), str):
        raise UsageError(
            f"save needs the path of a file as text, not {type(path).__name__}",
            remediation='such as "pages.parquet"',
        )
    try:
        target = Path(path).expanduser().absolute()
    except RuntimeError:
        raise UsageError(f"cannot save to {os.fspath(path)!r}: the home folder is unknown") from None
    if writer_for(target) == "parquet":
        library("pyarrow.parquet", f"saving to {target.name!r}", "arrow")
    try:
        _check_place(target)
    except (OSError, ValueError) as error:  # a circle of links, a name that is too long, a null character
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"cannot save to {str(target)!r}: {reason}") from None
    return target


def _check_place(path: Path) -> None:
    target = Path(os.path.realpath(path))  # a link stays, and the file that it leads to is replaced
    folder = target.parent
    if not folder.is_dir():
        if folder.exists():
            raise UsageError(f"cannot save to {str(path)!r}: {str(folder)!r} is not a folder")
        raise UsageError(
            f"cannot save to {str(path)!r}: there is no folder {str(folder)!r}",
            remediation="create the folder, or save to another one",
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UsageError(
            f"cannot save to {str(path)!r}: you may not write to the folder {str(folder)!r}",
            remediation="save to another folder",
        )
    try:
        about = target.stat()
    except FileNotFoundError:
        return
    if not stat.S_ISREG(about.st_mode):
        raise UsageError(
            f"cannot save to {str(path)!r}: it is {kind_in_words(about.st_mode)}, and only a regular file is "
            "replaced",
            remediation="save to another path",
        )
    if not os.access(target, os.W_OK):
        raise UsageError(
            f"cannot save to {str(path)!r}: the file is read-only", remediation="save to another path"
        )
