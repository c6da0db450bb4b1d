"""The part of a button that checks read; the layer of buttons is above this one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from drawer_ipy.definition.models import ArgSpec, ButtonSpec


class Callee(Protocol):
    """The members of a button that checks read, as described in :class:`~drawer_ipy.buttons.base.Button`."""

    name: str
    kind: str
    spec: ButtonSpec | None
    needs: tuple[str, ...]
    args: tuple[ArgSpec, ...]
    open_args: bool
    rate: Any
    output_schema: Mapping[str, Any] | None


FindButton = Callable[[str], Callee | None]
