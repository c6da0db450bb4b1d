"""Links from error codes to the page of the documentation that describes them."""

from __future__ import annotations

from drawer_ipy.errors import CODES

ERRORS = "https://drawer-ipy.github.io/drawer_ipy/reference/errors.html"
"""The address of docs/reference/errors.md on the documentation site."""

# Inline, since some front ends remove style elements, and the browser's own colour is too dark on dark pages.
_STYLE = "color:inherit;text-decoration:underline"


def documentation(code: str) -> str:
    """Return the URL of the section about `code`; ``""`` for a code that the page does not describe."""
    return f"{ERRORS}#{code.lower().replace('_', '-')}" if code in CODES else ""


def with_link(html: str, code: str) -> str:
    """Return `html` with the first `code` in it as a link to its documentation.

    Args:
        html: escaped text without attributes that could contain the code.
        code: an error code; nothing is changed if the documentation does not describe it.
    """
    url = documentation(code)
    link = f'<a href="{url}" target="_blank" rel="noopener" style="{_STYLE}">{code}</a>'
    return html.replace(code, link, 1) if url else html
