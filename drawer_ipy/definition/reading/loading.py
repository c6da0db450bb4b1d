"""Loading of definitions from text or mappings: read, check, convert to models; all problems at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from drawer_ipy.common.nearest import Near
from drawer_ipy.definition.models import ButtonSpec, DrawerModel, Model
from drawer_ipy.definition.reading.normal import normalise
from drawer_ipy.definition.reading.pydantic_errors import translate
from drawer_ipy.definition.reading.recovery import Lost, corrected, made_of
from drawer_ipy.definition.reading.shape import Finding, findings
from drawer_ipy.definition.reading.source import (
    MalformedSource,
    Source,
    in_text_order,
    plain_tree,
    read_source,
)
from drawer_ipy.definition.reading.step_paths import step_at
from drawer_ipy.definition.reading.tree import Built
from drawer_ipy.errors import DefinitionError, Problem

ModelT = TypeVar("ModelT", bound=Model)


@dataclass(slots=True)
class Loaded:
    """A loaded drawer.

    Attributes:
        drawer: the model.
        warnings: problems that did not prevent loading.
        source: the text and the positions in it.
        lenient: whether it was read like a file on disk, see :func:`load_drawer`.
        errors: the errors of a drawer loaded with ``recover``; if there are any, the drawer contains only the
            readable parts and may only be validated.
        lost: the parts that are not in that drawer.
        root: the workspace folder in which the drawer was found by name, which keeps the history of its runs;
            ``None`` for every other drawer.
    """

    drawer: DrawerModel
    warnings: list[Problem] = field(default_factory=list)
    source: Source = field(default_factory=Source, compare=False)
    lenient: bool = False
    errors: list[Problem] = field(default_factory=list)
    lost: Lost = field(default_factory=Lost)
    root: Path | None = None


@dataclass(slots=True)
class LoadedButton:
    """A loaded button; the attributes are those of :class:`Loaded`, without errors."""

    button: ButtonSpec
    warnings: list[Problem] = field(default_factory=list)
    source: Source = field(default_factory=Source)
    lenient: bool = False


def load_drawer(
    text_or_mapping: str | Mapping[str, Any],
    *,
    name: str = "",
    lenient: bool = False,
    first_line: int = 1,
    recover: bool = False,
) -> Loaded:
    """Load a drawer from YAML, JSON or a mapping.

    Args:
        text_or_mapping: the definition; objects inside a mapping's args are kept by identity.
        name: the drawer's name in messages, and if the definition does not name itself.
        lenient: read it like a file on disk that the original or a newer version wrote: unknown keys,
            duplicate keys and a negative parallelism are warnings, and ``schema_version`` is required. A
            drawer in a cell may omit ``schema_version`` and ``drawer_kind``.
        first_line: the number of the text's first line as the user sees it (2 below a magic line).
        recover: if enough is readable to continue checking, return that with the errors instead of raising,
            so that :func:`~drawer_ipy.definition.checking.drawer.validate` reports everything at once.

    Raises:
        DefinitionError: it cannot be loaded; contains every problem, with line and column if there is text.
    """
    reader = _Loading(name or "this drawer", lenient)
    reader.read(text_or_mapping, "drawer", first_line)
    tree = reader.shape(DrawerModel)
    stepless = tree.get("steps") is None and tree.get("flow") is None
    if stepless and not lenient and not reader.lost.holds((), "steps", "flow"):
        reader.find(Finding((), "there are no steps", "list them under `steps:`", on_key=False))
    drawer = reader.model(DrawerModel, recover=recover)
    drawer.name = drawer.name or name
    return Loaded(drawer, reader.of("warning"), reader.source, lenient, reader.of("error"), reader.lost)


def loaded_from(drawer: DrawerModel) -> Loaded:
    """Return `drawer` in its current state, with the text that it was loaded from, if any."""
    origin: Loaded | None = drawer._origin  # noqa: SLF001 - pydantic takes any other name for a field
    return Loaded(drawer) if origin is None else replace(origin, drawer=drawer)


def load_button(
    text_or_mapping: str | Mapping[str, Any],
    *,
    name: str = "",
    lenient: bool = False,
    first_line: int = 1,
) -> LoadedButton:
    """Load a button from YAML, JSON or a mapping; see :func:`load_drawer` for arguments and errors."""
    reader = _Loading(name or "this button", lenient)
    reader.read(text_or_mapping, "button", first_line)
    reader.shape(ButtonSpec)
    button = reader.model(ButtonSpec)
    button.name = button.name or name
    return LoadedButton(button, reader.of("warning"), reader.source, lenient)


class _Loading:
    """The loading of one definition: collects problems, and raises them together when making the model."""

    def __init__(self, what: str, lenient: bool) -> None:
        self.source = Source()
        self.lost = Lost()
        self._what = what
        self._lenient = lenient
        self._tree: dict[str, Any] = {}
        self._problems: list[Problem] = []
        self._near = Near()

    def of(self, severity: str) -> list[Problem]:
        """The problems with that severity, in the order of the text."""
        return in_text_order([p for p in self._problems if p.severity == severity])

    def read(self, given: str | Mapping[str, Any], what: str, first_line: int) -> None:
        """Read the raw tree, which must be a mapping. Raises DefinitionError if the text is malformed."""
        value = self._text(given, first_line) if isinstance(given, str) else self._mapping(given)
        if isinstance(value, dict):
            self._tree = value
            return
        if value is None:
            raise self._fatal(f"the {what} is empty", _EXAMPLES[what])
        if isinstance(value, list):
            hint = "did you mean `steps:` with this list below it?" if what == "drawer" else ""
            raise self._fatal(f"a {what} is a mapping (`key: value`), this is a list", hint)
        raise self._fatal(f"a {what} is a mapping (`key: value`), this is a single value", _EXAMPLES[what])

    def _text(self, text: str, first_line: int) -> Any:
        try:
            built, self.source = read_source(text, first_line=first_line)
        except MalformedSource as trouble:
            self.source = trouble.source
            line, column = self.source.place(trouble.error.index)
            message, hint = trouble.error.message, trouble.error.remediation
            raise self._error(Problem("error", message, "", "", "", hint, line, column)) from None
        self._tree = built.value if isinstance(built.value, dict) else {}
        self._duplicates(built)
        return built.value

    def _mapping(self, given: Mapping[str, Any]) -> Any:
        try:
            return plain_tree(given)
        except ValueError as error:
            raise self._fatal(str(error), "") from None

    def _duplicates(self, built: Built) -> None:
        for twice in built.duplicates:
            first, column = self.source.place(twice.first.start)
            line, column = self.source.place(twice.second.start)
            step, arg = step_at(self._tree, twice.path)
            message = f"the key {twice.path[-1]!r} is given twice, on line {first} and on line {line}"
            severity = "warning" if self._lenient else "error"
            hint = "the later one is used" if self._lenient else "remove one of them"
            self._problems.append(Problem(severity, message, step, arg, "", hint, line, column))

    def find(self, finding: Finding) -> None:
        """Add `finding` as a problem with its step and place."""
        line, column = self.source.locate(finding.path, finding.on_key)
        step, arg = step_at(self._tree, finding.path)
        severity = "warning" if finding.soft and self._lenient else "error"
        self._problems.append(
            Problem(severity, finding.message, step, arg, "", finding.remediation, line, column)
        )

    def shape(self, model: type[Model]) -> dict[str, Any]:
        """Check keys and kinds; return the tree, with misspelt ones corrected."""
        seen: set[Finding] = set()
        while True:
            new = [finding for finding in findings(self._tree, model, self._near) if finding not in seen]
            for finding in new:
                self.find(finding)
            seen.update(new)
            # Unknown keys of a file stay: the original ignores them, and they are written back.
            wrong = [f for f in new if f.fix is not None and not (f.soft and self._lenient)]
            if not wrong:
                return self._tree
            self._tree, strangers = corrected(self._tree, wrong, self.source)
            self.lost = replace(self.lost, strangers=self.lost.strangers | strangers)

    def model(self, model: type[ModelT], *, recover: bool = False) -> ModelT:
        """Make the model.

        Raises:
            DefinitionError: there were errors, now or before, and `recover` is false or not possible.
        """
        normal, adjusted = normalise(self._tree, model, lenient=self._lenient)
        for finding in adjusted:
            self.find(finding)
        made, error, fields = made_of(normal, model)
        for finding in translate(error, self._tree, self._near) if error is not None else ():
            self.find(finding)
        self.lost = replace(self.lost, fields=frozenset(fields))
        if made is None or (self.of("error") and not recover):
            raise self._error()
        return made

    def _fatal(self, message: str, hint: str) -> DefinitionError:
        line, column = self.source.locate(())
        if line is None and self.source.text:
            line, column = 1, 1
        return self._error(Problem("error", message, "", "", "", hint, line, column))

    def _error(self, *more: Problem) -> DefinitionError:
        return DefinitionError(in_text_order([*self._problems, *more]), self.source.text, self._what)


_EXAMPLES = {
    "drawer": "begin with `steps:` and a list of steps, each `- id: name`",
    "button": "give it `url:`, `code:` or `prompt:`",
}
