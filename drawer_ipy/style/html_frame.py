"""The element around all HTML that a notebook shows."""

from __future__ import annotations

import re
from html import escape, unescape

UNTOUCHED = "mathjax_ignore tex2jax_ignore"
"""CSS classes that prevent MathJax from typesetting text with dollar signs or backslashes.

MathJax 3 (JupyterLab 4, Notebook 7) uses the first, MathJax 2 (the pages that nbconvert makes) the second.
"""


PRE = 'style="white-space:pre-wrap;overflow-wrap:anywhere"'
"""The style of preformatted text whose lines may be longer than the page is wide."""


def scrolling(label: str) -> str:
    """The attributes of an element that scrolls sideways, so that it does so by keyboard, too.

    Args:
        label: its name for screen readers.
    """
    return f'tabindex="0" role="group" aria-label="{escape(label)}"'


def block(inner: str, *, css: str = "", style: str = "") -> str:
    """Put the HTML `inner` into a ``<div>`` that front ends do not typeset as mathematics.

    Otherwise "$20 and $30" becomes a formula in italics without its dollar signs.

    Args:
        css: further CSS classes, separated by spaces.
        style: the style of the element.
    """
    classes = f"{css} {UNTOUCHED}" if css else UNTOUCHED
    styled = f' style="{style}"' if style else ""
    return f'<div class="{classes}"{styled}>{inner}</div>'


def html_as_text(html: str) -> str:
    """The text that a reader sees in `html`, without styles and tags."""
    without = re.sub(r"<style>.*?</style>", "", html, flags=re.DOTALL)
    return unescape(re.sub(r"<[^>]*>", "", without))
