"""The report of a validation: its findings with step, argument and place."""

from __future__ import annotations

from dataclasses import dataclass, field

from drawer_ipy.common.key_path import KeyPath
from drawer_ipy.common.nearest import Near
from drawer_ipy.definition.reading.recovery import Lost
from drawer_ipy.definition.reading.source import Source, in_text_order
from drawer_ipy.errors import Problem


@dataclass(frozen=True, slots=True)
class Where:
    """The place of a finding.

    Attributes:
        path: the path from the top of the definition.
        step_id: the dotted id of the step, ``""`` for the drawer itself.
        arg: the argument or field, or ``""``.
        lax: whether the step continues after a failure (an explicit ``on_failure: continue``), so that an
            error that would fail only this step is reported as a warning.
        unsure: whether the place may not be reached in a run (a branch of a switch, a compensation).
    """

    path: KeyPath = ()
    step_id: str = ""
    arg: str = ""
    lax: bool = False
    unsure: bool = False

    def at(self, *parts: str | int, arg: str | None = None) -> Where:
        """The place of `parts` below this one."""
        path = (*self.path, *parts)
        # Faster than replace().
        return Where(path, self.step_id, self.arg if arg is None else arg, self.lax, self.unsure)


@dataclass(slots=True)
class Report:
    """The problems found so far.

    Attributes:
        source: the text, in which lines and columns are looked up.
        lost: what was left out while loading, with its own report; problems that only follow from it are
            not reported.
        near: suggests what was probably meant by an unknown word.
        pressing: whether a press follows.
        errors: how many of the problems are errors.
        unmet: the problems that must be fixed outside the definition, and whether a run would certainly fail
            because of them.
    """

    source: Source
    problems: list[Problem] = field(default_factory=list)
    lost: Lost = field(default_factory=Lost)
    near: Near = field(default_factory=Near)
    pressing: bool = False
    errors: int = field(init=False, default=0)
    unmet: dict[Problem, bool] = field(init=False, default_factory=dict)
    _told: set[Problem] = field(init=False, default_factory=set)

    def __post_init__(self) -> None:
        self._told.update(self.problems)
        self.errors = sum(problem.severity == "error" for problem in self.problems)

    def misses(self, where: Where, *keys: str) -> bool:
        """Whether `keys` are missing from the mapping at `where`, rather than lost while loading."""
        return not self.lost.holds(where.path, *keys)

    def error(
        self,
        where: Where,
        message: str,
        remediation: str = "",
        *,
        ref: str = "",
        offset: int | None = None,
        key: bool = False,
        strict: bool = True,
    ) -> None:
        """Add an error.

        Args:
            ref: the reference that it is about.
            offset: the offset of the problem in the text value at the place, if known.
            key: whether it is about the key rather than its value.
            strict: whether it is an error even in a step that continues after a failure.
        """
        severity = "error" if strict or not where.lax else "warning"
        self._add(severity, where, message, remediation, ref, offset, key)

    def warn(
        self,
        where: Where,
        message: str,
        remediation: str = "",
        *,
        ref: str = "",
        offset: int | None = None,
        key: bool = False,
    ) -> None:
        """Add a warning; the arguments are those of :meth:`error`."""
        self._add("warning", where, message, remediation, ref, offset, key)

    def need(
        self,
        where: Where,
        message: str,
        remediation: str = "",
        *,
        ref: str = "",
        offset: int | None = None,
        certain: bool = True,
    ) -> None:
        """Add something that a press needs and that is missing, but may exist by the time of the press.

        It is an error if a press follows that would certainly fail because of it, and otherwise a warning.

        Args:
            certain: whether the step at `where` always fails because of it.
        """
        certain = certain and not where.lax and not where.unsure
        severity = "error" if certain and self.pressing else "warning"
        found = self._add(severity, where, message, remediation, ref, offset, key=False)
        if found is not None:
            self.unmet[found] = certain

    def _add(
        self,
        severity: str,
        where: Where,
        message: str,
        remediation: str,
        ref: str,
        offset: int | None,
        key: bool,
    ) -> Problem | None:
        """Add a problem and return it, or return ``None`` if it was reported before."""
        if where.path in self.lost.fields:
            return None  # already reported by the loader
        if offset is not None:
            line, column = self.source.locate_in(where.path, offset)
        else:
            line, column = self.source.locate(where.path, key)
        found = Problem(severity, message, where.step_id, where.arg, ref, remediation, line, column)
        if found in self._told:
            return None
        self._told.add(found)
        self.problems.append(found)
        self.errors += severity == "error"
        return found

    def in_order(self) -> list[Problem]:
        """The problems in the order of the text; problems without a place in the order they were found."""
        return in_text_order(self.problems)
