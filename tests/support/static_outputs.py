"""Every kind of static HTML that the package leaves in a notebook, and what hosts of notebooks do to it."""

from __future__ import annotations

import html.parser
import time
from html import escape
from typing import Any

from drawer_ipy import Drawer
from drawer_ipy.display.final import final_bundle
from drawer_ipy.display.live import NullDisplay
from drawer_ipy.display.log import log_bundle
from drawer_ipy.display.progress import ErrorLine, ProgressState, Snapshot
from drawer_ipy.display.progress_html import static_html
from drawer_ipy.notebook.dry_run import DryRun
from drawer_ipy.pressing.job import Options
from drawer_ipy.pressing.prepare import prepare
from drawer_ipy.pressing.surroundings import Surroundings, named_buttons

TEXT = """\
name: shop
inputs: [{name: xs, type: list}]
steps:
  - {id: start, button: then}
  - id: each
    kind: for_each
    over: ${inputs.xs}
    as: x
    parallelism: 4
    on_item_failure: continue
    steps:
      - {id: work, button: work, args: {x: "${x}"}}
      - id: choose
        kind: switch
        cases: [{id: large, when: "${x > 20}", steps: [{id: large, button: then}]}]
        steps: [{id: small, button: then}]
  - {id: sum, button: then, args: {of: "${each}"}}
"""


def work(x: int) -> dict[str, Any]:
    time.sleep(0.002)
    if x % 9 == 4:
        raise ValueError(f"number {x} is refused, " + "and the reason is long " * 8)
    return {"title": f"Item {x}", "price": x * 1.5, "words": "some words that are longer than a cell " * 4}


def then(of: Any = None) -> str:
    return "done"


def static_outputs() -> dict[str, str]:
    """Name -> HTML."""
    around = Surroundings(named_buttons({"work": work, "then": then}))
    job = prepare(TEXT, {"xs": list(range(40))}, Options(), around)
    state = ProgressState()
    state.attach(job.run.listeners)
    results = job.press_blocking(NullDisplay())
    drawer = Drawer.load(TEXT)
    running = Snapshot(
        drawer="shop", step="each", position=2, steps=3, steps_done=1, loop="each", total=40, left=20,
        running=4, ok=12, failed=2, cancelled=1, skipped=1, elapsed=3, rate=4.5, eta=5, retries=2, cached=1,
        errors=(ErrorLine(4, "work", "FUNCTION_ERROR: number 4 is refused"),), warning="20 items failed",
    )  # fmt: skip
    return {
        "final": final_bundle(state.snapshot(state.clock()), results)["text/html"],
        "table": results._repr_html_(),
        "failed rows": results.failed._repr_html_(),
        "errors": results.errors._repr_html_(),
        "row": results[3]._repr_html_(),
        "story": results.explain(4)._repr_html_(),
        "timeline": results.timeline()._repr_html_(),
        "graph": drawer.graph()._repr_html_(),
        "dry run": DryRun(prepare(TEXT, {"xs": [1]}, Options(), around), {"xs": [1]})._repr_html_(),
        "running": static_html(running),
        "problems": Drawer.load(TEXT.replace("${inputs.xs}", "${inptus.xs}")).validate()._repr_html_(),
        "log": log_bundle([f"line {k}" for k in range(30)], 4, live=True)["text/html"],
    }


class Sanitized(html.parser.HTMLParser):
    """Removes what some hosts of notebooks remove, as they do it.

    Args:
        page: the HTML.
        tags: elements whose tags are removed; their text stays, as in most sanitizers.
        wholly: elements that are removed with everything in them.
        attributes: attributes that are removed.
    """

    def __init__(
        self,
        page: str,
        tags: frozenset[str],
        wholly: frozenset[str],
        attributes: frozenset[str] = frozenset(),
    ) -> None:
        super().__init__(convert_charrefs=True)
        self._tags, self._wholly, self._attributes = tags, wholly, attributes
        self._inside = 0
        self.html = ""
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self._wholly:
            self._inside += 1
        elif not self._inside and tag not in self._tags:
            kept = "".join(f' {k}="{escape(v or "")}"' for k, v in attrs if k not in self._attributes)
            self.html += f"<{tag}{kept}>"

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._wholly:
            self._inside -= 1
        elif not self._inside and tag not in self._tags:
            self.html += f"</{tag}>"

    def handle_data(self, data: str) -> None:
        if not self._inside:
            self.html += escape(data, quote=False)
            self.text += data


SVG = frozenset(["svg", "g", "path", "rect", "line", "text", "tspan", "title", "a", "circle"])


def without_styles(page: str) -> str:
    """`page` without its style elements, as in hosts that allow no style sheets."""
    return Sanitized(page, frozenset(), frozenset({"style"})).html


def without_pictures(page: str) -> Sanitized:
    """`page` without styles and SVG elements, whose text stays."""
    return Sanitized(page, SVG, frozenset({"style"}), frozenset({"style", "class"}))
