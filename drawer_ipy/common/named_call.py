"""Calls of a user's function with the values that its parameters name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any


class NamedCall:
    """A function that takes from many values by name those that its parameters ask for.

    A function with ``**kwargs``, or without a signature, gets all values.

    Args:
        function: what is called.

    Attributes:
        names: the names that it may take; ``None`` for any name.
        required: the names that it cannot do without.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self.names: tuple[str, ...] | None = None
        self.required: tuple[str, ...] = ()
        self._first: tuple[str, ...] = ()
        try:
            found = tuple(inspect.signature(function).parameters.values())
        except (ValueError, TypeError):  # some builtins have no signature
            return
        named = [one for one in found if one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)]
        self.required = tuple(one.name for one in named if one.default is one.empty)
        self._first = tuple(one.name for one in named if one.kind is one.POSITIONAL_ONLY)
        if not any(one.kind is one.VAR_KEYWORD for one in found):
            self.names = tuple(one.name for one in named)

    def __call__(self, values: Mapping[str, Any]) -> Any:
        """Call the function. Raises what it raises, and TypeError if a required name is missing."""
        given = dict(values) if self.names is None else {n: values[n] for n in self.names if n in values}
        first = []
        for name in self._first:
            if name not in given:
                break
            first.append(given.pop(name))
        return self._function(*first, **given)
