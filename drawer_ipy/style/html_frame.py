"""The element around all HTML that a notebook shows."""

from __future__ import annotations

UNTOUCHED = "mathjax_ignore tex2jax_ignore"
"""CSS classes that prevent MathJax from typesetting text with dollar signs or backslashes.

MathJax 3 (JupyterLab 4, Notebook 7) uses the first, MathJax 2 (the pages that nbconvert makes) the second.
"""


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
