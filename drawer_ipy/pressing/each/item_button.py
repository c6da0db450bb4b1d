"""A button that takes one item and finds its own arguments in it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from typing import Any

from drawer_ipy.buttons.base import Bound, Button, Caching, Outcome, Pages
from drawer_ipy.common.named_call import NamedCall
from drawer_ipy.common.nearest import listed
from drawer_ipy.common.records import fields_of
from drawer_ipy.common.short_repr import shown
from drawer_ipy.definition.costs import names_read
from drawer_ipy.definition.models import ArgSpec, ButtonSpec, Queue
from drawer_ipy.definition.rates import parse_rates
from drawer_ipy.errors import ArgumentError, Code, UsageError, did_you_mean
from drawer_ipy.expressions import compile_expression


class ItemArguments:
    """Finds the arguments of a button in an item.

    A button of one argument gets the item. One of several gets the columns of their names from a row: a
    mapping, a dataclass, a model or a named tuple. A plain tuple fills them in order.

    Args:
        button: whose arguments are wanted.
        given: arguments that are the same for all items.

    Raises:
        UsageError: `given` has an argument that the button does not take, or the button takes none.
    """

    def __init__(self, button: Button, given: Mapping[str, Any]) -> None:
        self._name = button.name
        self._given = dict(given)
        self._open = button.open_args
        known = [spec.name for spec in button.args]
        for name in given:
            if name not in known and not self._open:
                hint = did_you_mean(name, known) or f"it takes {', '.join(known)}"
                raise UsageError(f"{button.name!r} takes no argument {name!r}", remediation=hint)
        self._specs = [spec for spec in button.args if spec.name not in given]
        if not self._specs and not self._open:
            raise UsageError(
                f"{button.name!r} takes no argument, so it cannot get an item",
                remediation="give the function a parameter: def f(item): ...",
            )
        self._single = self._specs[0].name if len(self._specs) == 1 and not self._open else ""
        self._takes_rows = button.kind == "function"

    @property
    def names(self) -> list[str]:
        """The arguments of the button, also those that are the same for all items."""
        return [*self._given, *(spec.name for spec in self._specs)]

    @property
    def required(self) -> list[str]:
        """The arguments that an item must give."""
        return [spec.name for spec in self._specs if spec.required]

    def of(self, item: Any) -> dict[str, Any]:
        """Return the arguments for `item`.

        Raises:
            ArgumentError: a row lacks a column, or the item is no row and there are several arguments.
        """
        if self._single and (self._takes_rows or not isinstance(item, Mapping) or self._single not in item):
            return {**self._given, self._single: item} if self._given else {self._single: item}
        row = _row(item)
        if row is None:
            return {**self._given, **self._positional(item)}
        return {**self._given, **self._columns(row)}

    def check_columns(self, columns: Sequence[str]) -> None:
        """Check before a run that a table has the columns that the button requires.

        Raises:
            UsageError: it lacks one.
        """
        if self._single and (self._takes_rows or self._single not in columns):
            return
        for name in self.required:
            if name not in columns:
                message, hint = _no_column(self._name, name, columns)
                raise UsageError(message, remediation=hint)

    def _columns(self, row: Mapping[Any, Any]) -> dict[str, Any]:
        for name in self.required:
            if name not in row:
                message, hint = _no_column(self._name, name, [str(key) for key in row])
                raise ArgumentError(message, code=Code.MISSING_ARG, remediation=hint)
        if self._open:
            return {str(name): value for name, value in row.items() if name not in self._given}
        return {spec.name: row[spec.name] for spec in self._specs if spec.name in row}

    def _positional(self, item: Any) -> dict[str, Any]:
        names, required = [spec.name for spec in self._specs], self.required
        if len(required) <= 1 and names and not isinstance(item, tuple):
            return {(required or names)[0]: item}
        if not isinstance(item, tuple) or not len(required) <= len(item) <= len(names):
            raise ArgumentError(
                f"{self._name!r} takes {', '.join(names) or 'columns'}, and {shown(item)} has no columns",
                code=Code.MISSING_ARG,
                remediation="loop over a data frame or over dicts with these names, or over tuples of them",
            )
        return dict(zip(names, item, strict=False))


def _no_column(owner: str, name: str, columns: Iterable[str]) -> tuple[str, str]:
    known = [str(column) for column in columns]
    hint = f"{did_you_mean(name, known)} the columns are {listed(known)}".strip()
    return f"{owner!r} needs the column {name!r}, which the row does not have", hint


def _row(item: Any) -> Mapping[Any, Any] | None:
    """The columns of an item that has some."""
    return item if isinstance(item, Mapping) else fields_of(item)


class ItemButton:
    """`button` with one argument, the item; see :class:`~drawer_ipy.buttons.base.Button`.

    Args:
        button: what is pressed.
        label: the name of the argument.
        given: arguments of `button` that are the same for all items.
        rate: starts per time in place of the button's own.

    Attributes:
        given: see above; they are checked before a run if presses leave the kernel.
    """

    open_args = False
    press: Callable[..., Coroutine[Any, Any, Outcome]]

    def __init__(self, button: Button, label: str, given: Mapping[str, Any], rate: Any = None) -> None:
        self._button = button
        self._label = label
        self.arguments: ItemArguments = ItemArguments(button, given)
        self.args: tuple[ArgSpec, ...] = (ArgSpec(name=label, type="any", required=True),)
        self.name: str = button.name
        self.kind: str = button.kind
        self.spec: ButtonSpec | None = button.spec
        self.needs: tuple[str, ...] = button.needs
        self.timeout: float | None = button.timeout
        self.queue: Queue | None = button.queue
        self.output_schema: Mapping[str, Any] | None = button.output_schema
        self.caching: Caching | None = button.caching
        self.pages: Pages | None = button.pages
        self.given = given
        self.press = button.press  # unwrapped, since a coroutine more for every item takes time
        self._limits = parse_rates(rate or button.rate)
        self.rate: list[dict[str, Any]] | None = [
            {"limit": one.text, "cost": self._cost(one.cost)} for one in self._limits
        ] or None

    def __getattr__(self, name: str) -> Any:
        """Return what is not changed from the button, such as ``lacking``."""
        return getattr(self._button, name)

    def check_columns(self, columns: Sequence[str]) -> None:
        """Check before a run that a table has the columns that the arguments and the costs of rates need.

        Raises:
            UsageError: it lacks one.
        """
        self.arguments.check_columns(columns)
        known = {*columns, *self.arguments.names, self._label}
        for limit in self._limits:
            for name in names_read(limit):
                if name not in known:
                    raise UsageError(
                        f"the cost under the rate {limit.text} reads {name!r}, which is not a column",
                        remediation=did_you_mean(name, known) or f"the columns are {listed(columns)}",
                    )

    def _cost(self, cost: Any) -> Any:
        if not isinstance(cost, str) and not callable(cost):
            return cost
        defaults = {spec.name: spec.default for spec in self._button.args if not spec.required}
        compute = compile_expression(cost).resolve if isinstance(cost, str) else NamedCall(cost)

        def of_item(**args: Any) -> Any:
            item = args[self._label]
            found = self.arguments.of(item)
            return compute({**defaults, **(_row(item) or {}), **found, **args})

        of_item.__name__ = cost if isinstance(cost, str) else getattr(cost, "__name__", "cost")
        return of_item

    def bind(self, args: Mapping[str, Any]) -> Bound:
        """Find the button's arguments in the item and bind them."""
        return self._button.bind(self.arguments.of(args[self._label]))
