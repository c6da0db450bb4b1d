"""The base class of buttons that are made from a specification."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from drawer_ipy.buttons.arguments import Arguments
from drawer_ipy.buttons.base import Caching, Call, Outcome, Pages
from drawer_ipy.definition.models import ArgSpec, ButtonSpec, Queue


class SpecButton:
    """A base for the buttons of one runtime: a subclass sets :attr:`kind` and implements :meth:`press`.

    Args:
        spec: a specification.
        args: its arguments; by default those that the specification declares.

    Attributes:
        kind: the name of the runtime.
        open_args: whether it accepts undeclared arguments.
    """

    kind = ""
    open_args = True

    def __init__(self, spec: ButtonSpec, args: Sequence[ArgSpec] | None = None) -> None:
        self.name: str = spec.name
        self.spec: ButtonSpec | None = spec
        self.args: tuple[ArgSpec, ...] = tuple(spec.args if args is None else args)
        self.timeout: float | None = spec.timeout_seconds or None
        self.output_schema: Mapping[str, Any] | None = spec.output_schema
        self.rate: Any = spec.rate
        self.queue: Queue | None = spec.queue
        self.caching: Caching | None = None
        self.pages: Pages | None = None
        self.needs: tuple[str, ...] = ()
        self.backend: str = spec.backend
        self._arguments = Arguments(self.args, self.name)

    def bind(self, args: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the arguments as Python values. Raises ArgumentError, see base.Button."""
        return self._arguments.values(args)

    async def press(self, bound: Mapping[str, Any], call: Call) -> Outcome:
        """Run the button once; see base.Button."""
        raise NotImplementedError
