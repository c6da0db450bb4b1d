"""Caching of the results of functions and scripts; see :class:`~drawer_ipy.buttons.base.Caching`."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from drawer_ipy.buttons.base import Call, Outcome
from drawer_ipy.cache.canonical import Uncacheable, canonical
from drawer_ipy.cache.sources import Sources
from drawer_ipy.common.bad_value import BadValue
from drawer_ipy.definition.values import parse_lasting
from drawer_ipy.errors import UsageError


def lasting(cache: Any, name: str) -> float | None:
    """Return the lifetime in seconds that a button's ``cache`` sets, see :func:`parse_lasting`.

    Raises:
        UsageError: the value is invalid; `name` is the button's name.
    """
    try:
        return parse_lasting(cache)
    except BadValue as error:
        raise UsageError(f"button {name!r}: {error.message}", remediation=error.hint) from None


class _Plain:
    """Results that are stored unchanged and cannot be revalidated."""

    def __init__(self, lasts: float) -> None:
        self.lasts = lasts

    def take(self, kept: tuple[Any, ...], bound: Mapping[str, Any], call: Call) -> None:
        """See base.Caching."""

    def asking(self, bound: Mapping[str, Any], kept: tuple[Any, ...]) -> Mapping[str, Any] | None:  # noqa: ARG002 - as base.Caching
        """See base.Caching."""
        return None

    def unchanged(self, outcome: Outcome) -> bool:  # noqa: ARG002 - as base.Caching
        """See base.Caching."""
        return False


class FunctionCaching(_Plain):
    """Cache what a function returns, by its code and its arguments.

    Args:
        function: the callable.
        lasts: seconds for which a result is valid.
    """

    def __init__(self, function: Callable[..., Any], lasts: float) -> None:
        super().__init__(lasts)
        self._function = function

    def parts(self, bound: Mapping[str, Any], call: Call, sources: Sources) -> Any:  # noqa: ARG002 - as base.Caching
        """See base.Caching."""
        try:
            source = sources.digest(self._function)
        except Uncacheable as error:
            raise Uncacheable(f"it {error}") from None
        return "function", source, {name: _argument(name, v, sources) for name, v in bound.items()}

    def keep(self, outcome: Outcome) -> tuple[Any, ...]:
        """See base.Caching."""
        return (outcome.output,)

    async def revive(self, kept: tuple[Any, ...], bound: Mapping[str, Any], call: Call) -> Outcome:  # noqa: ARG002 - as base.Caching
        """See base.Caching."""
        return Outcome(kept[0])


def _argument(name: str, value: Any, sources: Sources) -> bytes:
    try:
        return canonical(value, sources.of_code)
    except Uncacheable as error:
        raise Uncacheable(f"its argument {name!r} {error}") from None


class ScriptCaching(_Plain):
    """Cache what a script prints, by its text, runtime, folder, variables and arguments.

    Args:
        runtime: the name of the interpreter.
        read: returns the current text of the script.
        env: variables that the button adds.
        lasts: seconds for which a result is valid.
    """

    def __init__(
        self, runtime: str, read: Callable[[], str | bytes], env: Mapping[str, str], lasts: float
    ) -> None:
        super().__init__(lasts)
        self._runtime = runtime
        self._read = read
        self._env = dict(env)

    def parts(self, bound: Mapping[str, Any], call: Call, sources: Sources) -> Any:  # noqa: ARG002 - as base.Caching
        """See base.Caching."""
        try:
            text, folder = self._read(), os.getcwd()
        except OSError as error:
            raise Uncacheable(f"its text cannot be read ({error.strerror or error})") from None
        stdin = getattr(bound, "stdin", b"")
        return "script", self._runtime, text, folder, self._env, dict(call.env), dict(bound), stdin

    def keep(self, outcome: Outcome) -> tuple[Any, ...]:
        """See base.Caching."""
        return outcome.output, outcome.stdout, outcome.stderr

    async def revive(self, kept: tuple[Any, ...], bound: Mapping[str, Any], call: Call) -> Outcome:  # noqa: ARG002 - as base.Caching
        """See base.Caching."""
        output, stdout, stderr = kept
        return Outcome(output, stdout=stdout, stderr=stderr)
