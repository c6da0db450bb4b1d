"""``NAME connect A to B`` and ``NAME connect A.output.x to B.args.y``: pass outputs to a later step."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from drawer_ipy.definition.checking.literals import schema_fits
from drawer_ipy.definition.models import ArgSpec, DrawerModel
from drawer_ipy.definition.step_base import outputs_of
from drawer_ipy.errors import ResolveError
from drawer_ipy.expressions import compile_template
from drawer_ipy.verbs.base import VerbCode, VerbContext, VerbError, VerbParser, VerbResult
from drawer_ipy.verbs.step_path import CASE, FieldPlace, Tree, find_place
from drawer_ipy.verbs.target import find_target

_HELP = """Set a step's arguments to references to the output of an earlier step.

  connect A to B                    every argument of B that is not set, to the field of A's output with the
                                    same name and a fitting type (A's button needs an output_schema)
  connect A.output.x to B.args.y    one argument to one field
  connect inputs.x to B.args.y      one argument to an input of the drawer
"""

_OUTPUT = re.compile(r"(.+?)\.(output(?:\..*)?)", re.DOTALL)


def run(name: str, words: Sequence[str], context: VerbContext) -> VerbResult:
    """See the module.

    Raises:
        VerbError: NOT_FOUND, STEP_NOT_FOUND, NESTED_STEP_NOT_FOUND, AMBIGUOUS, VALIDATION_ERROR or
            DRAWER_KIND_MISMATCH; nothing has changed.
        DefinitionError: the drawer already has errors.
    """
    parser = VerbParser("NAME connect", _HELP).dry()
    parser.add_argument("ends", metavar="A to B", nargs="+")
    options = parser.read(words)
    if len(options.ends) != 3 or options.ends[1] != "to":
        raise VerbError(f"connect takes `A to B`, not {' '.join(options.ends)!r}", remediation=_EXAMPLES)
    source, _, sink = options.ends
    target = find_target(name, context)
    with target.changing():
        loaded = target.load_action("connect")
        tree = target.tree(loaded)
        if _is_field(source) or ".args." in sink:
            made = [_explicit(tree, source, sink)]
        else:
            made = _Match(tree, loaded.drawer, context).connect(source, sink)
        if options.dry_run:
            target.checked(tree)
        else:
            target.save(tree)
    data: dict[str, Any] = {"drawer": target.name, "connected": made}
    if options.dry_run:
        data["executed"] = False
    return VerbResult(data, "\n".join(f"{line['arg']} = {line['ref']}" for line in made))


_EXAMPLES = "connect fetch to parse, or connect fetch.output.body to parse.args.html"


def _is_field(source: str) -> bool:
    return ".output" in source or source.startswith("inputs.")


def _explicit(tree: Tree, source: str, sink: str) -> dict[str, str]:
    if not _is_field(source) or ".args." not in sink:
        raise VerbError(
            f"connect {source} to {sink}: both ends must be steps, or both fields", remediation=_EXAMPLES
        )
    to = find_place(tree, sink)
    head, _, arg = to.rest.partition(".")
    if head != "args" or not arg or "." in arg:
        raise VerbError(f"{sink!r} is not an argument of a step", remediation="write STEP.args.NAME")
    reference = _reference(tree, source, to)
    to.owner.setdefault("args", {})[arg] = reference
    return {"arg": f"{to.where}.args.{arg}", "ref": reference}


def _reference(tree: Tree, source: str, to: FieldPlace) -> str:
    """The ``${...}`` that refers to `source` in the step at `to`."""
    root = source
    if not source.startswith("inputs."):
        # Cut here, since a path below a loop or a switch continues with a step in it.
        output = _OUTPUT.fullmatch(source)
        giver = find_place(tree, source if output is None else output[1])
        if output is None or giver.rest or giver.kind == CASE:
            raise VerbError(f"{source!r} is not an output of a step", remediation="write STEP.output.FIELD")
        _check_visible(giver, to)
        root = f"{giver.owner['id']}.{output[2]}"
    try:
        compile_template(f"${{{root}}}")
    except ResolveError as error:
        raise VerbError(f"{source!r} cannot be written as a reference: {error.message}") from None
    return f"${{{root}}}"


def _check_visible(giver: FieldPlace, to: FieldPlace) -> None:
    """Check that the step at `to` can refer to `giver`: a sibling of it, or of a step that contains it."""
    if any(step is giver.owner for step in to.around):
        raise VerbError(
            f"step {to.where!r} cannot refer to {giver.where!r}, which is the same step or contains it"
        )
    depth = len(giver.around) - 1
    same = depth < len(to.around) and [id(s) for s in giver.around[:-1]] == [id(s) for s in to.around[:depth]]
    if not same or not any(step is to.around[depth] for step in giver.siblings):
        outer = giver.where.rpartition(".")[0]
        raise VerbError(
            f"the output of {giver.where!r} is not visible at {to.where!r}",
            remediation=f"outside {outer!r} use its output: {outer}.output",
        )


class _Match:
    """The form ``connect A to B``, which finds the fields itself."""

    def __init__(self, tree: Tree, drawer: DrawerModel, context: VerbContext) -> None:
        self._tree = tree
        self._around = context.surroundings()
        self._catalog = self._around.catalog(drawer)

    def connect(self, source: str, sink: str) -> list[dict[str, str]]:
        giver, to = (self._step(path) for path in (source, sink))
        _check_visible(giver, to)
        fields = self._fields(giver)
        set_already = to.owner.get("args") or {}
        wanted = [spec for spec in self._args(to) if spec.name not in set_already]
        made = {spec.name: field for spec in wanted if (field := _field_for(spec, fields, giver.where))}
        if not made:
            names = ", ".join(spec.name for spec in wanted)
            needs = f"{to.where!r} still needs {names}" if names else f"{to.where!r} has all its arguments"
            gives = ", ".join(fields) or "unknown"
            raise VerbError(
                f"no field of the output of {giver.where!r} fits: the fields are {gives}; {needs}",
                remediation=f"name the fields: connect {source}.output.FIELD to {sink}.args.NAME",
            )
        args = to.owner.setdefault("args", {})
        for arg, field in made.items():
            args[arg] = f"${{{giver.owner['id']}.output.{field}}}"
            compile_template(args[arg])
        return [{"arg": f"{to.where}.args.{arg}", "ref": args[arg]} for arg in made]

    def _step(self, path: str) -> FieldPlace:
        place = find_place(self._tree, path)
        if place.rest or place.kind == CASE:
            raise VerbError(f"{path!r} is not a step", remediation=_EXAMPLES)
        return place

    def _fields(self, place: FieldPlace) -> Mapping[str, Any]:
        """The members of a step's output, with their schemas."""
        if place.kind == "button":
            button = self._catalog.find(place.owner.get("button", ""))
            schema = button.output_schema if button is not None else None
            properties = (schema or {}).get("properties")
            return properties if isinstance(properties, Mapping) else {}
        if place.kind == "drawer":
            child = self._around.find_drawer(place.owner.get("drawer", ""))
            given = child.return_ if child is not None else None
            return {name: {} for name in given or ()}
        return outputs_of(place.kind)

    def _args(self, place: FieldPlace) -> Sequence[ArgSpec]:
        """The arguments of a step."""
        if place.kind == "button":
            button = self._catalog.find(place.owner.get("button", ""))
            return button.args if button is not None else ()
        if place.kind == "drawer":
            child = self._around.find_drawer(place.owner.get("drawer", ""))
            return [ArgSpec(name=spec.name, type="any") for spec in child.inputs] if child else []
        raise VerbError(
            f"{place.where!r} is a {place.kind} step, which has no arguments",
            remediation=f"use set, for instance: set {place.where}.over='${{STEP.output.FIELD}}'",
        )


def _field_for(spec: ArgSpec, fields: Mapping[str, Any], giver: str) -> str:
    """The field of `fields` that fits an argument, or ``""``."""
    fitting = [
        name
        for name, schema in fields.items()
        if name.casefold() == spec.name.casefold()
        and schema_fits(schema if isinstance(schema, Mapping) else {}, spec.type)
    ]
    if len(fitting) > 1:
        raise VerbError(
            f"argument {spec.name!r} could be set to {' or '.join(fitting)} of {giver!r}",
            code=VerbCode.AMBIGUOUS,
            remediation=f"name one: connect {giver}.output.{fitting[0]} to STEP.args.{spec.name}",
        )
    return fitting[0] if fitting else ""
