"""Which step of a run saves to which file, so that no row's file is replaced by another row's."""

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
    """A file that a body goes to.

    Attributes:
        path: as the button has it, for people.
        folder: where it may not lead out of, without symbolic links.
        inner: the folders below that it is in.
        name: its own name.
    """

    path: Path
    folder: str
    inner: tuple[str, ...]
    name: str

    @classmethod
    def of(cls, path: Path, folder: Path) -> SaveTarget:
        """Follow the symbolic links that lead to `path`; nothing needs to be there.

        Raises:
            RequestFailed: they lead out of `folder`.
        """
        root, parent = os.path.realpath(folder), os.path.realpath(path.parent)
        if not is_below(parent, root):
            raise _refused(path, f"{path} would be saved outside of {folder}: there is a symbolic link")
        inner = os.path.relpath(parent, root)
        return cls(path, root, () if inner == os.curdir else tuple(inner.split(os.sep)), path.name)

    @property
    def key(self) -> str:
        """The one way to write its path."""
        return os.path.join(self.folder, *self.inner, self.name)

    def check_kind(self, about: os.stat_result | None) -> None:
        """Refuse what is there already unless it is a regular file.

        Args:
            about: what ``lstat`` tells of it, ``None`` when nothing is there.

        Raises:
            RequestFailed: it is something else.
        """
        if about is None or stat.S_ISREG(about.st_mode):
            return
        raise _refused(
            self.path,
            f"{self.path} is {kind_in_words(about.st_mode)}, and only a regular file is replaced",
            "remove it, or save to another path",
        )


def is_below(path: str, folder: str) -> bool:
    """Whether `path` is `folder` or in it; both without symbolic links."""
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


@dataclass(slots=True)
class Claim:
    """A file that one step of a run saves to, or has saved.

    Attributes:
        target: the file.
        place, step: whose it is.
        request: what is asked for, whose answer goes there; ``None`` when nobody can share it.
    """

    target: SaveTarget
    place: PressPlace
    step: str
    request: Request | None

    def gives_way_to(self, place: PressPlace, step: str) -> bool:
        """Whether a step may replace the file: the same one, or one of a later press of what this was in."""
        for mine, other in zip(self.place, place, strict=False):
            if mine[0] == other[0] and mine[1] != other[1]:
                return True
            if mine != other:
                return False
        return self.place == place and self.step == step

    @property
    def told(self) -> str:
        """Whose it is, for people: ``step 'page' in item 3 of 'each'``."""
        around = [
            f"{step!r}" if index is None else f"item {index} of {step!r}" for step, _, index in self.place
        ]
        return " in ".join([f"step {self.step!r}", *reversed(around)])


class SavedFiles:
    """The files that a run and those it goes on with have saved."""

    def __init__(self) -> None:
        self._begun: dict[tuple[PressPlace, str, Path], Claim] = {}
        self._claims: dict[str, Claim] = {}
        self._by_step: dict[tuple[PressPlace, str], Claim] = {}
        self._written: dict[tuple[int, int], str] = {}

    @contextlib.contextmanager
    def saving(self, path: Path, folder: Path, request: Request, call: Call) -> Iterator[Claim]:
        """Inside, the step that presses with `call` is about to save to `path`.

        Others may be as well: who has a whole answer first has the file, since any of them may fail yet.

        Raises:
            RequestFailed: another step of the run has saved there, the path leads out of `folder`, or what is
                there is not a regular file.
        """
        claim = Claim(SaveTarget.of(path, folder), call.place, call.step, request)
        about = _lstat(claim.target.key)
        claim.target.check_kind(about)
        self.check(claim, about)
        before = self._by_step.pop((call.place, call.step), None)
        if before is not None and self._claims.get(before.target.key) is before:
            del self._claims[before.target.key]  # what this step saved before is about to be replaced
        key = call.place, call.step, path
        self._begun[key] = claim
        try:
            yield claim
        finally:
            self._begun.pop(key, None)

    def begun(self, path: Path, call: Call) -> Claim:
        """The claim of the step that is about to save to `path`."""
        known = self._begun.get((call.place, call.step, path))
        return known or Claim(SaveTarget.of(path, path.parent), call.place, call.step, None)

    def check(self, claim: Claim, about: os.stat_result | None) -> None:
        """Refuse a file that another step of the run has saved, also when that one calls it by another name.

        Args:
            about: what ``lstat`` tells of the file, ``None`` when there is none yet.

        Raises:
            RequestFailed: there is such a step.
        """
        if about is None:
            return  # a later step has moved or removed it, and nothing can be lost
        other = self._claims.get(claim.target.key) or self._same_file(about)
        if other is None or other.gives_way_to(claim.place, claim.step):
            return
        raise _refused(
            claim.target.path,
            f"{claim.target.path} is the file that {other.told} has saved in this run; it would be lost",
            "put an argument that differs between them into `save`, such as {{id}}",
        )

    def done(self, claim: Claim, about: os.stat_result) -> None:
        """Remember whose the file is, and which it is."""
        self._claims[claim.target.key] = self._by_step[claim.place, claim.step] = claim
        self._written[about.st_dev, about.st_ino] = claim.target.key

    def keep(self, path: Path, folder: Path, request: Request, call: Call) -> None:
        """Claim a file that is to stay as it is, for an answer that was kept.

        The very same request of another step may have the file as well: it has the same answer.

        Raises:
            RequestFailed: as :meth:`saving`, or the file is gone.
        """
        other = self._claims.get(SaveTarget.of(path, folder).key)
        if other is not None and other.request is not None and _is_same(other.request, request):
            return
        with self.saving(path, folder, request, call) as claim:
            about = _lstat(claim.target.key)
            if about is None:
                raise _refused(path, f"{path} is gone")
            self.done(claim, about)

    def _same_file(self, about: os.stat_result) -> Claim | None:
        """The claim to the file `about` under another name (``A.html`` and ``a.html``, links)."""
        key = self._written.get((about.st_dev, about.st_ino))
        there = None if key is None else _lstat(key)
        # The number of a file that is gone may have been given to another one.
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


def _refused(path: Path, message: str, remediation: str = "") -> RequestFailed:
    return RequestFailed(message, code=Code.VALIDATION_ERROR, remediation=remediation, sent=False, final=True)
