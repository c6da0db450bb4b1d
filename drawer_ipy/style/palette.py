"""The appearance of states in every display: a mark, a colour and a pattern for each.

This is the only module that names colours and marks. A state is never shown by its colour alone: there is
always a word, a mark, a shape or a pattern as well.

The colours of states are the package's own, after Okabe and Ito, rather than those of the front end: people
with colour blindness can distinguish them, and JupyterLab's green for success has too little contrast on
white (2.8 to 1). Each has a contrast of at least 3 to 1 on white and on dark pages, which is enough for
shapes. Text has the state's colour mixed with the colour of the surrounding text, which has a contrast of 4.5
to 1 on both light and dark pages. The colours of text, lines and backgrounds are the front end's
(JupyterLab's and VS Code's variables), with fallbacks that are readable on light and dark pages.
"""

from __future__ import annotations

from dataclasses import dataclass

KEPT = "kept"
"""The appearance of items that are ok and were not pressed again, since an earlier press had done them."""

PARTIAL = "partial"
"""The state of a run or step that ended ok with failed parts; see :mod:`~drawer_ipy.style.outcome`."""

TEXT_SHARE = 70
"""Percentage of a state's own colour in text about that state."""


@dataclass(frozen=True, slots=True)
class Look:
    """The appearance of one state.

    Attributes:
        mark: the character before words about it.
        colour: the colour of shapes, as ``#rrggbb``.
        css: the CSS class of text about it.
        ansi: the number of its colour in a terminal (SGR), 0 for none.
        pattern: the CSS background of an area; ``{0}`` is replaced by the colour.
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
    """`colour` for text: mixed with the colour of the surrounding text, to be readable on any page."""
    return f"color-mix(in srgb,{colour} {TEXT_SHARE}%,currentColor)"


TRACK = "rgba(128,128,128,.2)"
"""The background of bars and of cells whose items have not started."""

_DASHED = "repeating-linear-gradient(90deg,{0} 0 6px,transparent 6px 8px)"
_HATCHED = "repeating-linear-gradient(45deg,{0} 0 4px,color-mix(in srgb,{0} 55%,#000) 4px 6px)"
_STRIPED = "repeating-linear-gradient(-45deg,{0} 0 3px,transparent 3px 6px)"
_BARRED = "repeating-linear-gradient(90deg,{0} 0 2px,transparent 2px 4px)"
_DOTTED = "repeating-linear-gradient(90deg,{0} 0 1px,transparent 1px 5px)"
_HALF = "linear-gradient(to top,{0} 50%,transparent 50%)"

LOOKS = {
    "waiting": Look("○", "#8a8a8a", "d", 0, TRACK),
    "running": Look("▶", "#2f97d6", "run", 34, _DASHED),
    "ok": Look("✔", "#009e73", "ok", 32),
    "failed": Look("✘", "#d55e00", "bad", 31, _HATCHED),
    "cancelled": Look("⊘", "#b9588f", "off", 35, _STRIPED),
    "skipped": Look("↷", "#8a8a8a", "d", 0, _DOTTED),
    "paused": Look("‖", "#7d6fd0", "held", 36, _BARRED),
    KEPT: Look("◣", "#6f9489", "kept", 36, _HALF),
    PARTIAL: Look("⚠", "#a67c00", "warn", 33),
}
"""Every state of runs, steps and items, and :data:`KEPT`, with its appearance."""

_OTHER_WORDS = {"error": "failed", "timeout": "failed", "": "skipped"}
"""Statuses of steps with the appearance of another state; ``""`` is a step that did not run."""


def state_of(status: str) -> str:
    """The state whose appearance a step's or run's `status` has; unknown ones look like waiting items."""
    state = _OTHER_WORDS.get(status, status)
    return state if state in LOOKS else "waiting"


def look_of(status: str) -> Look:
    """The appearance of a run, step or item with this `status`."""
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
FAINT = "color-mix(in srgb,currentColor 75%,transparent)"
EDGE = "var(--jp-border-color2,var(--vscode-panel-border,rgba(128,128,128,.35)))"
LANE = "var(--jp-layout-color2,var(--vscode-editorWidget-background,rgba(128,128,128,.1)))"
BOX = "var(--jp-layout-color1,var(--vscode-editor-background,rgba(128,128,128,.06)))"
ACCENT = "var(--jp-brand-color1,var(--vscode-focusBorder,#1976d2))"
FONT = "var(--jp-ui-font-family,var(--vscode-font-family,system-ui,sans-serif))"
ON_FILL = "#fff"
"""The colour of marks on top of a shape, such as the cross of a failure."""

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
"""Colours of the boxes of a graph; the words in a box also show its kind."""

OTHER_KIND = "#b8860b"

ALONE = (
    "<style>svg{color:#24292f;background:#fff}"
    "@media(prefers-color-scheme:dark){svg{color:#d8dee4;background:#16191d}}</style>"
)
"""The style of a picture in a separate file, which cannot use a notebook's colours."""


def properties(selector: str) -> str:
    """A CSS rule that defines all colours as custom properties for `selector`.

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
