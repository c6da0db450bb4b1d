"""What an ``%%each`` cell says: its body as a button, its items, and the drawer of one loop around it."""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping, MutableMapping
from dataclasses import replace
from functools import cached_property
from typing import Any

from drawer_ipy.buttons import FunctionButton
from drawer_ipy.buttons.base import Button
from drawer_ipy.definition import DrawerModel, Loaded, load_drawer
from drawer_ipy.definition.checking.scope import ROOTS
from drawer_ipy.engine.rows import TableRows, rows_of
from drawer_ipy.errors import Problem, UsageError
from drawer_ipy.notebook.cell import PressingCell
from drawer_ipy.notebook.each.as_drawer import AsDrawer
from drawer_ipy.notebook.each.body import read_body
from drawer_ipy.notebook.each.header import read_header
from drawer_ipy.notebook.each.options import each_options, read_options
from drawer_ipy.notebook.each.text import MAGIC, EachText
from drawer_ipy.notebook.each.unpacking import (
    check_unpacking,
    column_of,
    plain_names,
    wanted_columns,
)
from drawer_ipy.notebook.line import shown_in
from drawer_ipy.pressing.each.loop import check_items, loop_tree
from drawer_ipy.pressing.job import Job, Options
from drawer_ipy.pressing.prepare import prepare
from drawer_ipy.pressing.surroundings import Surroundings
from drawer_ipy.verbs.resuming import chosen

_UNNAMED = "each"


class EachCell(PressingCell):
    """What an ``%%each`` cell says; pressed, defined or shown once.

    Args:
        shell: IPython's shell.
        line: the text after the magic's name.
        body: the cell's lines below it.
        around: where names are looked up.
        defaults: option name -> value where the line does not say.

    Attributes:
        name: the run's name in this notebook, ``""`` when none was given.
        function: the body as a function of one item.

    Raises:
        DefinitionError: the cell is invalid, with every place.
        UsageError: an option is invalid.
    """

    def __init__(
        self, shell: Any, line: str, body: str, around: Surroundings, defaults: Mapping[str, Any]
    ) -> None:
        self._text = text = EachText(line, body)
        self._header = header = read_header(text)
        try:
            options, out = read_options(header, shell.user_ns, defaults)
        except UsageError as error:
            raise shown_in(error, line, MAGIC) from None
        super().__init__(shell, options, out)
        self._loop = each_options(options, header.target)
        self.name: str = _checked_name(options.name) or self.out
        self._body = read_body(text, header.target, shell.user_ns)
        self._check_out()
        name = re.sub(r"\W", "_", f"{self.name or _UNNAMED}_body")
        file = shell.compile.cache(text.whole, _cell_number(shell))
        flags = shell.compile.flags
        self.function: Any = self._body.function(name, header.target, shell.user_ns, file, flags)
        self._button = FunctionButton(self.function, name, rate=options.rate, cache=options.cache)
        # An expression that is one name keeps it, so that a later press finds the variable again.
        self._source = header.over if _is_plain(header.over) else "items"
        self._around = around

    def _check_out(self) -> None:
        """Raise DefinitionError if the Results would replace a function that the body calls."""
        wrong = self._out_replaces(self._body.reads, "the body calls")
        if wrong is not None:
            column = self._text.column_of(max(0, self._text.line.rfind(self.out)))
            raise self._text.error(wrong.message, wrong.remediation, column=column)

    @cached_property
    def _tree(self) -> dict[str, Any]:
        return loop_tree(self.name, self._button.name, self._header.target.name, self._source, self._loop)

    @cached_property
    def _loaded(self) -> Loaded:
        return load_drawer(self._tree, name=self.name or _UNNAMED, recover=True)

    def drawer(self) -> DrawerModel:
        """The drawer as it can be pressed again by its name."""
        return self._loaded.drawer

    def register(self, buttons: MutableMapping[str, Button]) -> None:
        """Remember the body under its name: a retry and a press by name use the latest one."""
        if self.name:
            buttons[self._button.name] = self._button

    def define(self) -> DrawerModel:
        """As :meth:`drawer`; it needs a name.

        Raises:
            UsageError: it has none.
        """
        if not self.name:
            raise UsageError("--define needs a name", remediation=f"{MAGIC} ... --define --out NAME")
        return self.drawer()

    def job(self) -> Job:
        """The drawer, checked and ready to be pressed with the items.

        Raises:
            DefinitionError: the items cannot be had or looped over.
            UsageError: there is no run that could be resumed as the options say.
        """
        column = self._text.column_of(self._header.over_at)
        items = self._header.items(self._text, self._shell.user_ns)
        try:
            rows = check_items(items, self._header.over)
            check_unpacking(self._header.target.pattern, rows)
        except UsageError as error:
            raise self._text.error(error.message, error.remediation, column=column) from None
        if field := column_of(self.options.key or "", self._header.target.pattern, rows):
            self._loop = replace(self._loop, key=field)
        around = self._around
        if not self.name:
            registered = {**around.registered, self._button.name: self._button}
            around = replace(around, registered=registered)
        kept = chosen(self.options)
        if kept["resume"] is True and not self.name:
            raise UsageError(
                "a run without a name cannot be resumed", remediation=f"{MAGIC} ... --resume --name NAME"
            )
        press = Options(save=self.options.save, **kept)
        job = prepare(self._loaded, {self._source: items}, press, around)
        job.warnings += self.warnings
        self.inputs: dict[str, Any] = {self._source: items}
        return job

    @property
    def warnings(self) -> list[Problem]:
        """What is odd about the body."""
        return self._body.warnings

    def as_drawer(self) -> AsDrawer:
        """The function and the ``%%drawer`` cell that do the same."""
        columns: list[str] = []
        # Only a name is looked up here: an expression may have effects, and this only shows something.
        if isinstance(rows := rows_of(self._shell.user_ns.get(self._header.over)), TableRows):
            wanted = wanted_columns(plain_names(self._header.target.pattern), list(rows.readers))
            columns = [name for name in wanted if isinstance(name, str)]
        return AsDrawer(self._text, self._header, self._body, self._tree, self._loop, columns)


def _cell_number(shell: Any) -> int:
    """The number of the cell that runs. IPython 9 counts it before it runs, earlier versions afterwards."""
    recorded = len(shell.history_manager.input_hist_parsed) - 1
    return recorded if recorded > 0 else int(shell.execution_count)


def _is_plain(over: str) -> bool:
    return over.isidentifier() and over.isascii() and not keyword.iskeyword(over) and over not in ROOTS


def _checked_name(name: str) -> str:
    if name and not re.fullmatch(r"[\w-]+", name):
        raise UsageError(f"--name {name!r}: a name has letters, digits, - and _")
    return name
