"""One ``%%drawer`` cell: parse it, press its drawer, show the results and set the user's variables."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from collections.abc import Container, Iterable, Mapping
from dataclasses import replace
from typing import Any

from IPython.core.displaypub import CapturingDisplayPublisher

from drawer_ipy.common.platform import lacks
from drawer_ipy.definition import DrawerModel, Loaded, load_drawer
from drawer_ipy.definition.declared import branches_of
from drawer_ipy.definition.models import ButtonStep, InputSpec, StepBase
from drawer_ipy.display.choose import choose_display
from drawer_ipy.display.live import Display, NullDisplay
from drawer_ipy.display.log import LogDisplay, Together
from drawer_ipy.display.terminal import TextDisplay
from drawer_ipy.errors import MOST_LISTED, DefinitionError, Problem, UsageError, problem_text
from drawer_ipy.journal.folder import is_run_id
from drawer_ipy.notebook.background import BackgroundRun, Runs
from drawer_ipy.notebook.dry_run import DryRun
from drawer_ipy.notebook.line import CELL, Given, Line, shown_in
from drawer_ipy.notebook.prints import Log
from drawer_ipy.pressing.interrupts import breaking_off, cancelling
from drawer_ipy.pressing.job import Job, Options
from drawer_ipy.pressing.prepare import prepare
from drawer_ipy.pressing.surroundings import Surroundings
from drawer_ipy.results import Results
from drawer_ipy.results.verdict import raise_for
from drawer_ipy.style.html_frame import html_as_text
from drawer_ipy.style.notes import note_in_colour
from drawer_ipy.verbs.resuming import chosen as kept_options
from drawer_ipy.verbs.typed_inputs import TypedInputs

LAST = "_drawer"
"""The variable that always has the Results of the last press."""


_ALONE = "%%drawer or %%each as the first line of its cell, without %%time and the like above it"
"""How to write a cell that is awaited."""


class PressingCell:
    """What the cells have in common that press something, whatever declares it.

    Args:
        shell: IPython's shell.
        options: of the magic's line.
        out: the variable that gets the Results, ``""`` for none.

    Attributes:
        options, out: as given.
        inputs: what is pressed with, for a dry run.
    """

    def __init__(self, shell: Any, options: Namespace, out: str) -> None:
        self._shell = shell
        self.options = options
        self.out = out
        self.inputs: dict[str, Any] = {}

    def _out_replaces(self, used: Container[str], use: str) -> UsageError | None:
        """The error for Results that would replace a function of which another press needs the present value.

        Args:
            used: the names of the functions that a press needs.
            use: what needs it, in words.

        Returns:
            The error; ``None`` if the variable may be replaced.
        """
        if not callable(self._shell.user_ns.get(self.out)) or self.out not in used:
            return None
        return UsageError(
            f"--out {self.out} would replace the function {self.out!r}, which {use}",
            remediation=f"choose another name: --out {self.out}_results",
        )

    def dry_run(self, job: Job) -> DryRun:
        """What pressing `job` would do."""
        return DryRun(job, self.inputs)

    def press(self, job: Job) -> CellPress:
        """A press of `job` with what the line says about it."""
        options = self.options
        display = choose_display(self._shell, quiet=options.quiet, kind=options.display)
        out = (LAST, self.out) if self.out else (LAST,)
        return CellPress(self._shell, job, display, out, quiet=options.quiet, check=not options.no_raise)

    def background(self, job: Job, runs: Runs) -> BackgroundRun | None:
        """Start `job` in the background; gives its handle unless a variable got it.

        Raises:
            UsageError: there are no threads on this platform.
        """
        options = self.options
        if why := lacks("threads"):
            raise UsageError(
                f"--background is not available: {why}",
                remediation="leave it out; other cells wait for the run",
            )

        def display(log: Log) -> Display:
            shown = choose_display(self._shell, quiet=options.quiet, kind=options.display, background=True)
            if isinstance(shown, NullDisplay | TextDisplay):
                return shown
            return Together(shown, LogDisplay(lambda: log.lines, lambda: log.dropped))

        run = runs.start(job, display, check=not options.no_raise)
        if not options.quiet:
            print_warnings(job.warnings)
        if not self.out:
            return run
        self._shell.push({self.out: run}, interactive=True)
        return None


class DrawerCell(PressingCell):
    """What a ``%%drawer`` cell says; pressed, defined or shown once.

    Args:
        shell: IPython's shell.
        line: the parsed line of the magic.
        text: the cell's text.
        around: the surroundings in which names are looked up.

    Attributes:
        loaded: the drawer, possibly with errors.
        name: its name in this notebook, or ``""``.

    Raises:
        DefinitionError: nothing in the text can be read.
        UsageError: the line is invalid.
    """

    def __init__(self, shell: Any, line: Line, text: str, around: Surroundings) -> None:
        if len(line.words) > 1:
            raise _two_names(line, shell.user_ns)
        super().__init__(shell, line.options, line.out)
        self._line = line
        said = str(line.words[0]) if line.words else ""
        resume = line.options.resume
        if not said and resume and not is_run_id(resume):  # the name, behind the option
            said, line.options.resume = resume, ""
        is_name = said == line.out or said in around.drawers
        self._around = around if is_name else replace(around, word=said)
        self.loaded: Loaded = load_drawer(text, name=said or "drawer", first_line=2, recover=True)
        self.name: str = said or ("" if self.loaded.drawer.name == "drawer" else self.loaded.drawer.name)
        self.inputs: dict[str, Any] = self._all_inputs()
        self._check_out()

    def _check_out(self) -> None:
        """Raise UsageError if the Results would replace a function that a step presses."""
        elsewhere = {*self.loaded.drawer.buttons, *self._around.registered}
        wrong = self._out_replaces(_pressed(self.loaded.drawer.steps) - elsewhere, "a step presses")
        if wrong is not None:
            raise wrong

    def _all_inputs(self) -> dict[str, Any]:
        """The line's inputs; a declared one that is not given comes from a variable of its name."""
        names = self._shell.user_ns
        typed = TypedInputs(self.loaded.drawer, names)
        given = {one.name: self._settled(one, typed) for one in self._line.given.values()}
        self._notes = typed.notes
        # IPython's own names (exit, open, In) are in the namespace too, and are never inputs.
        own = self._shell.user_ns_hidden
        declared = (spec.name for spec in self.loaded.drawer.inputs)
        found = {
            n: names[n]
            for n in declared
            if n not in given and n in names and own.get(n, self) is not names[n]
        }
        return {**found, **given}

    def _settled(self, given: Given, typed: TypedInputs) -> Any:
        try:
            return typed.settle(given.name, given.text, given.value)
        except UsageError as error:
            raise shown_in(error.pointing_at("", given.column), self._line.text, CELL) from None

    def drawer(self) -> DrawerModel:
        """The drawer for later presses by name; inputs that only the line gives are added as declared."""
        drawer = self.loaded.drawer
        declared = {spec.name for spec in drawer.inputs}
        only_given = [InputSpec(name=n, required=True) for n in self._line.inputs if n not in declared]
        return drawer.model_copy(update={"inputs": [*drawer.inputs, *only_given]}) if only_given else drawer

    def define(self) -> DrawerModel:
        """The same as :meth:`drawer`, but checked.

        Raises:
            DefinitionError: the drawer has errors; contains every problem.
            UsageError: it has no name.
        """
        if not self.name:
            raise UsageError("--define needs a name", remediation="%%drawer NAME --define")
        problems = self._around.problems(self.loaded, given=self.inputs)
        if any(p.severity == "error" for p in problems):
            raise DefinitionError(problems, self.loaded.source.text, self.name)
        if not self.options.quiet:
            print_warnings(problems)
        return self.drawer()

    def job(self) -> Job:
        """The drawer, checked and ready to be pressed.

        Raises:
            DefinitionError: the drawer has errors; contains every problem.
        """
        chosen = self.options
        options = Options(
            chosen.parallelism,
            chosen.mode,
            chosen.on_failure,
            chosen.concurrency,
            chosen.timeout,
            chosen.save,
            backend=chosen.backend,
            **kept_options(chosen),
        )
        job = prepare(self.loaded, self.inputs, options, self._around)
        job.run.notes += self._notes
        return job


def _pressed(steps: Iterable[StepBase]) -> set[str]:
    """The names of the buttons that `steps` press."""
    found: set[str] = set()
    for step in steps:
        if isinstance(step, ButtonStep):
            found.add(step.button)
        for branch in branches_of(step):
            found |= _pressed(branch.steps)
    return found


def _two_names(line: Line, namespace: Mapping[str, Any]) -> UsageError:
    """The error for a line with more than one word that is neither an option nor an input."""
    second = line.words[1]
    hint = "inputs are written name=value, variables name=$variable"
    name = second.removeprefix("$")
    if name.isidentifier() and name in namespace:
        hint = f"for the notebook's variable write {name}=${name}"
    error = UsageError(f"%%drawer takes one name, not {' '.join(line.words)!r}", remediation=hint)
    return shown_in(error.pointing_at("", second.start + 1), line.text, CELL)


class CellPress:
    """A job pressed for one cell, in one of three ways.

    Args:
        shell: IPython's shell.
        job: the job to press.
        display: shows the run.
        out: variables that receive the Results.
        quiet: do not print warnings.
        check: raise an error if the run does not end ok.
    """

    def __init__(
        self,
        shell: Any,
        job: Job,
        display: Display,
        out: tuple[str, ...] = (LAST,),
        *,
        quiet: bool = False,
        check: bool = True,
    ) -> None:
        self._shell = shell
        self._job = job
        self._display = display
        self._out = out
        self._quiet = quiet
        self._check = check
        self._results: Results | None = None

    def blocking(self) -> None:
        """Press on a thread with its own loop while this thread waits."""
        job = self._job
        try:
            job.press_blocking(self._display, _ALONE)
        finally:
            self.show()
        self.finish()

    async def awaited(self) -> None:
        """Press on the shell's own loop.

        An interrupt reaches a kernel's cell as a cancellation, which is handled here, since the cell itself
        was interrupted: partial results are shown and kept, and the cell ends with DrawerCancelled. In a
        terminal, where the loop would raise KeyboardInterrupt, an interrupt cancels the run.
        """
        job, loop = self._job, asyncio.get_running_loop()
        try:
            with (
                cancelling(job.run.cancel, only_default=True),
                breaking_off(lambda: job.run.ending, job.run.interrupted, loop),
            ):
                await job.press(self._display)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None:
                task.uncancel()
        finally:
            self.show()
        self.finish()

    def nested(self) -> None:
        """Press on the running loop, which is entered a second time (``%config DrawerMagics.loop``)."""
        job, loop = self._job, _running_loop()
        if loop is None:
            self.blocking()
            return
        import nest_asyncio2

        nest_asyncio2.apply(loop)
        try:
            with (
                cancelling(job.run.cancel),
                breaking_off(lambda: job.run.ending, job.run.interrupted, loop),
            ):
                loop.run_until_complete(job.press(self._display))
        finally:
            self.show()
        self.finish()

    def show(self) -> None:
        """Put the results into the variables, then replace the live view by the final table."""
        results = self._results = self._job.results
        self._shell.push(dict.fromkeys(self._out, results), interactive=True)
        self._display.close(results)
        if isinstance(self._display, TextDisplay) and len(results):
            print(results)  # a terminal's bar cannot be replaced by a table

    def finish(self) -> None:
        """Print warnings, and raise an error if the run did not end ok.

        Raises:
            DrawerFailed, DrawerCancelled: the run did not end ok, and `check` is set.
        """
        notes = self._job.run.notes
        if not self._quiet:
            print_warnings(self._job.warnings)
            for note in notes if self._job.run.record.status == "ok" else ():
                print(note_in_colour(note))  # the error of a run that did not end ok includes them
        if self._check and self._results is not None:
            raise_for(self._results, notes, self._told())

    def _told(self) -> str:
        """The text of the table that :meth:`show` has displayed, on one line; ``""`` if there is none."""
        results = self._results
        if results is None or results.run.status == "ok" or isinstance(self._display, NullDisplay):
            return ""
        if isinstance(self._shell.display_pub, CapturingDisplayPublisher):  # %%capture hides the table
            return ""
        if isinstance(self._display, TextDisplay):
            told = str(results) if len(results) else ""
        else:
            told = html_as_text(results._repr_html_())
        return " ".join(told.split())


def print_warnings(problems: Iterable[Problem]) -> None:
    """Print problems that do not prevent a press."""
    problems = list(problems)
    for problem in problems[:MOST_LISTED]:
        print(f"warning: {problem_text(problem)}")
    if len(problems) > MOST_LISTED:
        print(f"... and {len(problems) - MOST_LISTED:,} more warnings")


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
