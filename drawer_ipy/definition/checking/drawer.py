"""The check of a drawer before it runs: all problems at once, including nested steps.

The rules are those of docs/original.md#7-validation. The original does not check nested steps, expressions,
literals and policies, and fails during the press; here these problems are reported before it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from functools import cache

from drawer_ipy.common.short_repr import shown
from drawer_ipy.definition.button_runtimes import BUTTON_RUNTIMES
from drawer_ipy.definition.checking.callee import FindButton
from drawer_ipy.definition.checking.calls import Ground, ListNames
from drawer_ipy.definition.checking.flow import flow_findings
from drawer_ipy.definition.checking.included import Drawers, FindDrawer, Met
from drawer_ipy.definition.checking.reference_checks import References
from drawer_ipy.definition.checking.report import Report, Where
from drawer_ipy.definition.checking.steps import Check
from drawer_ipy.definition.checking.subdrawers import ButtonsOf, check_bodies
from drawer_ipy.definition.checking.unmet import Present
from drawer_ipy.definition.models import DrawerModel
from drawer_ipy.definition.reading.loading import Loaded
from drawer_ipy.definition.reading.source import Source
from drawer_ipy.definition.step_base import STEP_KINDS
from drawer_ipy.errors import DefinitionError, Problem, did_you_mean


def validate(
    loaded_or_drawer: Loaded | DrawerModel,
    *,
    find_button: FindButton,
    button_names: ListNames,
    find_drawer: FindDrawer,
    drawer_names: ListNames,
    given_inputs: Iterable[str] = (),
    source: Source | None = None,
    pressing: bool = False,
    ordered: bool = True,
    extra_roots: Iterable[str] = (),
    buttons_of: ButtonsOf | None = None,
    present: Present | None = None,
) -> list[Problem]:
    """Return all problems of a drawer, errors and warnings, in the order of the text.

    Those found during loading are included. The drawer can be pressed if none is an error.

    Args:
        find_button, find_drawer: return what a name refers to, or ``None``; may raise DefinitionError.
        button_names, drawer_names: return all names, for "did you mean".
        given_inputs: names of the inputs of a press; they count as declared.
        source: the text, if `loaded_or_drawer` is a drawer without its text.
        pressing: whether a press follows; then missing requirements are errors.
        ordered: whether steps run in the order of the text, as in sequential mode.
        extra_roots: further names that references may use.
        buttons_of: returns the finder of a sub-drawer's buttons; without it `find_button` finds them too.
        present: what a press can use outside the drawer; without it that is not checked.
    """
    top = loaded_or_drawer if isinstance(loaded_or_drawer, Loaded) else Loaded(loaded_or_drawer)
    report = Report(source or top.source, [*top.warnings, *top.errors], top.lost, pressing=pressing)
    unchecked = top.lenient and not pressing
    STEP_KINDS.read_offers()
    BUTTON_RUNTIMES.read_offers()
    if _versions(top.drawer, report, unchecked):
        met: deque[Met] = deque()
        ground = Ground(
            References(report, report_unchecked=unchecked, present=present or Present()),
            Drawers(_Remembered(find_drawer), _once(drawer_names), report, met.append),
            find_button,
            _once(button_names),
            frozenset(given_inputs),
            pressing=pressing,
            ordered=ordered,
            on_disk=top.lenient,
        )
        Check(ground, top.drawer).run(extra_roots)
        check_bodies(met, top.drawer.name, ground, buttons_of, frozenset(extra_roots))
    return report.in_order()


def _once(names: ListNames) -> ListNames:
    """Cache `names`: it may read folders, and thousands of steps may have errors."""
    return cache(lambda: tuple(names()))


class _Remembered:
    """Caches the drawers that it finds: one may have to be read from disk, and many steps may press it."""

    def __init__(self, find: FindDrawer) -> None:
        self._find = find
        self._found: dict[str, DrawerModel | Loaded | None] = {}
        self._wrong: dict[str, DefinitionError] = {}

    def __call__(self, name: str) -> DrawerModel | Loaded | None:
        if name in self._wrong:
            raise self._wrong[name]
        if name not in self._found:
            try:
                self._found[name] = self._find(name)
            except DefinitionError as error:
                self._wrong[name] = error
                raise
        return self._found[name]


def _versions(drawer: DrawerModel, report: Report, must_say: bool) -> bool:
    """Check the version and kind of the drawer; return whether its steps should be checked."""
    top = Where()
    given = drawer.model_fields_set
    if ("schema_version",) in report.lost.fields:
        must_say = False
    version = drawer.schema_version if "schema_version" in given or not must_say else 0
    if version not in (1, 2):
        missing = "schema_version" not in given
        wrong = "is missing" if missing else f"must be 1 or 2, not {shown(version)}"
        hint = "add `schema_version: 1`" if missing else ""
        report.error(top.at("schema_version", arg="schema_version"), f"schema_version {wrong}", hint)
        return False
    kind = top.at("drawer_kind", arg="drawer_kind")
    if drawer.drawer_kind not in ("", "action", "flow"):
        hint = f"{did_you_mean(drawer.drawer_kind, ('action', 'flow'))} use action or flow".strip()
        report.error(kind, f"unknown drawer_kind {shown(drawer.drawer_kind)}", hint)
    elif version == 2 and not drawer.drawer_kind and "schema_version" in given:
        report.error(kind, "schema_version 2 needs a drawer_kind", "add `drawer_kind: action`")
    is_flow = drawer.drawer_kind == "flow"
    if drawer.flow is not None and not is_flow:
        report.error(top.at("flow", arg="flow"), "only a drawer of kind flow has `flow`", key=True)
    if is_flow:
        _flow(drawer, report, top)
    return not is_flow


def _flow(drawer: DrawerModel, report: Report, top: Where) -> None:
    if drawer.schema_version != 2:
        report.error(top.at("schema_version", arg="schema_version"), "a flow needs schema_version 2")
    if "steps" in drawer.model_fields_set:
        report.error(top.at("steps", arg="steps"), "a flow has stages, not `steps`", key=True)
    if drawer.flow is None:
        if report.misses(top, "flow"):
            report.error(top, "a drawer of kind flow needs `flow`")
        return
    for finding in flow_findings(drawer.flow):
        where = Where(finding.path, "", str(finding.path[-1]))
        report.error(where, finding.message, finding.remediation)
