"""Functions of expressions have the values that Google's implementation of CEL gives them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cel_expr_python import cel
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from drawer_ipy.errors import ResolveError
from drawer_ipy.expressions import compile_expression
from drawer_ipy.expressions.regex import Regex, compile_pattern
from drawer_ipy.expressions.regex_parser import parse
from drawer_ipy.expressions.regex_program import InvalidPattern

LAWS = settings(deadline=None, max_examples=400)
REFUSED = object()


@pytest.fixture(scope="module")
def theirs() -> Callable[..., Any]:
    """Evaluates an expression with Google's engine; :data:`REFUSED` in place of an error."""
    environment = cel.NewEnv(variables=dict.fromkeys("xyz", cel.Type.DYN))

    def evaluate(text: str, **scope: Any) -> Any:
        result = environment.compile(text, disable_check=True).eval(data=scope)
        if result.type().name() == "ERROR":
            return REFUSED
        value = result.value()
        return bytes(value) if isinstance(value, bytearray) else value

    return evaluate


def ours(text: str, **scope: Any) -> Any:
    try:
        return compile_expression(text).resolve(scope)
    except ResolveError:
        return REFUSED


# Regular expressions

ATOMS = st.sampled_from(
    [
        *"abcKkſſßσςéǅ_ -\n.^$",
        "\\d",
        "\\w",
        "\\s",
        "\\D",
        "\\W",
        "\\S",
        "\\b",
        "\\B",
        "\\A",
        "\\z",
        "\\.",
        "\\x41",
        "\\x{e9}",
        "\\pL",
        "\\p{Lu}",
        "\\P{Ll}",
        "\\p{^N}",
        "[abc]",
        "[^a-k]",
        "[[:alpha:]_]",
        "[[:^digit:]]",
        "[\\w-]",
        *[
            "[\\D]",
            "[^\\s.]",
            "[]a]",
            "[a-]",
            "\\Qa.b\\E",
            "\\101",
            "\\n",
            "\\t",
            "{",
            "}",
            "a{",
            "x{,2}",
            "]",
        ],
    ]
)
REPEATS = st.sampled_from(["*", "+", "?", "*?", "+?", "??", "{2}", "{1,}", "{0,2}", "{2,3}?", "{0}"])


def grow(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    groups = [
        "({})",
        "(?:{})",
        "(?P<n>{})",
        "(?<m>{})",
        "(?i:{})",
        "(?s:{})",
        "(?-i:{})",
        "(?m:{})",
        "(?i){}",
        "(?U){}",
    ]
    return st.one_of(
        st.lists(inner, min_size=1, max_size=3).map("".join),
        st.tuples(inner, inner).map("|".join),
        st.tuples(st.sampled_from(groups), inner).map(lambda pair: pair[0].format(pair[1])),
        st.tuples(inner, REPEATS).map(lambda pair: f"(?:{pair[0]}){pair[1]}"),
    )


PATTERNS = st.recursive(ATOMS, grow, max_leaves=6) | st.text("ab()[]{}*+?|\\.^$-,1&é:<>PidsQE", max_size=8)
TEXTS = st.text("abckKK_sſßẞσςΣéÉǆǅǄ -.\n1Ab", max_size=8)


@LAWS
@given(pattern=PATTERNS, text=TEXTS)
def test_a_pattern_matches_the_same_texts(theirs: Callable[..., Any], pattern: str, text: str) -> None:
    # RE2 finds places inside a character, between the bytes of its UTF-8.
    assume("\\B" not in pattern or text.isascii())
    expected = theirs("x.matches(y)", x=text, y=pattern)
    if expected is REFUSED or "\\C" not in pattern:
        assert ours("x.matches(y)", x=text, y=pattern) == expected


@pytest.mark.parametrize(
    "pattern", ["\\p{Greek}", "\\C", "(?=a)", "(?<!a)b", "(a)\\1", "(?P=n)", "a" * 9 + "{1001}"]
)
def test_what_is_missing_is_refused(pattern: str) -> None:
    with pytest.raises(InvalidPattern):
        parse(pattern)


@pytest.mark.parametrize("pattern", ["((a{99}){99}){99}", "(((((a{9}){9}){9}){9}){9}", "(" * 300 + ")" * 300])
def test_a_pattern_that_is_too_large_is_refused_at_once(pattern: str) -> None:
    with pytest.raises(InvalidPattern):
        parse(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+$",
        "(a|a)+$",
        "(a|aa)+$",
        "(.*a){12}b",
        "(a*)*b",
        "^(a?){30}a{30}b$",
        "(x+x+)+y",
        "((a|b)*?c)+d",
        "(?i)(a+)+$",
    ],
)
def test_the_steps_of_a_match_grow_with_the_text(pattern: str, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = 0
    real = Regex._step

    def counted(self: Regex, state: Any, c: str) -> Any:
        nonlocal steps
        steps += 1
        return real(self, state, c)

    monkeypatch.setattr(Regex, "_step", counted)
    compile_pattern.cache_clear()
    assert not compile_pattern(pattern).is_in("a" * 20_000 + "!")
    assert steps < 200  # the other characters lead from known states to known states


def test_many_different_texts_do_not_fill_the_memory() -> None:
    regex = compile_pattern("(.)(.)x$")
    for n in range(5_000):
        assert not regex.is_in(chr(0x4E00 + n) * 3)
    assert len(regex._states) <= 2_000
    assert all(len(state.following) <= 2_000 for state in regex._states.values())


# Times and durations

TIMES = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))
ZONES = st.sampled_from(
    [
        *[
            "UTC",
            "Europe/Berlin",
            "America/New_York",
            "Asia/Kathmandu",
            "+05:30",
            "-08:00",
            "02:00",
            "-0:30",
            "",
        ],
        *["Nowhere/City", "utc", "+2", "local"],
    ]
)
PARTS = [
    "FullYear",
    "Month",
    "Date",
    "DayOfMonth",
    "DayOfWeek",
    "DayOfYear",
    "Hours",
    "Minutes",
    "Seconds",
    "Milliseconds",
]


@LAWS
@given(time=TIMES, zone=ZONES, part=st.sampled_from(PARTS))
def test_the_parts_of_a_time(theirs: Callable[..., Any], time: datetime, zone: str, part: str) -> None:
    if time.year < 1900 and "/" in zone:
        time = time.replace(year=2000, day=1)  # the data of zones differ for times before there were zones
    text = time.isoformat()
    call = f"timestamp(x).get{part}(y)"
    assert ours(call, x=text, y=zone) == theirs(call, x=text, y=zone)
    assert ours(f"x.get{part}(y)", x=time, y=zone) == theirs(call, x=text, y=zone)


@LAWS
@given(
    duration=st.timedeltas(timedelta(days=-3_000_000), timedelta(days=3_000_000)),
    part=st.sampled_from(["Hours", "Minutes", "Seconds", "Milliseconds"]),
)
def test_the_parts_of_a_duration(theirs: Callable[..., Any], duration: timedelta, part: str) -> None:
    text = f"{duration // timedelta(microseconds=1)}us"
    call = f"duration(x).get{part}()"
    assert ours(call, x=text) == ours(f"x.get{part}()", x=duration) == theirs(call, x=text)


@LAWS
@given(
    parts=st.lists(
        st.tuples(
            st.sampled_from(["1", "90", "1.5", ".25", "0.0000019", "99999"]),
            st.sampled_from(["h", "m", "s", "ms", "us", "ns"]),
        ),
        min_size=1,
        max_size=3,
    ),
    sign=st.sampled_from(["", "-", "+"]),
)
def test_a_duration_from_text(theirs: Callable[..., Any], parts: list[tuple[str, str]], sign: str) -> None:
    text = sign + "".join(number + unit for number, unit in parts)
    assert ours("duration(x)", x=text) == theirs("duration(x)", x=text)


CONVERSIONS = {
    "timestamp": [
        "2026-01-02T03:04:05Z",
        "2026-01-02T03:04:05.123456789Z",
        "2026-01-02t03:04:05z",
        "2026-01-02T03:04:05+23:59",
        "9999-12-31T23:59:59.999999999Z",
        "2026-01-02 03:04:05Z",
        "2026-01-02T03:04:05",
        "2026-01-02",
        "2026-02-30T00:00:00Z",
        "2026-01-02T24:00:00Z",
        "2026-01-02T03:04:05,5Z",
        "2026-01-02T03:04:05+24:00",
        "10000-01-01T00:00:00Z",
        0,
        60,
        -62135596800,
        -62135596801,
        253402300800,
        1.5,
        True,
        None,
    ],
    "duration": [
        "0",
        "1h30m",
        "-1.5h",
        "5",
        "",
        "1d",
        "1h 30m",
        "inf",
        "315576000000s",
        "315576000001s",
        "1e3s",
        5,
        None,
    ],
    "uint": [
        1,
        -1,
        1.9,
        -0.5,
        2.0**64,
        "5",
        "+5",
        "-5",
        "5.0",
        "",
        True,
        "18446744073709551615",
        "18446744073709551616",
    ],
    "bool": [
        "true",
        "True",
        "TRUE",
        "t",
        "T",
        "1",
        "yes",
        "false",
        "f",
        "F",
        "0",
        " true",
        "",
        True,
        1,
        0,
        None,
    ],
    "bytes": ["é", b"a", "", 1, None],
    "double": ["1.5", " 1.5 ", "1_0", "1e5", "", "abc", ".5", "5.", "+1", "1,5", "1d", "١", "-1e-3"],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in CONVERSIONS.items() for value in values]
)
def test_a_conversion(theirs: Callable[..., Any], name: str, value: Any) -> None:
    assert ours(f"{name}(x)", x=value) == theirs(f"{name}(x)", x=value)
