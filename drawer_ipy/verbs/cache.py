"""``cache info`` and ``cache clear``: show the cached results, and delete them."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import Any

from drawer_ipy.cache.store import FILE, Store, StoreInfo
from drawer_ipy.cache.trouble import CacheTrouble
from drawer_ipy.common.bad_value import BadValue
from drawer_ipy.common.counted import number_of
from drawer_ipy.definition.values import parse_lasting
from drawer_ipy.errors import did_you_mean
from drawer_ipy.record.plain import rfc3339
from drawer_ipy.verbs.base import VerbCode, VerbContext, VerbError, VerbParser, VerbResult

_VERBS = ("info", "clear")


def run(words: Sequence[str], context: VerbContext) -> VerbResult:
    """``cache``, ``cache info`` or ``cache clear``.

    Raises:
        VerbError: UNKNOWN_VERB, or the file is locked or cannot be read.
        UsageError: an option is invalid.
    """
    verb, rest = (words[0], words[1:]) if words and not words[0].startswith("-") else ("info", words)
    if verb == "info":
        return _info(rest, context)
    if verb == "clear":
        return _clear(rest, context)
    hint = f"{did_you_mean(verb, _VERBS)} the verbs of the cache are {', '.join(_VERBS)}".strip()
    raise VerbError(f"unknown verb {verb!r}", code=VerbCode.UNKNOWN_VERB, remediation=hint)


def _info(words: Sequence[str], context: VerbContext) -> VerbResult:
    VerbParser("cache info", "Show how many results are cached, of which buttons, and where.").read(words)
    store = _open(context)
    if store is None:
        folder = context.workspace.cache_folder
        empty = {"path": str(folder / FILE), "entries": 0, "bytes": 0, "buttons": {}}
        return VerbResult(empty, f"nothing is cached; results would be stored in {folder}")
    try:
        info = store.info()
    except CacheTrouble as trouble:
        raise _verb_error(trouble) from None
    finally:
        store.close()
    return VerbResult(_data(info), _text(info) + _mended(store))


def _clear(words: Sequence[str], context: VerbContext) -> VerbResult:
    parser = VerbParser("cache clear", "Delete cached results: all of them, or those of some buttons.").dry()
    parser.add_argument("buttons", metavar="BUTTON", nargs="*", help="only results of this button")
    parser.add_argument("--older", metavar="TIME", help="only results older than this: 30m, 12h, 7d")
    options = parser.read(words)
    before = _before(options.older)
    store = _open(context)
    if store is None:
        return VerbResult({"cleared": 0}, "nothing is cached")
    try:
        known = store.info().buttons
        unknown = [name for name in options.buttons if name not in known]
        if unknown:
            hint = did_you_mean(unknown[0], known)
            raise VerbError(
                f"no results of a button {unknown[0]!r} are cached", code=VerbCode.NOT_FOUND, remediation=hint
            )
        count = store.count if options.dry_run else store.clear
        gone = count(options.buttons, before)
    except CacheTrouble as trouble:
        raise _verb_error(trouble) from None
    finally:
        store.close()
    data: dict[str, Any] = {"cleared": gone}
    if options.dry_run:
        data["executed"] = False
    verb = "would delete" if options.dry_run else "deleted"
    return VerbResult(data, f"{verb} {number_of(gone, 'result')}{_mended(store)}")


def _mended(store: Store) -> str:
    """A line that says that a damaged file was replaced, or ``""``."""
    return f"\nthe file was damaged and replaced; the old one is {store.aside}" if store.mended else ""


def _before(older: str | None) -> float | None:
    if older is None:
        return None
    try:
        seconds = parse_lasting(older)
    except BadValue:
        seconds = None
    if seconds is None or seconds == float("inf"):
        raise VerbError(f"--older {older}: it must be a length of time", remediation="such as 30m, 12h or 7d")
    return time.time() - seconds


def _open(context: VerbContext) -> Store | None:
    """The store, or ``None`` if there is no file, since showing it must not create one."""
    folder = context.workspace.cache_folder
    if not os.path.lexists(folder / FILE):
        return None
    try:
        return Store(folder)
    except CacheTrouble as trouble:
        raise _verb_error(trouble) from None


def _verb_error(trouble: CacheTrouble) -> VerbError:
    return VerbError(str(trouble), remediation="runs continue without the cache meanwhile")


def _data(info: StoreInfo) -> dict[str, Any]:
    return {
        "path": str(info.path),
        "entries": info.entries,
        "bytes": info.file_bytes,
        "oldest": None if info.oldest is None else rfc3339(info.oldest),
        "newest": None if info.newest is None else rfc3339(info.newest),
        "buttons": {name: {"entries": n, "bytes": size} for name, (n, size) in info.buttons.items()},
    }


def _text(info: StoreInfo) -> str:
    lines = [f"{number_of(info.entries, 'result')} in {_size(info.file_bytes)}, {info.path}"]
    width = max((len(name) for name in info.buttons), default=0)
    lines += [f"  {name:<{width}}  {n:,} in {_size(size)}" for name, (n, size) in info.buttons.items()]
    if info.oldest is not None and info.newest is not None:
        lines.append(f"from {rfc3339(info.oldest)[:19]}Z to {rfc3339(info.newest)[:19]}Z")
    return "\n".join(lines)


def _size(size: float) -> str:
    for unit in ("bytes", "KB", "MB"):
        if size < 1000:
            return f"{size:,.0f} {unit}"
        size /= 1000
    return f"{size:,.1f} GB"
