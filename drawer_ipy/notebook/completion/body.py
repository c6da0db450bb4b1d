"""Proposals in the body of a ``%%drawer`` cell: keys, words, names and references."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from drawer_ipy.definition.backends import BACKENDS
from drawer_ipy.definition.button_fields import Follow, TokenPress
from drawer_ipy.definition.button_runtimes import runtime_words
from drawer_ipy.definition.follow import LINK
from drawer_ipy.definition.models import (
    ArgSpec,
    ButtonSpec,
    DrawerModel,
    InputSpec,
    Model,
    StepBase,
)
from drawer_ipy.definition.policy import Policy
from drawer_ipy.definition.reading.shape import children_of
from drawer_ipy.definition.step_base import STEP_KINDS, model_of, step_models
from drawer_ipy.definition.steps.switch import SwitchCase
from drawer_ipy.notebook.completion.half_written import OutlineNode, Spot, outline
from drawer_ipy.notebook.completion.known_names import KnownNames
from drawer_ipy.notebook.completion.model_keys import model_keys
from drawer_ipy.notebook.completion.offers import Offer, Word, as_json, beginning, words
from drawer_ipy.notebook.completion.reference_offers import reference_offer, whole_references
from drawer_ipy.pressing.surroundings import Surroundings


@dataclass(frozen=True, slots=True)
class CursorPlace:
    """The meaning of a node in terms of the models.

    Attributes:
        form: a mapping that `model` describes, a list or mapping of those, a list of steps, a mapping of
            lists of steps, the arguments of a step, or the value of a field.
        model: the model of the mapping; for arguments and values, that of the owner.
        owner: the mapping that contains the value or the arguments.
    """

    form: Literal["one", "list", "map", "steps", "step_map", "args", "value"]
    model: type[Model]
    owner: OutlineNode | None = None


def body_offer(text: str, cursor: int, around: Surroundings, given: list[str]) -> Offer:
    """The proposals at `cursor` in a cell's body; `given` are the inputs in its first line."""
    root, spot = outline(text, cursor)
    if spot is None:
        return Offer()
    names = KnownNames(around, root, given)
    offer = _offer(spot, names)
    in_json = spot.flow and text.lstrip()[:1] in ("{", "[")
    return as_json(offer) if in_json and not spot.quote and not spot.typed else offer


def _offer(spot: Spot, names: KnownNames) -> Offer:
    if spot.role == "key":
        return _key_offer(spot, place_of(spot.node), spot.node, names)
    reference = reference_offer(spot, names)
    if reference is not None:
        return reference
    offer = _value_offer(spot, names)
    if spot.beside is None:
        return offer
    keys = _key_offer(spot, place_of(spot.beside), spot.beside, names)
    return Offer(offer.typed, [*offer.words, *keys.words])


def place_of(node: OutlineNode) -> CursorPlace | None:
    """The meaning of `node`; ``None`` if anything is allowed there."""
    if node.parent is None:
        return CursorPlace("one", DrawerModel)
    outer = place_of(node.parent)
    if outer is None:
        return None
    if outer.form == "one":
        return _field(outer.model, node)
    if outer.form in ("list", "map"):
        return CursorPlace("one", outer.model)
    if outer.form == "step_map":
        return CursorPlace("steps", StepBase)
    if outer.form == "steps":
        is_step = isinstance(node.name, int)  # steps by name are not lists of steps
        return CursorPlace("one", model_of(_kind(node)) or StepBase) if is_step else None
    return CursorPlace("value", outer.model, outer.owner) if outer.form == "args" else None


def _field(model: type[Model], node: OutlineNode) -> CursorPlace:
    child = children_of(model).get(str(node.name))
    if child is not None:
        return CursorPlace(child.form, child.model)
    if node.name == "args" and issubclass(model, StepBase):
        return CursorPlace("args", model, node.parent)
    return CursorPlace("value", model, node.parent)


def _kind(step: OutlineNode) -> str:
    """The step's kind; ``""`` while it is undecided."""
    return step.said("kind") or ("button" if "button" in step.keys else "")


# Keys


def _key_offer(spot: Spot, place: CursorPlace | None, node: OutlineNode, names: KnownNames) -> Offer:
    found = [key for key in _keys(place, node, names) if key not in node.keys or key == spot.typed]
    after = "" if spot.quote else ": "
    return beginning(spot.typed, words(found, "property", after))


def _keys(place: CursorPlace | None, node: OutlineNode, names: KnownNames) -> list[str]:
    """The possible keys of `node`, if it is or may become a mapping."""
    if place is None:
        return []
    if place.form == "one":
        return model_keys(place.model, node)
    if place.form == "args" and place.owner is not None:
        step = place.owner
        taken = names.inputs_of(step.said("drawer")) if _kind(step) == "drawer" else None
        return names.arguments(step.said("button")) if taken is None else taken
    return []


def _unset_keys(place: CursorPlace, node: OutlineNode, names: KnownNames) -> list[str]:
    """The possible keys that `node`, which may have entries on other lines, does not have."""
    return [key for key in _keys(place, node, names) if key not in node.keys]


# Values


def _value_offer(spot: Spot, names: KnownNames) -> Offer:
    place = place_of(spot.node)
    if place is None:
        return Offer()
    if place.form != "value":
        return _beginning_of(spot, place, names)
    key = str(spot.node.name)
    backends = words(BACKENDS.names(), "enum") if key == "backend" else []
    proposals = [*_words_of(place, key, names), *backends, *_whole(spot, place, key, names)]
    return beginning(spot.typed, proposals)


def _beginning_of(spot: Spot, place: CursorPlace, names: KnownNames) -> Offer:
    """The possible beginnings of a mapping or a list that is still empty."""
    entry = isinstance(spot.node.name, int)
    if entry and spot.alone and not spot.flow:  # an entry without its dash yet
        parent = spot.node.parent
        has_dash = parent is not None and parent.name != "args"
        keys = _keys(place, spot.node, names) if has_dash else []
        proposals = words([f"- {key}: " for key in keys[:1]], "property")
    elif place.form == "steps" or (place.form == "list" and spot.node.name != "args"):
        first = "id" if place.form == "steps" else "name"
        proposals = words([f"- {first}: "], "property") if spot.alone and not entry else []
    elif entry and spot.flow:
        proposals = words(["{id: "], "property") if issubclass(place.model, StepBase) else []
    elif place.form in ("one", "args") and (entry or spot.alone):
        proposals = words(_unset_keys(place, spot.node, names), "property", ": ")
    elif place.model is TokenPress:
        proposals = words(names.buttons(), "function")
    elif place.form == "one":
        proposals = words(_short_forms(place.model), "enum")
    else:
        proposals = []
    return beginning(spot.typed, proposals)


def _short_forms(model: type[Model]) -> list[str]:
    """Words that are short forms of a mapping: ``on_failure: continue``, ``urls: list``."""
    if model is Follow:
        return [LINK]
    field = {Policy: "action", InputSpec: "type", ArgSpec: "type"}.get(model, "")
    return list(_literals(model.model_fields[field].annotation)) if field else []


def _words_of(place: CursorPlace, key: str, names: KnownNames) -> Iterator[Word]:
    owner = place.owner or OutlineNode()
    if issubclass(place.model, StepBase):
        if key == "kind":
            yield from words(STEP_KINDS, "enum")
        elif key == "button":
            yield from words(names.buttons(), "function")
        elif key == "drawer":
            yield from words(names.drawers(), "module")
    if place.model is TokenPress and key == "button":
        yield from words(names.buttons(), "function")
    if place.model is ButtonSpec and key == "runtime":
        yield from words(runtime_words(), "enum")
    if key == "drawer" and owner.parent is not None and owner.name == "on_error":
        yield from words(names.drawers(), "module")
    for name, info in place.model.model_fields.items():
        if (info.alias or name) == key and key != "kind":
            yield from words(_literals(info.annotation), "enum")


def _literals(annotation: Any) -> Iterator[str]:
    """The literal values of a field."""
    if annotation is bool:
        yield from ("true", "false")
    elif get_origin(annotation) is Literal:
        yield from (str(word) for word in get_args(annotation) if word)
    else:
        for inner in get_args(annotation):
            yield from _literals(inner)


def _whole(spot: Spot, place: CursorPlace, key: str, names: KnownNames) -> Iterator[Word]:
    """References as the whole value, quoted inside brackets."""
    is_argument = spot.node.parent is not None and spot.node.parent.name == "args"
    if not (is_argument or key in _references(place.model)):
        return
    quote = '"' if spot.flow and not spot.quote else ""
    for reference in whole_references(spot.node, names):
        yield Word(f"{quote}${{{reference}}}{quote}", "variable")


def _references(model: type[Model]) -> tuple[str, ...]:
    """The keys of a `model` whose values are mostly references."""
    if model is StepBase:  # the kind is still undecided
        return tuple(key for step in step_models().values() for key in _references(step))
    if issubclass(model, StepBase):
        return (*model.expressions, *model.templates)
    return ("when",) if model is SwitchCase else ()
