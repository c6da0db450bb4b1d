"""``NAME set PATH=VALUE...``: change fields of steps, all of them or none."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from drawer_ipy.verbs.base import VerbCode, VerbContext, VerbError, VerbParser, VerbResult
from drawer_ipy.verbs.fields import FIELDS, put
from drawer_ipy.verbs.step_path import find_place
from drawer_ipy.verbs.target import find_target
from drawer_ipy.verbs.values import assignment
from drawer_ipy.workspace.lookup import slug

_HELP = f"""Change fields of steps: all of the changes are made, or none.

PATH is STEP.FIELD or STEP.args.NAME; a nested step is named by its id (each.work.args.n) or its position
(each.steps.0.args.n), and so is a case of a switch (route.big.work.args.n, route.big.when).
VALUE is JSON if it is JSON, else text; null removes a field.

{chr(10).join(f"  {name:20} {field.allowed}" for name, field in FIELDS.items())}
"""

_EXAMPLE = "each.parallelism=10"


def run(name: str, words: Sequence[str], context: VerbContext) -> VerbResult:
    """See the module.

    Raises:
        VerbError: NOT_FOUND, STEP_NOT_FOUND, NESTED_STEP_NOT_FOUND, STEP_FIELD_UNKNOWN, AMBIGUOUS,
            VALIDATION_ERROR or DRAWER_KIND_MISMATCH; nothing has changed.
        DefinitionError: the drawer already has errors.
    """
    parser = VerbParser("NAME set", _HELP).dry()
    parser.add_argument("pairs", metavar="PATH=VALUE", nargs="+")
    options = parser.read(words)
    pairs = [assignment(word, _EXAMPLE) for word in options.pairs]
    target = find_target(name, context)
    with target.changing():
        tree = target.tree(target.load_action("set"))
        changes = [_change(tree, target.name, path, text) for path, text in pairs]
        if options.dry_run:
            target.checked(tree)
        else:
            target.save(tree)
    data: dict[str, Any] = {"drawer": target.name, "set": changes}
    if options.dry_run:
        data["executed"] = False
    lines = [f"{change['path']} = {_shown(change['value'])}{_was(change)}" for change in changes]
    return VerbResult(data, "\n".join([*lines, *(["nothing was saved"] if options.dry_run else [])]))


def _change(tree: dict[str, Any], drawer: str, path: str, text: str) -> dict[str, Any]:
    ids = [step.get("id") for step in tree.get("steps", [])]
    if path.partition(".")[0] == "flow" and "flow" not in ids:
        message = f"{path!r} is a path in a flow drawer, but {drawer!r} has steps"
        raise VerbError(message, code=VerbCode.DRAWER_KIND_MISMATCH, remediation=f"write {_EXAMPLE}")
    place = find_place(tree, path)
    was, value = put(place, text)
    if place.rest == "drawer" and slug(str(value)) == slug(drawer):
        raise VerbError(f"{path} cannot be {value!r}: a drawer cannot include itself")
    return {"path": path, "value": value, "was": was}


def _was(change: dict[str, Any]) -> str:
    return "" if change["was"] is None else f" (was {_shown(change['was'])})"


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=repr)
    return text if len(text) <= 200 else text[:197] + "..."
