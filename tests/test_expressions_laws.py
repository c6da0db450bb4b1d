"""Laws for all generated references."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from drawer_ipy.errors import ResolveError
from drawer_ipy.expressions import (
    compile_expression,
    compile_template,
    compile_value,
    to_text,
)

settings.register_profile("expressions", deadline=None, max_examples=150)
LAWS = settings(settings.get_profile("expressions"))

WORDS = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True).filter(
    lambda w: w not in ("true", "false", "null")
)
HYPHENED = st.lists(WORDS, min_size=2, max_size=3).map("-".join)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
INT64 = st.integers(-(2**63), 2**63 - 1)
SCALARS = st.none() | st.booleans() | INT64 | FLOATS | st.text(max_size=20)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
# Text that is almost an expression finds more faults than arbitrary text.
PIECES = st.sampled_from([*"{}()[].,:?<!+-*/%'\"\\ \n1é😀"]) | st.sampled_from(
    [
        "${",
        "$${",
        "$ENV{A}",
        "??",
        "||",
        "&&",
        "==",
        "!=",
        "<=",
        "in",
        "r'",
        'b"',
        "0x",
        "1e",
        "1.5",
        "9999999999999999999",
        "null",
        "true",
        "a",
        "a-b",
        "1st",
        "item",
        "inputs",
        "has(",
        "size(",
        ".map(x,",
        ".filter(",
        "'''",
    ]
)
NEARLY = st.lists(PIECES, max_size=14).map(" ".join) | st.lists(PIECES, max_size=14).map("".join)


def quoted(text: str) -> str:
    """`text` as a CEL literal."""
    out = json.dumps(text, ensure_ascii=False)
    return out.replace("\\/", "/").replace("\x7f", "\\x7f")


def attempt(work: Callable[[Any], Any], argument: Any) -> tuple[Any, ResolveError | None]:
    """The result of `work`, or the only error that it may raise."""
    try:
        return work(argument), None
    except ResolveError as error:
        return None, error


@LAWS
@given(st.lists(WORDS | HYPHENED, min_size=1, max_size=4))
def test_a_path_returns_the_identical_object(names: list[str]) -> None:
    thing = object()
    value: Any = thing
    for name in reversed(names):
        value = {name: value}
    assert compile_template("${" + ".".join(names) + "}").resolve(value) is thing
    bracketed = names[0] + "".join(f"[{quoted(name)}]" for name in names[1:])
    assert compile_template("${" + bracketed + "}").resolve(value) is thing
    assert compile_expression(bracketed).resolve(value) is thing


@LAWS
@given(st.text(max_size=60) | NEARLY)
def test_any_text_compiles_or_is_refused(text: str) -> None:
    scope = {"inputs": {}, "item": [1], "env": {}, "a": 1, "b": "x"}
    for compile_ in (compile_template, compile_expression):
        template, refusal = attempt(compile_, text)
        if template is None:
            assert refusal is not None
            assert refusal.offset is not None
            assert 0 <= refusal.offset <= len(text)
            continue
        for ref in template.references:
            assert text[ref.offset :].startswith(ref.text)
        _, refusal = attempt(template.resolve, scope)
        assert refusal is None or refusal.message


@LAWS
@given(st.text(max_size=40))
def test_text_without_a_dollar_is_unchanged(text: str) -> None:
    assume("$" not in text)
    template = compile_template(text)
    assert template.is_constant
    assert template.resolve({}) == text


@LAWS
@given(JSON)
def test_any_value_resolves_to_itself_and_spliced_is_its_json(value: Any) -> None:
    scope = {"inputs": {"a": {"b": value}}}
    assert compile_template("${inputs.a.b}").resolve(scope) is value
    spliced = compile_template("v:${inputs.a.b}").resolve(scope)
    assert spliced == "v:" + to_text(value)
    if not isinstance(value, str):
        assert json.loads(spliced[2:]) == value


@LAWS
@given(JSON)
def test_a_structure_of_references_is_rebuilt(value: Any) -> None:
    flat: list[Any] = []

    def refer(part: Any) -> Any:
        if isinstance(part, dict):
            return {key: refer(entry) for key, entry in part.items()}
        if isinstance(part, list):
            return [refer(entry) for entry in part]
        flat.append(part)
        return f"${{flat[{len(flat) - 1}]}}"

    assert compile_value(refer(value)).resolve({"flat": flat}) == value


@LAWS
@given(st.text(alphabet=st.sampled_from("ab}{$'\"\\\n ?-é"), max_size=12), st.text("xy {}", max_size=5))
def test_any_quoted_text_is_safe(inner: str, tail: str) -> None:
    text = "<${" + quoted(inner) + "}>" + tail
    assert compile_template(text).resolve({}) == "<" + inner + ">" + tail


@LAWS
@given(st.lists(WORDS, min_size=2, max_size=4, unique=True), st.data())
def test_a_hyphenated_name_takes_precedence_over_subtraction(names: list[str], data: st.DataObject) -> None:
    joined = "-".join(names)
    numbers = {name: data.draw(st.integers(-1000, 1000)) for name in names}
    template = compile_template("${" + joined + "}")
    whole: dict[str, Any] = {**numbers, joined: "the name"}
    assert template.resolve(whole) == "the name"
    expected = numbers[names[0]] - sum(numbers[name] for name in names[1:])
    assert template.resolve(numbers) == expected
    assert template.resolve(whole) == "the name"
    assert {r.root for r in template.references_given(lambda p: p[0] in numbers)} == set(names)


@LAWS
@given(SCALARS, SCALARS)
def test_coalescing_returns_the_first_value_that_is_not_null(left: Any, right: Any) -> None:
    scope = {"a": left, "b": right}
    assert compile_template("${a ?? b}").resolve(scope) is (right if left is None else left)
    assert compile_template("${nope.x[1] ?? b}").resolve(scope) is right
    assert compile_template("${a ?? nope}").resolve({"a": 1}) == 1
    chained = compile_template("${(a ?? b) ?? 7}").resolve(scope)
    assert compile_template("${a ?? b ?? 7}").resolve(scope) is chained


@LAWS
@given(INT64 | FLOATS, INT64 | FLOATS)
def test_numbers_compare_by_value_and_add_as_python_does(left: float, right: float) -> None:
    scope = {"a": left, "b": right}
    for op, expected in (("==", left == right), ("<", left < right), (">=", left >= right)):
        assert compile_template("${a " + op + " b}").resolve(scope) is expected
    try:
        total = compile_template("${a + b}").resolve(scope)
    except ResolveError:
        assert abs(left + right) >= 2**63
    else:
        assert total == left + right


@LAWS
@given(INT64, INT64.filter(bool))
def test_whole_division_truncates_and_the_rest_completes_it(left: int, right: int) -> None:
    assume((left, right) != (-(2**63), -1))
    scope = {"a": left, "b": right}
    quotient = compile_template("${a / b}").resolve(scope)
    rest = compile_template("${a % b}").resolve(scope)
    assert quotient * right + rest == left
    assert abs(rest) < abs(right)
    assert rest == 0 or (rest < 0) == (left < 0)


@LAWS
@given(st.lists(INT64, max_size=20), INT64)
def test_macros_agree_with_python(xs: list[int], limit: int) -> None:
    scope = {"xs": xs, "limit": limit}

    def run(text: str) -> Any:
        return compile_expression(text).resolve(scope)

    over = [x for x in xs if x > limit]
    assert run("xs.filter(x, x > limit)") == over
    assert run("xs.map(x, x > limit, [x])") == [[x] for x in over]
    assert run("xs.exists(x, x > limit)") is bool(over)
    assert run("xs.all(x, x > limit)") is (len(over) == len(xs))
    assert run("xs.exists_one(x, x > limit)") is (len(over) == 1)
    assert run("limit in xs") is (limit in xs)


@LAWS
@given(JSON, JSON)
def test_equality_is_that_of_json(left: Any, right: Any) -> None:
    def strict(a: Any, b: Any) -> bool:
        if isinstance(a, bool) or isinstance(b, bool):
            return a is b
        if isinstance(a, list) and isinstance(b, list):
            return len(a) == len(b) and all(map(strict, a, b))
        if isinstance(a, dict) and isinstance(b, dict):
            return a.keys() == b.keys() and all(strict(a[k], b[k]) for k in a)
        return bool(a == b)

    scope = {"a": left, "b": right, "copy": json.loads(json.dumps(left))}
    assert compile_template("${a == b}").resolve(scope) is strict(left, right)
    assert compile_template("${a != b}").resolve(scope) is not strict(left, right)
    assert compile_template("${a == copy}").resolve(scope) is True


NAMES = st.sampled_from(["i", "j", "d", "s", "b", "l", "m", "z"])
CONSTANTS = st.sampled_from(["0", "1", "-2", "2.5", "'a'", "''", "true", "false", "null", "[1, 'a']"])
OPERATORS = ["+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "&&", "||", "in"]


def grow(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Expressions of standard CEL made of smaller ones."""
    return st.one_of(
        st.tuples(inner, st.sampled_from(OPERATORS), inner).map(" ".join),
        inner.map("({})".format),
        inner.map("!({})".format),
        inner.map("-({})".format),
        inner.map("[{}]".format),
        inner.map("size({})".format),
        inner.map("[1, 2].map(x, x + ({}))".format),
        inner.map("[1, true, 'a'].exists(x, x == ({}))".format),
        inner.map("l.all(x, x > ({}))".format),
        st.tuples(inner, inner, inner).map(lambda t: f"(({t[0]}) ? ({t[1]}) : ({t[2]}))"),
        st.tuples(inner, inner).map(lambda t: f"{{'k': {t[0]}, 'o': {t[1]}}}"),
    )


EXPRESSIONS = st.recursive(NAMES | CONSTANTS, grow, max_leaves=8)
CEL_SCOPE = {
    "i": 7,
    "j": -3,
    "d": 1.5,
    "s": "ab",
    "b": True,
    "l": [1, 2, 3],
    "m": {"a": 1, "k": "v"},
    "z": None,
}


@pytest.fixture(scope="module")
def engine() -> Any:
    from cel_expr_python import cel

    return cel.NewEnv(variables=dict.fromkeys(CEL_SCOPE, cel.Type.DYN))


def finite(value: Any) -> bool:
    return "Infinity" not in (text := json.dumps(value)) and "NaN" not in text


# Most random expressions mix incompatible types and test nothing.
@settings(LAWS, suppress_health_check=[HealthCheck.filter_too_much])
@given(text=EXPRESSIONS)
def test_expressions_have_the_same_value_as_in_cel(engine: Any, text: str) -> None:
    result = engine.compile(text, disable_check=True).eval(data=CEL_SCOPE)
    assume(result.type().name() != "ERROR")
    theirs = result.plain_value()
    assume(finite(theirs))  # drawer_ipy refuses 1.0 / 0.0, even inside an expression
    ours, refusal = attempt(compile_expression(text).resolve, CEL_SCOPE)
    assume(refusal is None or "division by zero" not in refusal.message)
    assert refusal is None
    assert json.dumps(ours, sort_keys=True) == json.dumps(theirs, sort_keys=True)


@pytest.mark.parametrize("text", ["${a", "x ${", "${'", '${"}', "${{}", "${[}", "${a[b}"])
def test_an_unclosed_reference_is_refused(text: str) -> None:
    with pytest.raises(ResolveError):
        compile_template(text)
