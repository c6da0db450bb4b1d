"""How states look in every display: one mark, one colour and one pattern for each.

This is the only module that names colours and marks. A state is never shown by its colour alone: there is
always a word, a mark, a shape or a pattern as well.

The colours of states are the package's own, after Okabe and Ito, and not those of the front end: they can be
told apart by people who see fewer colours, and JupyterLab's green for success has too little contrast on
white (2.8 to 1). Each has a contrast of 3 to 1 or more on white and on dark pages, which is enough for
shapes. Text is in the state's colour mixed with the colour of the text around it, which brings it to 4.5 to
1 on any page, whether or not it is known to be light or dark. Text, lines and backgrounds are the front
end's (JupyterLab's and VS Code's variables), with fallbacks that can be read on light and on dark.
"""

from __future__ import annotations

from dataclasses import dataclass

PARTIAL = "partial"
"""The state of something that ended ok although parts of it failed; see :mod:`~drawer_ipy.style.outcome`."""

TEXT_SHARE = 75
"""Percent of a state's own colour in text of that state."""


@dataclass(frozen=True, slots=True)
class Look:
    """How one state looks.

    Attributes:
        mark: the character that stands before words about it.
        colour: of shapes, as ``#rrggbb``.
        css: the class of text about it.
        ansi: the number of its colour in a terminal (SGR), 0 for none.
        pattern: the CSS background of an area of it; ``{0}`` is the colour.
    """

    mark: str
    colour: str
    css: str
    ansi: int
    pattern: str = "{0}"

    @property
    def fill(self) -> str:
        """The CSS background of an area in this state."""
        return self.pattern.format(self.colour)

    @property
    def text(self) -> str:
        """The CSS colour of text about this state."""
        return text_colour(self.colour)


def text_colour(colour: str) -> str:
    """`colour` for text: mixed with the colour of the text around it, so it is readable on any page."""
    return f"color-mix(in srgb,{colour} {TEXT_SHARE}%,currentColor)"


TRACK = "rgba(128,128,128,.2)"
"""The background of bars and of cells that wait: nothing has happened there."""

_DASHED = "repeating-linear-gradient(90deg,{0} 0 6px,transparent 6px 8px)"
_HATCHED = "repeating-linear-gradient(45deg,{0} 0 4px,color-mix(in srgb,{0} 55%,#000) 4px 6px)"
_STRIPED = "repeating-linear-gradient(-45deg,{0} 0 3px,transparent 3px 6px)"
_DOTTED = "repeating-linear-gradient(90deg,{0} 0 1px,transparent 1px 5px)"

LOOKS = {
    "waiting": Look("○", "#8a8a8a", "d", 0, TRACK),
    "running": Look("▶", "#2f97d6", "run", 34, _DASHED),
    "ok": Look("✔", "#009e73", "ok", 32),
    "failed": Look("✘", "#d55e00", "bad", 31, _HATCHED),
    "cancelled": Look("⊘", "#b9588f", "off", 35, _STRIPED),
    "skipped": Look("↷", "#8a8a8a", "d", 0, _DOTTED),
    PARTIAL: Look("⚠", "#a67c00", "warn", 33),
}
"""Every state of runs, steps and items, and what it looks like."""

_OTHER_WORDS = {"error": "failed", "timeout": "failed", "": "skipped"}
"""Statuses of steps that look like another state; ``""`` is a step that did not run."""


def state_of(status: str) -> str:
    """The state that a step's or run's `status` looks like; one that is not known looks as if it waited."""
    state = _OTHER_WORDS.get(status, status)
    return state if state in LOOKS else "waiting"


def look_of(status: str) -> Look:
    """How a run, step or item with this `status` looks."""
    return LOOKS[state_of(status)]


def mark_of(status: str) -> str:
    """The mark of a run, step or item with this `status`."""
    return look_of(status).mark


WARNING = LOOKS[PARTIAL].mark
"""The mark of a warning."""


def in_ansi(text: str, status: str) -> str:
    """`text` in the state's colour, for a terminal."""
    number = look_of(status).ansi
    return f"\x1b[{number}m{text}\x1b[0m" if number else text


TEXT = (
    "var(--jp-content-font-color1,var(--vscode-editor-foreground,"
    "var(--colab-primary-text-color,currentColor)))"
)
FAINT = "color-mix(in srgb,currentColor 65%,transparent)"
EDGE = "var(--jp-border-color2,var(--vscode-panel-border,rgba(128,128,128,.35)))"
LANE = "var(--jp-layout-color2,var(--vscode-editorWidget-background,rgba(128,128,128,.1)))"
BOX = "var(--jp-layout-color1,var(--vscode-editor-background,rgba(128,128,128,.06)))"
ACCENT = "var(--jp-brand-color1,var(--vscode-focusBorder,#1976d2))"
FONT = "var(--jp-ui-font-family,var(--vscode-font-family,system-ui,sans-serif))"
ON_FILL = "#fff"
"""What is drawn on top of a shape, such as the cross of a failure."""

_PAPER = "var(--jp-layout-color1,var(--vscode-editor-background,{}))"
_SHADOW = "0 2px 8px rgba(0,0,0,.25)"

KINDS = {
    "button": "#2a7fbf",
    "drawer": "#2a7fbf",
    "for_each": "#009e73",
    "batch": "#009e73",
    "switch": "#d55e00",
    "split": "#b9588f",
    "input": "#8a9199",
    "variable": "#009e73",
    "return": "#8a9199",
    "on_error": "#d55e00",
}
"""Colours of the boxes of a graph; the words in a box say what it is, too."""

OTHER_KIND = "#b8860b"

ALONE = (
    "<style>svg{color:#24292f;background:#fff}"
    "@media(prefers-color-scheme:dark){svg{color:#d8dee4;background:#16191d}}</style>"
)
"""The style of a picture in a file of its own, where no notebook's colours reach it."""


def properties(selector: str) -> str:
    """A CSS rule that gives elements of `selector` all colours as custom properties.

    ``--drawer-STATE`` is for shapes, ``--drawer-STATE-fill`` for areas, ``--drawer-STATE-text`` for text.
    """
    named = {
        "text": TEXT,
        "faint": FAINT,
        "edge": EDGE,
        "accent": ACCENT,
        "paper": _PAPER.format("#fff"),
        "shadow": _SHADOW,
        "font": FONT,
    }
    for state, look in LOOKS.items():
        own = f"var(--drawer-{state})"
        named |= {
            state: TRACK if state == "waiting" else look.colour,
            f"{state}-fill": look.pattern.format(own),
            f"{state}-text": text_colour(own),
        }
    rules = f"{selector}{{{''.join(f'--drawer-{name}:{value};' for name, value in named.items())}}}\n"
    return rules + f'{selector}[data-theme="dark"]{{--drawer-paper:{_PAPER.format("#1e1e1e")};}}\n'


def text_classes(selector: str) -> str:
    """CSS rules for text about states within `selector`, by the classes of :data:`LOOKS`."""
    colours = {look.css: FAINT if look.css == "d" else look.text for look in LOOKS.values()}
    return "".join(f"{selector} .{css}{{color:{colour}}}\n" for css, colour in colours.items())
