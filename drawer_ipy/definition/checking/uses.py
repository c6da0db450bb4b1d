"""The buttons that the steps of a drawer press, and their missing requirements."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from drawer_ipy.definition.checking.callee import Callee
from drawer_ipy.definition.checking.report import Report, Where
from drawer_ipy.definition.checking.unmet import Present, Unmet
from drawer_ipy.definition.models import ButtonSpec


@dataclass(frozen=True, slots=True)
class _Use:
    """A press of a button.

    Attributes:
        where: the place of the button's name in the step that presses it.
        is_first: whether no step of the run comes before.
    """

    button: Callee
    where: Where
    is_first: bool

    @property
    def certain(self) -> bool:
        return not self.where.lax and not self.where.unsure


class Uses:
    """Collects the presses of one drawer's steps; each missing requirement of a button is reported once.

    Args:
        report: receives the findings.
        present: the things outside the drawer that a press can use.
        own: the buttons that the drawer defines in place.

    Attributes:
        is_first: whether no step of the run comes before the step being checked.
    """

    def __init__(self, report: Report, present: Present, own: Mapping[str, ButtonSpec]) -> None:
        self._report = report
        self._present = present
        self._own = own
        self._uses: dict[str, _Use] = {}
        self.is_first = False

    def note(self, name: str, button: Callee, where: Where) -> None:
        """Record that the step at `where` presses `button` under `name`."""
        if button.spec is None:
            return
        use = _Use(button, where, self.is_first)
        before = self._uses.get(name)
        if before is None or (use.certain and not before.certain):
            self._uses[name] = use

    def tell(self, find: Callable[[str], Callee | None]) -> None:
        """Report the missing requirements of the buttons, those of the drawer's own buttons at their place.

        Args:
            find: returns one of the drawer's own buttons, or ``None`` if it has errors.
        """
        for name, use in self._uses.items():
            self._tell(name, use)
        for name in self._own:
            if name not in self._uses and (button := find(name)) is not None:
                self._tell(name, _Use(button, Where(unsure=True), False))

    def _tell(self, name: str, use: _Use) -> None:
        for one in self._present.lacks(use.button, self._present):
            certain = one.certain and (use.is_first or not one.may_appear)
            where, who = use.where, f"button {name!r}"
            if name in self._own:
                where = replace(where, path=("buttons", name, *one.path), arg=name)
            elif use.button.spec is not None and use.button.spec.file is not None:
                who += f" ({use.button.spec.file}, {_written(one)})"
            elif one.path:
                who += f" ({_written(one)})"
            offset = one.offset if name in self._own else None
            # Messages that a press also raises name the button already.
            what = one.message.removeprefix(f"button {use.button.name!r} ")
            message = f"{who}: {what}" if what == one.message else f"{who} {what}"
            self._report.need(where, message, one.remediation, ref=one.ref, offset=offset, certain=certain)


def _written(one: Unmet) -> str:
    return ".".join(map(str, one.path))
