"""Buttons written to disk: ``buttons/NAME/button.json`` beside its script or prompt."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from drawer_ipy.definition.models import ButtonSpec
from drawer_ipy.errors import UsageError
from drawer_ipy.workspace.document import document, json_text, spelt_out
from drawer_ipy.workspace.files import locked, make_folder, write_file
from drawer_ipy.workspace.lookup import Workspace, checked_name

_SCRIPTS = ("main.sh", "main.py", "main.js")


def button_document(spec: ButtonSpec, name: str) -> dict[str, Any]:
    """`spec` as button.json holds it: the text of a script or prompt has a file of its own."""
    given = {"schema_version": 1, **document(spec), "name": name}
    for key in ("code", "prompt"):
        given.pop(key, None)
    if spec.args:
        given["args"] = spelt_out(spec.args)
    if spec.prompt:
        given["runtime"] = "prompt"
    order = [info.alias or field for field, info in ButtonSpec.model_fields.items()]
    return {key: given[key] for key in [*order, *given] if key in given}


def save_button(workspace: Workspace, spec: ButtonSpec, name: str = "") -> Path:
    """Write a button, over the one of its name where there is one, else into the first root.

    Returns:
        Its button.json.

    Raises:
        UsageError: the name cannot be had, or is a drawer's.
        StoreError: it cannot be written.
    """
    folder_name = checked_name(name or spec.name, "button")
    if workspace.locate("drawers", folder_name):
        raise UsageError(f"there is a drawer {folder_name!r} already", remediation="choose another name")
    found = workspace.locate("buttons", folder_name)
    root = found[0] if found else workspace.first
    folder = root / "buttons" / folder_name
    text = json_text(button_document(spec, folder_name))
    make_folder(root, folder)
    with locked(folder):
        # The text first: button.json is what makes the folder a button, and it must not miss its script.
        file, body = _body(spec)
        if file:
            write_file(root, folder / file, body)
        write_file(root, folder / "button.json", text)
        for stale in _SCRIPTS if file else ():
            if stale != file:
                with contextlib.suppress(OSError):
                    (folder / stale).unlink()
    return folder / "button.json"


def _body(spec: ButtonSpec) -> tuple[str, str]:
    """The file beside button.json and its text; two ``""`` when there is none."""
    if spec.prompt:
        return "AGENTS.md", spec.prompt
    if not spec.code:
        return "", ""
    from drawer_ipy.buttons.script.button import RUNTIMES  # with all runtimes, so only when a script is saved

    runtime = RUNTIMES.get(spec.runtime.strip().lower())
    return f"main{runtime.suffix if runtime else '.sh'}", spec.code
