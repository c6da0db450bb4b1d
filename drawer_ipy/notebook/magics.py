"""The magics ``%%drawer``, ``%%button`` and ``%drawer``: they parse their line and call other modules.

A ``%%drawer`` cell is awaited: an input transformer converts it to a call on the kernel's own event loop, so
a click on Cancel arrives while it runs, objects bound to the loop work inside async buttons, and an interrupt
leaves partial results. If a cell cannot be awaited (below ``%%time``, called from code), the same magic runs
on a thread with its own loop.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import Any

from IPython.core.magic import Magics, cell_magic, line_magic, magics_class, no_var_expand
from traitlets import Bool, Enum, Float, Int, TraitError, Unicode, Union, validate

from drawer_ipy.buttons import make_button
from drawer_ipy.buttons.base import Button
from drawer_ipy.common.demo_origins import running_origins
from drawer_ipy.definition import DrawerModel, load_button
from drawer_ipy.definition.button_runtimes import runtime_words
from drawer_ipy.definition.values import AUTO
from drawer_ipy.display.choose import KINDS
from drawer_ipy.display.tables import registered
from drawer_ipy.errors import UsageError, did_you_mean
from drawer_ipy.notebook import completion
from drawer_ipy.notebook.all_runs import AllRuns
from drawer_ipy.notebook.awaited_cells import (
    AWAITED,
    AWAITED_VERB,
    EACH_AWAITED,
    AwaitedCells,
    magic_first,
    whole_lines,
)
from drawer_ipy.notebook.background import BackgroundRun, Runs
from drawer_ipy.notebook.cell import CellPress, DrawerCell, print_warnings
from drawer_ipy.notebook.dry_run import DryRun
from drawer_ipy.notebook.each.as_drawer import AsDrawer
from drawer_ipy.notebook.each.cell import EachCell
from drawer_ipy.notebook.each.options import OF_EVERY_CELL, each_parser
from drawer_ipy.notebook.line import option_parser, parse_line, split
from drawer_ipy.notebook.misplaced_magics import MisplacedMagics
from drawer_ipy.notebook.verb_line import NotebookVerb
from drawer_ipy.pressing.callers import CELLS
from drawer_ipy.pressing.job import check_backend
from drawer_ipy.pressing.journaling import DURABLE
from drawer_ipy.pressing.stored import runs
from drawer_ipy.pressing.surroundings import Surroundings

Shown = DryRun | BackgroundRun | AsDrawer | None
"""What a cell shows that presses nothing now."""

_MAGICS = {"cell": ("drawer", AWAITED, "each", EACH_AWAITED, "button"), "line": ("drawer", AWAITED_VERB)}
_OPTIONS = (
    "parallelism",
    "concurrency",
    "mode",
    "on_failure",
    "timeout",
    "out",
    "quiet",
    "no_raise",
    "display",
    "durable",
    "backend",
)
"""Options of the line whose defaults can be configured."""


@dataclass(slots=True)
class Kept:
    """The definitions and settings of cells, which are kept when the extension is reloaded.

    Attributes:
        buttons: the buttons of ``%%button`` cells, by name.
        drawers: the drawers of ``%%drawer NAME`` cells, by name.
        runs: the runs in the background.
        settings: the settings of ``%config DrawerMagics`` when the extension was unloaded.
    """

    buttons: dict[str, Button] = field(default_factory=dict)
    drawers: dict[str, DrawerModel] = field(default_factory=dict)
    runs: Runs = field(default_factory=Runs)
    settings: dict[str, Any] = field(default_factory=dict)


@magics_class
class DrawerMagics(Magics):  # type: ignore[misc]  # IPython has no types
    """The magics of one shell. Its settings are the defaults of %%drawer's options."""

    loop: Enum[str] = Enum(
        ("awaited", "thread", "nested"),
        "awaited",
        help="""Where a cell runs. awaited: on the notebook's event loop, as an awaited cell (on a thread if
        a cell cannot be awaited). thread: always on a thread with its own loop. nested: on the notebook's
        loop, entered a second time with nest-asyncio2; then a click on Cancel may cause errors.""",
    ).tag(config=True)
    parallelism: Union = Union(
        [Int(min=0), Enum((AUTO,))], default_value=None, allow_none=True, help="--parallelism of every cell"
    ).tag(config=True)
    concurrency: Int[int | None, int | None] = Int(
        None, allow_none=True, min=1, help="--concurrency of every cell"
    ).tag(config=True)
    mode: Enum[str] = Enum(("sequential", "parallel"), "sequential", help="--mode of every cell").tag(
        config=True
    )
    on_failure: Enum[str] = Enum(("stop", "continue"), "stop", help="--on-failure of every cell").tag(
        config=True
    )
    timeout: Float[float | None, int | float | None] = Float(
        None, allow_none=True, min=0.001, help="--timeout of every cell"
    ).tag(config=True)
    out: Unicode[str, str | bytes] = Unicode("", help="--out of every cell").tag(config=True)
    quiet: Bool[bool, bool | int] = Bool(False, help="--quiet for every cell").tag(config=True)
    no_raise: Bool[bool, bool | int] = Bool(False, help="--no-raise for every cell").tag(config=True)
    display: Enum[str] = Enum(KINDS, "auto", help="--display of every cell").tag(config=True)
    durable: Enum[str] = Enum(DURABLE, "auto", help="--durable of every cell: keep runs on disk").tag(
        config=True
    )

    backend: Unicode[str, str | bytes] = Unicode(
        "", help="--backend of every cell: threads, processes, dask or dask:ADDRESS"
    ).tag(config=True)

    @validate("backend")  # type: ignore[untyped-decorator]
    def _checked_backend(self, proposal: Any) -> Any:
        try:
            check_backend(proposal["value"])
        except UsageError as error:
            raise TraitError(str(error)) from None
        return proposal["value"]

    def __init__(self, shell: Any, kept: Kept | None = None) -> None:
        super().__init__(shell, parent=None)
        self.kept: Kept = kept or Kept()
        # An invalid value stays in the shell's configuration even after %config has rejected it.
        for name, value in {**shell.config.get(type(self).__name__, {}), **self.kept.settings}.items():
            with contextlib.suppress(TraitError):
                setattr(self, name, value)

    @no_var_expand  # type: ignore[untyped-decorator]
    @cell_magic  # type: ignore[untyped-decorator]
    def drawer(self, line: str, cell: str) -> Any:
        """Press the drawer that the cell declares, in YAML or JSON.

        %%drawer [VAR <<] [NAME] [name=value ...] [options]

        Inputs: name=value (JSON, a Python literal, else text), name=$variable, name={expression},
        name=@file (csv, jsonl, json, parquet or txt). Options take $variable, too.
        """
        press, shown = self._prepare(line, cell)
        if press is None:
            return shown
        return press.nested() if self.loop == "nested" else press.blocking()

    @no_var_expand  # type: ignore[untyped-decorator]
    @cell_magic(AWAITED)  # type: ignore[untyped-decorator]
    def drawer_awaited(self, line: str, cell: str) -> Awaitable[Any]:
        """The awaited form of %%drawer; cells are rewritten to it."""
        press, shown = self._prepare(line, cell)
        return _given(shown) if press is None else press.awaited()

    @no_var_expand  # type: ignore[untyped-decorator]
    @cell_magic  # type: ignore[untyped-decorator]
    def each(self, line: str, cell: str) -> Any:
        """Run the body for every item, several at once; its last expression is the row's output.

        %%each [VAR <<] TARGET in ITEMS [options]

        TARGET is what a for loop assigns to (url, or i, url); ITEMS any expression of the notebook. Every
        item is tried, and a failure is a row. A body that awaits runs on the notebook's event loop, another
        one in threads.
        """
        press, shown = self._prepare_each(line, cell)
        if press is None:
            return shown
        return press.nested() if self.loop == "nested" else press.blocking()

    @no_var_expand  # type: ignore[untyped-decorator]
    @cell_magic(EACH_AWAITED)  # type: ignore[untyped-decorator]
    def each_awaited(self, line: str, cell: str) -> Awaitable[Any]:
        """The awaited form of %%each; cells are rewritten to it."""
        press, shown = self._prepare_each(line, cell)
        return _given(shown) if press is None else press.awaited()

    @no_var_expand  # type: ignore[untyped-decorator]
    @line_magic("drawer")  # type: ignore[untyped-decorator]
    def drawer_line(self, line: str) -> Any:
        """Show and change drawers: ``%drawer NAME [VERB ...]``; ``%drawer help`` shows all verbs.

        ``%drawer runs`` lists the runs in the background, and those that are stored on disk.
        """
        if line.split() == ["runs"]:
            return AllRuns(self.kept.runs.listed(), runs())
        return self._verb(line).blocking()

    @no_var_expand  # type: ignore[untyped-decorator]
    @line_magic(AWAITED_VERB)  # type: ignore[untyped-decorator]
    def drawer_verb_awaited(self, line: str) -> Awaitable[None]:
        """The awaited form of %drawer NAME press; cells with only this line are rewritten to it."""
        return self._verb(line).awaited()

    @no_var_expand  # type: ignore[untyped-decorator]
    @cell_magic  # type: ignore[untyped-decorator]
    def button(self, line: str, cell: str) -> None:
        """Define a button from a script: ``%%button NAME [runtime] [arg[:type] ...]``, then its text.

        ``%%button NAME --spec`` reads the fields of button.json, in YAML or JSON, instead of a script.
        """
        name, spec = _button_spec(line, cell)
        self.kept.buttons[name] = make_button(spec, allowed_origins=running_origins)

    def _prepare(self, line: str, text: str) -> tuple[CellPress | None, Shown]:
        """What there is to press; without it, what the cell shows instead."""
        names, kept = self.shell.user_ns, self.kept
        said = parse_line(line, names, {name: getattr(self, name) for name in _OPTIONS})
        cell = DrawerCell(self.shell, said, text, self.surroundings())
        if said.options.define:
            kept.drawers[cell.name] = cell.define()
            print(f"drawer {cell.name} is defined; `%drawer {cell.name} press` runs it")
            return None, None
        return self._started(cell)

    def _prepare_each(self, line: str, body: str) -> tuple[CellPress | None, Shown]:
        """As :meth:`_prepare`, for an ``%%each`` cell."""
        kept = self.kept
        cell = EachCell(
            self.shell, line, body, self.surroundings(), {n: getattr(self, n) for n in OF_EVERY_CELL}
        )
        if cell.options.as_drawer:
            return None, cell.as_drawer()
        if not cell.options.dry_run:
            cell.register(kept.buttons)
        if cell.options.define:
            kept.drawers[cell.name] = cell.define()
            print_warnings(cell.warnings)
            print(f"{cell.name} is defined; {cell.name}.retry() presses what failed with this body")
            return None, None
        return self._started(cell)

    def _started(self, cell: DrawerCell | EachCell) -> tuple[CellPress | None, Shown]:
        """Check `cell`, and start it where it runs in the background."""
        kept = self.kept
        job = cell.job()
        if cell.options.dry_run:
            return None, cell.dry_run(job)
        if cell.name:
            kept.drawers[cell.name] = cell.drawer()
        if cell.options.background:
            return None, cell.background(job, kept.runs)
        return cell.press(job), None

    def surroundings(self) -> Surroundings:
        """The surroundings in which names are looked up."""
        return Surroundings(self.kept.buttons, self.shell.user_ns, drawers=self.kept.drawers, form="line")

    def _verb(self, line: str) -> NotebookVerb:
        return NotebookVerb(self.shell, line, self.kept.buttons, self.kept.drawers)


async def _given(value: Any) -> Any:
    return value


def _button_spec(line: str, cell: str) -> tuple[str, Any]:
    """The name and the definition of a ``%%button`` cell."""
    words = list(split(line))
    if not words or words[0].startswith("-"):
        raise UsageError("%%button needs a name", remediation="%%button NAME [runtime] [arg[:type] ...]")
    name, rest = words[0], words[1:]
    if "--spec" in rest:
        return name, load_button(cell, name=name, first_line=2).button
    runtimes = runtime_words()
    runtime = rest.pop(0) if rest and rest[0] in runtimes else "sh"
    if rest and ":" not in rest[0] and (meant := did_you_mean(rest[0], runtimes, near=0.8)):
        raise UsageError(
            f"%%button {name} {rest[0]}: {rest[0]!r} is not a runtime ({meant})",
            remediation=f"if it is an argument, give its type: {rest[0]}:string",
        )
    args = {a.partition(":")[0]: a.partition(":")[2] or "string" for a in rest}
    text = {"prompt": cell} if runtime == "prompt" else {"runtime": runtime, "code": cell}
    return name, load_button({"name": name, "args": args, **text}, name=name).button


def load(shell: Any) -> None:
    """Register the magics and the transformers with `shell`; loading them again replaces them.

    Earlier definitions and settings of cells are kept.
    """
    unload(shell)
    magics = DrawerMagics(shell, shell.meta.setdefault(CELLS, Kept()))
    DrawerMagics.drawer.__doc__ = f"{_doc(DrawerMagics.drawer)}\n\n{option_parser().format_help()}"
    DrawerMagics.each.__doc__ = f"{_doc(DrawerMagics.each)}\n\n{each_parser().format_help()}"
    shell.register_magics(magics)
    completion.register(shell, magics.surroundings)
    registered.register(shell)
    shell.input_transformers_cleanup[:0] = [magic_first, MisplacedMagics()]
    awaited = AwaitedCells(shell, lambda: bool(magics.loop == "awaited"))
    # IPython's own transformers, which run in between, split the lines again.
    shell.input_transformers_cleanup.extend([whole_lines, awaited])


def unload(shell: Any) -> None:
    """Undo :func:`load`."""
    transformers = shell.input_transformers_cleanup
    ours = (AwaitedCells.__name__, MisplacedMagics.__name__, magic_first.__name__, whole_lines.__name__)
    transformers[:] = [t for t in transformers if getattr(t, "__name__", type(t).__name__) not in ours]
    completion.unregister(shell)
    registered.unregister(shell)
    manager = shell.magics_manager
    magics = manager.registry.pop(DrawerMagics.__name__, None)
    if magics is None:
        return
    for kind, names in _MAGICS.items():
        for name in names:
            manager.magics[kind].pop(name, None)
    magics.kept.settings = {name: getattr(magics, name) for name in magics.traits(config=True)}
    shell.configurables.remove(magics)


def _doc(magic: Any) -> str:
    return str(magic.__doc__ or "").partition("\n\nusage:")[0].rstrip()
