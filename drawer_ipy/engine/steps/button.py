"""``kind: button``: press one button with resolved arguments."""

from __future__ import annotations

import contextlib
from functools import partial
from types import MethodType
from typing import TYPE_CHECKING, Any

from drawer_ipy.buttons.base import Bound, Button, Caching, Call, Outcome
from drawer_ipy.buttons.function.button import FunctionButton, failed_call
from drawer_ipy.buttons.function.driving import Raised
from drawer_ipy.buttons.script.button import BoundScript, ScriptButton
from drawer_ipy.buttons.travelling import travelling, travelling_part
from drawer_ipy.definition.steps.button import ButtonStep
from drawer_ipy.engine.backends.base import BackendError
from drawer_ipy.engine.backends.travel import IN_KERNEL, WHERE, travel
from drawer_ipy.engine.caching import CacheablePress, PressFunction
from drawer_ipy.engine.charges import charged_rates
from drawer_ipy.engine.context import Context, Session
from drawer_ipy.engine.elsewhere import Elsewhere
from drawer_ipy.engine.events import LogLine
from drawer_ipy.engine.limits import Charges, Limits, place_on
from drawer_ipy.engine.plan import Compiler, roots_of
from drawer_ipy.engine.step import StepRunner, fail_with, maker_of
from drawer_ipy.errors import ArgumentError, ButtonNotFound, ResolveError
from drawer_ipy.expressions import compile_value
from drawer_ipy.record.step import StepResult

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from drawer_ipy.buttons.travelling import Travelling

    Pressing = Callable[..., Coroutine[Any, Any, Outcome]]
    """Presses a bound button; called with the :class:`Bound` and the :class:`Call`."""


class ButtonRunner(StepRunner):
    """Resolves the args, fills missing ones from the drawer's inputs of the same name, and presses."""

    own_timeout = True

    def __init__(self, model: ButtonStep, compiler: Compiler) -> None:
        super().__init__(model, compiler)
        self._name = model.button
        self._button: Button | None = compiler.find_button(model.button) if model.button else None
        self._args = compile_value(model.args)
        self._model_args = model.args
        self._rates = charged_rates(model.rate)
        self._stdin = None if model.stdin is None else compile_value(model.stdin)
        self._button_rates = charged_rates(self._button.rate) if self._button else ()
        self._rated = bool(self._rates or self._button_rates)
        self.roots: frozenset[str] = roots_of(self._args, *([] if self._stdin is None else [self._stdin]))
        self.roots |= frozenset().union(*(rate.roots for rate in self._rates))
        needs = self._button.needs if self._button else ()
        self._helpers = {name: found for name in needs if (found := compiler.find_button(name)) is not None}
        declared = self._button.args if self._button else ()
        # Arguments that a drawer's input of the same name may fill (docs/original.md#41-button, point 3).
        self._from_inputs = tuple(a.name for a in declared if a.name not in model.args)
        # A cost may read an argument that has a default and is not given.
        self._defaults = {a.name: a.default for a in declared if not a.required}
        self._limit = self.timeout or (self._button.timeout if self._button else None)
        own = "" if self._button is None else getattr(self._button, "backend", "")
        self._backend = model.backend or own or compiler.backend
        self._travelling = travelling(self._button) if self._backend and self._button else None
        if self._travelling is not None:
            compiler.plans.backends.add(self._backend, self._travelling, self._known_args)
        self._function = self._bare_function()
        self._part = travelling_part(self._button) if self._backend else None
        if self._part is not None:
            compiler.plans.backends.add(self._backend, self._part)

    def maker(self) -> str:
        """The package or module of the button's runtime."""
        return maker_of(self._button)

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
            charges = self._charges(button, args, ctx) if self._rated else ()
        except (ArgumentError, ResolveError) as error:
            fail_with(result, error)
            return
        if self._function is None or session.limits.concern(button, charges):
            await self._press_with(button, args, bound, charges, ctx, result)
            return
        value = await self._function.call_function(bound, ctx.stop, session.resources)
        if type(value) is Raised:
            result.take(failed_call(value.error))
        else:
            result.output = value

    async def _press_with(
        self,
        button: Button,
        args: Mapping[str, Any],
        bound: Bound,
        charges: Charges,
        ctx: Context,
        result: StepResult,
    ) -> None:
        """Press with all that applies: limits, cache, pages, a backend."""
        session = ctx.session
        call = self._call(ctx)
        away: Elsewhere | None = None
        if self._part is not None:
            away = call.elsewhere = Elsewhere(self._part, self._backend, session, call.waiter.pausing)
        if button.caching is not None or button.pages is not None:
            once = partial(self._once, button, args, charges, ctx)
            outcome = await self._press(button, once, session, bound, call)
        else:
            outcome = await self._once(button, args, charges, ctx, bound, call)
        if self._backend and self._travelling is None and not (outcome.cached and away is None):
            outcome.about = {**(outcome.about or {}), WHERE: IN_KERNEL if away is None else away.where}
        if outcome.note and outcome.note not in session.notes:
            session.notes.append(outcome.note)
        for note in outcome.notes:
            session.note(note)
        result.take(outcome)

    def _once(
        self,
        button: Button,
        args: Mapping[str, Any],
        charges: Charges,
        ctx: Context,
        bound: Bound,
        call: Call,
    ) -> Coroutine[Any, Any, Outcome]:
        """Return one press: on the backend, when the limits let it, or at once."""
        if self._travelling is not None:
            return self._on_backend(self._travelling, button, args, charges, ctx, bound, call)
        if ctx.session.limits.concern(button, charges):
            return self._in_turn(button, args, charges, ctx.session.limits, bound, call)
        call.stop.check()  # it may have waited for the cache or for an earlier page
        return button.press(bound, call)

    def _bare_function(self) -> FunctionButton | None:
        """Return the function of which a press is nothing but a call."""
        button = self._button
        if button is None or self._backend or self._limit is not None:
            return None
        if button.caching is not None or button.pages is not None:
            return None
        press: Any = button.press  # it may be that of another button, or one that replaces the function's
        plain = isinstance(press, MethodType) and press.__func__ is FunctionButton.press
        return press.__self__ if plain else None

    def _charges(self, button: Button, args: Mapping[str, Any], ctx: Context) -> Charges:
        """Return what a press with `args` costs under the rates of the button and of the step."""
        of_button = (button.name, self._button_rates, {**self._defaults, **args})
        return ctx.session.limits.charges([of_button, (self, self._rates, ctx.scope)])

    def _call(self, ctx: Context) -> Call:
        session = ctx.session
        return Call(  # every argument by position: faster than keywords and defaults
            session.resources,
            self._limit,
            session.button_env,
            self._log_to(ctx) if session.listeners.wants(LogLine) else None,
            session.batteries,
            None,
            self.id,
            ctx.stop,
            self._helpers,
            ctx.inputs,
            ctx,
        )

    async def _on_backend(
        self,
        travelling: Travelling,
        button: Button,
        args: Mapping[str, Any],
        charges: Charges,
        ctx: Context,
        bound: Bound,
        call: Call,
    ) -> Outcome:
        """Press on the backend when a place is free and the limits let it."""
        session = ctx.session
        try:
            backend = await session.backend(self._backend)
            starts = ctx.starts()
            if not starts and not session.limits.concern(button, charges):
                ticket = await place_on(backend, ctx.pausing, at_once=False)
                try:
                    return await travel(travelling, bound, call, ticket, ends_presses=backend.ends_presses)
                finally:
                    ticket.give_back()
            async with session.limits.hold(button, args, charges, ctx.pausing, backend, starts) as place:
                assert place is not None, "there is a backend"
                return await travel(travelling, bound, call, place, ends_presses=backend.ends_presses)
        except BackendError as error:
            return Outcome(status="failed", error=error.info(), exit_code=-1)

    def _known_args(self, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the arguments that only depend on the drawer's `inputs`."""
        known = dict(getattr(self._button, "given", {}))
        known |= {name: inputs[name] for name in self._from_inputs if name in inputs}
        for name, value in self._model_args.items():
            template = compile_value(value)
            if roots_of(template) <= {"inputs"}:
                with contextlib.suppress(ResolveError):  # the press reports it
                    known[name] = template.resolve({"inputs": inputs})
        return known

    async def _press(
        self,
        button: Button,
        pressing: Pressing,
        session: Session,
        bound: Bound,
        call: Call,
    ) -> Outcome:
        """Press a button that has a cache or pages."""
        press: PressFunction = partial(pressing, call=call)
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
        pausing = call.waiter.pausing
        async with limits.hold(button, args, charges, pausing):
            call.stop.check()
            call.turn = limits.turn(charges, pausing)
            return await button.press(bound, call)

    def _log_to(self, ctx: Context) -> Callable[[str], None]:
        session = ctx.session
        return lambda line: session.listeners.emit(LogLine(self.id, ctx.index, session.redactor.text(line)))
