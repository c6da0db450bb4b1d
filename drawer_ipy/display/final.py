"""What stays in the notebook when a run has ended."""

from __future__ import annotations

from typing import Any

from drawer_ipy.display.progress import Snapshot
from drawer_ipy.display.progress_html import static_html
from drawer_ipy.display.wording import progress_line


def final_bundle(snapshot: Snapshot, results: Any | None) -> dict[str, Any]:
    """What is left in the notebook: `results` where they can be shown, else the last progress."""
    if results is not None:
        try:
            bundle: dict[str, Any] = dict(results._repr_mimebundle_())
            return bundle
        except Exception:  # a value's own repr failed; how the run ended must be seen all the same
            pass
    return {"text/html": static_html(snapshot), "text/plain": progress_line(snapshot)}
