"""press and apress: the signature that callers rely on, and the contexts in which they can be called."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Callable
from typing import Any

import pytest

import drawer_ipy
from drawer_ipy import DefinitionError, DrawerFailed, DrawerNotFound, UsageError

TEXT = """
steps:
  - id: each
    kind: for_each
    over: ${inputs.xs}
    as: x
    parallelism: 3
    steps: [{id: y, button: double, args: {x: "${x}"}}]
"""


def double(x: int) -> int:
    if x == 5:
        raise ValueError("five")
    return x * 2


def awaited(*given: Any, **named: Any) -> Any:
    return asyncio.run(drawer_ipy.apress(*given, **named))


def in_a_loop(*given: Any, **named: Any) -> Any:
    async def main() -> Any:
        return drawer_ipy.press(*given, **named)

    return asyncio.run(main())


def in_a_thread(*given: Any, **named: Any) -> Any:
    got: list[Any] = []

    def work() -> None:
        try:
            got.append(drawer_ipy.press(*given, **named))
        except Exception as error:
            got.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    if isinstance(got[0], Exception):
        raise got[0]
    return got[0]


WAYS = [drawer_ipy.press, awaited, in_a_loop, in_a_thread]


@pytest.mark.parametrize("function", [drawer_ipy.press, drawer_ipy.apress])
def test_the_signature_has_the_agreed_arguments(function: Callable[..., Any]) -> None:
    expected = {
        "drawer": inspect.Parameter.empty,
        "inputs": None,
        "check": True,
        "parallelism": None,
        "mode": "sequential",
        "on_failure": "stop",
        "concurrency": None,
        "buttons": None,
    }
    parameters = list(inspect.signature(function).parameters.values())[: len(expected)]
    assert {p.name: p.default for p in parameters} == expected
    kinds = [p.kind for p in parameters]
    assert kinds[:2] == [inspect.Parameter.POSITIONAL_OR_KEYWORD] * 2
    assert set(kinds[2:]) == {inspect.Parameter.KEYWORD_ONLY}


@pytest.mark.parametrize("way", WAYS)
def test_a_press_works_in_every_context(way: Callable[..., Any]) -> None:
    results = way(TEXT, {"xs": range(4)}, buttons={"double": double})
    assert list(results["y"]) == [0, 2, 4, 6]


@pytest.mark.parametrize("way", WAYS)
def test_a_failure_is_raised_or_with_check_false_returned(way: Callable[..., Any]) -> None:
    given = {"xs": range(7)}
    with pytest.raises(DrawerFailed, match=r"failed at step 'each'.*ValueError: five") as caught:
        way(TEXT, given, buttons={"double": double})
    assert len(caught.value.results) == 7
    assert isinstance(caught.value.__cause__, ValueError)
    results = way(TEXT, given, check=False, buttons={"double": double})
    assert (results.status, results.counts["failed"]) == ("failed", 1)


@pytest.mark.parametrize(
    ("given", "named", "error", "message"),
    [
        ((TEXT,), {}, DefinitionError, "there is no input 'xs'"),
        ((TEXT, [1]), {}, UsageError, "inputs must be a mapping"),
        (("nowhere",), {}, DrawerNotFound, "no drawer 'nowhere'"),
        ((7,), {}, UsageError, "a drawer cannot be made from int"),
        ((TEXT, {"xs": []}), {"mode": "both"}, UsageError, "mode must be sequential or parallel"),
        ((TEXT, {"xs": []}), {"on_failure": "go"}, UsageError, "on_failure must be stop or continue"),
        ((TEXT, {"xs": []}), {"parallelism": -1}, UsageError, "parallelism must be a whole number"),
        ((TEXT, {"xs": []}), {"concurrency": 0}, UsageError, "concurrency must be a whole number"),
        ((TEXT, {"xs": []}), {"buttons": {"double": 7}}, UsageError, "must be callable"),
        (("steps: [{id: a, button: nope}]",), {}, DefinitionError, "there is no button 'nope'"),
    ],
)
@pytest.mark.parametrize("way", [drawer_ipy.press, awaited])
def test_problems_are_reported_before_anything_runs(
    way: Callable[..., Any], given: Any, named: Any, error: type[Exception], message: str
) -> None:
    pressed: list[int] = []
    with pytest.raises(error, match=message):
        way(*given, **{"buttons": {"double": pressed.append}, **named})
    assert pressed == []
