"""The typed keys of the application, under which handlers find shared objects."""

from __future__ import annotations

from aiohttp import web

from drawer_ipy.demo.catalogue import Catalogue
from drawer_ipy.demo.state import DemoState

CATALOGUE = web.AppKey("catalogue", Catalogue)
STATE = web.AppKey("state", DemoState)
INDEX = web.AppKey("index", str)
"""The first page, made once from the table of routes."""
