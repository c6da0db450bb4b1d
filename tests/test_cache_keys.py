"""Cache keys of arguments and functions: equal ones have the same key, different ones never."""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import decimal
import enum
import fractions
import functools
import json
import math
import pathlib
import re
import types
import uuid
import zoneinfo
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pydantic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drawer_ipy.cache.canonical import Uncacheable, canonical
from drawer_ipy.cache.sources import Sources


def key(value: Any) -> bytes:
    return canonical(value, Sources().of_code)


# Values

# The list is short, so that two samples are often the same, and has many similar but different values.
LOOKALIKES = (
    None, False, True, 0, 1, -1, 10, 0.0, -0.0, 1.0, 1e300, 0j, 1j, complex(-0.0, 0), "", "0", "1", "a", "b",
    "ab", "None", "1:", "s1:a", b"", b"0", b"a", b"ab", decimal.Decimal(1), decimal.Decimal("1.0"),
    decimal.Decimal("-0"), fractions.Fraction(1), fractions.Fraction(1, 2), dt.date(2020, 1, 1),
    dt.datetime(2020, 1, 1), dt.datetime(2020, 1, 1, tzinfo=dt.UTC), dt.datetime(2020, 1, 1, fold=1),
    dt.time(0), dt.time(0, tzinfo=dt.UTC), dt.timedelta(1), dt.timedelta(seconds=1), uuid.UUID(int=0),
)  # fmt: skip
SCALARS = st.sampled_from(LOOKALIKES) | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3)
HASHABLE = SCALARS | st.tuples(SCALARS, SCALARS) | st.frozensets(SCALARS, max_size=2)


def containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(HASHABLE, inner, max_size=2)
        | st.sets(HASHABLE, max_size=2)
    )


VALUES = st.recursive(SCALARS, containers, max_leaves=5)


def same(a: Any, b: Any) -> bool:
    """Whether the values are equal and of the same types at every depth; dicts and sets have no order."""
    if type(a) is not type(b):
        return False
    if isinstance(a, float):
        return a == b and math.copysign(1, a) == math.copysign(1, b)
    if isinstance(a, complex):
        return same(a.real, b.real) and same(a.imag, b.imag)
    if isinstance(a, decimal.Decimal):
        return a.as_tuple() == b.as_tuple()
    if isinstance(a, dt.datetime | dt.time):
        return a == b and a.tzinfo == b.tzinfo and a.fold == b.fold
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return matched(list(a.items()), list(b.items()))
    if isinstance(a, set | frozenset):
        return matched(list(a), list(b))
    return bool(a == b)


def matched(left: list[Any], right: list[Any]) -> bool:
    if len(left) != len(right):
        return False
    for one in left:
        found = next((i for i, other in enumerate(right) if same(one, other)), None)
        if found is None:
            return False
        right.pop(found)
    return True


@given(VALUES, VALUES)
@settings(max_examples=200, deadline=None)
def test_values_share_a_key_if_and_only_if_they_are_the_same(a: Any, b: Any) -> None:
    assert (key(a) == key(b)) == same(a, b)


def rebuilt(value: Any) -> Any:
    """An equal value made of new objects, with dicts and sets filled in another order."""
    if isinstance(value, list):
        return [rebuilt(v) for v in value]
    if isinstance(value, tuple):
        return tuple(rebuilt(v) for v in value)
    if isinstance(value, dict):
        return {rebuilt(k): rebuilt(v) for k, v in reversed(value.items())}
    if isinstance(value, set | frozenset):
        return type(value)(rebuilt(v) for v in reversed(list(value)))
    if isinstance(value, str):
        return "".join(list(value))
    return value


@given(VALUES)
@settings(max_examples=200, deadline=None)
def test_equal_values_built_differently_have_the_same_key(value: Any) -> None:
    assert key(rebuilt(value)) == key(value)


@given(st.lists(VALUES, max_size=3), st.lists(VALUES, max_size=3))
@settings(max_examples=100, deadline=None)
def test_neighbouring_values_cannot_be_confused(a: list[Any], b: list[Any]) -> None:
    if not same(a, b):
        assert key((*a, *b)) != key((a, b))
        assert key((a, b)) != key((b, a))


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


class Level(enum.IntEnum):
    LOW = 1


@dataclasses.dataclass
class Point:
    x: int
    y: int = 0


@dataclasses.dataclass
class Spot:
    x: int
    y: int = 0


class Pair(NamedTuple):
    x: int
    y: int


class Model(pydantic.BaseModel):
    x: int


class Loose(pydantic.BaseModel, extra="allow"):
    x: int


BERLIN, PARIS = zoneinfo.ZoneInfo("Europe/Berlin"), zoneinfo.ZoneInfo("Europe/Paris")
NOON = dt.datetime(2020, 1, 1, 12)


@pytest.mark.parametrize(
    "values",
    [
        [0, 0.0, -0.0, False, "0", b"0", None, decimal.Decimal(0), 0j, "", [], (), {}, set(), frozenset()],
        [1, 1.0, True, "1", Level.LOW, Colour.RED, fractions.Fraction(1), np.int64(1), np.int32(1)],
        [Colour.RED, Colour.BLUE, 2, "RED"],
        [Point(1), Point(2), Spot(1), Pair(1, 0), (1, 0), Model(x=1), Loose(x=1), {"x": 1, "y": 0}],
        [Loose(x=1), Loose(x=1, z=2), Loose(x=1, z=3)],
        [[1, 2], [2, 1], (1, 2), {1, 2}, frozenset({1, 2}), np.array([1, 2]), range(1, 3)],
        [["ab"], ["a", "b"], ["a", ["b"]], [["a"], "b"]],
        [{"a": 1}, {"a": "1"}, {"a": 1.0}, {"A": 1}, {"a": None}, {}],
        [NOON, NOON.replace(tzinfo=dt.UTC), NOON.replace(tzinfo=BERLIN), NOON.replace(tzinfo=PARIS)],
        [NOON, NOON.replace(fold=1), NOON.date(), NOON.time(), pd.Timestamp(NOON), str(NOON)],
        [pathlib.PurePosixPath("a"), pathlib.PureWindowsPath("a"), "a"],
        [re.compile("a"), re.compile("a", re.IGNORECASE), re.compile(b"a"), "a", re.compile("a" * 300 + "b")],
        [re.compile("a" * 300 + "b"), re.compile("a" * 300 + "c")],
        [np.zeros((2, 3)), np.zeros((3, 2)), np.zeros(6), np.zeros((2, 3), dtype="f4")],
        [np.array([1], "<i4"), np.array([1], ">i4"), np.array([1], "<u4")],
        [uuid.UUID(int=1), 1, uuid.UUID(int=1).bytes],
        [float("nan"), float("inf"), -float("inf")],
        [b"a", bytearray(b"a"), "a"],
        ["\ud800", "\udc00", "\ufffd", "?"],
        [pd.Timestamp("2020-01-01"), pd.Timestamp("2020-01-01", tz="UTC"), pd.NaT, pd.NA, None],
    ],
    ids=lambda values: repr(values[:2])[:40],
)
def test_similar_but_different_values_have_different_keys(values: list[Any]) -> None:
    keys = [key(value) for value in values]
    assert len(set(keys)) == len(values)
    assert [key(value) for value in values] == keys


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (object(), "is or contains an instance of object"),
        ([1, {"a": object()}], "is or contains an instance of object"),
        (pd.DataFrame({"a": [1]}), "DataFrame"),
        (np.array([object()]), "numpy.ndarray"),
        (collections.OrderedDict(a=1), "collections.OrderedDict"),
        (collections.defaultdict(list), "defaultdict"),
        ((i for i in range(3)), "generator"),
        (
            dt.datetime(2020, 1, 1, tzinfo=type("Odd", (dt.tzinfo,), {})()),
            "time zone without a standard name",
        ),
        (b"x" * (33 * 1024**2), "more than 32 MiB"),
    ],
    ids=["object", "deep inside", "frame", "objects", "ordered", "default", "generator", "zone", "size"],
)
def test_a_value_without_canonical_form_is_refused_with_the_reason(value: Any, message: str) -> None:
    with pytest.raises(Uncacheable, match=message):
        key(value)


def test_recursive_values_and_attributes_that_are_not_fields_are_refused() -> None:
    ring: list[Any] = []
    ring.append(ring)
    with pytest.raises(Uncacheable, match="contains itself"):
        key(ring)
    point = Point(1)
    point.more = 2  # type: ignore[attr-defined]
    with pytest.raises(Uncacheable, match="'more'"):
        key(point)


# Functions


def made(text: str, name: str = "f", **names: Any) -> Any:
    """The function `name` of a module with that text, as a cell would define it."""
    module = types.ModuleType("a_notebook")
    module.__dict__.update(names)
    exec(compile(text, "cell", "exec"), module.__dict__)
    return module.__dict__[name]


def digest(function: Callable[..., Any]) -> bytes:
    return Sources().digest(function)


BASE = """
RATE = 2
TABLE = {"a": [1]}
def helper(x):
    return x * RATE + TABLE["a"][0]
def f(x, k=3):
    return helper(x) + k
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("helper(x) + k", "helper(x) - k"),
        ("helper(x) + k", "helper(x) + 1 * k + 0"),
        ("k=3", "k=4"),
        ("RATE = 2", "RATE = 3"),
        ("RATE = 2", "RATE = 2.0"),
        ('{"a": [1]}', '{"a": [2]}'),
        ("x * RATE", "x / RATE"),
        ("def f(x, k=3):", "def f(x, *, k=3):"),
        ("def f(x, k=3):", "async def f(x, k=3):"),
    ],
)
def test_a_change_in_behaviour_changes_the_digest_of_a_function(old: str, new: str) -> None:
    assert old in BASE
    assert digest(made(BASE)) != digest(made(BASE.replace(old, new)))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("def f", "# a remark\n\n\ndef f"),
        ("return helper(x) + k", "return (helper(x)  +  k)  # the same"),
        ("RATE = 2", "RATE = 1 + 1\nOTHER = 5"),
    ],
)
def test_a_change_without_effect_keeps_the_digest_of_a_function(old: str, new: str) -> None:
    assert digest(made(BASE)) == digest(made(BASE.replace(old, new)))


def test_the_name_of_a_function_is_part_of_its_digest() -> None:
    text = "def f(x):\n    return x\ndef g(x):\n    return x\n"
    assert digest(made(text)) != digest(made(text, "g"))


def test_a_variable_that_the_function_sets_is_not_part_of_its_digest() -> None:
    text = "n = 0\ndef f(x):\n    global n\n    n += 1\n    return x\n"
    function = made(text)
    before = digest(function)
    function(1)
    assert digest(function) == before


def test_closures_are_part_of_the_digest_by_value() -> None:
    text = "def make(n):\n    def f(x):\n        return x + n\n    return f\n"
    make = made(text, "make")
    assert digest(make(1)) == digest(make(1)) != digest(make(2))
    with pytest.raises(Uncacheable, match=r"or an outer variable that is or contains an instance of object"):
        digest(make(object()))


def test_objects_and_imported_functions_are_part_of_the_digest_by_type_and_name() -> None:
    text = "def f(x):\n    return client.get(dumps(x))\n"
    one, other = (made(text, client=object(), dumps=json.dumps) for _ in range(2))
    assert digest(one) == digest(other) != digest(made(text, client=1, dumps=json.dumps))
    assert digest(one) != digest(made(text, client=object(), dumps=json.loads))


def test_mutually_recursive_functions_have_digests_that_do_not_depend_on_order() -> None:
    text = (
        "def f(n):\n    return n == 0 or g(n - 1)\ndef g(n):\n    return n != 0 and f(n - STEP)\nSTEP = 1\n"
    )
    f = made(text)
    g = f.__globals__["g"]
    one, other = Sources(), Sources()
    assert [one.digest(f), one.digest(g)] == [other.digest(g), other.digest(f)][::-1]
    changed = made(text.replace("STEP = 1", "STEP = 2"))
    assert digest(changed) != digest(f)
    assert digest(changed.__globals__["g"]) != digest(g)


def test_partials_methods_builtins_and_wrappers_have_digests() -> None:
    f = made(BASE)
    cached = functools.lru_cache(f)
    values = [f, functools.partial(f, k=1), functools.partial(f, k=2), cached, json.loads, len, "a".upper]
    values += ["b".upper, Point(1).__init__, Point(2).__init__]
    digests = [digest(value) for value in values]
    assert len(set(digests)) == len(values)
    assert digest(functools.lru_cache(made(BASE.replace("RATE = 2", "RATE = 5")))) != digest(cached)


def test_methods_are_part_of_the_digest_of_a_class() -> None:
    text = "class Q:\n    n = 1\n    def m(self):\n        return 1\n"
    text += "    @property\n    def p(self):\n        return 2\n"
    use = "def f(x):\n    return Q().m()\n"
    before = digest(made(text + use))
    assert before == digest(made(text + use))
    for old, new in (("return 1", "return 3"), ("return 2", "return 4"), ("n = 1", "n = 2")):
        assert digest(made(text.replace(old, new) + use)) != before


class Client:
    def get(self, x: int) -> int:
        return x

    def __call__(self, x: int) -> int:
        return x


@pytest.mark.parametrize("value", [Client().get, Client()])
def test_a_method_of_an_object_without_canonical_form_is_refused(value: Any) -> None:
    with pytest.raises(Uncacheable, match=r"bound to an instance of .*Client"):
        digest(value)
