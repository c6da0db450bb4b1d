"""The widget model of a kernel's tables: it carries questions and answers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from drawer_ipy.display.script import script
from drawer_ipy.style.palette import LOOKS, properties

_HERE = Path(__file__).parent

Reply = Callable[[dict[str, Any], list[bytes]], None]


class TablesModel(anywidget.AnyWidget):  # type: ignore[misc]  # ipywidgets has no types
    """The model whose script shows a grid in the HTML of every open table.

    It has no view of its own. The script sends questions as custom messages and receives their answers.

    Args:
        ask: answers a question, by the function that it is given.
    """

    # As text: anywidget would watch a Path.
    _esm = script(_HERE / "tables.js")
    _css = properties(".drawer-grid") + (_HERE / "grid.css").read_text(encoding="utf-8")

    marks: traitlets.Dict[str, Any] = traitlets.Dict({state: look.mark for state, look in LOOKS.items()}).tag(
        sync=True
    )
    tables: traitlets.List[Any] = traitlets.List().tag(sync=True)
    """The keys of the open tables, oldest first."""

    def __init__(self, ask: Callable[[Any, Reply], None]) -> None:
        super().__init__()
        self._ask = ask
        self.on_msg(self._message)

    def close(self) -> None:
        """Close the model and its layout model."""
        layout = self.layout
        super().close()
        if layout is not None:
            layout.close()

    def _message(self, _: Any, content: Any, _buffers: Any) -> None:
        self._ask(content, self.send)
