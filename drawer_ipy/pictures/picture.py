"""SVG pictures that notebooks display and that can be saved; they need no script and no other files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from drawer_ipy.style.html_frame import block, scrolling
from drawer_ipy.style.palette import ALONE

PLAIN = 'font-family="system-ui,sans-serif" fill="currentColor"'
"""Attributes of an ``<svg>`` element for hosts that remove its style: its text is not black on dark pages."""

_TIP = re.compile(r"<(path|text)\b([^>]*)>([^<]*)<title>([^<]*)</title></\1>")


def in_page(svg: str) -> str:
    """Prepare an ``<svg>`` element for a page whose host may remove SVG elements but keeps their text.

    Tooltips become attributes (``xlink:title``, which browsers show for ``<a>``), and labels separate lines,
    so that the text that is left is short and does not run together.
    """
    tips = _TIP.sub(r'<a xlink:title="\4"><\1\2>\3</\1></a>', svg)
    return tips.replace("</text>", "</text>\n")


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
        label = scrolling("picture")
        return block(f'<div style="overflow-x:auto;max-width:100%" {label}>{in_page(self.svg)}</div>')

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """Return HTML first: as part of the page, the picture uses the colours of the notebook's theme."""
        makers = {
            "text/plain": self.__repr__,
            "text/html": self._repr_html_,
            "image/svg+xml": self._repr_svg_,
        }
        wanted = [mime for mime in makers if (not include or mime in include) and mime not in (exclude or ())]
        return {mime: makers[mime]() for mime in wanted}
