"""A drawer as Mermaid text, which GitHub, GitLab and JupyterLab's Markdown draw."""

from __future__ import annotations

from collections.abc import Iterator

from drawer_ipy.pictures.graph_model import Box, Lane

_SHAPES = {
    "input": ("([", "])"),
    "variable": ("([", "])"),
    "return": ("([", "])"),
    "switch": ("{", "}"),
    "drawer": ("[[", "]]"),
    "wait": ("(", ")"),
}


def mermaid_text(lane: Lane) -> str:
    """Write a top-down flowchart: a ``subgraph`` for each loop and branch, an arrow for each reference.

    A dotted arrow means that a step only runs after another.
    """
    return "\n".join(["flowchart TD", *_MermaidWriter().lane(lane, 1)]) + "\n"


class _MermaidWriter:
    """Writes lanes and numbers the nodes."""

    def __init__(self) -> None:
        self._count = 0

    def lane(self, lane: Lane, depth: int) -> Iterator[str]:
        names = []
        for box in lane.boxes:
            name = self._next()
            names.append(name)
            yield from self._box(name, box, depth)
        for begin, end in lane.edges:
            yield f"{'  ' * depth}{names[begin]} --> {names[end]}"
        for begin, end in lane.order:
            yield f"{'  ' * depth}{names[begin]} -.-> {names[end]}"

    def _next(self) -> str:
        self._count += 1
        return f"n{self._count}"

    def _box(self, name: str, box: Box, depth: int) -> Iterator[str]:
        space = "  " * depth
        label = _label([f"<b>{_text(box.name)}</b>", *map(_text, box.lines)])
        if not box.lanes:
            left, right = _SHAPES.get(box.kind, ("[", "]"))
            yield f"{space}{name}{left}{label}{right}"
            return
        yield f"{space}subgraph {name} [{label}]"
        for lane in box.lanes:
            if lane.title:
                yield f"{space}  subgraph {self._next()} [{_label([_text(lane.title)])}]"
                yield from self.lane(lane, depth + 2)
                yield f"{space}  end"
            else:
                yield from self.lane(lane, depth + 1)
        yield f"{space}end"


def _label(lines: list[str]) -> str:
    return f'"{"<br/>".join(lines)}"'


def _text(text: str) -> str:
    """`text` with all special characters of Mermaid and HTML written as Mermaid entities."""
    return "".join(c if c.isalnum() or c in " _.,:/()+*=-" or ord(c) > 127 else f"#{ord(c)};" for c in text)
