"""From what a user hands over to a run: load, look up, check everything, then press.

``press`` and ``apress`` are the two ways in from Python; the magics and the command line use the same
:class:`Job`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Literal

from drawer_ipy.buttons import ButtonCatalog
from drawer_ipy.buttons.function.containment import Refused, refusing
from drawer_ipy.definition import Drawer, Loaded
from drawer_ipy.definition.models import ForEachStep
from drawer_ipy.definition.values import AUTO
from drawer_ipy.display.choose import choose_display, current_shell
from drawer_ipy.display.live import Display
from drawer_ipy.engine.drawers import Mode
from drawer_ipy.engine.earlier import Earlier
from drawer_ipy.engine.plan import Plans
from drawer_ipy.engine.run import Run
from drawer_ipy.engine.steps import STEP_KINDS
from drawer_ipy.errors import (
    DefinitionError,
    Problem,
    UsageError,
    did_you_mean,
    told_in_colour,
)
from drawer_ipy.pressing.again import PressAgain
from drawer_ipy.pressing.interrupts import cancelling, to_the_end, wait_in_thread
from drawer_ipy.pressing.own_loop import run_on_own_loop
from drawer_ipy.pressing.surroundings import Pressable as Pressable
from drawer_ipy.pressing.surroundings import Surroundings as Surroundings
from drawer_ipy.pressing.surroundings import callers_names, named_buttons
from drawer_ipy.results import Results
from drawer_ipy.results.origin import Origin
from drawer_ipy.results.verdict import raise_for as raise_for
from drawer_ipy.workspace.history import Keeper


@dataclass(frozen=True, slots=True)
class Options:
    """How to press.

    Attributes:
        parallelism: overrides that of the outermost ``for_each`` steps; ``None`` leaves it.
        mode: ``sequential``, or ``parallel``: steps start as soon as what they refer to has ended.
        on_failure: in parallel mode, ``stop`` or ``continue`` with what does not depend on the failure.
        concurrency: most buttons in flight in the whole run; ``None`` for no cap.
        timeout: most seconds that the whole run may take; ``None`` for no limit.
    """

    parallelism: int | Literal["auto"] | None = None
    mode: str = "sequential"
    on_failure: str = "stop"
    concurrency: int | None = None
    timeout: float | None = None

    def __post_init__(self) -> None:
        if self.parallelism != AUTO:
            _whole_number("parallelism", self.parallelism, least=0, other=f" or {AUTO!r}")
        _whole_number("concurrency", self.concurrency, least=1)
        _one_of("mode", self.mode, ("sequential", "parallel"))
        _one_of("on_failure", self.on_failure, ("stop", "continue"))


def _whole_number(name: str, value: Any, least: int, other: str = "") -> None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= least):
        return
    raise UsageError(f"{name} must be a whole number from {least} up{other}, not {value!r}")


def _one_of(name: str, value: Any, words: tuple[str, ...]) -> None:
    if value not in words:
        hint = did_you_mean(str(value), words)
        raise UsageError(f"{name} must be {' or '.join(words)}, not {value!r}", remediation=hint)


@dataclass(slots=True)
class Job:
    """A drawer that was found fit to press, with its inputs.

    Attributes:
        run: the handle; nothing has started.
        loaded: the definition, with its place in the text.
        warnings: what validation found that does not stop a press.
        catalog: where its buttons were found.
        keeper: writes the history when the run has ended.
        origin: what its tables share.
    """

    run: Run
    loaded: Loaded
    warnings: list[Problem]
    catalog: ButtonCatalog
    keeper: Keeper
    origin: Origin

    @classmethod
    def prepare(
        cls,
        drawer: Pressable,
        inputs: Mapping[str, Any] | None = None,
        options: Options | None = None,
        around: Surroundings | None = None,
        earlier: Earlier | None = None,
    ) -> Job:
        """Load, look up and check; nothing runs yet.

        Args:
            earlier: a press of the same drawer with the same inputs that this one goes on with.

        Raises:
            DefinitionError: with every problem found.
            DrawerNotFound, UsageError: as :meth:`Surroundings.load`.
        """
        options = options or Options()
        around = around or Surroundings()
        inputs = _checked_inputs(inputs)
        loaded = around.load(drawer)
        catalog = around.catalog(loaded.drawer)
        in_order = options.mode == "sequential"
        problems = around.problems(loaded, given=inputs, pressing=True, ordered=in_order, catalog=catalog)
        if any(p.severity == "error" for p in problems):
            wrong = DefinitionError(problems, loaded.source.text, loaded.drawer.name)
            around.workspace.explain(wrong)
            raise wrong
        keeper = Keeper(around.workspace, loaded.root, around.drawers)
        plans = Plans(STEP_KINDS, around.buttons_of(loaded.drawer, catalog), around.find_drawer)
        run = Run(
            plans.plan(_overridden(loaded.drawer, options)),
            inputs,
            mode=Mode(options.mode == "parallel", options.on_failure == "continue"),
            concurrency=options.concurrency,
            timeout=options.timeout,
            batteries=around.workspace.batteries(),
            cache_folder=around.workspace.cache_folder,
            webhooks=dict.fromkeys((n.replace("-", "_") for n in around.workspace.drawer_names()), ""),
            on_child=keeper.child,
            earlier=earlier,
        )
        if around.workspace.refused:
            run.notes.append(around.workspace.refused)
        again = PressAgain(lambda earlier: cls.prepare(loaded, inputs, options, around, earlier), run.left)
        warnings = [p for p in problems if p.severity != "error"]
        return cls(run, loaded, warnings, catalog, keeper, Origin(run.record, again))

    async def press(self, display: Display) -> Results:
        """Run on the current loop, shown by `display`.

        Raises:
            asyncio.CancelledError: when the caller is cancelled; :attr:`results` holds what had ended.
        """
        display.attach(self.run.listeners, self.run.cancel)
        try:
            with cancelling(self.run.cancel, only_default=True), _shell_kept():
                await self.run.execute()
        finally:
            if self.keeper.has_work:
                await to_the_end(self._keep)
        return self.results

    def press_blocking(self, display: Display) -> Results:
        """Run on a loop and a thread of its own while this thread waits.

        An interrupt (Ctrl-C) cancels the run and returns what had ended; a second one is raised, once
        what the run had started got a moment to end.
        """
        display.attach(self.run.listeners, self.run.cancel)
        work = self.run.execute
        try:
            with _shell_kept():
                wait_in_thread(
                    lambda over: run_on_own_loop(work, self.run.notes, over),
                    self.run.cancel,
                    f"drawer {self.run.plan.name}",
                )
        finally:
            self._keep()
        return self.results

    def _keep(self) -> None:
        """Write the history, also of a run that was cancelled or met a fault of ours: it did run."""
        self.run.notes += self.keeper.write(self.run.record)

    @property
    def results(self) -> Results:
        """The table of what has ended so far, in order."""
        return Results.of(self.origin)


def _shell_kept() -> AbstractContextManager[None]:
    """Inside, ``exit()`` in a button fails its item and does not shut the kernel down."""
    shell = current_shell()
    if shell is None:
        return nullcontext()
    return refusing(shell, "ask_exit", lambda: Refused("exit() in a button does not end the notebook"))


def _checked_inputs(inputs: Mapping[str, Any] | None) -> dict[str, Any]:
    if inputs is None:
        return {}
    if not isinstance(inputs, Mapping):
        raise UsageError(f"inputs must be a mapping of names to values, not {type(inputs).__name__}")
    return {str(name): value for name, value in inputs.items()}


def _overridden(drawer: Drawer, options: Options) -> Drawer:
    """`drawer` with the parallelism that a press asks for in its outermost loops."""
    if options.parallelism is None:
        return drawer
    steps = [
        step.model_copy(update={"parallelism": options.parallelism})
        if isinstance(step, ForEachStep)
        else step
        for step in drawer.steps
    ]
    return drawer.model_copy(update={"steps": steps})


def press(
    drawer: Pressable,
    inputs: Mapping[str, Any] | None = None,
    *,
    check: bool = True,
    parallelism: int | Literal["auto"] | None = None,
    mode: Literal["sequential", "parallel"] = "sequential",
    on_failure: Literal["stop", "continue"] = "stop",
    concurrency: int | None = None,
    buttons: Mapping[str, Callable[..., Any]] | None = None,
    quiet: bool = False,
) -> Results:
    """Press a drawer and wait for its results; for scripts and for cells without ``await``.

    The run has an event loop and a thread of its own, so this works whether or not a loop is running.
    Buttons are looked up in the drawer's own ``buttons:``, then in `buttons`, then among the functions
    the caller can see, then on disk.

    Args:
        drawer: YAML or JSON text, a mapping, a path, the name of a drawer on disk, or a Drawer.
        inputs: input name -> value; any Python object.
        check: raise when the run does not end ok; ``False`` returns its Results instead.
        parallelism: overrides ``parallelism`` of the outermost ``for_each``.
        mode: ``sequential`` or ``parallel`` (steps start when what they refer to has ended).
        on_failure: in parallel mode, ``stop`` or ``continue``.
        concurrency: most buttons in flight in the whole run.
        buttons: further buttons, name -> callable.
        quiet: show no progress.

    Returns:
        The ordered table; ``.run`` is the full record.

    Raises:
        DefinitionError: the drawer is wrong; every problem is in it, and nothing has run.
        DrawerNotFound, UsageError: there is no such drawer, or an option is wrong.
        DrawerFailed, DrawerCancelled: it did not end ok; ``.results`` holds everything.
    """
    options = Options(parallelism, mode, on_failure, concurrency)
    around = Surroundings(named_buttons(buttons), callers_names(sys._getframe(1)))
    job = Job.prepare(drawer, inputs, options, around)
    display = choose_display(current_shell(), quiet=quiet)
    try:
        results = job.press_blocking(display)
    finally:
        display.close(None)
        _tell(job, quiet)
    if check:
        raise_for(results, job.run.notes)
    return results


async def apress(
    drawer: Pressable,
    inputs: Mapping[str, Any] | None = None,
    *,
    check: bool = True,
    parallelism: int | Literal["auto"] | None = None,
    mode: Literal["sequential", "parallel"] = "sequential",
    on_failure: Literal["stop", "continue"] = "stop",
    concurrency: int | None = None,
    buttons: Mapping[str, Callable[..., Any]] | None = None,
    quiet: bool = False,
) -> Results:
    """The twin of :func:`press` for code that awaits: it runs on the current event loop.

    Objects bound to this loop (client sessions, locks) work inside async buttons.

    Raises:
        asyncio.CancelledError: when the caller is cancelled, after everything started has ended.
        DrawerError: as :func:`press`.
    """
    options = Options(parallelism, mode, on_failure, concurrency)
    around = Surroundings(named_buttons(buttons), callers_names(sys._getframe(1)))
    job = Job.prepare(drawer, inputs, options, around)
    display = choose_display(current_shell(), quiet=quiet)
    try:
        results = await job.press(display)
    finally:
        display.close(None)
        _tell(job, quiet)
    if check:
        raise_for(results, job.run.notes)
    return results


def _tell(job: Job, quiet: bool) -> None:
    """What is worth telling of a run that ended ok; the error of one that did not tells it itself."""
    if job.run.record.status == "ok" and not quiet:
        for note in job.run.notes:
            print(told_in_colour(note) if sys.stderr.isatty() else f"note: {note}", file=sys.stderr)
