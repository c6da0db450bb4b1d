"""Random definitions and expressions: some right, some nearly, some not at all."""
# ruff: noqa: E501 - the tables of pieces read best a few lines long

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

CASES = Path(__file__).resolve().parent.parent / "tests" / "conformance"

IDS = [
    "a",
    "b",
    "c",
    "a-b",
    "a_b",
    "each",
    "1st",
    "import",
    "x",
    "item",
    "inputs",
    "env",
    "é",
    "in",
    "",
    "a.b",
]
_ROOTS = [*IDS, "inputs.n", "inputs.xs", "inputs.my-key", "inputs.d", "a.output", "b.output", "each.output",
          "item.steps", "env.HOME", "batteries.k", "webhooks.main", "nope", "a.error.code"]  # fmt: skip
_MEMBERS = [".n", ".x", "[0]", ".0", "['x']", "[-1]", ".results", "[item]", ".output", ".steps",
            "[inputs.n]", ".class", "[1.0]", "[null]", ".size"]  # fmt: skip
_LITERALS = ["0", "1", "-3", "2.5", "1e308", "9223372036854775807", "9223372036854775808", "'a'", '"b-c"',
             "'é}'", "true", "false", "null", "[]", "[1, 2, 3]", "{}", "{'x': 1, 'n': [1]}", "{1: 2}", "b'x'", "0x1F",
             "1u", "'''t'''", "r'\\d'", "duration('1s')", "timestamp('2030-01-01T00:00:00Z')"]  # fmt: skip
_BINARY = ["+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "&&", "||", "in", "??", "-"]
# `@` stands for what it is applied to.
_CALLS = ["size(@)", "string(@)", "int(@)", "double(@)", "type(@)", "bool(@)", "bytes(@)", "timestamp(@)",
          "duration(@)", "@.contains('a')", "@.startsWith('a')", "@.matches('a+')", "@.size()", "@.getHours()",
          "nope(@)", "has(@.x)", "!@", "-@", "(@)", "[@, @]", "{'k': @}", "@ ? @ : 1", "@.map(i, i)",
          "@.filter(i, i > 1)", "@.all(i, i == @)", "@.exists(i, true)", "@.exists_one(i, i == 1)",
          "@.map(i, i > 1, i * 2)"]  # fmt: skip
_NOISE = ["${", "}", "$${", "$ENV{A}", "$ENV{", "'", '"', "(", ")", "[", "]", "{", ",", ":", "?", ".", " ",
          "\\", "\n", "\0", "é", "\U0001f600", "-", "$", "%", "#", "@", "`", "=>", "//x", "${}", "  "]  # fmt: skip


def _grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    member = st.builds("{}{}".format, inner, st.sampled_from(_MEMBERS))
    call = st.builds(lambda call, arg: call.replace("@", arg), st.sampled_from(_CALLS), inner)
    gap = st.sampled_from([" ", ""])
    binary = st.builds(lambda a, g, op, b: f"{a}{g}{op}{g}{b}", inner, gap, st.sampled_from(_BINARY), inner)
    ternary = st.builds("{} ? {} : {}".format, inner, inner, inner)
    return member | call | binary | ternary


sound_expressions = st.recursive(
    st.sampled_from(_ROOTS) | st.sampled_from(_LITERALS) | st.integers().map(str), _grown, max_leaves=8
)
soup = st.lists(st.sampled_from([*_NOISE, *_ROOTS, *_LITERALS, *_BINARY]), max_size=12).map("".join)


@st.composite
def damaged(draw: st.DrawFn, texts: st.SearchStrategy[str], pieces: list[str]) -> str:
    """One of `texts` with something cut out, put in, or said twice, at up to three places."""
    text = draw(texts)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(text)))
        gap = draw(st.sampled_from([0, 0, 1, 2, 5, 40]))
        piece = draw(st.sampled_from([*pieces, "", text[at : at + 30]]))
        text = text[:at] + piece + text[at + gap :]
    return text


expressions = st.one_of(sound_expressions, damaged(sound_expressions, _NOISE), soup, st.text(max_size=30))


templates = st.one_of(
    sound_expressions.map("${{{}}}".format),
    expressions.map("${{{}}}".format),
    st.lists(
        expressions.map("${{{}}}".format) | st.sampled_from(["x", " ", "$${a}", "$ENV{HOME}", "}", "{x}"]),
        max_size=4,
    ).map("".join),
    soup,
)

# Definitions

_plain: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | st.integers(-3, 2**70) | st.floats() | st.text(max_size=6) | templates
)
values = st.recursive(
    _plain,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(IDS), inner, max_size=3),
    max_leaves=6,
)
_backoffs = st.fixed_dictionaries(
    {},
    optional={
        "strategy": st.sampled_from(["fixed", "exponential", "wild"]),
        "initial_ms": st.sampled_from([0, 1, 2, 0.5, -1]),
        "factor": st.sampled_from([0, 1, 2, 1e300]),
        "max_ms": st.sampled_from([1, 2]),
        "jitter": st.sampled_from([True, False, 0.5, 7]),
    },
).map(lambda one: {"max_ms": 2, **one})
_policies = st.sampled_from(["stop", "continue", "continue", "retry", "ignore"]) | st.fixed_dictionaries(
    {"action": st.sampled_from(["stop", "continue", "retry"])},
    optional={
        "max_attempts": st.integers(0, 4),
        "backoff": _backoffs,
        "retry_on": st.lists(st.sampled_from(["TIMEOUT", "ValueError", "FUNCTION_ERROR", "no"]), max_size=2),
        "compensate_with": st.sampled_from(
            ["same", "drawer/child", "nope", {"button": "same"}, {"drawer": 1}, 3]
        ),
    },
)
_lists: st.SearchStrategy[Any] = st.one_of(
    st.lists(values, max_size=4),
    st.sampled_from(
        ["inputs.xs", "${inputs.xs}", "[1, 2, 3]", "a.output", "each.output.results", "item", "{}"]
    ),
    expressions,
)
_common = {
    "on_failure": _policies,
    "timeout_seconds": st.sampled_from([0, 0.05, 1, 5, -1, "1"]),
    "args": st.dictionaries(st.sampled_from(["x", "y", "message", "n"]), values, max_size=2),
}
_loop = {
    "as": st.sampled_from(IDS),
    "parallelism": st.sampled_from([0, 1, 2, 5, -1, "2"]),
    "on_item_failure": st.sampled_from(["stop", "continue", "skip"]),
    "tolerated_failures": st.sampled_from([0, 1, "50%", "x", "100%", -1]),
    "rate": st.sampled_from(["10000/s", "1/x", "900000/min"]),
}


def _step(kind: str, fields: dict[str, Any], more: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    fixed = {"id": st.sampled_from(IDS), "kind": st.just(kind), **fields}
    return st.fixed_dictionaries(fixed, optional={**_common, **more})


def _leaves() -> st.SearchStrategy[dict[str, Any]]:
    return st.one_of(
        _step("button", {"button": st.sampled_from(["same", "fail", "slow", "p", "q", "nope", "odd", ""])},
              {"rate": st.sampled_from(["10000/s", "0/s"])}),
        _step("drawer", {"drawer": st.sampled_from(["child", "other", "main", "nope", ""])}, {}),
        _step("aggregate", {"from": _lists, "pluck": expressions}, {}),
        _step("transform", {"expression": values | expressions}, {}),
        _step("merge", {"from": _lists}, {}),
        _step("wait", {}, {"duration": st.sampled_from(["1ms", "0s", "-5s", "soon", "${inputs.n}"]),
                           "until": st.sampled_from(["2001-01-01T00:00:00Z", "x", "${a}"])}),
    )  # fmt: skip


def _nests(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    steps = st.lists(inner, max_size=3)
    case = st.fixed_dictionaries({"when": expressions}, optional={"id": st.sampled_from(IDS), "steps": steps})
    return st.one_of(
        _step("for_each", {"over": _lists, "steps": steps}, _loop),
        _step("batch", {"over": _lists, "size": st.integers(-1, 3), "steps": steps}, _loop),
        _step("switch", {"cases": st.lists(case, max_size=2)}, {"steps": steps}),
        _step("split", {"branches": st.dictionaries(st.sampled_from(IDS), steps, max_size=3)}, {}),
    )


step_lists = st.lists(st.recursive(_leaves(), _nests, max_leaves=5), max_size=4)
_inputs = st.lists(
    st.sampled_from(["n", "xs", "my-key"])
    | st.fixed_dictionaries(
        {"name": st.sampled_from(["n", "xs", "d", "k", ""])},
        optional={
            "type": st.sampled_from(["int", "string", "list", "any", "enum", "no"]),
            "required": st.booleans(),
            "secret": st.booleans(),
            "default": values,
            "values": st.lists(st.integers(), max_size=2),
        },
    ),
    max_size=3,
)
_URLS = ["http://127.0.0.1:9/{{x}}", "http://127.0.0.1/%zz?{{x}}#{{x}}", "{{x}}", "ftp://x", "https://", "http://[",
         "http://[::1/{{x}}", "http://x:99999/", "http://x:y", "http://\u2028/", "http://é..x/", "http://u@x"]  # fmt: skip
_buttons = st.dictionaries(
    st.sampled_from(["p", "q"]),
    st.fixed_dictionaries(
        {},
        optional={
            "prompt": st.sampled_from(["hello {{x}}", "{{", "${inputs.n}", ""]),
            "args": st.sampled_from([["x"], {"x": "int"}, [{"name": "x", "type": "enum"}], None, "x"]),
            "url": st.sampled_from(_URLS),
            "output_schema": st.sampled_from([{"type": "object", "properties": {"x": 1}}, {"type": 3}, {}]),
            "rate": st.sampled_from(["5000/s", "no"]),
            "queue": st.sampled_from(
                [{"name": "q", "concurrency": 1}, {"concurrency": 2, "key": "{{x}}"}, 3]
            ),
        },
    ),
    max_size=2,
)
drawers = st.fixed_dictionaries(
    {"steps": step_lists},
    optional={
        "schema_version": st.sampled_from([1, 2, 3, "2"]),
        "drawer_kind": st.sampled_from(["action", "flow", "x"]),
        "name": st.sampled_from(["main", "", "x y"]),
        "inputs": _inputs,
        "buttons": _buttons,
        "return": st.dictionaries(st.sampled_from(IDS), values, max_size=2),
        "on_error": st.fixed_dictionaries(
            {"drawer": st.sampled_from(["child", "other", "nope", ""])},
            optional={"with": st.dictionaries(st.sampled_from(IDS), values, max_size=2)},
        ),
        "triggers": st.sampled_from([[{"kind": "webhook", "path": "/x"}], [{}], {}]),
        "note": values,
    },
)
inputs = st.dictionaries(st.sampled_from(["n", "xs", "d", "my-key", "k"]), values, max_size=4) | st.just(
    {"n": 2, "xs": [1, 2, 3], "d": {"x": 1}}
)

_LEAF_KINDS = ["button", "button", "transform", "aggregate", "merge", "wait", "drawer"]
_NEST_KINDS = ["for_each", "for_each", "batch", "switch", "split"]
_sound_policies = st.sampled_from(
    [
        *(None, None, None, "stop", "continue"),
        {"action": "retry", "max_attempts": 3, "backoff": {"initial_ms": 1, "jitter": True}},
        {"action": "retry", "max_attempts": 2, "retry_on": ["ValueError"]},
    ]
)


class _Sound:
    """Makes one drawer that validation has nothing against; what comes of it when it runs is open."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw
        self._made = 0

    def pick(self, *options: Any) -> Any:
        return self._draw(st.sampled_from(options))

    def steps(self, depth: int, known: list[str]) -> list[dict[str, Any]]:
        out: list[dict[str, Any]] = []
        for _ in range(self.pick(1, 1, 2, 3)):
            self._made += 1
            out.append(self._step(f"s{self._made}", depth, known))
            known = [*known, out[-1]["id"]]
        return out

    def _value(self, known: list[str]) -> str:
        outputs = [f"{name}.output" for name in known]
        return str(
            self.pick("inputs.n", "inputs.xs", "inputs.d", "inputs.n ?? 1", "[1, 2]", "{'x': 1}", *outputs)
        )

    def _list(self, known: list[str]) -> Any:
        return self.pick(
            "inputs.xs", "${inputs.xs}", "[1, 2, 3]", "[]", [1, "a", None], "[[1], [2]]", self._value(known)
        )

    def _step(self, name: str, depth: int, known: list[str]) -> dict[str, Any]:
        kind = self.pick(*_LEAF_KINDS, *(_NEST_KINDS * 2 if depth < 3 else ()))
        step = {"id": name, "kind": kind, **getattr(self, f"_{kind}")(depth, known)}
        policy = self._draw(_sound_policies)
        if policy is not None:
            step["on_failure"] = policy
        if self.pick(False, False, True):
            step["timeout_seconds"] = self.pick(0.05, 5)
        return step

    def _button(self, depth: int, known: list[str]) -> dict[str, Any]:
        name = self.pick("same", "same", "slow", "fail", "odd")
        return {
            "button": name,
            "args": {"x": f"${{{self._value(known)}}}"} if name in ("same", "slow") else {},
        }

    def _transform(self, depth: int, known: list[str]) -> dict[str, Any]:
        value = self._value(known)
        return {"expression": self.pick(value, {"a": value}, f"[{value}]", f"size({value})", f"{value} == 2")}

    def _aggregate(self, depth: int, known: list[str]) -> dict[str, Any]:
        return {
            "from": self._list(known),
            "pluck": self.pick("item", "item.x", "item + 1", self._value(known)),
        }

    def _merge(self, depth: int, known: list[str]) -> dict[str, Any]:
        return {"from": [self._value(known), self._value(known)]}

    def _wait(self, depth: int, known: list[str]) -> dict[str, Any]:
        return {"duration": self.pick("1ms", "0s", "${string(inputs.n)}ms")}

    def _drawer(self, depth: int, known: list[str]) -> dict[str, Any]:
        return {"drawer": "sound", "args": {"x": f"${{{self._value(known)}}}"}}

    def _for_each(self, depth: int, known: list[str]) -> dict[str, Any]:
        fields = {"over": self._list(known), "steps": self.steps(depth + 1, known)}
        if self.pick(True, False):
            fields["parallelism"] = self.pick(0, 2, 4)
        return {**fields, **self.pick({}, {"on_item_failure": "continue"}, {"tolerated_failures": "50%"})}

    def _batch(self, depth: int, known: list[str]) -> dict[str, Any]:
        return {**self._for_each(depth, known), "size": self.pick(1, 2)}

    def _switch(self, depth: int, known: list[str]) -> dict[str, Any]:
        case = {"when": self.pick("true", "inputs.n == 2", "inputs.n"), "steps": self.steps(depth + 1, known)}
        return {"cases": [case], "steps": self.steps(depth + 1, known)}

    def _split(self, depth: int, known: list[str]) -> dict[str, Any]:
        return {"branches": {"left": self.steps(depth + 1, known), "right": self.steps(depth + 1, known)}}


@st.composite
def sound_drawers(draw: st.DrawFn) -> dict[str, Any]:
    """A drawer that validation has nothing against, given the buttons and drawers that fuzz.py has."""
    fields = {"inputs": ["n", "xs", "d"], "steps": _Sound(draw).steps(0, [])}
    return {
        **fields,
        **draw(st.sampled_from([{}, {}, {"on_error": {"drawer": "sound", "with": {"x": "${inputs.n}"}}}])),
    }


@st.composite
def disarranged(draw: st.DrawFn) -> Any:
    """A drawer in which something, somewhere, is of another type or missing."""
    tree = json.loads(json.dumps(draw(drawers)))
    for _ in range(draw(st.integers(1, 2))):
        _disarrange(draw, tree)
    return tree


def _disarrange(draw: st.DrawFn, tree: Any) -> None:
    here = tree
    while True:
        keys = list(here) if isinstance(here, dict) else list(range(len(here)))
        if not keys:
            return
        key = draw(st.sampled_from(keys))
        below = here[key]
        if isinstance(below, dict | list) and below and draw(st.booleans()):
            here = below
            continue
        what = draw(st.sampled_from(["drop", "value", "list", "twice"]))
        if what == "drop":
            del here[key]
        elif what == "value":
            here[key] = draw(values)
        elif what == "list":
            here[key] = [below]
        elif isinstance(here, dict):
            here[f"{key}s"] = below
        return


_PIECES = ["\n", "  ", "- ", ": ", "{", "}", "[", "]", '"', "'", "&a ", "*a", "<<: ", "\t", "|", ">", "#", "!!int ",
           "? ", "---", "%", "@", "\x00", "\u2028", ",", "id: a\n", "${", "steps:\n", "kind: for_each\n", "1e999",
           "\\u"]  # fmt: skip


def _as_yaml(value: Any, indent: int = 0) -> str:
    """A tree as block YAML, with flow style and JSON for what is inside."""
    pad = "  " * indent
    if isinstance(value, dict) and value and indent < 6:
        return "".join(
            f"{pad}{json.dumps(k) if indent % 2 else k}:{_below(v, indent)}" for k, v in value.items()
        )
    return f"{pad}{json.dumps(value)}\n"


def _below(value: Any, indent: int) -> str:
    if isinstance(value, dict) and value:
        return "\n" + _as_yaml(value, indent + 1)
    if isinstance(value, list) and value:
        entries = (_as_yaml(entry, indent + 2) for entry in value)
        return "\n" + "".join(f"{'  ' * (indent + 1)}- {entry.lstrip()}" for entry in entries)
    return f" {json.dumps(value)}\n"


def recorded() -> list[str]:
    """The drawers of the recorded cases, as JSON."""
    found: list[str] = []
    for name in ("cases", "cases-more", "defects"):
        cases = json.loads((CASES / f"{name}.json").read_text("utf-8"))
        found += [json.dumps(drawer, indent=1) for case in cases for drawer in case["drawers"].values()]
    return found


texts = st.one_of(
    drawers.map(_as_yaml),
    drawers.map(json.dumps),
    damaged(drawers.map(_as_yaml), _PIECES),
    damaged(drawers.map(lambda tree: json.dumps(tree, indent=1)), _PIECES),
    damaged(st.sampled_from(recorded()), _PIECES),
    st.lists(st.sampled_from(_PIECES), max_size=30).map("".join),
    st.text(max_size=60),
)
