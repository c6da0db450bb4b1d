"""``kind: button``: press one button with resolved arguments."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from drawer_ipy.buttons.base import Bound, Button, Caching, Call, Outcome
from drawer_ipy.buttons.script.button import BoundScript, ScriptButton
from drawer_ipy.definition.steps.button import ButtonStep
from drawer_ipy.engine.caching import CacheablePress, PressFunction
from drawer_ipy.engine.charges import charged_rates
from drawer_ipy.engine.context import Context, Session
from drawer_ipy.engine.events import LogLine
from drawer_ipy.engine.limits import Charges, Limits
from drawer_ipy.engine.plan import Compiler, roots_of
from drawer_ipy.engine.step import StepRunner, fail_with
from drawer_ipy.errors import ArgumentError, ButtonNotFound, ResolveError
from drawer_ipy.expressions import compile_value
from drawer_ipy.record.step import StepResult

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class ButtonRunner(StepRunner):
    """Resolves the args, fills missing ones from the drawer's inputs of the same name, and presses."""

    own_timeout = True

    def __init__(self, model: ButtonStep, compiler: Compiler) -> None:
        super().__init__(model, compiler)
        self._name = model.button
        self._button: Button | None = compiler.find_button(model.button) if model.button else None
        self._args = compile_value(model.args)
        self._rates = charged_rates(model.rate)
        self._stdin = None if model.stdin is None else compile_value(model.stdin)
        costs = [rate.template for rate in self._rates if rate.template is not None]
        self.roots = roots_of(self._args, *([] if self._stdin is None else [self._stdin]), *costs)
        needs = self._button.needs if self._button else ()
        self._helpers = {name: found for name in needs if (found := compiler.find_button(name)) is not None}
        declared = self._button.args if self._button else ()
        # Arguments that a drawer's input of the same name may fill (docs/original.md#41-button, point 3).
        self._from_inputs = tuple(a.name for a in declared if a.name not in model.args)
        self._limit = self.timeout or (self._button.timeout if self._button else None)

    async def run(self, ctx: Context, result: StepResult) -> None:
        """Press the button once."""
        button = self._button
        if button is None:
            fail_with(result, ButtonNotFound(f"no button {self._name!r}"))
            return
        result.button = button.name
        result.is_request = button.kind == "http"
        try:
            args: dict[str, Any] = self._args.resolve(ctx.scope)
        except ResolveError as error:
            fail_with(result, error)
            return
        if self._from_inputs:
            given = ctx.inputs
            filled = {name: given[name] for name in self._from_inputs if name in given}
            if filled:
                args = {**args, **filled}
        session = ctx.session
        result.args = session.redactor.value(args) if session.redactor.hides else args
        try:
            bound = button.bind(args)
            if self._stdin is not None:
                bound = self._fed(button, bound, self._stdin.resolve(ctx.scope))
            charges = session.limits.charges(button, args, self, self._rates, ctx.scope)
        except (ArgumentError, ResolveError) as error:
            fail_with(result, error)
            return
        call = self._call(ctx)
        held = session.limits.concern(button, charges)
        if held or button.caching is not None or button.pages is not None:
            outcome = await self._press(button, args, charges if held else None, session, bound, call)
        else:
            outcome = await button.press(bound, call)
        if outcome.note and outcome.note not in session.notes:
            session.notes.append(outcome.note)
        for note in outcome.notes:
            session.note(note)
        result.take(outcome)

    def _call(self, ctx: Context) -> Call:
        session = ctx.session
        return Call(  # every argument by position: faster than keywords and defaults
            session.resources,
            self._limit,
            session.button_env,
            self._log_to(ctx) if session.listeners.wants(LogLine) else None,
            session.batteries,
            None,
            ctx.place,
            self.id,
            ctx.stop,
            self._helpers,
            ctx.inputs,
            session.hide,
        )

    async def _press(
        self,
        button: Button,
        args: Mapping[str, Any],
        charges: Charges | None,
        session: Session,
        bound: Bound,
        call: Call,
    ) -> Outcome:
        """Press a button that has limits, a cache or pages."""
        press: PressFunction = partial(button.press, call=call)
        if charges is not None:
            press = partial(self._in_turn, button, args, charges, session.limits, call=call)
        if button.caching is not None:
            press = partial(self._cached, button, button.caching, session, press, call=call)
        return await (press(bound) if button.pages is None else button.pages.press(bound, press, call.log))

    async def _cached(
        self,
        button: Button,
        caching: Caching,
        session: Session,
        press: PressFunction,
        bound: Bound,
        call: Call,
    ) -> Outcome:
        """Press, or take the result of an earlier press from the cache without waiting for limits."""
        request = CacheablePress(button, caching, bound, call, press, lambda: session.redactor)
        return await session.cache.press(request)

    def _fed(self, button: Button, bound: Bound, value: Any) -> Bound:
        """Return `bound` with `value` as the script's stdin."""
        if not isinstance(button, ScriptButton) or not isinstance(bound, BoundScript):
            raise ArgumentError(
                f"`stdin` is for scripts, and {self._name!r} is a {button.kind} button",
                remediation="pass the value as an argument",
            )
        return button.feed(bound, value)

    async def _in_turn(
        self,
        button: Button,
        args: Mapping[str, Any],
        charges: Charges,
        limits: Limits,
        bound: Bound,
        call: Call,
    ) -> Outcome:
        """Press when the limits let it."""
        async with limits.hold(button, args, charges):
            call.turn = limits.turn(charges)
            return await button.press(bound, call)

    def _log_to(self, ctx: Context) -> Callable[[str], None]:
        session = ctx.session
        return lambda line: session.listeners.emit(LogLine(self.id, ctx.index, session.redactor.text(line)))
