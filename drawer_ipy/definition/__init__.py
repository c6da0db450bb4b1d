"""Definitions: the models of drawers, steps and buttons, and the code that loads and checks them."""

from __future__ import annotations

from drawer_ipy.definition.checking.drawer import validate
from drawer_ipy.definition.json_schema import json_schema
from drawer_ipy.definition.models import ButtonSpec, DrawerModel
from drawer_ipy.definition.reading.loading import Loaded, LoadedButton, load_button, load_drawer
from drawer_ipy.definition.reading.source import Source

__all__ = [
    "ButtonSpec",
    "DrawerModel",
    "Loaded",
    "LoadedButton",
    "Source",
    "json_schema",
    "load_button",
    "load_drawer",
    "validate",
]
