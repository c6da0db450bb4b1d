"""Wrong arguments of ``@button`` are refused where the button is defined, with what is right."""

from __future__ import annotations

import datetime
import decimal
from typing import Any

import numpy as np
import pytest

import drawer_ipy
from drawer_ipy import UsageError, button, press
from drawer_ipy.buttons import FunctionButton, as_button


def work(x: int = 1) -> int:
    return x


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"timeout": -1}, "button 'work': timeout must be seconds above 0, not -1", "None for no limit"),
    ({"timeout": 0}, "timeout must be seconds above 0, not 0", "None for no limit"),
    ({"timeout": "30"}, "timeout must be seconds above 0, not '30'", "timeout=30"),
    ({"timeout": True}, "not True", "timeout=30"),
    ({"timeout": float("nan")}, "not nan", "timeout=30"),
    ({"timeout": float("inf")}, "not inf", "None for no limit"),
    ({"timeout": datetime.timedelta(seconds=1)}, "timeout must be seconds", "timeout=30"),
    ({"timeout": decimal.Decimal(3)}, "timeout must be seconds", "timeout=30"),
    ({"name": 3}, "the name of a button must be text, not 3", "name='fetch-page'"),
    ({"name": b"x"}, "must be text, not b'x'", "name="),
    ({"name": ""}, "must not be empty", "leave out the name"),
    ({"name": "  "}, "must not be empty", "leave out the name"),
    ({"name": " x"}, "' x' cannot be the name", "spaces"),
    ({"name": "a\nb"}, "cannot be the name", "line ends"),
    ({"cache": 3600}, "no unit", "1h"),
    ({"cache": "often"}, "not a length of time", "1h"),
    ({"cache": []}, "must be text", "1h"),
    ({"rate": object()}, "is not a rate", "5/s"),
    ({"rate": "5"}, "is not a rate", "5/s"),
]


@pytest.mark.parametrize(("given", "message", "hint"), WRONG)
def test_a_wrong_argument_is_refused(given: dict[str, Any], message: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        button(**given)(work)
    assert message in caught.value.message
    assert hint in caught.value.remediation


@pytest.mark.parametrize("given", ["fetch", 30, 5.0, [work], {"name": "x"}])
def test_a_value_without_a_name_is_refused(given: Any) -> None:
    with pytest.raises(UsageError, match="must be callable") as caught:
        button(given)
    assert "@button(name=..., timeout=..." in caught.value.remediation


def test_right_arguments_are_taken() -> None:
    for timeout in (1, 0.5, np.int64(3), np.float32(2)):
        made = as_button(button(timeout=timeout)(lambda_like()))
        assert made.timeout == float(timeout)
    assert as_button(button(name="fetch page")(lambda_like())).name == "fetch page"
    assert as_button(button(timeout=None, name=None, rate=None, cache=None)(lambda_like())).timeout is None


def lambda_like() -> Any:
    def made(x: int = 1) -> int:
        return x

    return made


@pytest.mark.parametrize("name", [3, "", " a"])
def test_names_of_buttons_of_a_press_are_checked(name: Any) -> None:
    with pytest.raises(UsageError, match="name"):
        press("steps: [{id: a, kind: wait, duration: 1ms}]", buttons={name: work}, quiet=True)


def test_a_schema_must_be_a_mapping() -> None:
    with pytest.raises(UsageError, match="output_schema is 'x'"):
        FunctionButton(work, output_schema="x")  # type: ignore[arg-type]


@pytest.mark.parametrize("name", [3, None, "", "Odd", " odd"])
def test_the_name_of_a_runtime_is_checked(name: Any) -> None:
    with pytest.raises(UsageError, match="cannot be registered as a button runtime: its name must be"):
        drawer_ipy.register_button(name, work)
