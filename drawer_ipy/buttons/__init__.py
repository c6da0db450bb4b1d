"""Buttons, the actions that a step presses: Python functions, scripts, HTTP requests and prompts.

Each runtime implements :class:`Button`. :func:`make_button` selects the runtime of a specification, and
:class:`ButtonCatalog` finds a button by name. Requests and prompts are imported when one is made.
"""

from drawer_ipy.buttons.base import Button, Call, Outcome, Resources
from drawer_ipy.buttons.catalog import ButtonCatalog
from drawer_ipy.buttons.factory import make_button
from drawer_ipy.buttons.function.button import FunctionButton, as_button, button
from drawer_ipy.buttons.script.button import ScriptButton

__all__ = [
    "Button",
    "ButtonCatalog",
    "Call",
    "FunctionButton",
    "Outcome",
    "Resources",
    "ScriptButton",
    "as_button",
    "button",
    "make_button",
]
