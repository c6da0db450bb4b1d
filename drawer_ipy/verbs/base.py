"""The context, the result and the option parser that all verbs share."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from drawer_ipy.errors import DrawerError, ErrorInfo, UsageError, did_you_mean
from drawer_ipy.verbs.values import value_of
from drawer_ipy.workspace.lookup import Workspace

if TYPE_CHECKING:
    from drawer_ipy.buttons.base import Button
    from drawer_ipy.definition.models import DrawerModel
    from drawer_ipy.pictures.picture import Picture
    from drawer_ipy.pressing.job import Job
    from drawer_ipy.pressing.surroundings import Surroundings
    from drawer_ipy.results import Results

FAILED, USAGE, INTERRUPTED = 1, 2, 130
"""Exit codes other than 0: the action failed; the words are invalid; Ctrl-C."""


class VerbCode:
    """Error codes of verbs, in addition to those of runs (docs/original.md#12-error-codes)."""

    UNKNOWN_VERB = "UNKNOWN_VERB"
    NOT_FOUND = "NOT_FOUND"
    STEP_NOT_FOUND = "STEP_NOT_FOUND"
    NESTED_STEP_NOT_FOUND = "NESTED_STEP_NOT_FOUND"
    STEP_FIELD_UNKNOWN = "STEP_FIELD_UNKNOWN"
    DRAWER_KIND_MISMATCH = "DRAWER_KIND_MISMATCH"
    AMBIGUOUS = "AMBIGUOUS"


class VerbError(UsageError):
    """The words name something that does not exist, or an action that is not possible."""


def exit_code(error: DrawerError) -> int:
    """Return the exit code for an error raised by a verb."""
    return USAGE if isinstance(error, UsageError) else FAILED


@dataclass(slots=True)
class VerbResult:
    """The outcome of a verb.

    Args:
        made: the data, or a function that makes it on demand (the data of a run may be large).
        text: the text for people.
        exit_code: 0, or one of :data:`FAILED` and :data:`INTERRUPTED`.
        error: the reason for an exit code other than 0, or ``None``.
        results: the table of a press or of a stored run, ``None`` for other verbs.
        brief: the error in short, for a reader who sees `text` beside it; ``""`` for none.
        notes: warnings and notes about a press that did not fail it; they are also in the text.
        picture: makes a picture of the result for front ends that can show it.
        is_help: whether it is the requested help text.
    """

    made: Any
    text: str
    exit_code: int = 0
    error: ErrorInfo | None = None
    results: Results | None = None
    brief: str = ""
    notes: list[str] = field(default_factory=list)
    picture: Callable[[], Picture] | None = None
    is_help: bool = False

    @property
    def data(self) -> Any:
        """The outcome for programs: dicts, lists and other values that JSON can represent."""
        return self.made() if callable(self.made) else self.made


@dataclass(slots=True)
class VerbContext:
    """The surroundings in which verbs work.

    Attributes:
        workspace: drawers and buttons on disk.
        registered: buttons by name (``%%button``).
        namespace: the user's Python variables; callables among them are buttons.
        drawers: drawers defined in cells, by name. They take precedence over drawers on disk.
        press: runs a job and returns its results, partial ones after an interrupt; by default with a bar on
            standard error if that is a terminal. It does not write the history.
        value: reads the text after ``name=`` of a press; by default as JSON, text, or ``@file``.
    """

    workspace: Workspace
    registered: Mapping[str, Button] = field(default_factory=dict)
    namespace: Mapping[str, Any] = field(default_factory=dict)
    drawers: MutableMapping[str, DrawerModel] = field(default_factory=dict)
    press: Callable[[Job], Results] | None = None
    value: Callable[[str, str], Any] = value_of

    def surroundings(self) -> Surroundings:
        """The surroundings in which names are looked up when a drawer is checked or pressed."""
        from drawer_ipy.pressing.surroundings import Surroundings

        form: Literal["line", "shell"] = "line" if self.namespace else "shell"
        return Surroundings(self.registered, self.namespace, self.workspace, self.drawers, form)


class VerbParser(argparse.ArgumentParser):
    """An argparse parser that raises UsageError and HelpWanted instead of exiting the program."""

    def __init__(self, prog: str, description: str) -> None:
        # The description of a verb is below its usage, with line ends as written.
        super().__init__(
            prog=f"drawer {prog}",
            description=description,
            add_help=False,
            allow_abbrev=False,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        self.add_argument("--help", "-h", action="store_true", help="show this help")

    def dry(self) -> VerbParser:
        """Add ``--dry-run``, and return the parser itself."""
        self.add_argument("--dry-run", action="store_true", help="only show what would be done")
        return self

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{self.prog}: {message}", remediation=f"{self.prog} --help lists what is valid")

    def read(self, words: Sequence[str]) -> argparse.Namespace:
        """Parse `words`.

        Raises:
            UsageError: they are invalid.
            HelpWanted: they request help.
        """
        before = words[: words.index("--")] if "--" in words else words
        if "--help" in before or "-h" in before:
            raise HelpWanted(self.format_help())
        options, unknown = self.parse_known_intermixed_args(list(words))
        for word in unknown:
            self._refuse(word)
        return options

    def _refuse(self, word: str) -> NoReturn:
        known = [option for action in self._actions for option in action.option_strings]
        hint = did_you_mean(word.partition("=")[0], known)
        if word == "--summary" and "--dry-run" in known:
            hint = "write --dry-run to see what would be done."
        more = f"{self.prog} --help lists what is valid"
        what = "option" if word.startswith("-") else "word"
        raise UsageError(f"{self.prog} has no {what} {word!r}", remediation=f"{hint} {more}".strip())


class HelpWanted(Exception):
    """The user requested help; the text is the only argument."""
