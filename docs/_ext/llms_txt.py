"""``llms.txt`` (llmstxt.org) beside the pages: what the site contains, for language models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

SUMMARY = """\
# drawer_ipy

> An IPython and Jupyter extension. `%%each` runs the body of a loop for every item, and `%%drawer` declares a
> workflow in YAML or JSON. An asyncio engine runs at most N items at once, a live view shows the progress,
> and an ordered table of results comes back.
"""


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension."""
    app.connect("build-finished", write)
    return {"parallel_read_safe": True}


def write(app: Sphinx, exception: Exception | None) -> None:
    """Write the file after a successful build of HTML pages."""
    if exception is None and app.builder.format == "html":
        text = f"{SUMMARY}\n## Pages\n\n" + "\n".join(_links(app.env, app.config.root_doc)) + "\n"
        (Path(app.outdir) / "llms.txt").write_text(text, encoding="utf-8")


def _links(env: BuildEnvironment, root: str) -> list[str]:
    """The pages in the order of the navigation."""
    found: list[str] = []

    def visit(page: str) -> None:
        for below in env.toctree_includes.get(page, []):
            if below not in seen:
                seen.add(below)
                found.append(f"- [{env.titles[below].astext()}]({below}.html)")
                visit(below)

    seen = {root}
    visit(root)
    return found
