"""``kind: drawer``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from drawer_ipy.definition.step_base import StepBase, StepKind


class DrawerStep(StepBase):
    """Presses another drawer; its ``return`` is the output."""

    kind: Literal["drawer"]
    drawer: str = ""

    key_texts: ClassVar[Mapping[str, str]] = {"drawer": "Name of the drawer to press."}

    def summary(self) -> str:
        return f"press drawer {self.drawer or '(no drawer)'}"


KIND = StepKind(DrawerStep, "drawer_ipy.engine.steps.drawer:DrawerStep")
