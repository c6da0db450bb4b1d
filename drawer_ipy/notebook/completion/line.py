"""Proposals on the line of ``%drawer``, ``%%drawer`` and ``%%button``."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from typing import Any

from drawer_ipy.definition.backends import BACKENDS
from drawer_ipy.errors import DrawerError
from drawer_ipy.notebook.completion.files import file_offer
from drawer_ipy.notebook.completion.half_written import OutlineNode
from drawer_ipy.notebook.completion.known_names import KnownNames
from drawer_ipy.notebook.completion.offers import Offer, Word, beginning, words
from drawer_ipy.notebook.each.options import each_parser
from drawer_ipy.notebook.line import option_parser
from drawer_ipy.pressing.surroundings import Surroundings
from drawer_ipy.verbs import VerbContext, run_verb
from drawer_ipy.verbs.dispatch import GENERAL, OF_DRAWER
from drawer_ipy.verbs.fields import FIELDS, fields_of
from drawer_ipy.verbs.step_path import CASE, FieldPlace, Tree, find_place, names_in
from drawer_ipy.verbs.target import Target, find_target

_OPTION = re.compile(r"(--[a-z-]+)(?:[ ]\{([^}]*)\})?")
_RUNTIMES = ("sh", "bash", "python", "node", "prompt", "--spec")
_ENUMS = ("on_item_failure", "on_failure")


def cell_line_offer(line: str, names: KnownNames) -> Offer:
    """After ``%%drawer``: options, and inputs that the body declares; `line` ends at the cursor."""
    typed, before = _split(line)
    offer = _option_offer(typed, before, option_parser().format_help())
    if offer is not None:
        return offer
    if "=" in typed:
        return _variable_offer(typed, names)
    if typed.startswith("$") and before and before[-1].startswith("-"):
        return _variable_offer(f"={typed}", names)
    given = {word.partition("=")[0] for word in before}
    left = [name for name in names.inputs() if name not in given]
    return beginning(typed, words(left, "variable", "="))


def each_line_offer(line: str) -> Offer:
    """After ``%%each``: options; the loop itself is Python, which IPython completes."""
    typed, before = _split(line)
    return _option_offer(typed, before, each_parser().format_help()) or Offer(typed)


def button_line_offer(line: str) -> Offer:
    """After ``%%button``: the runtime, once there is a name."""
    typed, before = _split(line)
    return beginning(typed, words(_RUNTIMES, "enum") if len(before) == 1 else [])


def verb_offer(line: str, around: Surroundings) -> Offer:
    """After ``%drawer``: verbs, names of drawers, and the words of each verb."""
    typed, before = _split(line)
    drawers = around.drawer_names()
    if not before:
        return beginning(typed, [*words(drawers, "module"), *words([*GENERAL, "runs", "help"], "keyword")])
    first = before[0]
    if first in GENERAL:
        return _general_offer(typed, before, drawers)
    if len(before) == 1:
        return beginning(typed, words(OF_DRAWER, "keyword"))
    offer = _option_offer(typed, before, _help([first, before[1], "--help"], around))
    if offer is not None:
        return offer
    with contextlib.suppress(DrawerError):
        return _Verb(first, around).offer(before[1], typed, before[2:])
    return Offer(typed)


def _general_offer(typed: str, before: Sequence[str], drawers: Sequence[str]) -> Offer:
    takes: dict[str, list[Word]] = {
        "schema": words(["drawer", "button"], "enum"),
        "cache": words(["info", "clear"], "keyword"),
        "remove": words(drawers, "module"),
        "rm": words(drawers, "module"),
    }
    return beginning(typed, takes.get(before[0], []) if len(before) == 1 else [])


class _Verb:
    """The verbs of one drawer.

    Raises:
        DrawerError: there is no such drawer, or it cannot be read.
    """

    def __init__(self, name: str, around: Surroundings) -> None:
        context = VerbContext(around.workspace, around.registered, around.namespace, dict(around.drawers))
        self._target = find_target(name, context)
        loaded = self._target.load()
        self._drawer = loaded.drawer
        self._tree: Tree = Target.tree(loaded)
        self._names = KnownNames(around, OutlineNode())

    def offer(self, verb: str, typed: str, before: Sequence[str]) -> Offer:
        """The proposals after `verb` and the words `before`."""
        match verb:
            case "set":
                return self._set(typed)
            case "add":
                return beginning(typed, self._targets())
            case "connect":
                return self._connect(typed, before)
            case "press":
                return self._press(typed, before)
            case _:
                return Offer(typed)

    def _targets(self) -> list[Word]:
        buttons = self._names.buttons()
        others = [name for name in self._names.drawers() if name != self._target.name]
        return [
            *words(buttons, "function"),
            *words([f"for_each:{name}" for name in buttons], "function"),
            *words([f"drawer/{name}" for name in others], "module"),
            Word("wait:", "keyword"),
        ]

    def _press(self, typed: str, before: Sequence[str]) -> Offer:
        if "=" in typed:
            return _variable_offer(typed, self._names)
        given = {word.partition("=")[0] for word in before}
        left = [spec.name for spec in self._drawer.inputs if spec.name not in given]
        return beginning(typed, words(left, "variable", "="))

    def _set(self, typed: str) -> Offer:
        path, equals, value = typed.partition("=")
        if equals:
            return beginning(value, self._values(path))
        owner, dot, _ = path.rpartition(".")
        return beginning(typed, self._below(owner) if dot else self._steps("."))

    def _steps(self, after: str) -> list[Word]:
        return words([str(step.get("id", "")) for step in self._tree.get("steps", [])], "variable", after)

    def _below(self, owner: str) -> list[Word]:
        """The paths below `owner`."""
        place = find_place(self._tree, owner)
        if place.rest == "args":
            return words([f"{owner}.{name}" for name in self._arguments(place)], "property", "=")
        if place.rest:
            return []
        fields = words([f"{owner}.{name}" for name in fields_of(place.kind)], "property", "=")
        args = [] if place.kind == CASE else [Word(f"{owner}.args.", "property")]
        return [*fields, *args, *words([f"{owner}.{name}" for name in names_in(place)], "variable", ".")]

    def _arguments(self, place: FieldPlace) -> list[str]:
        said: Any = place.owner.get("args") or {}
        if place.kind == "drawer":
            taken = self._names.inputs_of(place.owner.get("drawer", ""))
        else:
            taken = self._names.arguments(place.owner.get("button", ""))
        return list(dict.fromkeys([*taken, *said]))

    def _values(self, path: str) -> list[Word]:
        field = path.rpartition(".")[2]
        if field == "button":
            return words(self._names.buttons(), "function")
        if field == "drawer":
            return words(self._names.drawers(), "module")
        if field == "backend":
            return words(BACKENDS.names(), "enum")
        if field == "keep":
            return words(["disk"], "enum")
        return words(["stop", "continue"], "enum") if field in _ENUMS and field in FIELDS else []

    def _connect(self, typed: str, before: Sequence[str]) -> Offer:
        if len(before) == 1:
            return beginning(typed, [Word("to", "keyword")])
        if "." not in typed:
            return beginning(typed, self._steps(""))
        sink = len(before) == 2
        owner = typed.rpartition(".")[0]
        if not sink and owner.endswith(".output"):
            place = find_place(self._tree, owner.removesuffix(".output"))
            step = OutlineNode()
            for key in ("kind", "button", "drawer"):
                step.key(key).text = str(place.owner.get(key) or "")
            return beginning(
                typed, words([f"{owner}.{name}" for name in self._names.fields(step)], "property")
            )
        if sink and owner.endswith(".args"):
            arguments = self._arguments(find_place(self._tree, owner.removesuffix(".args")))
            return beginning(typed, words([f"{owner}.{name}" for name in arguments], "property"))
        nested = [f"{owner}.{name}" for name in names_in(find_place(self._tree, owner))]
        end = Word(f"{owner}.args." if sink else f"{owner}.output", "property")
        return beginning(typed, [end, *words(nested, "variable")])


def _split(line: str) -> tuple[str, list[str]]:
    """The word being typed, and those before it."""
    found = re.split(r"\s+", line.lstrip())
    return found[-1], found[:-1]


def _option_offer(typed: str, before: Sequence[str], text: str) -> Offer | None:
    """Options, or the values of the last option; ``None`` if neither is being typed."""
    options = {name: choices.split(",") if choices else [] for name, choices in _OPTION.findall(text)}
    if "--backend" in options:
        options["--backend"] = BACKENDS.names()
    if before and options.get(before[-1]):
        return beginning(typed, words(options[before[-1]], "enum"))
    name, equals, value = typed.partition("=")
    if equals and options.get(name):
        return beginning(value, words(options[name], "enum"))
    if not typed.startswith("-"):
        return None
    return beginning(typed, words([name for name in options if name not in before], "param"))


def _variable_offer(typed: str, names: KnownNames) -> Offer:
    """After ``name=$``: the user's variables; after ``name=@`` files."""
    value = typed.partition("=")[2]
    if value.startswith("@"):
        return file_offer(value)
    found = names.variables() if value[:1] == "$" else []
    return beginning(value, words([f"${name}" for name in found], "variable"))


def _help(argv: Sequence[str], around: Surroundings) -> str:
    with contextlib.suppress(DrawerError):
        return run_verb(argv, VerbContext(around.workspace)).text
    return ""
