"""Checks with axe-core that an element of a page is accessible."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator

_ID = "checked-by-axe"


def assert_accessible(shown: Locator) -> None:
    """Check the first element of `shown` and what is in it; what the front end puts around it is left out."""
    shown.first.evaluate("(el, id) => { el.id = id }", _ID)
    found = Axe().run(shown.page, context=f"#{_ID}").response["violations"]
    shown.first.evaluate("el => el.removeAttribute('id')")
    assert not found, "\n".join(f"{v['id']}: {v['help']}: {v['nodes'][0]['html'][:200]}" for v in found)
