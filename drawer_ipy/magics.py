"""What people type in a notebook: ``%%drawer``, ``%%button`` and ``%drawer``. Parse and call; no more.

A ``%%drawer`` cell is awaited: an input transformer turns it into a call on the kernel's own event loop,
so a click on Cancel arrives while it runs, objects bound to the loop work inside async buttons, and an
interrupt still leaves partial results. Where a cell cannot be awaited (stacked under ``%%time``, called
from code) the same magic runs on a thread with a loop of its own.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable
from typing import Any

from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import Magics, cell_magic, line_magic, magics_class, no_var_expand

from drawer_ipy.buttons import make_button
from drawer_ipy.buttons.base import Button
from drawer_ipy.definition import Loaded, load_button, load_drawer
from drawer_ipy.display.choose import choose_display
from drawer_ipy.display.live import Display
from drawer_ipy.display.text import TextDisplay
from drawer_ipy.dry_run import DryRun
from drawer_ipy.errors import UsageError
from drawer_ipy.interrupts import cancelling
from drawer_ipy.magic_line import Line, option_parser, parse_line, split
from drawer_ipy.origins import running_origins
from drawer_ipy.pressing import Job, Options, Surroundings, raise_for
from drawer_ipy.results import Results
from drawer_ipy.workspace import Workspace

LAST = "_drawer"
"""The variable that always holds the Results of the latest cell."""

AWAITED = "drawer_awaited"
"""The magic the input transformer calls; its result is awaited."""


@magics_class
class DrawerMagics(Magics):  # type: ignore[misc]  # IPython has no types
    """The magics of one shell; buttons defined by ``%%button`` live as long as it does."""

    def __init__(self, shell: Any) -> None:
        super().__init__(shell)
        self.defined: dict[str, Button] = {}

    @no_var_expand  # type: ignore[untyped-decorator]
    @cell_magic  # type: ignore[untyped-decorator]
    def drawer(self, line: str, cell: str) -> Any:
        """Press the drawer that the cell declares, in YAML or JSON.

        %%drawer [VAR <<] [NAME] [name=value ...] [options]

        Inputs: name=value (JSON, else text), name=$variable, name={expression}.
        """
        return _Press(self, line, cell).blocking()

    @no_var_expand  # type: ignore[untyped-decorator]
    @cell_magic(AWAITED)  # type: ignore[untyped-decorator]
    def drawer_awaited(self, line: str, cell: str) -> Awaitable[Any]:
        """The awaited form of %%drawer; cells are rewritten to it."""
        return _Press(self, line, cell).awaited()

    @no_var_expand  # type: ignore[untyped-decorator]
    @line_magic("drawer")  # type: ignore[untyped-decorator]
    def drawer_line(self, line: str) -> Any:
        """Press a drawer on disk: ``%drawer NAME [name=value ...] [options]``; ``list`` names them."""
        words = list(split(line))
        if not words or words == ["list"]:
            names = Workspace.current().drawer_names()
            print("\n".join(names) if names else "no drawers on disk; declare one in a %%drawer cell")
            return None
        return _Press(self, line, None).blocking()

    @no_var_expand  # type: ignore[untyped-decorator]
    @cell_magic  # type: ignore[untyped-decorator]
    def button(self, line: str, cell: str) -> None:
        """Define a button from a script: ``%%button NAME [runtime] [arg[:type] ...]``, then its text.

        ``%%button NAME --spec`` takes button.json's fields, in YAML or JSON, instead of a script.
        """
        name, spec = _button_spec(line, cell)
        made = make_button(spec, allowed_origins=running_origins)
        self.defined[name] = made

    def surroundings(self) -> Surroundings:
        """Where a cell's names are looked up."""
        return Surroundings(self.defined, self.shell.user_ns)


class _Press:
    """One cell: parsed when it is made, pressed once."""

    def __init__(self, magics: DrawerMagics, line: str, cell: str | None) -> None:
        self._shell = magics.shell
        self._line: Line = parse_line(line, self._shell.user_ns)
        options = self._line.options
        self._display: Display = choose_display(self._shell, quiet=options.quiet, kind=options.display)
        around = magics.surroundings()
        self._drawer = self._definition(around, cell)
        self._inputs = self._all_inputs()
        self._around = around
        self._job: Job | None = None

    def _definition(self, around: Surroundings, cell: str | None) -> Loaded:
        words = self._line.words
        if len(words) > 1:
            raise UsageError(
                f"%%drawer takes one name, not {' '.join(words)!r}",
                remediation="inputs are written name=value, variables name=$variable",
            )
        if cell is None:
            return around.load(words[0]) if words else around.load("")
        return load_drawer(cell, name=words[0] if words else "drawer", first_line=2, recover=True)

    def _all_inputs(self) -> dict[str, Any]:
        """The line's inputs; a declared one that is not given comes from a variable of its name."""
        names, given = self._shell.user_ns, self._line.inputs
        # IPython's own names (exit, open, In) are in the namespace too; they are nobody's inputs.
        own = self._shell.user_ns_hidden
        declared = (spec.name for spec in self._drawer.drawer.inputs)
        found = {
            n: names[n]
            for n in declared
            if n not in given and n in names and own.get(n, self) is not names[n]
        }
        return {**found, **given}

    def _prepare(self) -> Job:
        chosen = self._line.options
        options = Options(chosen.parallelism, chosen.mode, chosen.on_failure, chosen.concurrency)
        self._job = Job.prepare(self._drawer, self._inputs, options, self._around)
        return self._job

    def blocking(self) -> Any:
        """Press while this thread waits."""
        job = self._prepare()
        if self._line.options.dry_run:
            return DryRun(job, self._inputs)
        results = job.results
        try:
            results = job.press_blocking(self._display)
        finally:
            self._show(job.results)
        return self._finish(job, results)

    async def awaited(self) -> Any:
        """Press on the shell's own loop.

        An interrupt reaches a kernel's cell as a cancellation. The cell is what was interrupted, so it
        is met here: partial results are shown and kept, and the cell ends with an error of ours. In a
        terminal it would be a KeyboardInterrupt out of the loop; there it cancels the run.
        """
        job = self._prepare()
        if self._line.options.dry_run:
            return DryRun(job, self._inputs)
        try:
            with cancelling(job.run.cancel, only_default=True):
                await job.press(self._display)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None:
                task.uncancel()
        finally:
            self._show(job.results)
        return self._finish(job, job.results)

    def _show(self, results: Results) -> None:
        """Keep the results in the variables, then put the final table in place of the live view."""
        names = {LAST: results}
        if self._line.out:
            names[self._line.out] = results
        self._shell.push(names, interactive=True)
        self._display.close(results)
        if isinstance(self._display, TextDisplay) and len(results):
            print(results)  # a terminal's bar cannot turn into a table

    def _finish(self, job: Job, results: Results) -> None:
        for problem in job.warnings:
            if not self._line.options.quiet:
                print(f"warning: {problem}")
        if not self._line.options.no_raise:
            raise_for(results, job.run.notes)


def _button_spec(line: str, cell: str) -> tuple[str, Any]:
    """Name and definition that a ``%%button`` cell gives."""
    words = list(split(line))
    if not words or words[0].startswith("-"):
        raise UsageError("%%button needs a name", remediation="%%button NAME [runtime] [arg[:type] ...]")
    name, rest = words[0], words[1:]
    if "--spec" in rest:
        return name, load_button(cell, name=name, first_line=2).button
    runtimes = ("sh", "shell", "bash", "python", "python3", "node", "javascript", "js", "prompt")
    runtime = rest.pop(0) if rest and rest[0] in runtimes else "sh"
    args = {a.partition(":")[0]: a.partition(":")[2] or "string" for a in rest}
    text = {"prompt": cell} if runtime == "prompt" else {"runtime": runtime, "code": cell}
    return name, load_button({"name": name, "args": args, **text}, name=name).button


class AwaitedCells:
    """The input transformer: ``%%drawer`` cells become awaited calls where the shell can await."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell

    def __call__(self, lines: list[str]) -> list[str]:
        """`lines` of one cell, rewritten if it is a ``%%drawer`` cell and not a question about it."""
        if not lines or not lines[0].startswith("%%drawer"):
            return lines
        rest = lines[0].removeprefix("%%drawer")
        if (rest and not rest[0].isspace()) or rest.strip().endswith("?") or not self._can_await():
            return lines
        line, body = rest.strip(), "".join(lines[1:])
        return [f"await get_ipython().run_cell_magic({AWAITED!r}, {line!r}, {body!r})\n"]

    def _can_await(self) -> bool:
        asyncio_runner, _ = self._shell.loop_runner_map["asyncio"]
        if not self._shell.autoawait or self._shell.loop_runner is not asyncio_runner:
            return False
        # What a running cell transforms (the cell below a %%time or %%capture) it cannot await: it is
        # compiled as ordinary code. Only the call stack tells, since cells of subshells overlap.
        frame = sys._getframe()
        while frame.f_back is not None:
            frame = frame.f_back
            if frame.f_code is InteractiveShell.run_code.__code__:
                return False
        return True


def load(shell: Any) -> None:
    """Register the magics and the transformer with `shell`; loading again replaces them.

    Buttons that ``%%button`` defined before are kept.
    """
    unload(shell)
    magics = DrawerMagics(shell)
    before = shell.magics_manager.registry.get(DrawerMagics.__name__)
    magics.defined.update(getattr(before, "defined", {}))
    DrawerMagics.drawer.__doc__ = f"{_doc(DrawerMagics.drawer)}\n\n{option_parser().format_help()}"
    shell.register_magics(magics)
    shell.input_transformers_cleanup.append(AwaitedCells(shell))


def unload(shell: Any) -> None:
    """Take back what :func:`load` did."""
    transformers = shell.input_transformers_cleanup
    transformers[:] = [t for t in transformers if type(t).__name__ != AwaitedCells.__name__]
    table = shell.magics_manager.magics
    for kind, name in (("cell", "drawer"), ("cell", AWAITED), ("cell", "button"), ("line", "drawer")):
        table[kind].pop(name, None)


def _doc(magic: Any) -> str:
    return str(magic.__doc__ or "").partition("\n\nusage:")[0].rstrip()
