"""SVG pictures that notebooks display and that can be saved; they need no script and no other files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from drawer_ipy.style.html_frame import block
from drawer_ipy.style.palette import ALONE


class Picture:
    """An SVG picture.

    Args:
        svg: the ``<svg>`` element.
        text: its description, where pictures cannot be shown.

    Attributes:
        svg: the SVG text for use in a page; :meth:`save` writes it as a separate file.
    """

    def __init__(self, svg: str, text: str) -> None:
        self.svg = svg
        self._text = text

    def save(self, path: str | Path) -> Path:
        """Write the picture to `path` as a file that any browser can open; return the path.

        Raises:
            OSError: the file cannot be written.
        """
        path = Path(path)
        path.write_text(self._repr_svg_(), encoding="utf-8")
        return path

    def __repr__(self) -> str:
        return self._text

    def _repr_svg_(self) -> str:
        # A picture in a page uses the notebook's colours; a separate file uses those of the reader's system.
        head, end, rest = self.svg.partition(">")
        return head + end + ALONE + rest

    def _repr_html_(self) -> str:
        return block(self.svg, style="overflow-x:auto;max-width:100%")

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """Return HTML first: as part of the page, the picture uses the colours of the notebook's theme."""
        makers = {
            "text/plain": self.__repr__,
            "text/html": self._repr_html_,
            "image/svg+xml": self._repr_svg_,
        }
        wanted = [mime for mime in makers if (not include or mime in include) and mime not in (exclude or ())]
        return {mime: makers[mime]() for mime in wanted}
