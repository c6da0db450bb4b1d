"""``create``, ``list``, ``schema`` and ``remove``: manage drawers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from drawer_ipy.common.counted import number_of
from drawer_ipy.errors import DrawerError, did_you_mean
from drawer_ipy.verbs.base import VerbContext, VerbError, VerbParser, VerbResult
from drawer_ipy.workspace.lookup import read_text, slug


def create(words: Sequence[str], context: VerbContext) -> VerbResult:
    """``create NAME``: a new drawer without steps, on disk.

    Raises:
        UsageError: the name is invalid or taken.
        StoreError: it cannot be written.
    """
    parser = VerbParser("create", "Create a new drawer without steps.").dry()
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("--description", metavar="TEXT", default="", help="what it is for")
    options = parser.read(words)
    from drawer_ipy.workspace.drawers import create_drawer, free_name

    name = free_name(context.workspace, options.name)
    if options.dry_run:
        data: dict[str, Any] = {"name": name, "executed": False}
        return VerbResult(data, f"would create drawer {name} in {context.workspace.first}")
    from drawer_ipy.definition.models import DrawerModel

    said = {"description": options.description} if options.description else {}
    drawer = DrawerModel(schema_version=2, name=name, drawer_kind="action", steps=[], **said)
    path = create_drawer(context.workspace, drawer, name)
    return VerbResult({"name": name, "path": str(path)}, f"drawer {name} is in {path}")


def list_all(words: Sequence[str], context: VerbContext) -> VerbResult:
    """``list``: all drawers, in cells and on disk."""
    VerbParser("list", "List all drawers: those of this notebook's cells, and those on disk.").read(words)
    entries = list(_entries(context))
    if not entries:
        return VerbResult([], "no drawers yet; create one: drawer create NAME")
    width = max(len(entry["name"]) for entry in entries)
    return VerbResult(entries, "\n".join(_line(entry, width) for entry in entries))


def _entries(context: VerbContext) -> Iterator[dict[str, Any]]:
    for name, drawer in context.drawers.items():
        yield _entry(name, "cell", drawer.description, drawer.drawer_kind, len(drawer.steps))
    for name in context.workspace.drawer_names():
        if name in context.drawers:
            continue
        try:
            found = context.workspace.locate("drawers", name)
        except DrawerError as error:
            yield {"name": name, "error": error.message}
            continue
        if found is not None:
            yield _on_disk(name, *found)


def _on_disk(name: str, root: Path, folder: Path) -> dict[str, Any]:
    path = folder / "drawer.json"
    # Read without models: the list does not check the drawers, and should appear at once.
    try:
        raw = json.loads(read_text(root, path))
        if not isinstance(raw, dict):
            raise ValueError("it is not a mapping")
    except (DrawerError, ValueError, RecursionError) as error:
        return {"name": name, "path": str(path), "error": f"cannot be read: {error}"}
    steps = raw.get("steps")
    count = len(steps) if isinstance(steps, list) else 0
    kind = raw.get("drawer_kind")
    return _entry(
        name, str(path), str(raw.get("description") or ""), kind if isinstance(kind, str) else "", count
    )


def _entry(name: str, where: str, description: str, kind: str, steps: int) -> dict[str, Any]:
    return {
        "name": name,
        "drawer_kind": kind or "action",
        "description": description,
        "steps": steps,
        "path": where,
    }


def _line(entry: dict[str, Any], width: int) -> str:
    if "error" in entry:
        return f"{entry['name']:{width}}  {entry['error']}"
    steps = entry["steps"]
    listed = "flow" if entry["drawer_kind"] == "flow" else number_of(steps, "step")
    listed += " (cell)" if entry["path"] == "cell" else ""
    description = " ".join(entry["description"].split())
    return f"{entry['name']:{width}}  {listed:10}  {description}".rstrip()


def schema(words: Sequence[str], _context: VerbContext) -> VerbResult:
    """``schema``: the JSON Schema of drawer.json."""
    parser = VerbParser("schema", "Print the JSON Schema of drawer.json or button.json, for editors.")
    parser.add_argument("what", metavar="drawer|button", nargs="?", default="drawer")
    options = parser.read(words)
    if options.what not in ("drawer", "button"):
        hint = did_you_mean(options.what, ("drawer", "button"))
        raise VerbError(
            f"there are schemas for a drawer and a button, not for {options.what!r}", remediation=hint
        )
    from drawer_ipy.definition.json_schema import json_schema

    made = json_schema(options.what)
    return VerbResult(made, json.dumps(made, indent=2, ensure_ascii=False))


_REMOVE = "Remove the drawer, and the history of its runs; stored runs stay."


def remove_first(words: Sequence[str], context: VerbContext) -> VerbResult:
    """``remove NAME``: see :func:`remove`."""
    parser = VerbParser("remove", _REMOVE).dry()
    parser.add_argument("name", metavar="NAME")
    options = parser.read(words)
    return _remove(options.name, options.dry_run, context)


def remove(name: str, words: Sequence[str], context: VerbContext) -> VerbResult:
    """``NAME remove``: remove a drawer of a cell, or a drawer on disk with its history. Stored runs stay.

    The drawer may have errors.

    Raises:
        VerbError: NOT_FOUND.
        StoreError: it cannot be removed.
    """
    options = VerbParser("NAME remove", _REMOVE).dry().read(words)
    return _remove(name, options.dry_run, context)


def _remove(name: str, dry: bool, context: VerbContext) -> VerbResult:
    from drawer_ipy.journal.folder import files
    from drawer_ipy.verbs.target import find_target
    from drawer_ipy.workspace.drawers import remove_drawer

    target = find_target(name, context)
    where = "the cells' drawers" if target.folder is None else str(target.folder)
    data: dict[str, Any] = {"name": target.name, "removed": not dry}
    if target.folder is not None:
        data["path"] = where
    if dry:
        return VerbResult({**data, "executed": False}, f"would remove drawer {target.name} from {where}")
    if target.folder is None:
        del context.drawers[target.name]
    else:
        remove_drawer(context.workspace, target.name)
    stay = len(files(context.workspace.runs_folder, slug(target.name)))
    rest = f"; its stored runs stay ({stay}; see runs {target.name})" if stay else ""
    return VerbResult(data, f"drawer {target.name} is removed from {where}{rest}")
