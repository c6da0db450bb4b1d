"""Buttons, the actions that a step presses: Python functions, scripts, HTTP requests and prompts.

Each runtime implements :class:`Button`. :func:`make_button` selects the runtime of a specification, and
:class:`ButtonCatalog` finds a button by name.
"""

from drawer_ipy.buttons.base import Button, Call, Outcome, Resources
from drawer_ipy.buttons.catalog import ButtonCatalog
from drawer_ipy.buttons.factory import make_button
from drawer_ipy.buttons.function.button import FunctionButton, as_button, button
from drawer_ipy.buttons.http.button import HttpButton
from drawer_ipy.buttons.prompt import PromptButton
from drawer_ipy.buttons.script.button import ScriptButton

__all__ = [
    "Button",
    "ButtonCatalog",
    "Call",
    "FunctionButton",
    "HttpButton",
    "Outcome",
    "PromptButton",
    "Resources",
    "ScriptButton",
    "as_button",
    "button",
    "make_button",
]
