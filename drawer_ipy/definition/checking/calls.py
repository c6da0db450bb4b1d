"""Checks of the arguments and inputs that steps pass to the buttons and drawers they press."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from drawer_ipy.common.nearest import listed
from drawer_ipy.definition import models
from drawer_ipy.definition.backends import reason_to_stay
from drawer_ipy.definition.checking.button_names import written_as_python
from drawer_ipy.definition.checking.callee import Callee, FindButton
from drawer_ipy.definition.checking.included import Drawers
from drawer_ipy.definition.checking.literals import input_problem, literal_problem
from drawer_ipy.definition.checking.reference_checks import References
from drawer_ipy.definition.checking.report import Report, Where
from drawer_ipy.definition.checking.scope import NamesInScope
from drawer_ipy.definition.checking.uses import Uses
from drawer_ipy.definition.costs import names_read
from drawer_ipy.definition.models import DrawerModel, StepBase
from drawer_ipy.definition.rates import valid_rates
from drawer_ipy.errors import DefinitionError, DrawerError, ResolveError
from drawer_ipy.expressions import compile_value, constant_value

ListNames = Callable[[], Collection[str]]

_LOOKED_IN = "define it in `buttons:`, with @button or %%button, or in the workspace folder"
_NOTHING = ("", "")


@dataclass(frozen=True, slots=True)
class Ground:
    """The context of the check of one drawer.

    Attributes:
        references: checks references.
        drawers: looks up sub-drawers.
        find_button, button_names: return a button by name, and all names.
        given: names of the inputs of the press.
        pressing, ordered: as in :func:`~drawer_ipy.definition.checking.drawer.validate`.
        on_disk: whether the drawer was read from a file, in which steps of reserved kinds may be incomplete.
        is_first: whether the first step of this drawer is the first of the run.
    """

    references: References
    drawers: Drawers
    find_button: FindButton
    button_names: ListNames
    given: frozenset[str] = frozenset()
    pressing: bool = False
    ordered: bool = True
    on_disk: bool = False
    is_first: bool = True

    @property
    def report(self) -> Report:
        """The report that receives the findings."""
        return self.references.report

    @property
    def as_original(self) -> bool:
        """Whether a drawer on disk is pressed; then anything that the original runs is not an error."""
        return self.on_disk and self.pressing


class Calls:
    """Checks the button and drawer steps of one drawer.

    Attributes:
        wrong: names of its own buttons with errors, which are not reported again at each step.
        uses: the buttons that its steps press.
    """

    def __init__(self, ground: Ground, drawer: DrawerModel) -> None:
        self._ground = ground
        self._report = ground.report
        self._name = drawer.name
        self._own = frozenset(drawer.buttons)
        self.wrong: set[str] = set()
        self.uses: Uses = Uses(ground.report, ground.references.present, drawer.buttons)
        self._unknown: dict[str, str] = {}  # unknown button -> hint
        # Inputs that fill a button's argument of the same name. In a press, an optional input that was not
        # given and has no default does not.
        self._filling = ground.given | {
            spec.name
            for spec in drawer.inputs
            if not ground.pressing or spec.required or spec.default is not None
        }

    def known_button(self, name: str) -> Callee | None:
        """Return the button `name` without reporting anything; ``None`` if it is unknown or has errors."""
        if not name or self._unread(name):
            return None
        try:
            return self._ground.find_button(name)
        except DrawerError:
            return None  # reported where the step is checked

    def _unread(self, name: str) -> bool:
        """Whether the loader has reported that button in the drawer's own ``buttons:``."""
        return name in self.wrong or self._report.lost.within(("buttons", name))

    def button_step(self, step: models.ButtonStep, names: NamesInScope, where: Where) -> None:
        """Check that the button exists, and check its arguments."""
        at = where.at("button", arg="button")
        # A nested step cannot run without it.
        strict = len(where.path) > 2 and "compensate_with" not in where.path
        specs: dict[str, models.ArgSpec] = {}
        if step.button:
            button = None if self._unread(step.button) else self._found(step.button, at, strict=strict)
            if button is not None:
                specs = {spec.name: spec for spec in button.args}
                self._declared_args(step, button, names, where)
                self._costs(step, button, names, where)
                self._stdin(step, button, where)
                self._backend(step, button, where)
                self._needs(button, at)
                self._note_use(step.button, button, at)
        elif self._report.misses(where, "button"):
            self._report.error(at, "this step names no button", "add `button: NAME`")
        self.args(step, names, where, specs)

    def _stdin(self, step: models.ButtonStep, button: Callee, where: Where) -> None:
        if step.stdin is not None and button.kind != "script":
            at = where.at("stdin", arg="stdin")
            message = f"`stdin` is for scripts, and {step.button!r} is a {button.kind} button"
            self._report.error(at, message, "pass the value as an argument", key=True)

    def _backend(self, step: models.ButtonStep, button: Callee, where: Where) -> None:
        stays = reason_to_stay(button) if step.backend else ""
        if stays:
            message = f"presses of {step.button!r} cannot run on a backend: {stays}"
            self._report.error(where.at("backend", arg="backend"), message, "remove `backend`", key=True)

    def _note_use(self, name: str, button: Callee, where: Where) -> None:
        self.uses.note(name, button, where)
        for needed in button.needs:
            if (helper := self.known_button(needed)) is not None:
                self.uses.note(needed, helper, where)

    def _needs(self, button: Callee, where: Where) -> None:
        """Check the buttons that `button` presses itself; the drawer's own are reported at their place."""
        for name in () if button.name in self._own else button.needs:
            self.token_button(name, where)

    def token_button(self, name: str, where: Where) -> None:
        """Check the button `name`, whose output is a token for requests."""
        button = None if self._unread(name) else self._found(name, where, strict=True)
        if button is not None and button.needs:
            message = f"button {name!r} returns a token, but needs one itself from {button.needs[0]!r}"
            self._report.error(where, message, "give it its own credentials")

    def _found(self, name: str, where: Where, *, strict: bool) -> Callee | None:
        try:
            found = self._ground.find_button(name)
        except DrawerError as error:
            problems = error.problems if isinstance(error, DefinitionError) else ()
            first = next((p.message for p in problems if p.severity == "error"), error.message)
            message = f"button {name!r} has an error: {first}"
            self._report.error(where, message, error.remediation, strict=strict)
            return None
        if found is None and not self._report.lost.holds((), "buttons"):
            self._report.error(where, f"there is no button {name!r}", self._instead(name), strict=strict)
        return found

    def _instead(self, name: str) -> str:
        """The hint for an unknown button."""
        hint = self._unknown.get(name)
        if hint is None:
            known = self._ground.button_names()
            hint = written_as_python(name, known)
            if not hint:
                near = self._report.near(name, known)
                hint = f"{near} or {_LOOKED_IN}" if near else _LOOKED_IN
            self._unknown[name] = hint
        return hint

    def _declared_args(
        self, step: models.ButtonStep, button: Callee, names: NamesInScope, where: Where
    ) -> None:
        known = dict.fromkeys(spec.name for spec in button.args)
        args = where.at("args")
        for name in step.args:
            if name in known:
                continue
            near = self._report.near(name, known)
            hint = near or (f"its arguments are {listed(known)}" if known else "it has no arguments")
            message = f"button {step.button!r} declares no argument {name!r}"
            if button.kind == "function":
                if not button.open_args:
                    self._report.error(args.at(name, arg=name), message, hint, key=True, strict=False)
            elif known:
                # A script would receive it anyway; a script without declared arguments is not checked.
                self._report.warn(args.at(name, arg=name), message, hint, key=True)
        for spec in button.args:
            given = spec.name in step.args or spec.name in self._filling or spec.default is not None
            if spec.required and not given:
                self._nobody_gives(step, spec.name, names, where)

    def _costs(self, step: models.ButtonStep, button: Callee, names: NamesInScope, where: Where) -> None:
        """Check that the step gives the arguments that the costs of the button's rates read."""
        declared = {spec.name for spec in button.args}
        unread = names.inputs.open or self._unread_args(step, where)
        for limit in valid_rates(button.rate):
            for name in names_read(limit):
                # A declared argument has a default, or is reported where it is missing.
                if name in step.args or name in declared or unread:
                    continue
                message = (
                    f"the cost under the rate {limit.text} of button {step.button!r} reads the argument "
                )
                at = where.at("args", arg=name)
                hint = f"add `{name}` under `args:`"
                self._report.error(at, f"{message}{name!r}, which is not given", hint, strict=False)

    def _nobody_gives(self, step: models.ButtonStep, name: str, names: NamesInScope, where: Where) -> None:
        if self._unread_args(step, where) or names.inputs.open:
            return
        message = f"button {step.button!r} needs the argument {name!r}, which is not given"
        at = where.at("args", arg=name)
        if name in names.inputs.types:
            hint = f"give the input {name!r} when pressing, or the argument under `args:`"
        else:
            hint = f"add it under `args:`, or declare an input {name!r}"
        if self._ground.pressing:
            self._report.error(at, message, hint, strict=False)
        else:
            self._report.warn(at, message, hint)

    def _unread_args(self, step: StepBase, where: Where) -> bool:
        """Whether the step has ``args`` that could not be read, which the loader has reported."""
        return not step.args and not self._report.misses(where, "args")

    def args(
        self, step: StepBase, names: NamesInScope, where: Where, specs: Mapping[str, models.ArgSpec]
    ) -> None:
        """Check the references in ``args``, and the literals for declared arguments."""
        for name, value in step.args.items():
            at = where.at("args", name, arg=name)
            spec = specs.get(name)
            self._ground.references.value(value, names, at, spec)
            if spec is not None and spec.type not in ("any", "string"):  # these accept any value
                trouble, hint = self._literal(value, partial(literal_problem, spec))
                if trouble:
                    self._report.error(at, f"argument {name!r} {trouble}", hint, strict=False)

    def _literal(self, value: Any, judge: Callable[[Any], tuple[str, str]]) -> tuple[str, str]:
        try:
            template = compile_value(value)
        except ResolveError:
            return _NOTHING  # its syntax error is reported with its references
        value = constant_value(template)
        return judge(value[0]) if value else _NOTHING

    def drawer_step(self, step: models.DrawerStep, names: NamesInScope, where: Where) -> None:
        """Check that the drawer exists and does not include one that presses it, and check its inputs."""
        self.args(step, names, where, {})
        at = where.at("drawer", arg="drawer")
        if not step.drawer:
            if self._report.misses(where, "drawer"):
                self._report.error(at, "this step names no drawer", "add `drawer: NAME`")
            return
        ring = self._ground.drawers.cycle(self._name, step.drawer)
        if ring:
            self._report.error(at, f"a drawer cannot include itself: {' -> '.join(ring)}")
            return
        child = self._ground.drawers.get(step.drawer, at, given=step.args, strict=False)
        if child is not None:
            self._inputs(step, child, where)

    def _inputs(self, step: models.DrawerStep, child: DrawerModel, where: Where) -> None:
        specs = {spec.name: spec for spec in child.inputs}
        webhook = any(trigger.kind == "webhook" for trigger in child.triggers)
        for name, value in step.args.items():
            at = where.at("args", name, arg=name)
            if name not in specs:
                if not (webhook and name == "webhook"):
                    near = self._report.near(name, specs)
                    hint = near or (f"it declares {listed(specs)}" if specs else "")
                    message = f"drawer {step.drawer!r} declares no input {name!r}"
                    self._report.warn(at, message, hint, key=True)
                continue
            spec = specs[name]
            trouble, hint = self._literal(value, partial(input_problem, spec))
            if trouble:
                self._report.error(at, f"input {name!r} {trouble}", hint, strict=False)
        unread = self._unread_args(step, where)
        for spec in child.inputs:
            if spec.required and spec.default is None and spec.name not in step.args and not unread:
                message = f"drawer {step.drawer!r} needs the input {spec.name!r}, which is not in args"
                self._report.warn(where.at("args", arg=spec.name), message, "add it under `args:`")
