"""What buttons that are made of a specification have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from drawer_ipy.buttons.arguments import Arguments
from drawer_ipy.buttons.base import Caching, Call, Outcome, Pages
from drawer_ipy.definition.models import ArgSpec, ButtonSpec, Queue


class SpecButton:
    """A base for buttons of one runtime: a subclass sets :attr:`kind` and does its work in :meth:`press`.

    Args:
        spec: a specification.
        args: what it takes; what the specification declares when not given.

    Attributes:
        kind: the runtime's name.
        open_args: whether it takes arguments it does not declare.
    """

    kind = ""
    open_args = True

    def __init__(self, spec: ButtonSpec, args: Sequence[ArgSpec] | None = None) -> None:
        self.name = spec.name
        self.spec: ButtonSpec | None = spec
        self.args = tuple(spec.args if args is None else args)
        self.timeout: float | None = spec.timeout_seconds or None
        self.output_schema: Mapping[str, Any] | None = spec.output_schema
        self.rate: Any = spec.rate
        self.queue: Queue | None = spec.queue
        self.caching: Caching | None = None
        self.pages: Pages | None = None
        self.needs: tuple[str, ...] = ()
        self._arguments = Arguments(self.args, self.name)

    def bind(self, args: Mapping[str, Any]) -> Mapping[str, Any]:
        """The arguments as Python values. Raises ArgumentError, see base.Button."""
        return self._arguments.values(args)

    async def press(self, bound: Mapping[str, Any], call: Call) -> Outcome:
        """Do it once; see base.Button."""
        raise NotImplementedError
