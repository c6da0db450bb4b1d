"""Values of a table as a page receives them: unfolded, whole, as links; types and values of columns."""

from __future__ import annotations

import dataclasses
import datetime as dt
import math
from typing import Any

import pytest
from tables_rig import Asked, table

from drawer_ipy.display.tables.values import MOST_TEXT
from drawer_ipy.errors import ErrorInfo

BROKEN = ErrorInfo("FUNCTION_ERROR", "refused")


@dataclasses.dataclass
class Point:
    x: int
    y: list[int]


@pytest.mark.parametrize(
    ("value", "path", "names"),
    [
        ({"a": 1, "b": [1, 2]}, [], ["a", "b"]),
        ({"a": 1, "b": [1, 2]}, [1], ["0", "1"]),
        ([[1, [2, 3]]], [0, 1], ["0", "1"]),
        (Point(1, [2]), [], ["x", "y"]),
        (Point(1, [2]), [1], ["0"]),
        ({1: {"c": None}}, [0], ["c"]),
        ("abc", [], []),
    ],
)
def test_nested_values_unfold(value: Any, path: list[int], names: list[str]) -> None:
    ask = Asked(table([[value]]))
    found = ask("children", row=0, column=ask.column("page"), path=[0, *path])
    assert [name for name, _ in found["cells"]] == names
    assert found["total"] == len(names)


def test_a_long_list_unfolds_in_parts() -> None:
    ask = Asked(table([list(range(250))]))
    column, seen = ask.column("page"), []
    while True:
        found = ask("children", row=0, column=column, start=len(seen))
        seen += [cell[1] for _, cell in found["cells"]]
        if len(seen) == found["total"]:
            break
    assert seen == [str(n) for n in range(250)]


def test_a_value_within_itself_does_not_end_the_kernel() -> None:
    loop: list[Any] = [1]
    loop.append(loop)
    ask = Asked(table([loop]))
    assert ask("children", row=0, column=ask.column("page"), path=[1] * 49)["total"] == 2
    assert "[" in ask("whole", row=0, column=ask.column("page"))["text"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("two\nlines\u202e", "two\nlines\u202e"),
        (1.0000000000000002, "1.0000000000000002"),
        (10**30, str(10**30)),
        ({"a": [1, None, 0.1]}, '{\n  "a": [\n    1,\n    null,\n    0.1\n  ]\n}'),
        ({1: 2}, "{1: 2}"),
        ((1, 2), "(1, 2)"),
        ([math.nan], "[nan]"),
        (b"\x00a", "b'\\x00a'"),
        (None, ""),
        (dt.date(2020, 1, 2), "datetime.date(2020, 1, 2)"),
    ],
)
def test_a_whole_value_is_exact(value: Any, text: str) -> None:
    ask = Asked(table([value, "other"]))
    found = ask("whole", row=0, column=ask.column("page"))
    assert (found["text"], found["characters"], found["exact"]) == (text, len(text), True)


def test_a_whole_value_that_is_too_long_or_no_unicode_says_so() -> None:
    ask = Asked(table(["x" * (MOST_TEXT + 1), "a\ud800b"]))
    column = ask.column("page")
    long, odd = ask("whole", row=0, column=column), ask("whole", row=1, column=column)
    assert (len(long["text"]), long["characters"]) == (MOST_TEXT, MOST_TEXT + 1)
    assert (odd["text"], odd["exact"]) == ("a?b", False)


@pytest.mark.parametrize(
    ("text", "is_link"),
    [
        ("https://example.org/a?b=1#c", True),
        ("http://127.0.0.1:8080/", True),
        ("HTTPS://EXAMPLE.ORG/", True),
        ("javascript:alert(1)", False),
        ("see https://example.org", False),
        ("https://example.org/ x", False),
        ("https://exam\u202eple.org", False),
        ("https://de.wikipedia.org/wiki/Köln", True),
        ("https://example.org/" + "x" * 5000, False),
        ("https://example.org/\n", False),
    ],
)
def test_only_a_whole_address_is_a_link(text: str, is_link: bool) -> None:
    cell = Asked(table([text]))("rows", query={}, rows=[0, 1], columns=[1, 2])["rows"][0][2][0]
    assert (cell[0] == "u") is is_link
    if is_link:
        assert cell[2] == text


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([1, 2], "int"),
        ([1, None], "int or none"),
        (["a", 1], "int, str"),
        ([1, 1.5, "a", True, b""], "5 types"),
        ([None, None], "none"),
        ([BROKEN, 1.5], "float or none"),
        ([[1], [2]], "list"),
    ],
)
def test_types_of_columns(values: list[Any], words: str) -> None:
    ask = Asked(table(values))
    assert ask("types")["types"][ask.column("page")] == words


def test_one_value_of_another_type_among_many_is_noticed() -> None:
    values = [1] * 50_000
    values[31_234] = "x"  # type: ignore[call-overload]
    ask = Asked(table([None] * 50_000, items=values))
    assert ask("types")["types"][ask.column("u")] == "int, str"


def test_common_values_are_counted() -> None:
    ask = Asked(table(["a", "b", "a", None, [1], "a"] + [str(n) for n in range(100)]))
    found = ask("values", column=ask.column("page"))
    assert found["values"][0] == ["a", 3, 0]
    assert len(found["values"]) == 50
    assert found["missing"] == 1
    assert sum(n for _, n, _ in found["values"]) + found["others"] + found["missing"] == 106
