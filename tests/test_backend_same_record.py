"""A drawer of functions leaves the same record on every backend, and hides the same secrets."""

from __future__ import annotations

import json
from typing import Any

import pytest
from records import plain

from drawer_ipy import each, press

TEXT = """
inputs: [{name: xs, type: list}, {name: token, type: string, secret: true}]
steps:
  - {id: head, button: double, args: {x: 21}}
  - id: outer
    kind: for_each
    over: ${inputs.xs}
    as: ys
    parallelism: 2
    on_item_failure: continue
    steps:
      - id: inner
        kind: for_each
        over: ${ys}
        as: y
        parallelism: 2
        tolerated_failures: 1
        steps:
          - {id: twice, button: double, args: {x: "${y}"}}
          - {id: odd, button: odd, args: {x: "${twice.output}"}, on_failure: continue}
      - id: which
        kind: switch
        cases: [{when: "${size(ys) > 2}", steps: [{id: many, button: double, args: {x: 1}}]}]
  - {id: bad, button: secret, args: {text: "${inputs.token}"}, on_failure: continue}
  - {id: last, button: double, args: {x: "${outer.output.total}"}}
"""


def double(x: Any) -> Any:
    if x == 13:
        raise ValueError("thirteen")
    return x * 2


def odd(x: int) -> int:
    if x % 4 == 0:
        raise LookupError(f"{x} is even")
    return x


def secret(text: str) -> None:
    print("printed", text)
    raise RuntimeError(f"leaked {text}")


def record(backend: str) -> Any:
    buttons = {"double": double, "odd": odd, "secret": secret}
    inputs = {"xs": [[1, 2, 3], [13, 4], [13, 13], []], "token": "hush-hush-4711"}
    results = press(TEXT, inputs, buttons=buttons, backend=backend, check=False, quiet=True, durable="off")
    text = json.dumps(results.run.to_dict(), default=str)
    assert "hush-hush-4711" not in text + str(results.explain(0)) + repr(results)
    return plain(json.loads(text))


@pytest.mark.parametrize("backend", ["threads", "processes:2"])
def test_the_record_is_that_of_a_run_without_a_backend(backend: str) -> None:
    expected = record("")
    assert expected["status"] in ("ok", "failed")
    assert record(backend) == expected


def test_presses_at_one_place_share_the_facts_about_it() -> None:
    """A million items would else have a million dicts that say the same."""
    rows = each(abs, range(-50, 0), backend="threads", quiet=True)
    facts = [row.steps["output"].about for row in rows]
    assert facts[0] == {"where": "a thread of the kernel"}
    assert len({id(about) for about in facts}) == 1
