"""A drawer as boxes and arrows: what its picture and its Mermaid text draw."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

from drawer_ipy.definition import models
from drawer_ipy.definition.models import ButtonSpec, Drawer, StepBase, nested_steps
from drawer_ipy.definition.values import width_words
from drawer_ipy.definition.wiring import NamePath, names_in, uses_of, uses_of_value
from drawer_ipy.style.preview import clean, cut

LINE = 44
"""Characters of a line in a box."""


@dataclass(slots=True)
class Lane:
    """Boxes that are laid out together: a drawer's steps, a loop's, a branch's.

    Attributes:
        title: of a branch, ``""`` elsewhere.
        boxes: in the order of the definition; what they refer to comes before them.
        edges: pairs of indices: the second refers to the first.
        order: pairs of steps of which the second refers to nothing, and so only runs after the first.
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
        lines: what it does, a few words a line.
        number: its place among its neighbours, 1-based; 0 for what is no step.
        lanes: what is inside.
    """

    name: str
    kind: str
    lines: list[str] = field(default_factory=list)
    number: int = 0
    lanes: list[Lane] = field(default_factory=list)


def lane_of(drawer: Drawer) -> Lane:
    """The whole drawer: inputs, steps, what it returns, what is pressed when it fails."""
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
    _add_steps(lane, places, drawer.steps, known, drawer.buttons)
    if drawer.return_:
        lines = [cut(clean(", ".join(map(str, drawer.return_))), LINE)]
        box = Box("return", "return", lines)
        _wire(lane, places, _add(lane, places, ("return",), box), uses_of_value(drawer.return_, known))
    if drawer.on_error is not None and drawer.on_error.drawer:
        lane.boxes.append(Box("on error", "on_error", [f"drawer {_short(drawer.on_error.drawer)}"]))
    return lane


def rewrite(lane: Lane, hide: Callable[[str], str]) -> None:
    """Every text in `lane` as `hide` gives it back."""
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
    buttons: dict[str, ButtonSpec],
) -> None:
    made = [_add(lane, places, (step.id,), _box(step, n, known, buttons)) for n, step in enumerate(steps, 1)]
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


def _box(step: StepBase, number: int, known: Collection[str], buttons: dict[str, ButtonSpec]) -> Box:
    kind = step.kind or "button"
    lines = [cut(clean(line), LINE) for line in [*_does(step, buttons), *_policy(step)] if line]
    box = Box(clean(step.id), kind, lines, number)
    for path, nested in nested_steps(step):
        if not nested:
            continue
        inner = Lane(_title(step, path))
        places: dict[NamePath, int] = {}
        variable = getattr(step, "as_", "")
        if variable and any((variable,) in uses_of(s, known) for s in nested):
            _add(inner, places, (variable,), Box(clean(variable), "variable"))
        _add_steps(inner, places, nested, known, buttons)
        box.lanes.append(inner)
    return box


def _title(step: StepBase, path: tuple[str | int, ...]) -> str:
    if isinstance(step, models.SwitchStep):
        if path[0] == "steps":
            return "else"
        case = step.cases[int(path[1])]
        when = _short(case.when)
        return f"{clean(case.id)}: {when}" if case.id else when
    return clean(str(path[1])) if path[0] == "branches" else ""


def _does(  # noqa: C901 - one arm a kind of step
    step: StepBase, buttons: dict[str, ButtonSpec]
) -> Iterator[str]:
    match step:
        case models.ButtonStep():
            if step.button != step.id:
                yield step.button or "(no button)"
            if step.button in buttons:
                yield _button(buttons[step.button])
        case models.DrawerStep():
            yield f"drawer {step.drawer or '(none)'}"
        case models.ForEachStep() | models.BatchStep():
            what = f"each {step.as_}" if step.kind == "for_each" else f"{step.as_} of {step.size}"
            yield f"{what} in {_short(step.over)}"
            width = width_words(step.parallelism, step.max_parallelism)
            pace = [width] if width else []
            pace += [f"at most {step.rate}"] if step.rate else []
            failing = step.on_item_failure if step.tolerated_failures is None else ""
            pace += ["goes on when items fail"] if failing == "continue" else []
            pace += [f"{step.tolerated_failures} may fail"] if not failing else []
            yield ", ".join(pace)
        case models.WaitStep():
            yield f"{step.duration or step.until or '(no duration)'}"
        case models.AggregateStep():
            yield f"{_short(step.pluck)} of {_short(step.from_)}"
        case models.TransformStep():
            keys = step.expression
            yield f"{{{', '.join(map(str, keys))}}}" if isinstance(keys, dict) else _short(keys)
        case models.MergeStep():
            yield _short(step.from_)
        case models.SwitchStep() | models.SplitStep():
            yield "first that is true" if step.kind == "switch" else "side by side"


def _button(spec: ButtonSpec) -> str:
    if spec.url:
        host = urlsplit(spec.url.replace("{{", "").replace("}}", "")).netloc
        return f"{spec.sent_method} {host}"
    return "prompt" if spec.prompt else f"{spec.runtime or 'sh'} script"


def _policy(step: StepBase) -> Iterator[str]:
    policy = step.on_failure
    words = []
    if policy is not None and policy.action == "retry":
        words.append(f"up to {policy.max_attempts} tries" if policy.max_attempts else "tried again")
    elif policy is not None and policy.action == "continue":
        words.append("may fail")
    if step.timeout_seconds:
        words.append(f"{step.timeout_seconds:g} s at most")
    if isinstance(step, models.ButtonStep) and step.rate:
        words.append(f"at most {step.rate}")
    yield ", ".join(words)


def _short(value: Any) -> str:
    """An expression in few words: the reference itself where it is one."""
    if isinstance(value, list):
        return f"{len(value)} entries"
    text = " ".join(str("" if value is None else value).split())
    whole = text[2:-1] if text.startswith("${") and text.endswith("}") and "${" not in text[2:] else text
    return cut(clean(whole), LINE) if whole else "(nothing)"
