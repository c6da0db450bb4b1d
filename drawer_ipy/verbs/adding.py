"""``NAME add TARGET...``: new steps at the end of a drawer."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from drawer_ipy.common.bad_value import BadValue
from drawer_ipy.common.durations import parse_duration
from drawer_ipy.definition.values import drawer_named
from drawer_ipy.errors import Code, did_you_mean
from drawer_ipy.verbs.base import VerbContext, VerbError, VerbParser, VerbResult
from drawer_ipy.verbs.target import Target, find_target
from drawer_ipy.workspace.lookup import slug

_HELP = """Add steps at the end; what a TARGET is:

  BUTTON           press a button; the step's id is its name, then NAME-2, NAME-3
  drawer/NAME      press another drawer
  for_each:BUTTON  press a button once per entry of a list; set the list: set for_each-BUTTON.over=...
  wait:30s         wait; durations are 300ms, 1.5s, 2m, 1h30m
"""

StepFields = dict[str, Any]


def run(name: str, words: Sequence[str], context: VerbContext) -> VerbResult:
    """See the module; all targets are added, or none.

    Raises:
        VerbError: NOT_FOUND, BUTTON_NOT_FOUND, DRAWER_NOT_FOUND, VALIDATION_ERROR or
            DRAWER_KIND_MISMATCH; nothing has changed.
        DefinitionError: the drawer already has errors.
    """
    parser = VerbParser("NAME add", _HELP).dry()
    parser.add_argument("targets", metavar="TARGET", nargs="+")
    options = parser.read(words)
    target = find_target(name, context)
    with target.changing():
        loaded = target.load_action("add")
        tree = target.tree(loaded)
        steps = tree.setdefault("steps", [])
        find_button = _finder(context, loaded.drawer)
        added = []
        for word in options.targets:
            step = _step(word, target, find_button)
            step["id"] = _free(step["id"], {str(other.get("id")) for other in steps})
            steps.append(step)
            added.append(step)
        if options.dry_run:
            target.checked(tree)
        else:
            target.save(tree)
    data: dict[str, Any] = {"drawer": target.name, "added": added}
    if options.dry_run:
        data["executed"] = False
    verb = "would add" if options.dry_run else "added"
    return VerbResult(
        data, "\n".join(f"{verb} step {step['id']}{_next(step, target.name)}" for step in added)
    )


def _finder(context: VerbContext, drawer: Any) -> Callable[[str], None]:
    catalog = context.surroundings().catalog(drawer)

    def find(name: str) -> None:
        if catalog.find(name) is None:
            hint = did_you_mean(name, catalog.names())
            raise VerbError(f"there is no button {name!r}", code=Code.BUTTON_NOT_FOUND, remediation=hint)

    return find


def _step(word: str, target: Target, find_button: Callable[[str], None]) -> StepFields:
    kind, colon, rest = word.partition(":")
    if colon and kind == "for_each":
        find_button(rest)
        nested = {"id": slug(rest) or rest, "kind": "button", "button": rest}
        return {"id": f"for_each-{slug(rest) or rest}", "kind": "for_each", "as": "item", "steps": [nested]}
    if colon and kind == "wait":
        return {"id": "wait", "kind": "wait", "duration": _duration(rest)}
    if (drawer := drawer_named(word)) is not None:
        return _drawer_step(drawer, target)
    if colon:
        near = did_you_mean(kind, ("for_each", "wait"))
        hint = f"{near} write BUTTON, drawer/NAME, for_each:BUTTON or wait:30s".strip()
        raise VerbError(f"{word!r} is not a valid target", remediation=hint)
    find_button(word)
    return {"id": slug(word) or word, "kind": "button", "button": word}


def _drawer_step(name: str, target: Target) -> StepFields:
    workspace, cells = target.context.workspace, target.context.drawers
    if slug(name) == slug(target.name):
        raise VerbError(f"a drawer cannot include itself: drawer/{name}")
    if name in cells and target.root is None:
        return {"id": slug(name) or name, "kind": "drawer", "drawer": name}
    if workspace.locate("drawers", name) is None:
        hint = did_you_mean(name, workspace.drawer_names())
        if name in cells:
            hint = "it is defined in a cell; a drawer on disk can press only drawers on disk"
        raise VerbError(f"there is no drawer {name!r}", code=Code.DRAWER_NOT_FOUND, remediation=hint)
    return {"id": slug(name), "kind": "drawer", "drawer": slug(name)}


def _duration(text: str) -> str:
    if "${" in text or "$ENV{" in text:
        return text
    try:
        parse_duration(text)
    except BadValue as error:
        raise VerbError(f"wait:{text}: {error}") from None
    return text


def _free(wanted: str, taken: Collection[str]) -> str:
    """`wanted`, with the first of ``-2``, ``-3``, ... that is free if it is taken."""
    name, number = wanted, 1
    while name in taken:
        number += 1
        name = f"{wanted}-{number}"
    return name


def _next(step: StepFields, drawer: str) -> str:
    if step["kind"] != "for_each":
        return ""
    return f"; set its list: drawer {drawer} set {step['id']}.over='${{inputs.items}}'"
