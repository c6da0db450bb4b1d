"""Collects what validation finds, with step, argument and place."""

from __future__ import annotations

from dataclasses import dataclass, field

from drawer_ipy.common.key_path import KeyPath
from drawer_ipy.common.nearest import Near
from drawer_ipy.definition.reading.recovery import Lost
from drawer_ipy.definition.reading.source import Source, in_text_order
from drawer_ipy.errors import Problem


@dataclass(frozen=True, slots=True)
class Where:
    """Where a finding is.

    Attributes:
        path: from the top of the definition.
        step_id: dotted id of the step, ``""`` for the drawer itself.
        arg: the argument or field, ``""`` when none.
        lax: the step continues after a failure (an explicit ``on_failure: continue``), so that what
            would only fail that step is told, and stops nothing.
        unsure: whether a run comes here depends on what happens in it (a branch of a switch, what is
            done after a failure).
    """

    path: KeyPath = ()
    step_id: str = ""
    arg: str = ""
    lax: bool = False
    unsure: bool = False

    def at(self, *parts: str | int, arg: str | None = None) -> Where:
        """A place further down."""
        path = (*self.path, *parts)
        # replace() takes longer.
        return Where(path, self.step_id, self.arg if arg is None else arg, self.lax, self.unsure)


@dataclass(slots=True)
class Report:
    """The problems found so far.

    Attributes:
        source: what line and column are looked up in.
        lost: what loading left out, having told why; what only follows from that is not told.
        near: proposes what was probably meant by an unknown word.
        pressing: a press follows.
        errors: how many of the problems are errors.
        unmet: those of the problems that are fixed outside of the definition, and whether a run would
            certainly fail for them.
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
        """Whether `keys` are truly missing from the mapping at `where`, which had none of them."""
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
        """Note an error.

        Args:
            ref: the reference concerned.
            offset: of the trouble within the text value at the place, when it is known.
            key: the place of the key rather than of its value.
            strict: an error even in a step that continues after a failure.
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
        """Note a warning; the arguments are those of :meth:`error`."""
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
        """Note something that a press needs and that is not there: it may be there by the time of the press.

        It is an error where a press follows that would certainly fail for it; else a warning.

        Args:
            certain: whether the step at `where` fails for it whenever it runs.
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
        """Note a problem, once; gives it unless it was reported before."""
        if where.path in self.lost.fields:
            return None  # loading has reported it
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
        """The problems by their place in the text; without places in the order they were found."""
        return in_text_order(self.problems)
