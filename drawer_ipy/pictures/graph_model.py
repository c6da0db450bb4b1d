"""A drawer as boxes and arrows, the model of its graph and its Mermaid text."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from drawer_ipy.definition.button_runtimes import buttons_in_words
from drawer_ipy.definition.declared import branches_of, variable_of
from drawer_ipy.definition.in_words import Pressed, how, what_it_does
from drawer_ipy.definition.models import DrawerModel, StepBase
from drawer_ipy.definition.short_texts import LINE as LINE
from drawer_ipy.definition.short_texts import short
from drawer_ipy.definition.wiring import NamePath, names_in, uses_of, uses_of_value
from drawer_ipy.style.preview import clean, cut


@dataclass(slots=True)
class Lane:
    """Boxes that are laid out together: the steps of a drawer, of a loop or of a branch.

    Attributes:
        title: the title of a branch, ``""`` for other lanes.
        boxes: the boxes in the order of the definition; a box comes after those that it refers to.
        edges: pairs of indices: the second refers to the first.
        order: pairs of steps in which the second has no references, so it only runs after the first.
    """

    title: str = ""
    boxes: list[Box] = field(default_factory=list)
    edges: list[tuple[int, int]] = field(default_factory=list)
    order: list[tuple[int, int]] = field(default_factory=list)


@dataclass(slots=True)
class Box:
    """A step, an input or a loop variable.

    Attributes:
        name: its id.
        kind: a step's kind, or ``input``, ``variable``, ``return``, ``on_error``.
        lines: what it does, a few words per line.
        number: the 1-based position among its siblings; 0 for a box that is not a step.
        lanes: the lanes inside it.
    """

    name: str
    kind: str
    lines: list[str] = field(default_factory=list)
    number: int = 0
    lanes: list[Lane] = field(default_factory=list)


def lane_of(drawer: DrawerModel) -> Lane:
    """The lane of the whole drawer: inputs, steps, ``return`` and ``on_error``."""
    known = names_in(drawer)
    uses = [uses_of(step, known) for step in drawer.steps]
    asked = [name[1] for names in uses for name in names if len(name) == 2]
    lane = Lane()
    places: dict[NamePath, int] = {}
    for spec in drawer.inputs:
        words = spec.type if spec.type != "any" else ""
        _add(lane, places, ("inputs", spec.name), Box(spec.name, "input", [words] if words else []))
    for name in dict.fromkeys(asked):
        if ("inputs", name) not in places:
            _add(lane, places, ("inputs", name), Box(name, "input"))
    _add_steps(lane, places, drawer.steps, known, buttons_in_words(drawer.buttons))
    if drawer.return_:
        lines = [cut(clean(", ".join(map(str, drawer.return_))), LINE)]
        box = Box("return", "return", lines)
        _wire(lane, places, _add(lane, places, ("return",), box), uses_of_value(drawer.return_, known))
    if drawer.on_error is not None and drawer.on_error.drawer:
        lane.boxes.append(Box("on error", "on_error", [f"drawer {short(drawer.on_error.drawer)}"]))
    return lane


def rewrite(lane: Lane, hide: Callable[[str], str]) -> None:
    """Replace every text in `lane` by the result of `hide`."""
    lane.title = hide(lane.title)
    for box in lane.boxes:
        box.name, box.lines = hide(box.name), [hide(line) for line in box.lines]
        for inner in box.lanes:
            rewrite(inner, hide)


def _add_steps(
    lane: Lane,
    places: dict[NamePath, int],
    steps: Sequence[StepBase],
    known: Collection[str],
    pressed: Pressed,
) -> None:
    made = [_add(lane, places, (step.id,), _box(step, n, known, pressed)) for n, step in enumerate(steps, 1)]
    for index, step in zip(made, steps, strict=True):
        _wire(lane, places, index, uses_of(step, known))
    fed = {end for _, end in lane.edges}
    lane.order = [(before, index) for before, index in pairwise(made) if index not in fed]


def _add(lane: Lane, places: dict[NamePath, int], name: NamePath, box: Box) -> int:
    places[name] = len(lane.boxes)
    lane.boxes.append(box)
    return places[name]


def _wire(lane: Lane, places: dict[NamePath, int], index: int, names: Sequence[NamePath]) -> None:
    lane.edges += [(places[name], index) for name in names if name in places and places[name] != index]


def _box(step: StepBase, number: int, known: Collection[str], pressed: Pressed) -> Box:
    kind = step.kind or "button"
    lines = [cut(clean(line), LINE) for line in (what_it_does(step, pressed), how(step)) if line]
    box = Box(clean(step.id), kind, lines, number)
    for branch in branches_of(step):
        if not branch.steps:
            continue
        inner = Lane(clean(branch.title))
        places: dict[NamePath, int] = {}
        variable = variable_of(step)
        if variable and any((variable,) in uses_of(s, known) for s in branch.steps):
            _add(inner, places, (variable,), Box(clean(variable), "variable"))
        _add_steps(inner, places, branch.steps, known, pressed)
        box.lanes.append(inner)
    return box
