"""The element around every piece of HTML that a notebook shows."""

from __future__ import annotations

UNTOUCHED = "mathjax_ignore tex2jax_ignore"
"""Classes of an element whose text is not a mathematics, whatever dollar signs or backslashes are in it.

MathJax 3 (JupyterLab 4, Notebook 7) knows the first, MathJax 2 (the pages that nbconvert makes) the second.
"""


def block(inner: str, *, css: str = "", style: str = "") -> str:
    """`inner`, which is HTML, in a ``<div>`` that no front end typesets.

    Without it "$20 and $30" becomes a formula in italics that has lost its dollar signs.

    Args:
        css: further classes, separated by spaces.
        style: the element's own style.
    """
    classes = f"{css} {UNTOUCHED}" if css else UNTOUCHED
    styled = f' style="{style}"' if style else ""
    return f'<div class="{classes}"{styled}>{inner}</div>'
