"""Values of `${...}` references, as tables of (text, expected), and errors."""

from __future__ import annotations

import dataclasses
import json
import time
from collections import UserDict, UserList, defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from drawer_ipy.errors import ResolveError
from drawer_ipy.expressions import (
    alias_of,
    compile_expression,
    compile_template,
    compile_value,
    to_text,
)

INPUTS = {
    "s": "hello",
    "open": "(",
    "n": 3,
    "f": 2.5,
    "t": True,
    "nul": None,
    "l": [1, 2, 3],
    "m": {"b": "x", "a": 1},
    "objs": [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}],
    "recs": [{"ok": True, "v": 1}, {"ok": False, "v": 2}, {"ok": True, "v": 3}],
    "stage": "pre-prod",
    "big": 12345678,
    "my-key": "hk",
    "uni": "héllo ☃ 😀",
    "tiny": 1e-05,
    "huge": 1e21,
    "el": [],
    "em": {},
    "digits": {"0": "zero", "1st": "first"},
    "when": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
}
SCOPE: dict[str, Any] = {
    "inputs": INPUTS,
    "env": {"CASE_VAR": "env-value", "CASE_JSON": '{"a":1}'},
    "webhooks": {},
    "emit-data": {"output": {"x": 1, "tags": ["p", "q"], "nested": {"k": "v"}, "nothing": None}},
    "import": {"output": {"ok": True}},
    "in": {"output": {"ok": True}},
    "1st": {"output": {"ok": True}},
    "item": {"steps": {"my-w": {"output": {"got": 1}}}, "id": 7},
    "n": 10,
}


def resolve(text: str, scope: dict[str, Any] = SCOPE) -> Any:
    return compile_template(text).resolve(scope)


def same(left: Any, right: Any) -> bool:
    """Whether the values are equal and of the same type; in Python True == 1 and 2 == 2.0."""
    return left == right and type(left) is type(right)


WHOLE = {
    "${inputs.s}": "hello",
    "${inputs.n}": 3,
    "${ inputs.n }": 3,
    "${inputs.f}": 2.5,
    "${inputs.t}": True,
    "${inputs.nul}": None,
    "${inputs.el}": [],
    "${inputs.em}": {},
    "${inputs.huge}": 1e21,
    "${inputs.l[1]}": 2,
    "${inputs.l[1.0]}": 2,
    "${inputs.l.1}": 2,
    "${inputs.objs.0.id}": 1,
    "${inputs.objs[inputs.n - 2].name}": "b",
    "${inputs.m['b']}": "x",
    '${inputs.m["b"]}': "x",
    "${inputs['my-key']}": "hk",
    "${inputs.my-key}": "hk",
    "${inputs.digits.0}": "zero",
    "${inputs.digits[0]}": "zero",
    "${inputs.digits.1st}": "first",
    "${env.CASE_VAR}": "env-value",
    "${has(env.NOPE_VAR) ? env.NOPE_VAR : 'd'}": "d",
    "${emit-data.output.x}": 1,
    "${emit-data.output.tags[1]}": "q",
    "${emit-data}": SCOPE["emit-data"],
    "${emit_data.output.x}": 1,
    "${emit-data.output.x + 1}": 2,
    "${emit-data.output.tags[0] + '/' + emit-data.output.nested.k}": "p/v",
    "${has(emit-data.output.nothing)}": True,
    "${import.output.ok}": True,
    "${in.output.ok}": True,
    "${1st.output.ok}": True,
    "${item.steps.my-w.output.got}": 1,
    "${item.steps['my-w'].output.got}": 1,
}
LITERALS = {
    "${null}": None,
    "${true}": True,
    "${-3}": -3,
    "${-(3)}": -3,
    "${0x1f}": 31,
    "${5u}": 5,
    "${1e3}": 1000.0,
    "${.5}": 0.5,
    "${-9223372036854775808}": -(2**63),
    "${'a\\nb'}": "a\nb",
    '${"a\\"b"}': 'a"b',
    "${'a-b'}": "a-b",
    "${r'a\\nb'}": "a\\nb",
    "${'''it's}'''}": "it's}",
    "${'\\x41\\u00e9\\U0001F600\\101'}": "Aé😀A",
    "${b'abc'}": b"abc",
    "${b'\\xff'}": b"\xff",
    "${'${inputs.s}'}": "${inputs.s}",
    "${[1, 2, 'x']}": [1, 2, "x"],
    "${[1, 2,]}": [1, 2],
    "${[null, inputs.nul]}": [None, None],
    "${{'a': 1, 'b': [true]}}": {"a": 1, "b": [True]},
    '${ {"a": 1}.a }': 1,
    "${{1: 'a'}}": {"1": "a"},
    "${{1: 'a'}[1]}": "a",
    "${{}}": {},
}
OPERATORS = {
    "${1 + 2 * 3}": 7,
    "${(1 + 2) * 3}": 9,
    "${10 - 2 - 3}": 5,
    "${3-1}": 2,
    "${7 / 2}": 3,
    "${-7 / 2}": -3,
    "${7 % 2}": 1,
    "${-7 % 3}": -1,
    "${7.0 / 2}": 3.5,
    "${7.5 % 2}": 1.5,
    "${2.5 + 1}": 3.5,
    "${1 - 0.5}": 0.5,
    "${inputs.n * 2}": 6,
    "${inputs.n + 1}": 4,
    "${inputs.n % 2}": 1,
    "${inputs.f * 2.0}": 5.0,
    "${inputs.n-1.0}": 2.0,
    "${inputs.n-1}": 2,
    "${n-1}": 9,
    "${n-inputs.n-1}": 6,
    "${10-n}": 0,
    "${-n}": -10,
    "${'a' + 'b'}": "ab",
    "${b'a' + b'b'}": b"ab",
    "${inputs.l + [4]}": [1, 2, 3, 4],
    "${inputs.n == 3}": True,
    "${inputs.n == 3.0}": True,
    "${inputs.n == '3'}": False,
    "${inputs.n != 3}": False,
    "${true == 1}": False,
    "${[true] == [1]}": False,
    "${inputs.nul == null}": True,
    "${inputs.m == {'a': 1, 'b': 'x'}}": True,
    "${inputs.m == {'a': 1}}": False,
    "${inputs.stage == 'pre-prod'}": True,
    "${env.CASE_VAR == 'env-value'}": True,
    "${inputs.n > 2 ? 'hi' : 'lo'}": "hi",
    "${inputs.n >= 3.5}": False,
    "${'a' < 'b'}": True,
    "${inputs.nul == null ? 'none' : 'some'}": "none",
    "${false ? inputs.nope : 1}": 1,
    "${false ? 1 : true ? 2 : 3}": 2,
    "${!inputs.t}": False,
    "${!!true}": True,
    "${inputs.t && !false}": True,
    "${inputs.t || inputs.missing}": True,
    "${inputs.missing || inputs.t}": True,
    "${inputs.missing && false}": False,
    "${1 || true}": True,
    "${2 in inputs.l}": True,
    "${2.0 in inputs.l}": True,
    "${true in [1]}": False,
    "${'a' in inputs.m}": True,
    "${'zz' in inputs.m}": False,
    "${!('zz' in inputs.m)}": True,
    "${inputs.nope ?? 'd'}": "d",
    "${inputs.nul ?? 'd'}": "d",
    "${inputs.nope.deeper[3] ?? 'd'}": "d",
    "${inputs.l[9] ?? inputs.nope ?? 'd'}": "d",
    "${nosuch ?? 1}": 1,
    "${inputs.s ?? 'd'}": "hello",
    "${(inputs.t ?? false) ? 'y' : 'n'}": "y",
    "${inputs.nope ?? false ? 'y' : 'n'}": "n",
    "${inputs.n-1 ?? 7}": 2,
    "${inputs.my-key ?? 'd'}": "hk",
    "${inputs.n-1 == 2 || false}": True,
}
CALLS = {
    "${size(inputs.l)}": 3,
    "${size(inputs.uni)}": 9,
    "${inputs.s.size()}": 5,
    "${size({'a': 1})}": 1,
    "${string(inputs.n)}": "3",
    "${string(inputs.big)}": "12345678",
    "${string(true)}": "true",
    "${string(1.5)}": "1.5",
    "${'n' + string(inputs.n)}": "n3",
    "${int('42')}": 42,
    "${int(2.9)}": 2,
    "${int(inputs.n) + 1}": 4,
    "${double('2.5')}": 2.5,
    "${double(2)}": 2.0,
    "${bool('true')}": True,
    "${bytes('é')}": "é".encode(),
    "${inputs.s.contains('ell')}": True,
    "${inputs.s.startsWith('he')}": True,
    "${inputs.s.endsWith('x')}": False,
    "${'u1'.matches('^u[0-9]$')}": True,
    "${matches('abc', 'b')}": True,
    "${type(inputs.s) == string}": True,
    "${type(inputs.n) == int}": True,
    "${type(inputs.when) == google.protobuf.Timestamp}": True,
    "${type(null) == null_type}": True,
    "${timestamp('2026-01-02T03:04:05Z')}": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    "${timestamp('2026-01-02T03:04:05Z').getFullYear()}": 2026,
    "${inputs.when.getHours('America/New_York')}": 22,
    "${duration('90s')}": timedelta(seconds=90),
    "${duration('1h30m').getMinutes()}": 90,
    "${inputs.when + duration('1h') > inputs.when}": True,
    "${(inputs.when - timestamp('2026-01-02T03:04:00Z')).getSeconds()}": 5,
    "${int(timestamp('1970-01-01T00:01:00Z'))}": 60,
    "${has(inputs.s)}": True,
    "${has(inputs.nope)}": False,
    "${has(inputs['my-key'])}": True,
    "${has(inputs.my-key)}": True,
    "${has(inputs.l[7])}": False,
    "${has(inputs.nul.x)}": False,
}
MACROS = {
    "${inputs.objs.map(o, o.id)}": [1, 2],
    "${inputs.objs.map(o, {'k': o.id})}": [{"k": 1}, {"k": 2}],
    "${inputs.l.map(x, x > 1, x * 10)}": [20, 30],
    "${inputs.l.filter(x, x > 1)}": [2, 3],
    "${inputs.recs.filter(r, r.ok)}": [{"ok": True, "v": 1}, {"ok": True, "v": 3}],
    "${inputs.recs.exists(r, r.v == 3.0)}": True,
    "${inputs.l.all(x, x > 0)}": True,
    "${inputs.el.all(x, x > 0)}": True,
    "${inputs.el.exists(x, x > 0)}": False,
    "${inputs.l.exists_one(x, x == 2)}": True,
    "${inputs.m.map(k, k + '!')}": ["b!", "a!"],
    "${inputs.m.exists(k, k == 'a')}": True,
    "${[[1], [2, 3]].map(x, x.map(y, y + size(x)))}": [[2], [4, 5]],
    "${inputs.l.map(n, n)}": [1, 2, 3],
    "${inputs.l.map(n, n)[0] + n}": 11,
    "${[{'a': 1}, {}].exists(x, x.a == 1)}": True,
    "${[{}, {'a': 1}].exists(x, x.a == 1)}": True,
    "${[{}, {'a': 1}].all(x, x.a == 2)}": False,
    "${inputs.l.map(x, x-1)}": [0, 1, 2],
    "${inputs.l.filter(x, x-1 > 0)}": [2, 3],
    "${inputs.l.exists(x, x-1 == 2)}": True,
}
SPLICED = {
    "cost $5": "cost $5",
    "cost $5 ${inputs.n}": "cost $5 3",
    "{x} $x": "{x} $x",
    "${inputs.s} {x}": "hello {x}",
    " ${inputs.n}": " 3",
    "${inputs.s}-${inputs.n}": "hello-3",
    "t=${inputs.t}": "t=true",
    "z=${inputs.nul}": "z=null",
    "l=${inputs.l}": "l=[1,2,3]",
    "m=${inputs.m}": 'm={"a":1,"b":"x"}',
    "o=${inputs.objs}": 'o=[{"id":1,"name":"a"},{"id":2,"name":"b"}]',
    "big=${inputs.big}": "big=12345678",
    "tiny=${inputs.tiny}": "tiny=1e-05",
    "huge=${inputs.huge}": "huge=1e+21",
    "d=${2.0}": "d=2",
    "x ${'a}b'} y": "x a}b y",
    "x ${{'a': 1}.a} y": "x 1 y",
    "w=${inputs.when}": "w=2026-01-02T03:04:05Z",
    "d=${duration('90s')}": "d=90s",
    "b=${b'abc'}": "b=abc",
    "${env.CASE_VAR}$ENV{CASE_VAR}": "env-valueenv-value",
    "v=$ENV{CASE_VAR}!": "v=env-value!",
    "$ENV{CASE_VAR}": "env-value",
    "$ENV{CASE_JSON}": '{"a":1}',
    "$ENV{SURELY_NOT_SET}": "",
    "x $ENV{1BAD} y": "x $ENV{1BAD} y",
    "$${x}": "${x}",
    "a $${x} ${inputs.n}": "a ${x} 3",
    "$$": "$$",
    "type ${type(1)}": "type int",
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (text, expected)
        for table in (WHOLE, LITERALS, OPERATORS, CALLS, MACROS, SPLICED)
        for text, expected in table.items()
    ],
)
def test_a_reference_resolves_to_its_value(text: str, expected: Any) -> None:
    assert same(resolve(text), expected)


# -- errors ---------------------------------------------------------------------------------

SYNTAX = {
    "${}": (0, "$${"),
    "x ${ } y": (2, "$${"),
    "x ${inputs.n": (2, "$${"),
    "${inputs.}": (9, "$${"),
    "${inputs. }": (10, "$${"),
    "${1 +}": (5, "$${"),
    "a ${1 +} b": (7, "$${"),
    "${inputs.n = 4}": (11, "=="),
    "${a & b}": (4, "&&"),
    "${'abc}": (2, "$${"),
    "${VAR:-x}": (5, "$${"),
    "${frobnicate(1)}": (2, "the functions are"),
    "${inputs.s.upperAscii()}": (11, ""),
    "${inputs.s.startWith('h')}": (11, "startsWith"),
    "${size()}": (2, "size(a)"),
    "${has(inputs)}": (2, "has(inputs.name)"),
    "${inputs.l.map(1, 2)}": (11, "x.ok"),
    "${(1}": (2, "$${"),
    "${1)}": (3, ""),
    "${inputs.s.matches('(')}": (19, "written twice"),
    "${matches(inputs.s, 'a**')}": (20, "written twice"),
    "${9223372036854775808}": (2, ""),
    "${'\\q'}": (3, "\\\\"),
    "${a b}": (4, "$${"),
    "$ENV{has space}": (0, "letters"),
}


@pytest.mark.parametrize(("text", "where", "hint"), [(k, *v) for k, v in SYNTAX.items()])
def test_bad_syntax_is_refused_with_its_place(text: str, where: int, hint: str) -> None:
    with pytest.raises(ResolveError) as caught:
        compile_template(text)
    assert caught.value.offset == where
    assert caught.value.code == "RESOLVE_ERROR"
    assert hint in caught.value.remediation


UNRESOLVED = {
    "${inputs.nope}": "inputs has no 'nope'",
    "${inputs.m.zz.y}": "inputs.m has no 'zz'; it has b, a",
    "${nosuch.output.x}": "'nosuch'",
    "${inputs.s.x}": "inputs.s is text",
    "${inputs.nul.x}": "inputs.nul is null",
    "${inputs.l[9]}": "inputs.l has 3 entries",
    "${inputs.l[-1]}": "must not be negative",
    "${inputs.l[1.5]}": "3 entries",
    "${inputs.l['x']}": "is a list",
    "${inputs.l[true]}": "is a list",
    "${inputs.objs.name}": "is a list",
    "${env.NOPE}": "env has no 'NOPE'",
    "${has(inputs.nope.deeper)}": "inputs has no 'nope'",
    "${inputs.s} ${inputs.nope}": "inputs has no 'nope'",
    "${inputs.s + 1}": "+ does not work between text and a number",
    "${true + 1}": "+ does not work",
    "${inputs.s-x}": "'s-x'",
    "${1 / 0}": "division by zero",
    "${1 % 0}": "division by zero",
    "${1.0 / 0.0}": "division by zero",
    "${1e308 * 10}": "not a finite number",
    "${9223372036854775807 + 1}": "64 bits",
    "${-9223372036854775807 - 2}": "64 bits",
    "${9223372036854775807 * 2}": "64 bits",
    "${1 && true}": "must be true or false",
    "${inputs.nope && true}": "inputs has no 'nope'",
    "${inputs.n ? 1 : 2}": "must be true or false",
    "${!inputs.n}": "must be true or false",
    "${1 < 'a'}": "< does not work between a number and text",
    "${'a' in 'abc'}": "'in' needs a list or a map",
    "${'abc'.map(x, x)}": "needs a list or a map",
    "${[{}].all(x, x.a)}": "x has no 'a'",
    "${[{}, {'a': true}].exists_one(x, x.a)}": "x has no 'a'",
    "${int('secret-word')}": "not a whole number",
    "${double('nan')}": "not a finite number",
    "${timestamp('yesterday')}": "not an RFC 3339 time",
    "${1.getFullYear()}": "does not accept a number",
    "${inputs.s.matches(inputs.open)}": "not a valid regular expression (RE2 syntax): a ( without a )",
    "${inputs.s.matches(1)}": "does not accept text and a number",
    "${duration('1d')}": "this text is not a duration",
    "${duration('999999999h')}": "the longest duration is 3652500 days",
    "${duration(5)}": "does not accept a number",
    "${timestamp('2026-02-30T00:00:00Z')}": "not an RFC 3339 time",
    "${timestamp(253402300800)}": "outside the years 1 to 9999",
    "${timestamp('0001-01-01T00:00:00Z').getFullYear('-08:00')}": "outside the years 1 to 9999",
    "${timestamp(0).getHours('Nowhere/City')}": "there is no such time zone",
    "${timestamp(0).getHours('../../etc/passwd')}": "there is no such time zone",
    "${timestamp(0).getHours('/etc/localtime')}": "there is no such time zone",
    "${timestamp(0).getHours('+24:00')}": "there is no such time zone",
    "${timestamp(0).getHours(5)}": "does not accept a time and a number",
    "${duration('5s').getFullYear()}": "does not accept a timedelta",
    "${duration('5s').getHours('UTC')}": "does not accept a timedelta and text",
    "${uint(-1)}": "negative",
    "${uint('18446744073709551616')}": "64 bits",
    "${uint('5.0')}": "not a whole number",
    "${uint(true)}": "does not accept",
    "${bool('yes')}": "neither true nor false",
    "${bool(1)}": "does not accept a number",
    "${bytes(1)}": "does not accept a number",
    "${double('1_0')}": "not a number",
    "${double('1,5')}": "not a number",
    "${size(1)}": "does not accept a number",
    "${inputs.nope.x + 1 ?? inputs.nix}": "inputs has no 'nix'",
    "${1 / 0 ?? 2}": "division by zero",
}


@pytest.mark.parametrize(("text", "message"), UNRESOLVED.items())
def test_an_unresolvable_reference_says_why(text: str, message: str) -> None:
    template = compile_template(text)
    with pytest.raises(ResolveError) as caught:
        template.resolve(SCOPE)
    assert message in caught.value.message
    assert caught.value.message.startswith("${")
    assert "secret-word" not in caught.value.message.partition(": ")[2]


def test_a_similar_name_is_suggested() -> None:
    with pytest.raises(ResolveError, match="'stage'"):
        resolve("${inputs.stge}")
    with pytest.raises(ResolveError, match="'inputs'"):
        resolve("${input.stage}")


def test_deep_or_endless_expressions_are_refused_not_crashed() -> None:
    for text in ("(" * 5000 + "1" + ")" * 5000, "1" + "+1" * 5000, "a" + ".b" * 5000, "!" * 5000):
        with pytest.raises(ResolveError):
            compile_expression(text)
    assert compile_expression("1" + "+1" * 90).resolve({}) == 91
    assert compile_expression("(" * 20 + "1" + ")" * 20).resolve({}) == 1


# -- hyphens --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ({"a-b-c": 1, "a": 50}, 1),
        ({"a-b": 10, "c": 1}, 9),
        ({"a": 10, "b-c": 1}, 9),
        ({"a": 10, "b": 2, "c": 1}, 7),
    ],
)
def test_a_hyphen_is_a_minus_only_if_no_such_name_exists(scope: dict[str, Any], expected: int) -> None:
    template = compile_template("${a-b-c}")
    for _ in range(2):
        assert template.resolve(scope) == expected


def test_names_that_differ_by_hyphen_or_underscore_are_kept_apart() -> None:
    scope = {"a-b": 1, "a_b": 2}
    assert resolve("${a-b}", scope) == 1
    assert resolve("${a_b}", scope) == 2
    assert alias_of("a_b", ["a-b", "x"]) == "a-b"
    assert alias_of("a_b_c", ["a-b_c", "a_b-c"]) is None
    assert alias_of("ab", ["a-b"]) is None


def test_a_failed_subtraction_reports_the_name_as_written() -> None:
    with pytest.raises(ResolveError, match="inputs has no 's-1'"):
        resolve("${inputs.s-1}")
    with pytest.raises(ResolveError, match="inputs has no 'n-nope'"):
        resolve("${inputs.n-nope}")


# -- Python objects -------------------------------------------------------------------------


@dataclasses.dataclass
class Point:
    x: int
    _hidden: int = 0


class Model(BaseModel):
    name: str
    tags: list[str] = []


class Wicked:
    @property
    def bad(self) -> int:
        raise RuntimeError("token=abc")


def test_python_objects_pass_by_identity() -> None:
    thing = object()
    scope = {"inputs": {"a": {"b": thing}}, "u": thing, "yes": True}
    for text in (
        "${u}",
        "${inputs.a.b}",
        "${inputs['a'].b}",
        "${yes ? u : null}",
        "${nope ?? u}",
        "${[u][0]}",
        "${{'k': u}.k}",
        "${[1].map(x, u)[0]}",
    ):
        assert resolve(text, scope) is thing


def test_attributes_of_objects_are_members_but_private_ones_are_not() -> None:
    scope: dict[str, Any] = {
        "p": Point(4),
        "m": Model(name="n", tags=["a"]),
        "w": Wicked(),
        "d": Path("x/y.txt"),
    }
    assert resolve("${p.x + 1}", scope) == 5
    assert resolve("${m.tags[0]}", scope) == "a"
    assert resolve("${has(p.x) && !has(p.y)}", scope) is True
    assert resolve("${d.suffix}", scope) == ".txt"
    for text in ("${p._hidden}", "${p.__class__}", "${p['__class__']}", "${p.nope}"):
        with pytest.raises(ResolveError, match="Point"):
            resolve(text, scope)
    with pytest.raises(ResolveError) as caught:
        resolve("${w.bad}", scope)
    assert "RuntimeError" in caught.value.message
    assert "token" not in str(caught.value)


def test_other_mappings_and_sequences_work_as_maps_and_lists() -> None:
    scope: dict[str, Any] = {
        "ud": UserDict({"a": UserList([1, 2])}),
        "t": (1, 2),
        "dd": defaultdict(list, {"k": 1}),
        "ints": {1: "one"},
        "s": {1, 2},
    }
    assert resolve("${ud.a[1]}", scope) == 2
    assert resolve("${ud.a + t}", scope) == [1, 2, 1, 2]
    assert resolve("${ud.a == t}", scope) is True
    assert resolve("${ud == {'a': [1, 2]}}", scope) is True
    assert resolve("${t.map(x, x + 1)}", scope) == [2, 3]
    assert resolve("${ints[1] + ints.1 + ints['1']}", scope) == "oneoneone"
    assert resolve("${has(dd.nope)}", scope) is False
    assert resolve("${dd.nope ?? 0}", scope) == 0
    assert list(scope["dd"]) == ["k"]
    assert resolve("${1 in s && size(s) == 2}", scope) is True
    assert resolve("v=${ud}", scope) == 'v={"a":[1,2]}'


def test_numpy_values_are_numbers_and_lists() -> None:
    np = pytest.importorskip("numpy")
    scope: dict[str, Any] = {
        "i": np.int64(3),
        "f": np.float64(1.5),
        "b": np.bool_(True),
        "a": np.array([1, 2, 3]),
    }
    assert resolve("${i * 2}", scope) == 6
    assert resolve("${f + i}", scope) == 4.5
    assert resolve("${b ? 1 : 2}", scope) == 1
    assert resolve("${a[1]}", scope) == 2
    assert resolve("${size(a)}", scope) == 3
    assert resolve("${a.filter(x, x > i - 2)}", scope) == [2, 3]
    assert resolve("${a}", scope) is scope["a"]
    assert resolve("${i} ${f} ${b} ${a}", scope) == "3 1.5 true [1,2,3]"


def test_objects_cel_does_not_know_use_their_own_operators() -> None:
    scope: dict[str, Any] = {"d": Decimal("1.5"), "p": Path("a"), "o": object()}
    assert resolve("${d + 1}", scope) == Decimal("2.5")
    assert resolve("${d > 1}", scope) is True
    assert resolve("${p / 'b'}", scope) == Path("a/b")
    assert resolve("${o == o}", scope) is True
    for text in ("${o + 1}", "${o < o}", "${o && true}", "${timestamp(o)}"):
        with pytest.raises(ResolveError, match="object"):
            resolve(text, scope)


# -- structures, bare expressions, references ---------------------------------------------


def test_references_in_structures_are_resolved_in_values_but_not_in_keys() -> None:
    given = {"${k}": ["${n}", "<${n}>", {"deep": ("${n}", 1)}], "same": {"a": [1, "x"]}}
    out = compile_value(given).resolve(SCOPE)
    assert out == {"${k}": [10, "<10>", {"deep": (10, 1)}], "same": {"a": [1, "x"]}}
    assert out["same"] is given["same"]


class Word(str):
    """A subclass of str, as in markup libraries."""


def test_values_without_references_are_constants() -> None:
    for equal in ("text", "b", "x"):
        compile_template("".join(equal))  # another string, equal to one below, was compiled before
    for value in (1, None, "text", Word("text"), {"a": [1, "b"]}, (1, Word("x")), b"x", object()):
        template = compile_value(value)
        assert template.is_constant
        assert template.resolve({}) is value
        assert template.references == ()
    assert compile_value(["$${x}"]).resolve({}) == ["${x}"]
    assert not compile_value({"a": "${b}"}).is_constant


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("inputs.l", [1, 2, 3]),
        ("  inputs.n > 2 ", True),
        ("${inputs.l}", [1, 2, 3]),
        (" ${inputs.l} ", [1, 2, 3]),
        ("[5, 6]", [5, 6]),
        ("{'k': item.id}", {"k": 7}),
        ("inputs.env ?? 'a-b'", "a-b"),
        ("has(item.id) ? item.id : 0", 7),
        ("x${1}".replace("x", ""), 1),
    ],
)
def test_a_bare_expression_resolves_to_its_value(text: str, expected: Any) -> None:
    assert same(compile_expression(text).resolve(SCOPE), expected)


@pytest.mark.parametrize(
    ("text", "where"), [("", 0), ("  ", 2), ("1 +", 3), ("x ${item}", 2), (" ${a", 1), (" ${1+}", 5)]
)
def test_bad_bare_expressions_are_refused(text: str, where: int) -> None:
    with pytest.raises(ResolveError) as caught:
        compile_expression(text)
    assert caught.value.offset == where


def refs(text: str) -> list[tuple[Any, ...]]:
    return [(r.root, r.path, r.whole, r.guarded) for r in compile_template(text).references]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", []),
        ("${'b'}", []),
        ("${inputs.a.b}", [("inputs", ("a", "b"), True, False)]),
        ("x ${a} ${b.c}", [("a", (), True, False), ("b", ("c",), True, False)]),
        ("${a.output + b.0['k-l']}", [("a", ("output",), False, False), ("b", (0, "k-l"), False, False)]),
        ("${a[b.c].d}", [("a", (), False, False), ("b", ("c",), False, False)]),
        ("${a.x[0][n].y}", [("a", ("x", 0), False, False), ("n", (), False, False)]),
        ("${a.map(x, x.b + c)}", [("a", (), False, False), ("c", (), False, False)]),
        ("${has(a.b)}", [("a", ("b",), False, True)]),
        ("${has(a.b) ? a.b.c : 1}", [("a", ("b",), False, True), ("a", ("b", "c"), False, True)]),
        ("${a.b ?? c.d}", [("a", ("b",), False, True), ("c", ("d",), False, False)]),
        ("${a || b}", [("a", (), False, True), ("b", (), False, True)]),
        ("${type(a) == string}", [("a", (), False, False)]),
        ("${string}", [("string", (), True, False)]),
        ("$ENV{HOME}", [("env", ("HOME",), True, True)]),
        ("${my-step.my-key}", [("my-step", ("my-key",), True, False)]),
    ],
)
def test_the_references_of_a_text_are_listed(text: str, expected: list[tuple[Any, ...]]) -> None:
    assert refs(text) == expected


def test_references_have_their_place_and_text() -> None:
    (ref,) = compile_template("go to ${ inputs . a['b'] }").references
    assert (ref.offset, ref.text) == (9, "inputs . a['b']")
    (ref,) = compile_expression("  x.y + 1").references
    assert (ref.offset, ref.text) == (2, "x.y")


def test_hyphens_that_are_not_in_existing_names_are_minus_signs() -> None:
    template = compile_template("${my-step.output.n-1 + n-inputs.n-1}")
    known = {("my-step",), ("n",), ("inputs",), ("inputs", "n"), ("my-step", "output", "n-1")}
    found = template.references_given(lambda path: path in known)
    assert [(r.root, *r.path) for r in found] == [
        ("my-step", "output", "n-1"),
        ("n",),
        ("inputs", "n"),
    ]
    nothing = compile_template("${no-such.x}").references_given(lambda path: False)
    assert [r.root for r in nothing] == ["no-such"]


# -- text, speed --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1.0, "1"),
        (-0.5, "-0.5"),
        (1e16, "10000000000000000"),
        (2**70, str(2**70)),
        (timedelta(milliseconds=-250), "-0.25s"),
        (timedelta(days=1), "86400s"),
        (datetime(2026, 1, 2), "2026-01-02T00:00:00"),
        ([1.0, None, True, {"a": timedelta(seconds=1)}], '[1,null,true,{"a":"1s"}]'),
        ([Point(1)], '[{"_hidden":0,"x":1}]'),
        ([Model(name="é")], '[{"name":"é","tags":[]}]'),
        ([float("inf")], "[null]"),
        (Path("a/b"), "a/b"),
        ({1: "<&>"}, '{"1":"<&>"}'),
    ],
)
def test_a_value_is_converted_to_text(value: Any, expected: str) -> None:
    assert to_text(value) == expected


def test_a_hundred_thousand_entries_are_processed_quickly() -> None:
    scope = {"xs": [{"n": i, "s": str(i)} for i in range(100_000)]}
    began = time.process_time()
    assert len(resolve("${xs.filter(x, x.n % 2 == 0 && x.s != '4')}", scope)) == 49_999
    assert resolve("${xs.all(x, has(x.n))}", scope) is True
    assert resolve("${size(xs.map(x, x.n > 10, {'v': x.n}))}", scope) == 99_989
    assert time.process_time() - began < 5


def test_templates_are_compiled_once() -> None:
    assert compile_template("${a.b}") is compile_template("${a.b}")
    assert compile_expression("a.b") is compile_expression("a.b")


def test_the_inputs_of_the_conformance_cases_are_preserved_as_json() -> None:
    plain = {k: v for k, v in INPUTS.items() if k != "when"}
    assert json.loads(resolve("${m} ", {"m": plain})) == plain
