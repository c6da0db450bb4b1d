"""The links to the documentation that HTML made from a run may contain."""

from __future__ import annotations

from drawer_ipy.style.documentation import ERRORS


def is_doc_link(tag: str, attrs: list[tuple[str, str | None]]) -> bool:
    """Whether the tag is a link to a section of the page about errors, and does nothing else."""
    known = dict(attrs)
    known.pop("style", None)
    return (
        tag == "a"
        and (known.pop("href", None) or "").startswith(f"{ERRORS}#")
        and known == {"target": "_blank", "rel": "noopener"}
    )
