"""Rates: valid forms, and the error for invalid ones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drawer_ipy.definition.rates import parse_rate

RATES = [
    ("5/s", 5),
    ("5/sec", 5),
    (" 5 / second ", 5),
    ("0.5/s", 0.5),
    (".5/s", 0.5),
    ("120/m", 2),
    ("120/min", 2),
    ("120/minute", 2),
    ("1/h", 1 / 3600),
    ("1/hour", 1 / 3600),
    ("1/d", 1 / 86400),
    ("1/day", 1 / 86400),
]


@pytest.mark.parametrize(("text", "per_second"), RATES)
def test_a_rate_is_read_as_starts_per_second(text: str, per_second: float) -> None:
    assert parse_rate(text) == pytest.approx(per_second)


NONE = [
    "",
    "5",
    "/s",
    "5/",
    "0/s",
    "0.0/h",
    "-1/s",
    "5/w",
    "5/S",
    "5 s",
    "inf/s",
    "nan/s",
    "1e3/s",
    "5//s",
    "٥/s",
]


@pytest.mark.parametrize("text", [*NONE, "9" * 400 + "/s", "0." + "0" * 400 + "1/s"])
def test_an_invalid_rate_is_reported_with_the_allowed_forms(text: str) -> None:
    with pytest.raises(ValueError, match=r'; write a number above 0 .*"100/min"'):
        parse_rate(text)


@given(st.text(max_size=8) | st.from_regex(r"[0-9.]{1,6}/[a-z]{1,6}"))
def test_any_text_is_a_positive_rate_or_refused(text: str) -> None:
    try:
        rate = parse_rate(text)
    except ValueError:
        return
    assert 0 < rate < float("inf")
