"""Reading the line and the body of an ``%%each`` cell, and the error for each mistake."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drawer_ipy.errors import DefinitionError, Problem
from drawer_ipy.notebook.each.body import EachBody, read_body
from drawer_ipy.notebook.each.header import Header, read_header
from drawer_ipy.notebook.each.text import EachText

NOTEBOOK: dict[str, Any] = {"urls": ["a", "bb"], "count": 0, "fetch": len, "n": 2}


def read(line: str, body: str = "x") -> tuple[Header, EachBody]:
    text = EachText(line, body)
    header = read_header(text)
    return header, read_body(text, header.target, NOTEBOOK)


def output(line: str, body: str) -> list[Any]:
    """The output of the body for each item."""
    header, found = read(line, body)
    function = found.function("body", header.target, {**NOTEBOOK}, "<cell>", 0)
    return [function(item) for item in header.items(EachText(line, body), NOTEBOOK)]


def refused(line: str, body: str = "x") -> tuple[int | None, int | None, str]:
    """The place and the text of the first problem."""
    with pytest.raises(DefinitionError) as caught:
        read(line, body)[0].items(EachText(line, body), NOTEBOOK)
    first = caught.value.problems[0]
    return first.line, first.column, f"{first.message} | {first.remediation}"


@pytest.mark.parametrize(
    ("line", "over", "options"),
    [
        ("x in urls", "urls", ""),
        ("x in urls -p 8 --out pages", "urls", "-p 8 --out pages"),
        ("x  in  urls   -p 8", "urls", "-p 8"),
        ("x in\turls\t-q", "urls", "-q"),
        ("x in (urls)", "(urls)", ""),
        ("(x) in (urls)", "(urls)", ""),
        ("i, x in enumerate(urls, 1) -p 2", "enumerate(urls, 1)", "-p 2"),
        ("x in [u for u in urls if u != '-p 8'] -p 2", "[u for u in urls if u != '-p 8']", "-p 2"),
        ("x in range(n -1)", "range(n -1)", ""),
        ("x in urls[n - 1:] --stop", "urls[n - 1:]", "--stop"),
        ("x in urls  # all of them", "urls", ""),
        ("x in urls -p 2 # 'quoted", "urls", "-p 2"),
        ("x in urls # -p 2", "urls", ""),
        ("x in ['a #b', 'c#d'] --stop #", "['a #b', 'c#d']", "--stop"),
        ("x in urls --save '# a.csv'", "urls", "--save '# a.csv'"),
        ("x in urls --save a#b.csv", "urls", "--save a#b.csv"),
        ("x in 'a -b c'.split() -p 2", "'a -b c'.split()", "-p 2"),
        ("x in '''a -b'''.split() -p 2", "'''a -b'''.split()", "-p 2"),
        ('x in {"a -p": 1}.items() -p 2', '{"a -p": 1}.items()', "-p 2"),
        ("äé in urls -p 2", "urls", "-p 2"),
        ("x in urls if n else [] -p 2", "urls if n else []", "-p 2"),
        ("(x, *rest) in [urls] -q", "[urls]", "-q"),
    ],
)
def test_the_expression_ends_before_the_options(line: str, over: str, options: str) -> None:
    header = read_header(EachText(line, "x"))
    assert (header.over, header.options) == (over, options)
    assert line[header.over_at :].startswith(over)


def test_the_variable_before_the_arrows_gets_the_results() -> None:
    header = read_header(EachText("pages << x in urls -p 2", "x"))
    assert (header.into, header.over, header.options) == ("pages", "urls", "-p 2")


@pytest.mark.parametrize(
    ("line", "body", "outputs"),
    [
        ("x in urls", "x", ["a", "bb"]),
        ("x in urls", "y = x * 2\n{'y': y}", [{"y": "aa"}, {"y": "bbbb"}]),
        ("i, x in enumerate(urls)", "(i, x)", [(0, "a"), (1, "bb")]),
        ("a, (b, *c) in [(1, (2, 3, 4))]", "[a, b, c]", [[1, 2, [3, 4]]]),
        ("x in urls", "if len(x) > 1:\n    continue\nx", ["a", None]),
        ("x in urls", "for c in x:\n    continue\nx", ["a", "bb"]),
        ("x in urls", "if len(x) > 1:\n    return 'long'\nx", ["a", "long"]),
        ("x in urls", "    y = x\n    y", ["a", "bb"]),
        ("x in urls", "\n\n# what it does\ny = x\n\ny\n# end", ["a", "bb"]),
        ("x in urls", "text = '''\n  kept\n'''\ntext + x", ["\n  kept\na", "\n  kept\nbb"]),
        ("x in urls", "def inner():\n    return x\ninner()", ["a", "bb"]),
        ("x in urls", "class A:\n    b = x\nA.b", ["a", "bb"]),
        ("x in urls", "[c for c in x if c]", [["a"], ["b", "b"]]),
        ("x in urls", "x = x.upper()\nx", ["A", "BB"]),
        ("x in urls", "total = 0\nfor c in x:\n    total += 1\ntotal", [1, 2]),
        (
            "x in urls",
            "match x:\n    case 'a':\n        r = 1\n    case other:\n        r = other\nr",
            [1, "bb"],
        ),
        (
            "x in urls",
            "try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    m = str(e)\nm",
            ["division by zero"] * 2,
        ),
        ("x in urls", "if (k := len(x)) > 1:\n    pass\nk", [1, 2]),
        ("x in urls", "seen = None\nwhile seen is None:\n    seen = x\nseen", ["a", "bb"]),
        (
            "x in urls",
            "n_ = 0\nfor c in x:\n    if n_:\n        last + c\n    n_, last = 1, c\nlast",
            ["a", "b"],
        ),
        ("x in urls", "import json as j\nj.dumps(x)", ['"a"', '"bb"']),
        ("x in urls", "del x\n5", [5, 5]),
        ("inputs in urls", "inputs", ["a", "bb"]),
        ("each in urls", "each", ["a", "bb"]),
        ("item, _ in [(1, 2)]", "item", [1]),
        ("äé in urls", "äé", ["a", "bb"]),
    ],
)
def test_the_last_expression_is_the_output(line: str, body: str, outputs: list[Any]) -> None:
    assert output(line, body) == outputs


@pytest.mark.parametrize(
    ("body", "is_async"),
    [
        ("await fetch(x)", True),
        ("[y async for y in fetch(x)]", True),
        ("async with fetch(x) as y:\n    pass\ny", True),
        ("f'{await fetch(x)}'", True),
        ("if x:\n    await fetch(x)\nx", True),
        ("fetch(x)", False),
        ("async def inner():\n    await fetch(x)\ninner", False),
        ("lambda: [y for y in x]", False),
    ],
)
def test_a_body_that_awaits_is_asynchronous(body: str, is_async: bool) -> None:
    assert read("x in urls", body)[1].is_async == is_async


@pytest.mark.parametrize(
    ("line", "column", "text"),
    [
        ("", 8, "what to loop over is missing"),
        ("urls", 12, "TARGET in ITEMS"),
        ("x of urls", 10, "TARGET in ITEMS"),
        ("for x in urls", 8, "leave it out: %%each x in urls"),
        ("x in urls:", 17, "no colon"),
        ("x in ", 13, "TARGET in ITEMS"),
        ("x in urls]", 17, "TARGET in ITEMS: "),
        ("x in [1,", 16, "`[` is not closed: the loop must be on one line"),
        ("x in f(urls # )", 19, "`(` is not closed"),
        ("x in urls \\", 18, "a backslash does not continue the line"),
        ("d['a'] in urls", 8, "`d['a']` is shared by all items"),
        ("a.b in urls", 8, "`a.b` is shared by all items"),
        ("i, d[0] in urls", 11, "`d[0]` is shared by all items"),
        ("3 in urls", 8, "TARGET in ITEMS"),
        ("x in nope", 13, "there is no name `nope`"),
        ("x in url", 13, "did you mean 'urls'?"),
        ("x in 1/0", 13, "ZeroDivisionError"),
        ("x in await urls", 13, "await it in a cell above"),
        ("a.b << x in urls", 8, "one variable before the <<"),
    ],
)
def test_a_line_without_a_loop_is_refused_with_its_place(line: str, column: int, text: str) -> None:
    found = refused(line)
    assert text in found[2]
    assert found[:2] == (1, column)


@pytest.mark.parametrize(
    ("body", "line", "column", "text"),
    [
        ("", 1, 1, "the body is empty"),
        ("# nothing\n", 1, 1, "the body is empty"),
        ("x = 3 +", 2, 8, "the body is not Python: invalid syntax"),
        ("x\n  y", 3, 2, "unexpected indent"),
        ("a = (1,\nb = 2", 2, 5, "'(' was never closed"),
        ("def f():\n    await x\nf", 3, 5, "'await' outside async function"),
        ("count += 1", 2, 1, "count += sum(...)"),
        ("if x:\n    count += 1\nx", 3, 5, "`count` is a variable of the notebook"),
        ("for c in x:\n    count += 1\ncount", 3, 5, "`count` is a variable of the notebook"),
        ("count = count + 1\ncount", 2, 9, "give it another name"),
        ("del count", 2, 5, "`count` is a variable of the notebook"),
        ("print(total)\ntotal = 1", 2, 7, "`total` has no value yet here"),
        ("ftch(x)", 2, 1, "there is no name `ftch` | did you mean 'fetch'?"),
        ("y = [ftch for c in urls if c]\nftch(y)", 3, 1, "did you mean 'fetch'?"),
        ("await asyncio.sleep(0)", 2, 7, "there is no name `asyncio`"),
        ("yield x", 2, 1, "cannot yield"),
        ("y = yield", 2, 5, "cannot yield"),
        ("if x:\n    break", 3, 5, "`break` cannot end the loop"),
        ("!ls", 2, 1, "`!ls` runs a program"),
        ("y = !ls {x}\ny", 2, 5, "`!ls` runs a program"),
        ("y = 1\n!!ls", 3, 1, "`!!ls` runs a program"),
        ("%time fetch(x)", 2, 1, "the magic %time cannot stand in the body"),
        ("    %timeit x", 2, 5, "the magic %timeit cannot stand in the body"),
        ("t = %pwd\nt", 2, 5, "the magic %pwd"),
        ("x\n%%bash\nls", 3, 1, "the magic %%bash"),
        ("nonlocal y\ny = 1", 2, 1, "nonlocal"),
        ("x\x00", 2, 1, "null bytes"),
        ("from os.path import *\njoin(x)", 2, 21, "import * only allowed at module level"),
    ],
)
def test_statements_that_an_item_cannot_run_are_refused_with_their_place(
    body: str, line: int, column: int, text: str
) -> None:
    found = refused("x in urls", body)
    assert text in found[2]
    assert found[:2] == (line, column)


def test_all_problems_are_reported_at_once() -> None:
    with pytest.raises(DefinitionError) as caught:
        read("x in urls", "ftch(x)\ncount += 1\nnope")
    assert [p.line for p in caught.value.problems] == [2, 3, 4]
    assert "    count += 1\n    ^" in str(caught.value)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("y = fetch(x)", "end the body with `y`"),
        ("y: int = 3", "end the body with `y`"),
        ("if x:\n    ftch(x)\nx", "did you mean 'fetch'?"),
        ("x or ftch(x)", "did you mean 'fetch'?"),
        ("try:\n    ftch\nexcept NameError:\n    pass\nx", "did you mean 'fetch'?"),
    ],
)
def test_a_possible_mistake_causes_a_warning(body: str, text: str) -> None:
    warnings = read("x in urls", body)[1].warnings
    assert [w.severity for w in warnings] == ["warning"]
    assert text in str(warnings[0])


@pytest.mark.parametrize(
    "body",
    [
        "globals()['new'] = x\nnew",
        "exec('new = 1')\nnew",
        "global made\nmade = x\nmade",
        "lambda: anything",
        "def later():\n    return anything\nlater",
        "__name__, __file__",
        "print(x)",
    ],
)
def test_names_that_appear_only_at_run_time_do_not_stop_a_run(body: str) -> None:
    assert read("x in urls", body)


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_text_is_read_or_refused_with_a_place(line: str, body: str) -> None:
    problems: list[Problem] = []
    try:
        read(line, body)
    except DefinitionError as error:
        problems = error.problems
    assert all(p.line and p.column for p in problems)


names = st.sampled_from(["x", "y", "urls", "count", "fetch", "zz"])
expressions = st.recursive(
    names | st.just("1"),
    lambda e: st.one_of(
        st.tuples(e, e).map("({0[0]} + {0[1]})".format),
        e.map("[{0} for q in urls]".format),
        e.map("fetch({0})".format),
        e.map("(lambda y: {0})".format),
        st.tuples(e, e, e).map("({0[0]} if {0[1]} else {0[2]})".format),
        st.tuples(names, e).map("({0[0]} := {0[1]})".format),
    ),
    max_leaves=6,
)
statements = st.one_of(
    st.tuples(names, expressions).map("{0[0]} = {0[1]}".format),
    st.tuples(names, expressions).map("{0[0]} += {0[1]}".format),
    expressions,
    st.tuples(expressions, names, expressions).map("if {0[0]}:\n    {0[1]} = {0[2]}".format),
    st.tuples(names, expressions).map("for {0[0]} in urls:\n    {0[1]}".format),
    names.map("def {0}(): return 1".format),
    names.map("del {0}".format),
)


@given(st.lists(statements, min_size=1, max_size=5))
def test_law_an_accepted_body_without_branches_has_no_unbound_names(lines: list[str]) -> None:
    """UnboundLocalError and NameError of certain reads are found before the run."""
    if any("if " in line or "for " in line or "del " in line for line in lines):
        return
    body = "\n".join(lines)
    try:
        header, found = read("x in urls", body)
    except DefinitionError:
        return
    function = found.function("body", header.target, {**NOTEBOOK}, "<cell>", 0)
    try:
        function("a")
    except NameError as error:  # includes UnboundLocalError
        raise AssertionError(f"{error} in:\n{body}") from None
    except Exception:  # errors of the values are allowed
        return
