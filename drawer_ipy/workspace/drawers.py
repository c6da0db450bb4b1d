"""Drawers written to disk: ``drawers/NAME/drawer.json``, as the original's version 2."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from drawer_ipy.definition.models import Drawer
from drawer_ipy.errors import UsageError
from drawer_ipy.workspace.document import document, json_text, spelt_out
from drawer_ipy.workspace.files import locked, make_folder, remove_folder, write_file
from drawer_ipy.workspace.lookup import Workspace, checked_name, slug


def drawer_document(drawer: Drawer, name: str = "", now: datetime | None = None) -> dict[str, Any]:
    """`drawer` as drawer.json holds it.

    Args:
        name: the drawer's name where it has none itself.
        now: the time of the change; ``created_at`` is kept where there is one.
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
        del given["drawer_kind"]  # version 1 has none
    # Action drawers always write their steps, flow drawers never do (docs/original.md#2-data-model).
    if kind == "flow":
        given.pop("steps", None)
    else:
        given.setdefault("steps", [])
    given["created_at"] = given.get("created_at") or stamp
    given["updated_at"] = stamp
    order = [info.alias or field for field, info in Drawer.model_fields.items()]
    return {key: given[key] for key in [*order, *given] if key in given}


def free_name(workspace: Workspace, name: str) -> str:
    """The folder's name of a new drawer.

    Raises:
        UsageError: the name cannot be had, or is a button's or another drawer's.
    """
    folder_name = checked_name(name)
    if workspace.locate("buttons", folder_name):
        raise UsageError(
            f"there is a button {folder_name!r}, and a drawer may not have its name",
            remediation="choose another name",
        )
    if workspace.locate("drawers", folder_name):
        raise _taken(folder_name)
    return folder_name


def _taken(name: str) -> UsageError:
    hint = f"choose another name, or remove it first: drawer {name} remove"
    return UsageError(f"there is a drawer {name!r} already", remediation=hint)


def create_drawer(workspace: Workspace, drawer: Drawer, name: str) -> Path:
    """Write a new drawer into the first root.

    Returns:
        Its drawer.json.

    Raises:
        UsageError: the name cannot be had, or is a button's or another drawer's.
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


def save_drawer(root: Path, drawer: Drawer, name: str = "") -> Path:
    """Write `drawer` into `root`, over the one that may be there; its folder's name is its slug.

    Returns:
        Its drawer.json.

    Raises:
        UsageError: the name cannot be had, or the drawer holds Python objects.
        StoreError: it cannot be written.
    """
    folder = root / "drawers" / slug(name or drawer.name)
    if not (folder / "drawer.json").exists():  # what the original named stays as it is
        checked_name(name or drawer.name)
    text = json_text(drawer_document(drawer, folder.name))
    make_folder(root, folder)
    path = folder / "drawer.json"
    write_file(root, path, text)
    return path


def remove_drawer(workspace: Workspace, name: str) -> Path | None:
    """Remove a drawer with its history; ``None`` when there is none, else the folder that was removed.

    Raises:
        StoreError: it cannot be removed.
    """
    found = workspace.locate("drawers", name)
    if found is None:
        return None
    root, folder = found
    with locked(folder):  # not under the hands of somebody who is changing it and would write it anew
        remove_folder(root, folder)
    return folder
