"""The files that the steps of a run save, so that no row's file is replaced by another row's."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from drawer_ipy.buttons.base import Call, PressPlace
from drawer_ipy.buttons.http.failure import RequestFailed
from drawer_ipy.buttons.http.request import Request
from drawer_ipy.common.folders import kind_in_words
from drawer_ipy.errors import Code


@dataclass(frozen=True, slots=True)
class SaveTarget:
    """A file that a body is saved to.

    Attributes:
        path: the path as the button has it, for messages.
        folder: the folder that it must not leave, with symbolic links resolved.
        inner: the folders below `folder` that lead to it.
        name: the name of the file itself.
    """

    path: Path
    folder: str
    inner: tuple[str, ...]
    name: str

    @classmethod
    def of(cls, path: Path, folder: Path) -> SaveTarget:
        """Resolve the symbolic links on the way to `path`, which need not exist.

        Raises:
            RequestFailed: they lead out of `folder`.
        """
        root, parent = os.path.realpath(folder), os.path.realpath(path.parent)
        if not is_below(parent, root):
            raise _refused(f"{path} would be saved outside of {folder}, because of a symbolic link")
        inner = os.path.relpath(parent, root)
        return cls(path, root, () if inner == os.curdir else tuple(inner.split(os.sep)), path.name)

    @property
    def key(self) -> str:
        """Its resolved path, the same for all spellings."""
        return os.path.join(self.folder, *self.inner, self.name)

    def check_kind(self, about: os.stat_result | None) -> None:
        """Refuse to replace anything but a regular file.

        Args:
            about: the result of ``lstat``, ``None`` if nothing exists there.

        Raises:
            RequestFailed: it is something else.
        """
        if about is None or stat.S_ISREG(about.st_mode):
            return
        raise _refused(
            f"{self.path} is {kind_in_words(about.st_mode)}; only a regular file can be replaced",
            "remove it, or save to another path",
        )


def is_below(path: str, folder: str) -> bool:
    """Whether `path` is `folder` or inside it; both without symbolic links."""
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


@dataclass(slots=True)
class Claim:
    """A file that one step of a run saves or has saved.

    Attributes:
        target: the file.
        place, step: the place and id of the step.
        request: the request whose response is saved; ``None`` if it cannot be shared.
    """

    target: SaveTarget
    place: PressPlace
    step: str
    request: Request | None

    def gives_way_to(self, place: PressPlace, step: str) -> bool:
        """Whether a step may replace the file: the same one, or one in a later press of an enclosing step."""
        for mine, other in zip(self.place, place, strict=False):
            if mine[0] == other[0] and mine[1] != other[1]:
                return True
            if mine != other:
                return False
        return self.place == place and self.step == step

    @property
    def told(self) -> str:
        """The step in words: ``step 'page' in item 3 of 'each'``."""
        around = [
            f"{step!r}" if index is None else f"item {index} of {step!r}" for step, _, index in self.place
        ]
        return " in ".join([f"step {self.step!r}", *reversed(around)])


class SavedFiles:
    """The files that a run, and the runs that it continues, have saved."""

    def __init__(self) -> None:
        self._begun: dict[tuple[PressPlace, str, Path], Claim] = {}
        self._claims: dict[str, Claim] = {}
        self._by_step: dict[tuple[PressPlace, str], Claim] = {}
        self._written: dict[tuple[int, int], str] = {}

    @contextlib.contextmanager
    def saving(self, path: Path, folder: Path, request: Request, call: Call) -> Iterator[Claim]:
        """Register that the step of `call` is saving to `path` during the block.

        Other steps may be saving to it, too. The first complete response gets the file, because any of them
        may still fail.

        Raises:
            RequestFailed: another step of the run has saved to it, the path leads out of `folder`, or
                something other than a regular file exists there.
        """
        claim = Claim(SaveTarget.of(path, folder), call.place, call.step, request)
        about = _lstat(claim.target.key)
        claim.target.check_kind(about)
        self.check(claim, about)
        before = self._by_step.pop((call.place, call.step), None)
        if before is not None and self._claims.get(before.target.key) is before:
            del self._claims[before.target.key]  # this step is about to replace its earlier file
        key = call.place, call.step, path
        self._begun[key] = claim
        try:
            yield claim
        finally:
            self._begun.pop(key, None)

    def begun(self, path: Path, call: Call) -> Claim:
        """Return the claim of the step that is saving to `path`."""
        known = self._begun.get((call.place, call.step, path))
        return known or Claim(SaveTarget.of(path, path.parent), call.place, call.step, None)

    def check(self, claim: Claim, about: os.stat_result | None) -> None:
        """Refuse a file that another step of the run has saved, even under another name.

        Args:
            about: the result of ``lstat`` for the file, ``None`` if it does not exist.

        Raises:
            RequestFailed: another step has saved it.
        """
        if about is None:
            return  # a later step has moved or removed it, so nothing can be lost
        other = self._claims.get(claim.target.key) or self._same_file(about)
        if other is None or other.gives_way_to(claim.place, claim.step):
            return
        raise _refused(
            f"{claim.target.path} was already saved by {other.told} in this run, and would be overwritten",
            "add an argument that differs between them to `save`, such as {{id}}",
        )

    def done(self, claim: Claim, about: os.stat_result) -> None:
        """Record which step has saved the file, and the file's identity."""
        self._claims[claim.target.key] = self._by_step[claim.place, claim.step] = claim
        self._written[about.st_dev, about.st_ino] = claim.target.key

    def keep(self, path: Path, folder: Path, request: Request, call: Call) -> None:
        """Claim a file that a cached response has saved, and that stays unchanged.

        Another step with the same request may use the file as well, because it has the same response.

        Raises:
            RequestFailed: as for :meth:`saving`, or the file no longer exists.
        """
        other = self._claims.get(SaveTarget.of(path, folder).key)
        if other is not None and other.request is not None and _is_same(other.request, request):
            return
        with self.saving(path, folder, request, call) as claim:
            about = _lstat(claim.target.key)
            if about is None:
                raise _refused(f"{path} no longer exists")
            self.done(claim, about)

    def _same_file(self, about: os.stat_result) -> Claim | None:
        """Return the claim on the file `about` under another name (``A.html`` and ``a.html``, links)."""
        key = self._written.get((about.st_dev, about.st_ino))
        there = None if key is None else _lstat(key)
        # The inode number of a removed file may have been reused.
        if key is None or there is None or not os.path.samestat(there, about):
            return None
        return self._claims.get(key)


def _lstat(path: str) -> os.stat_result | None:
    with contextlib.suppress(OSError, ValueError):
        return os.lstat(path)
    return None


def _is_same(one: Request, other: Request) -> bool:
    def parts(request: Request) -> Sequence[object]:
        headers = sorted((name.lower(), value) for name, value in request.headers.items())
        return request.method, request.url, headers, request.body

    return parts(one) == parts(other)


def _refused(message: str, remediation: str = "") -> RequestFailed:
    return RequestFailed(message, code=Code.VALIDATION_ERROR, remediation=remediation, sent=False, final=True)
