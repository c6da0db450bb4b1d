"""A workspace folder on disk in the original's format."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from drawer_ipy.workspace.lookup import Workspace


class Folder:
    """A workspace folder at `root`, with methods to write and read its files."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.workspace = Workspace((root,))

    def button(self, name: str, code: str = "echo done", *args: str, **fields: Any) -> Path:
        """Write a button that is a shell script; `args` are ``name:type`` and required."""
        specs = [
            {"name": n, "type": kind or "string", "required": True}
            for n, _, kind in (a.partition(":") for a in args)
        ]
        folder = self.root / "buttons" / name
        folder.mkdir(parents=True)
        spec = {"name": name, "runtime": "shell", "args": specs, **fields}
        (folder / "button.json").write_text(json.dumps(spec))
        (folder / "main.sh").write_text(code)
        return folder

    def drawer(self, name: str, *steps: dict[str, Any], **fields: Any) -> Path:
        """Write a drawer of `steps` and return the path of its drawer.json."""
        path = self.root / "drawers" / name / "drawer.json"
        path.parent.mkdir(parents=True)
        head = {"schema_version": 2, "name": name, "drawer_kind": "action"}
        path.write_text(json.dumps({**head, "steps": list(steps), **fields}))
        return path

    def batteries(self, **values: str) -> None:
        """Write batteries.json."""
        self.root.mkdir(parents=True, exist_ok=True)
        (self.root / "batteries.json").write_text(json.dumps(values))

    def read(self, name: str) -> dict[str, Any]:
        """The contents of a drawer's file."""
        found: dict[str, Any] = json.loads((self.root / "drawers" / name / "drawer.json").read_text())
        return found

    def runs(self, name: str) -> list[Path]:
        """The files of a drawer's history, oldest name first."""
        return sorted((self.root / "drawers" / name / "pressed").glob("*.json"))

    def run(self, name: str) -> dict[str, Any]:
        """The only run in a drawer's history."""
        (path,) = self.runs(name)
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return found

    def everything(self) -> str:
        """The text of all histories."""
        return "\n".join(p.read_text(encoding="utf-8") for p in self.root.glob("drawers/*/pressed/*"))


def button_step(step_id: str, button: str, **args: Any) -> dict[str, Any]:
    """A step that presses `button`."""
    return {"id": step_id, "kind": "button", "button": button, "args": args}
