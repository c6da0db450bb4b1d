"""Write drawers to disk: ``drawers/NAME/drawer.json``, in the original's schema version 2."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from drawer_ipy.definition.models import DrawerModel
from drawer_ipy.errors import UsageError
from drawer_ipy.workspace.document import document, json_text, spelt_out
from drawer_ipy.workspace.files import locked, make_folder, remove_folder, write_file
from drawer_ipy.workspace.lookup import Workspace, checked_name, slug


def drawer_document(drawer: DrawerModel, name: str = "", now: datetime | None = None) -> dict[str, Any]:
    """Return the content of drawer.json for `drawer`.

    Args:
        name: the name to use if the drawer has none.
        now: the time of the change; an existing ``created_at`` is kept.
    """
    stamp = (now or datetime.now(UTC)).astimezone(UTC).isoformat().replace("+00:00", "Z")
    given = document(drawer)
    kind = given.get("drawer_kind") or ("flow" if drawer.flow is not None else "action")
    given = {"schema_version": 2, "drawer_kind": kind, **given, "name": drawer.name or name}
    if drawer.inputs:
        given["inputs"] = spelt_out(drawer.inputs)
    if given["schema_version"] == 2:
        given["drawer_kind"] = kind
    elif not drawer.drawer_kind:
        del given["drawer_kind"]  # version 1 does not have it
    # Action drawers always have steps in the file, flow drawers never (docs/original.md#2-data-model).
    if kind == "flow":
        given.pop("steps", None)
    else:
        given.setdefault("steps", [])
    given["created_at"] = given.get("created_at") or stamp
    given["updated_at"] = stamp
    order = [info.alias or field for field, info in DrawerModel.model_fields.items()]
    return {key: given[key] for key in [*order, *given] if key in given}


def free_name(workspace: Workspace, name: str) -> str:
    """Return the folder name for a new drawer.

    Raises:
        UsageError: the name is invalid, or a button or another drawer has it.
    """
    folder_name = checked_name(name)
    if workspace.locate("buttons", folder_name):
        raise UsageError(
            f"the name {folder_name!r} is used by a button, and a drawer cannot have the same name",
            remediation="choose another name",
        )
    if workspace.locate("drawers", folder_name):
        raise _taken(folder_name)
    return folder_name


def _taken(name: str) -> UsageError:
    hint = f"choose another name, or remove it first: drawer {name} remove"
    return UsageError(f"a drawer {name!r} already exists", remediation=hint)


def create_drawer(workspace: Workspace, drawer: DrawerModel, name: str) -> Path:
    """Write a new drawer to the first root.

    Returns:
        Its drawer.json.

    Raises:
        UsageError: the name is invalid, or a button or another drawer has it.
        StoreError: it cannot be written.
    """
    folder_name = free_name(workspace, name)
    root = workspace.first
    folder = root / "drawers" / folder_name
    make_folder(root, folder)
    with locked(folder):
        if (folder / "drawer.json").exists():
            raise _taken(folder_name)
        return save_drawer(root, drawer, folder_name)


def save_drawer(root: Path, drawer: DrawerModel, name: str = "") -> Path:
    """Write `drawer` to `root`, replacing an existing one; the folder is named after its slug.

    Returns:
        Its drawer.json.

    Raises:
        UsageError: the name is invalid, or the drawer contains Python objects.
        StoreError: it cannot be written.
    """
    folder = root / "drawers" / slug(name or drawer.name)
    if not (folder / "drawer.json").exists():  # a name that the original accepted is kept
        checked_name(name or drawer.name)
    text = json_text(drawer_document(drawer, folder.name))
    make_folder(root, folder)
    path = folder / "drawer.json"
    write_file(root, path, text)
    return path


def remove_drawer(workspace: Workspace, name: str) -> Path | None:
    """Remove a drawer with its history; return the removed folder, or ``None`` if there is no such drawer.

    Raises:
        StoreError: it cannot be removed.
    """
    found = workspace.locate("drawers", name)
    if found is None:
        return None
    root, folder = found
    with locked(folder):  # not while another process changes it, which would write it again
        remove_folder(root, folder)
    return folder
