"""Print the cheat sheet of the built site to a PDF of one page.

Usage: ``python docs/make_cheat_sheet.py [SITE] [--format A4|Letter]``, after the site was built into SITE
(build/docs). It needs the extra ``browser`` and a Chromium: the one that the variable CHROMIUM names, or one
on the PATH. Nothing is requested from the network.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

SIZES_MM = {"A4": (297.0, 210.0), "Letter": (279.4, 215.9)}
"""Width and height of a sheet in landscape."""

MARGIN_MM = 7.0
FONT_SIZES_PT = [size / 10 for size in range(95, 59, -1)]
"""The sizes of the text to try, from the largest on."""

CSS = """
* { box-sizing: border-box; }
body { margin: 0; font: 1em/1.22 "DejaVu Sans", "Liberation Sans", Arial, sans-serif; color: #000; }
#sheet { columns: 3; column-gap: 4mm; column-fill: auto; column-rule: 0.2mm solid #bbb; overflow: hidden; }
h1 { font-size: 1.5em; margin: 0 0 0.2em; }
h1::before { content: 'drawer_ipy: '; }
h2 { font-size: 1.1em; margin: 0.5em 0 0.2em; padding: 0.1em 0.4em; background: #e4eaf2; break-after: avoid; }
p { margin: 0.25em 0; }
pre, code { font-family: "DejaVu Sans Mono", "Liberation Mono", monospace; font-size: 0.9em; }
pre { margin: 0.25em 0; padding: 0.25em 0.4em; background: #f4f4f4; white-space: pre; break-inside: avoid; }
pre code, pre span { font-size: 1em; }
table { break-inside: avoid; border-collapse: collapse; width: 100%; margin: 0.25em 0; }
th { text-align: left; font-weight: 600; }
td, th { border-bottom: 0.1mm solid #ccc; padding: 0.06em 0.4em 0.06em 0; vertical-align: top; }
td p { margin: 0; }
tr { break-inside: avoid; }
td code { white-space: nowrap; }
thead { break-after: avoid; }
.headerlink, .copybtn, button { display: none; }
"""

ARTICLE = "document.querySelector('article section, article, main').outerHTML"
FITS = """() => {
    const sheet = document.getElementById('sheet');
    const inside = sheet.scrollWidth <= sheet.clientWidth + 1 && sheet.scrollHeight <= sheet.clientHeight + 1;
    const parts = [...sheet.querySelectorAll('pre, table')];
    return inside && parts.every(one => one.scrollWidth <= one.clientWidth + 1);
}"""


def main() -> int:
    """Write the PDF beside the page; return the exit code."""
    parser = argparse.ArgumentParser(description="Print the cheat sheet to a PDF of one page.")
    parser.add_argument("site", nargs="?", default="build/docs", type=Path, help="the built site")
    parser.add_argument("--format", choices=SIZES_MM, default="A4")
    options = parser.parse_args()
    source = options.site / "cheat-sheet.html"
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if not source.is_file():
        return _complain(f"{source} does not exist; build the site first: make docs")
    if chromium is None:
        return _complain("there is no Chromium; install it, or name it in the variable CHROMIUM")
    target = source.with_suffix(".pdf")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium)
        try:
            size = _print(browser.new_page(), source, target, options.format)
        finally:
            browser.close()
    if size is None:
        return _complain(f"the cheat sheet is too long for one page, even at {FONT_SIZES_PT[-1]} pt")
    print(f"{target}: one page, {size} pt")
    return 0


def _print(page: Page, source: Path, target: Path, sheet: str) -> float | None:
    """Print the page in the largest size that fits on one sheet; return that size, ``None`` if none fits."""
    page.route(
        "**/*", lambda route: route.continue_() if route.request.url.startswith("file:") else route.abort()
    )
    page.goto(source.resolve().as_uri())
    article = page.evaluate(ARTICLE)
    width, height = SIZES_MM[sheet]
    box = f"#sheet {{ width: {width - 2 * MARGIN_MM}mm; height: {height - 2 * MARGIN_MM - 0.5}mm; }}"
    head = f"<!doctype html><title>drawer_ipy: cheat sheet</title><style>{CSS}{box}</style>"
    page.set_content(f"{head}<div id=sheet>{article}</div>")
    page.emulate_media(media="print")
    for size in FONT_SIZES_PT:
        page.evaluate("size => { document.body.style.fontSize = `${size}pt`; }", size)
        if page.evaluate(FITS):
            margin = f"{MARGIN_MM}mm"
            page.pdf(
                path=target,
                width=f"{width}mm",
                height=f"{height}mm",
                margin={"top": margin, "bottom": margin, "left": margin, "right": margin},
                print_background=True,
            )
            return size
    return None


def _complain(message: str) -> int:
    print(message, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
