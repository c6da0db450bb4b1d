"""CEL's comprehensions as Python loops, since the CEL engine stops after 10,000 iterations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from typing import Any

from drawer_ipy.errors import ResolveError
from drawer_ipy.expressions import operators
from drawer_ipy.expressions.paths import (
    LocalScope,
    Missing,
    PathReader,
    Resplit,
    Scope,
    collect_hint,
    type_word,
)
from drawer_ipy.expressions.types import plain

Rounds = Iterator[LocalScope]


def build(
    kind: str, source: PathReader, variable: str, condition: PathReader | None, body: PathReader
) -> PathReader:
    """Build the program of ``source.kind(variable, [condition,] body)``.

    Args:
        kind: ``map``, ``filter``, ``all``, ``exists`` or ``exists_one``.
        source: returns a list, whose entries are visited, or a map, whose keys are visited.
    """
    if kind == "map" and condition is not None:
        kind = "filtered"
    finish = _FINISHERS[kind]
    test = condition or body

    def rounds(scope: Scope) -> Rounds:
        local = LocalScope(scope)
        for entry in _entries(source(scope), kind):
            local[variable] = entry
            yield local

    return lambda scope: finish(rounds(scope), variable, test, body)


def _entries(value: Any, kind: str) -> Iterable[Any]:
    value = plain(value)
    if isinstance(value, Mapping | Set) or (
        isinstance(value, Sequence) and not isinstance(value, str | bytes | bytearray)
    ):
        return value
    problem = f"{kind}() needs a list or a map, not {type_word(value)}"
    raise ResolveError(problem, remediation=collect_hint(value))


def _true(test: PathReader, local: LocalScope) -> bool:
    value = test(local)
    if value is True or value is False:
        return value
    return operators.truth(value, "the condition of the loop")


def _map(rounds: Rounds, _variable: str, _test: PathReader, body: PathReader) -> list[Any]:
    return [body(local) for local in rounds]


def _filtered(rounds: Rounds, _variable: str, test: PathReader, body: PathReader) -> list[Any]:
    return [body(local) for local in rounds if _true(test, local)]


def _filter(rounds: Rounds, variable: str, test: PathReader, _body: PathReader) -> list[Any]:
    return [local[variable] for local in rounds if _true(test, local)]


def _exists_one(rounds: Rounds, _variable: str, test: PathReader, _body: PathReader) -> bool:
    return sum(_true(test, local) for local in rounds) == 1


def _decided(decisive: bool) -> Callable[[Rounds, str, PathReader, PathReader], bool]:
    """Build ``exists`` or ``all``: one decisive entry outweighs the errors of all others."""

    def finish(rounds: Rounds, _variable: str, test: PathReader, _body: PathReader) -> bool:
        trouble: Missing | ResolveError | None = None
        for local in rounds:
            try:
                if _true(test, local) is decisive:
                    return decisive
            except (Missing, ResolveError) as error:
                if isinstance(error, Missing) and error.kept_parts():
                    raise Resplit(error) from None
                trouble = trouble or error
        if trouble is not None:
            raise trouble
        return not decisive

    return finish


_FINISHERS: dict[str, Callable[[Rounds, str, PathReader, PathReader], Any]] = {
    "map": _map,
    "filtered": _filtered,
    "filter": _filter,
    "exists_one": _exists_one,
    "exists": _decided(True),
    "all": _decided(False),
}
