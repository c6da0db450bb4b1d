"""Numbers with nouns, and whether two values are the same."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from drawer_ipy.common.counted import number_of
from drawer_ipy.common.sameness import same


@pytest.mark.parametrize(
    ("n", "noun", "text"),
    [
        (0, "item", "0 items"),
        (1, "item", "1 item"),
        (1_234, "inner step", "1,234 inner steps"),
        (1, "retry", "1 retry"),
        (2, "retry", "2 retries"),
        (3, "entry", "3 entries"),
        (2, "day", "2 days"),
    ],
)
def test_a_number_has_its_noun(n: int, noun: str, text: str) -> None:
    assert number_of(n, noun) == text


class Broken:
    def __eq__(self, other: object) -> bool:
        raise RuntimeError("no comparison")

    __hash__ = None  # type: ignore[assignment]


ARRAY = np.array([1, 2])


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (1, 1.0, True),
        (1, "1", False),
        (math.nan, float("nan"), True),
        (None, None, True),
        (pd.NA, 1, False),
        (pd.NA, pd.NA, True),
        (ARRAY, np.array([1, 2]), True),
        (ARRAY, np.array([1, 3]), False),
        (ARRAY, np.array([1, 2, 3]), False),
        (np.array([1, 1]), 1, False),
        (np.array([[1, 2], [1, 2]]), ARRAY, False),
        (pd.DataFrame({"a": [1, 2]}), pd.DataFrame({"a": [1, 2]}), False),
        (Broken(), 1, False),
        ({"a": math.nan}, {"a": math.nan}, True),
    ],
)
def test_values_are_the_same(a: Any, b: Any, expected: bool) -> None:
    assert same(a, b) is expected
    assert same(b, a) is expected
