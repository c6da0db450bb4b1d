"""Checks of a drawer's steps one by one, including nested steps, with the names that each can refer to."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from pydantic import ValidationError

from drawer_ipy.definition import models
from drawer_ipy.definition.button_fields import TokenPress
from drawer_ipy.definition.checking.buttons import check_button
from drawer_ipy.definition.checking.calls import Calls, Ground
from drawer_ipy.definition.checking.reference_checks import References
from drawer_ipy.definition.checking.report import Where
from drawer_ipy.definition.checking.requests import token_buttons
from drawer_ipy.definition.checking.scope import ROOTS, Inputs, Known, NamesInScope, initial_names
from drawer_ipy.definition.checking.step_faults import check_kind
from drawer_ipy.definition.declared import branches_of, may_skip, uses_of, variable_of
from drawer_ipy.definition.looped_inputs import input_in
from drawer_ipy.definition.models import DrawerModel, StepBase
from drawer_ipy.definition.step_base import UnreadStep
from drawer_ipy.definition.steps.loop_base import LoopStep
from drawer_ipy.definition.values import drawer_named

# The inputs of a handler in addition to its `with` (docs/original.md#5-on_error).
_HANDED = ("drawer", "run_id", "failed_step", "error", "inputs")


class Check:
    """The check of one drawer."""

    def __init__(self, ground: Ground, drawer: DrawerModel) -> None:
        self._ground = ground
        self._report = ground.report
        self._drawer = drawer
        self._calls = Calls(ground, drawer)
        self._absent = {
            spec.name
            for spec in drawer.inputs
            if ground.pressing
            and not spec.required
            and spec.default is None
            and spec.name not in ground.given
        }

    def run(self, extra_roots: Iterable[str] = ()) -> None:
        """Check inputs, buttons, steps, ``return`` and ``on_error``."""
        drawer, lost = self._drawer, self._report.lost
        self._inputs()
        for name, spec in drawer.buttons.items():
            if not check_button(spec, Where(("buttons", name), "", name), self._report):
                self._calls.wrong.add(name)
        for name, spec in drawer.buttons.items():
            for token in token_buttons(spec):
                at = Where(("buttons", name, "auth", "token"), "", "auth")
                inner = spec.auth is not None and isinstance(spec.auth.token, TokenPress)
                self._calls.token_button(token, at.at("button") if inner else at)
        self._queues()
        self._calls.uses.is_first = self._ground.is_first and self._ground.ordered
        names = initial_names(drawer, Inputs.of(drawer, self._ground.given, lost), extra_roots, lost)
        check = self._steps if self._ground.ordered else self._unordered
        names = check(drawer.steps, names, Where(("steps",)))
        for i, step in enumerate(drawer.steps):
            self._undo(step, names, _below(Where(("steps",)), i, step))
        if drawer.return_ is not None:
            self._ground.references.value(drawer.return_, names, Where(("return",), "", "return"))
        if drawer.on_error is not None:
            self._on_error(drawer.on_error, names)
        self._calls.uses.tell(self._calls.known_button)

    def _inputs(self) -> None:
        seen: set[str] = set()
        for i, spec in enumerate(self._drawer.inputs):
            where = Where(("inputs", i), "", spec.name)
            if spec.name in seen:
                self._report.error(where, f"there are two inputs {spec.name!r}")
            if spec.type == "enum" and not spec.values:
                self._report.warn(where, f"enum input {spec.name!r} lists no values", "add `values: [...]`")
            seen.add(spec.name)

    def _queues(self) -> None:
        sizes: dict[str, tuple[str, int]] = {}
        for name, spec in self._drawer.buttons.items():
            queue = spec.queue
            if queue is None or not queue.name or not queue.concurrency:
                continue
            first, size = sizes.setdefault(queue.name, (name, queue.concurrency))
            if size != queue.concurrency:
                where = Where(("buttons", name, "queue", "concurrency"), "", "queue")
                message = (
                    f"queue {queue.name!r} has {size} slots for {first!r}, {queue.concurrency} for {name!r}"
                )
                self._report.warn(where, message, "the first press decides; use the same number in both")

    def _on_error(self, handler: models.OnError, names: NamesInScope) -> None:
        where = Where(("on_error",), "", "on_error", unsure=True)
        for key, value in handler.with_.items():
            self._ground.references.value(value, names, where.at("with", key))
        if not handler.drawer:
            return
        at = where.at("drawer")
        ring = self._ground.drawers.cycle(self._drawer.name, handler.drawer, handlers=True)
        if ring:
            message = f"a failure would cause an endless cycle: {' -> '.join(ring)}"
            self._report.error(at, message, "end the chain with a drawer that has no on_error")
            return
        # A missing or invalid handler does not change the result of the run (docs/original.md#5-on_error).
        lax = replace(at, lax=self._ground.pressing)
        given = {*_HANDED, *handler.with_}
        self._ground.drawers.get(handler.drawer, lax, given=given, strict=False)

    def _undo(self, step: StepBase, names: NamesInScope, where: Where) -> None:
        """Check the press of ``compensate_with``, which can refer to every step that has ended."""
        given = step.on_failure.compensate_with if step.on_failure is not None else None
        if not given:
            return
        at = where.at("on_failure", "compensate_with", arg="on_failure")
        if isinstance(given, str):
            name = drawer_named(given)
            given = {"button": given} if name is None else {"drawer": name}
        # A kind that the original only reserves must not prevent a press that works in the original.
        at = replace(at, lax=at.lax or self._ground.as_original, unsure=True)
        try:
            if "drawer" in given:
                undo = models.DrawerStep.model_validate({"kind": "drawer", **given, "id": step.id})
                self._calls.drawer_step(undo, names, at)
            else:
                press = models.ButtonStep.model_validate({**given, "id": step.id})
                self._calls.button_step(press, names, at)
                check_fields(press, names, at, self._ground.references)
        except (TypeError, ValidationError):
            hint = "give a button's name, drawer/NAME, or `{button: NAME, args: {...}}`"
            self._report.error(at, "compensate_with does not name anything to press", hint, strict=False)

    def _nested_undo(self, where: Where) -> None:
        at = where.at("on_failure", "compensate_with", arg="on_failure")
        self._report.error(
            replace(at, lax=self._ground.as_original),
            "compensate_with works for the steps of a drawer, not inside one of them",
            "put these steps into a separate drawer and press it: `kind: drawer`",
            strict=False,
        )

    def _steps(self, steps: Sequence[StepBase], names: NamesInScope, where: Where) -> NamesInScope:
        """Check a list of steps in order; return the names after the last step."""
        names = names.listing([step.id for step in steps])
        earlier: set[str] = set()
        for i, step in enumerate(steps):
            here = _below(where, i, step)
            self._id(step, earlier, names, here)
            self._step(step, names.during(step.id), here)
            earlier.add(step.id)
            names.known.end_step(step.id, self._known(step))
            names = names.opened(self._nameless(here))
        return names

    def _unordered(self, steps: Sequence[StepBase], names: NamesInScope, where: Where) -> NamesInScope:
        """Check steps whose references determine their order: each can refer to all others."""
        everything = names.listing(())
        for step in steps:
            everything.known.add(step.id, self._known(step))
        everything = everything.opened(any(self._nameless(where.at(i)) for i in range(len(steps))))
        earlier: set[str] = set()
        for i, step in enumerate(steps):
            here = _below(where, i, step)
            self._id(step, earlier, names, here)
            self._step(step, everything.without(step.id).during(step.id), here)
            earlier.add(step.id)
        return everything

    def _nameless(self, where: Where) -> bool:
        """Whether the id of the step there could not be read, so that it may have any name."""
        return (*where.path, "id") in self._report.lost.fields

    def _id(self, step: StepBase, earlier: Collection[str], names: NamesInScope, where: Where) -> None:
        at = where.at("id", arg="id")
        known = names.known.get(step.id)
        if step.id in earlier:
            self._report.error(
                at, f"there are two steps {step.id!r} in this list", "give each an id of its own"
            )
        elif step.id in ROOTS:
            self._report.error(
                at, f"a step cannot be called {step.id!r}: the name is reserved for references"
            )
        elif known is not None and known.kind == "variable":
            self._report.warn(at, f"step {step.id!r} hides the loop variable with the same name from here on")

    def _known(self, step: StepBase) -> Known:
        if not isinstance(step, models.ButtonStep):
            return Known("step", step)
        button = self._calls.known_button(step.button)
        schema = button.output_schema if button is not None else None
        asked = button is not None and button.kind != "function"
        return Known("step", step, schema, asked)

    def _step(self, step: StepBase, names: NamesInScope, where: Where) -> None:
        if isinstance(step, UnreadStep):
            return
        ground = self._ground
        if len(where.path) > 2 and step.on_failure is not None and step.on_failure.compensate_with:
            self._nested_undo(where)
        if len(where.path) > 2 and isinstance(step, LoopStep) and step.keep is not None:
            message = "keep: disk works only in a loop at the top level of a drawer"
            hint = (
                "write it in the outermost loop, which also holds the outputs of the loops inside it on disk"
            )
            self._report.error(where.at("keep", arg="keep"), message, hint)
        check_kind(step, where, self._report, as_original=ground.as_original, on_disk=ground.on_disk)
        if isinstance(step, models.ButtonStep):
            self._calls.button_step(step, names, where)
        elif isinstance(step, models.DrawerStep):
            self._calls.drawer_step(step, names, where)
        else:
            self._calls.args(step, names, where, {})
        check_fields(step, names, where, ground.references)
        self._lists(step, where)
        inner = self._inside(step, names, where) if variable_of(step) else names
        if not step.is_pure:
            self._calls.uses.is_first = False
        inside = replace(where, unsure=True) if may_skip(step) else where
        for branch in branches_of(step):
            self._steps(branch.steps, inner, inside.at(*branch.path))

    def _lists(self, step: StepBase, where: Where) -> None:
        """Check that the inputs that must be lists are given; one that is not is null."""
        for key in step.lists if self._absent else ():
            name = input_in(step.value_of(key), members=True)
            if name in self._absent:
                hint = self._ground.references.present.giving.hint(name)
                self._report.need(where.at(key, arg=key), f"input {name!r} was not given", hint)

    def _inside(self, step: StepBase, names: NamesInScope, where: Where) -> NamesInScope:
        """The names that steps inside `step` can refer to."""
        variable = variable_of(step)
        if variable in ROOTS:
            message = f"a loop variable cannot be called {variable!r}: the name is reserved for references"
            at = where.at("as", arg="as")
            if not self._ground.as_original:
                self._report.error(at, message)
                return names
            self._report.warn(at, message)
        written = "as_" in step.model_fields_set or "as_" not in type(step).model_fields
        unread = not written and not self._report.misses(where, "as")
        return names.adding(variable, Known("variable")).opened(unread)


def _below(where: Where, position: int, step: StepBase) -> Where:
    step_id = f"{where.step_id}.{step.id}" if where.step_id else step.id
    goes_on = step.on_failure is not None and step.on_failure.action == "continue"
    return Where((*where.path, position), step_id, "", where.lax or goes_on, where.unsure)


def check_fields(step: StepBase, names: NamesInScope, where: Where, references: References) -> None:
    """Check the references in the fields that may contain them."""
    check = {
        "expression": references.expression,
        "expressions": references.expressions,
        "template": references.value,
    }
    for use in uses_of(step):
        at = where.at(*use.path, arg=use.arg or str(use.path[0]))
        seen = names
        for name in use.adds:
            seen = seen.adding(name, Known("variable"))
        check[use.form](use.value, seen, replace(at, unsure=True) if use.unsure else at)
