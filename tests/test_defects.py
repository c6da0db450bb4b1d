"""The known defects of the original engine, one by one: this engine has none of them.

:data:`PROOF` names the proof for each of the 75: recorded cases (``x-...``, whose right results are in
defects_expected.py), the test of that number here, or a test elsewhere.
"""

from __future__ import annotations

import ast
import asyncio
import json
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from conformance_cases import CASES, judge_defect, load_cases
from defects_expected import RIGHT

from drawer_ipy import DefinitionError, Drawer, cli, press
from drawer_ipy.buttons import ButtonCatalog
from drawer_ipy.definition import load_drawer
from drawer_ipy.definition.step_base import STEP_KINDS
from drawer_ipy.demo import DemoSite
from drawer_ipy.engine import drawers
from drawer_ipy.engine.plan import Plans
from drawer_ipy.engine.run import Run
from drawer_ipy.record.run import RunRecord
from drawer_ipy.workspace.bounded import LIMIT, TRUNCATED

TESTS = Path(__file__).parent

PROOF: dict[int, list[str]] = {
    1: ["x-ref-whole-null", "x-stepref-empty-output", "x-agg-scalar", "x-foreach-null-items"],
    2: ["x-ref-interp-null"],
    3: ["x-ref-interp-map", "x-ref-interp-list", "x-stepref-interp"],
    4: ["x-ref-whole-big", "x-ref-interp-big", "x-ref-string-big", "x-stepref-big-interp"],
    5: ["x-arg-int-million", "x-ref-literal-million"],
    6: ["x-ref-arith-mul-int", "x-ref-arith-add-int", "x-ref-arith-mod-input", "x-stepref-arith",
        "x-agg-expr-int"],
    7: ["x-out-json-bigint"],
    8: ["x-ref-string-eq-hyphen", "x-switch-hyphen-literal", "x-agg-string-hyphen", "x-ref-env-hyphen-value"],
    9: ["x-ref-map-index-hyphen", "x-switch-downstream-output", "x-agg-after-foreach-hyphen-id-index"],
    10: ["x-ref-input-hyphen-dot", "x-agg-after-foreach-hyphen-id"],
    11: ["x-ref-arith-tight-minus"],
    12: ["test_12_names_that_differ_by_a_hyphen_are_different"],
    13: ["x-ref-string-lit-brace-interp", "x-ref-map-literal-interp", "x-ref-nested-ref-in-literal"],
    14: ["x-ref-interp-trailing-brace", "x-ref-env-two"],
    15: ["x-ref-interp-unclosed", "x-ref-interp-empty", "x-ref-env-dollar-whole-bad"],
    16: ["x-ref-null-coalesce"],
    17: ["x-foreach-downstream-dot-index", "x-ref-list-dot-index"],
    18: ["x-input-optional-missing-ref"],
    19: ["x-foreach-downstream-error-code", "x-foreach-downstream-error-null"],
    20: ["x-stepref-reserved-word-id", "x-stepref-digit-id"],
    21: ["x-stepref-id-inputs-shadow", "test_21_a_step_name_cannot_replace_a_root"],
    22: ["test_22_infinity_is_an_error_of_its_step"],
    23: ["x-ref-map-literal-int-key", "x-ref-duration-val", "x-ref-timestamp", "x-ref-bytes"],
    24: ["test_24_a_literal_reference_can_be_written"],
    25: ["x-foreach-over-leading-space", "test_25_blanks_around_an_expression_do_not_matter"],
    26: ["test_26_of_several_invalid_arguments_the_first_is_reported"],
    27: ["x-input-type-not-checked", "x-input-enum-not-checked"],
    28: ["x-arg-missing-required", "test_28_a_missing_argument_has_its_own_code"],
    29: ["x-arg-namematch-null", "x-arg-int-null"],
    30: ["x-arg-string-map", "x-ref-literal-map"],
    31: ["test_31_two_arguments_never_share_a_variable"],
    32: ["x-foreach-on-failure-continue-ignored", "x-switch-on-failure-ignored", "x-agg-on-failure-ignored",
         "x-wait-on-failure-ignored", "x-drawer-child-fails-on-failure-continue-ignored",
         "x-foreach-on-failure-retry-ignored"],
    33: ["x-policy-continue-resolve-error", "x-policy-continue-missing-button",
         "x-policy-continue-validation-error"],
    34: ["x-foreach-timeout-ignored", "x-wait-timeout-ignored", "x-drawer-timeout-ignored"],
    35: ["x-policy-retry-shared-timeout", "x-policy-retry-backoff-past-timeout"],
    36: ["test_36_every_attempt_has_the_full_time_limit"],
    37: ["x-policy-unknown-action", "x-foreach-bad-on-item-failure"],
    38: ["x-timeout-zero-button"],
    39: ["x-timeout-step", "x-timeout-button"],
    40: ["x-par-fail-cancels-sibling-victim-second", "x-foreach-stop-p4-fail-first"],
    41: ["x-foreach-stop-p4-victims"],
    42: ["x-foreach-stop-p2-not-started",
         "test_engine_laws.py::test_stop_starts_nothing_after_the_first_failure"],
    43: ["x-foreach-stop-p4-victims", "x-foreach-stop-p2-not-started"],
    44: ["x-foreach-stop-p4-victims"],
    45: ["x-val-drawer-self", "test_45_drawers_that_include_one_another_are_refused",
         "test_45_and_47_chains_end_even_without_validation"],
    46: ["x-drawer-child-flow-kind", "test_46_a_flow_is_not_pressed"],
    47: ["x-onerror-with-not-resolved", "test_47_handlers_that_lead_back_are_refused",
         "test_45_and_47_chains_end_even_without_validation"],
    48: ["test_48_the_error_of_a_failed_sub_drawer_has_its_code_and_run"],
    49: ["x-par-fail-cancels-sibling-victim-first", "x-par-wait-cancelled"],
    50: ["x-par-continue-policy-step", "x-par-continue-policy-step-dependent"],
    51: ["x-par-false-dep-input-name", "x-par-false-dep-string-literal"],
    52: ["x-par-bare-over-dep-missed", "x-par-bare-when-dep-missed"],
    53: ["test_engine_run.py::test_a_step_starts_as_soon_as_its_own_references_are_ready"],
    54: ["test_engine_run.py::test_in_graph_mode_a_failure_stops_or_skips_dependent_steps"],
    55: ["x-par-cycle", "x-par-cycle-partial"],
    56: ["x-val-foreach-nested-missing-button", "x-val-foreach-nested-bad-ref",
         "x-val-foreach-dup-nested-ids", "x-val-switch-nested-missing-button"],
    57: ["x-val-foreach-bad-over-ref", "x-val-drawer-unknown-ref", "x-val-return-bad-ref-not-flagged",
         "x-val-on-error-missing-not-flagged", "x-val-bad-policy-not-flagged", "x-val-wait-bad-duration"],
    58: ["x-val-ref-syntax-unchecked", "x-val-ref-expr-unchecked", "x-val-ref-hyphen-step-unchecked",
         "x-val-switch-bad-syntax"],
    59: ["x-val-ref-webhooks"],
    60: ["x-val-ref-not-output"],
    61: ["x-val-literal-type-not-checked", "x-val-unknown-arg-not-flagged"],
    62: ["x-val-required-arg-namematch-still-warns"],
    63: ["x-val-input-int-to-string", "x-val-schema-type-mismatch"],
    64: ["x-val-kind-unknown"],
    65: ["test_drawer.py::test_the_dict_of_a_validation_is_the_report_of_the_original"],
    66: ["x-secret-history", "x-secret-stderr-failure-history", "x-secret-namematch-history",
         "x-drawer-secret-in-child-history", "test_66_nothing_that_a_run_leaves_contains_a_secret"],
    67: ["test_67_runs_of_one_second_are_all_kept"],
    68: ["test_68_output_is_cut_only_on_disk"],
    69: ["test_69_a_child_that_keeps_stdout_open_does_not_delay_the_end"],
    70: ["test_70_the_output_of_a_killed_script_is_kept"],
    71: ["test_71_the_output_of_a_script_is_limited"],
    72: ["test_72_arguments_are_expanded_in_headers_but_not_twice",
         "test_buttons_http.py::test_redirects_are_checked_like_the_first_request",
         "test_buttons_http.py::test_headers_do_not_follow_a_redirect_to_another_origin",
         "test_buttons_http.py::test_allowed_host_applies_to_redirects_too",
         "test_buttons_http.py::test_a_body_over_the_limit_is_an_error_and_not_cut"],
    73: ["test_73_a_successful_request_has_exit_code_0"],
    74: ["test_74_set_is_all_or_nothing_and_reaches_everywhere"],
    75: ["test_75_connect_works_from_steps_of_any_kind"],
}  # fmt: skip


def test_the_proof_of_every_defect_exists() -> None:
    assert list(PROOF) == list(range(1, 76))
    for names in PROOF.values():
        for name in names:
            if not name.startswith("x-"):
                file, _, test = name.rpartition("::")
                tree = ast.parse((TESTS / (file or Path(__file__).name)).read_text(encoding="utf-8"))
                assert test in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    cited = {name for names in PROOF.values() for name in names if name.startswith("x-")}
    assert cited <= set(RIGHT)


@pytest.mark.parametrize("case", load_cases(CASES / "defects.json"), ids=lambda case: case["name"])
def test_the_wrong_results_of_the_original_are_not_accepted(case: dict[str, Any]) -> None:
    nothing = {"children": [], "problems": [], "errors": [], "warnings": []}
    assert judge_defect(RIGHT[case["name"]], nothing | {"status": "ok"} | case["original"])


def same(x: Any = None) -> Any:
    return x


def fail(message: str = "boom") -> None:
    raise ValueError(message)


def run(*steps: dict[str, Any], inputs: dict[str, Any] | None = None, **more: Any) -> RunRecord:
    fields = {"name": "t", "inputs": list(inputs or {}), "steps": list(steps), **more}
    return press(fields, inputs, check=False, quiet=True).run


def show(value: Any, step: str = "a", **more: Any) -> dict[str, Any]:
    return {"id": step, "button": "same", "args": {"x": value}, **more}


def script(code: str, *args: str, **more: Any) -> dict[str, Any]:
    return {"b": {"runtime": "sh", "code": code, "args": list(args), **more}}


PRESS = {"id": "a", "button": "b"}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace on disk."""
    monkeypatch.setenv("BUTTONS_HOME", str(tmp_path))
    return tmp_path


def save(home: Path, name: str, **fields: Any) -> None:
    folder = home / "drawers" / name
    folder.mkdir(parents=True)
    fields = {"schema_version": 2, "drawer_kind": "action", "name": name, "steps": [], **fields}
    (folder / "drawer.json").write_text(json.dumps(fields))


# References


def test_12_names_that_differ_by_a_hyphen_are_different() -> None:
    found = run(show(1, "a-b"), show(2, "a_b"), show(["${a-b.output}", "${a_b.output}"], "c"))
    assert found.step("c").output == [1, 2]


@pytest.mark.parametrize("word", ["inputs", "env", "webhooks", "batteries"])
def test_21_a_step_name_cannot_replace_a_root(word: str) -> None:
    loop = {"id": "l", "kind": "for_each", "over": [1], "as": word, "steps": [show("${env.HOME}")]}
    for step in (show(1, word), loop):
        with pytest.raises(DefinitionError, match="cannot be called"):
            run(step)


@pytest.mark.parametrize("text", ["${1.0 / 0.0}", "${-1.0 / 0.0}", "${0.0 / 0.0}", "${1e308 * 10.0}"])
def test_22_infinity_is_an_error_of_its_step(text: str) -> None:
    found = run(show(text))
    assert found.failed_step == "a"
    assert found.step("a").error is not None
    assert found.step("a").error.code == "RESOLVE_ERROR"


def test_24_a_literal_reference_can_be_written() -> None:
    found = run(show("$${inputs.n} is ${inputs.n}; $${", "a"), inputs={"n": 3})
    assert found.step("a").output == "${inputs.n} is 3; ${"


@pytest.mark.parametrize("text", [" ${inputs.l}", "${ inputs.l }\n", "\tinputs.l "])
def test_25_blanks_around_an_expression_do_not_matter(text: str) -> None:
    loop = {"id": "l", "kind": "for_each", "over": text, "steps": [show("${item}")]}
    pick = {"id": "p", "kind": "aggregate", "from": text, "pluck": " ${item} "}
    case = {"id": "s", "kind": "switch", "cases": [{"when": f" {text.strip()} == [1] ".replace("} ==", " ==")
                                                    + ("}" if "}" in text else "")}]}  # fmt: skip
    found = run(loop, pick, case, inputs={"l": [1]})
    assert found.status == "ok"
    assert found.step("p").output == {"values": [1], "count": 1}
    assert found.step("s").output["matched"] == "case-0"


def test_26_of_several_invalid_arguments_the_first_is_reported() -> None:
    bad = {f"x{i}": f"${{inputs.d.no{i}}}" for i in (3, 1, 2)}
    code = script(":", *bad)
    for _ in range(3):
        found = run({**PRESS, "args": bad}, inputs={"d": {}}, buttons=code)
        assert found.error is not None
        assert "'no3'" in found.error.message
    problems = Drawer.load({"steps": [{**PRESS, "args": {f"x{i}": f"${{no{i}}}" for i in (3, 1, 2)}}],
                            "buttons": code}).validate().errors  # fmt: skip
    assert [p.arg for p in problems] == ["x3", "x1", "x2"]


# Arguments and policies


def test_28_a_missing_argument_has_its_own_code() -> None:
    found = run({**PRESS, "args": {"q": "${inputs.q}"}}, inputs={"q": None}, buttons=script(":", "q"))
    assert found.error is not None
    assert found.error.code == "MISSING_ARG"
    assert "'q'" in found.error.message


def test_31_two_arguments_never_share_a_variable() -> None:
    names = {"my-arg": 1, "my_arg": 2, "MY_ARG": 3}
    found = run({**PRESS, "args": names}, buttons=script("echo $BUTTONS_ARG_MY_ARG"))
    assert found.error is not None
    assert found.error.code == "VALIDATION_ERROR"
    assert "BUTTONS_ARG_MY_ARG" in found.error.message


def test_36_every_attempt_has_the_full_time_limit() -> None:
    starts: list[float] = []

    async def slow() -> None:
        starts.append(time.perf_counter())
        await asyncio.sleep(60)

    policy = {"action": "retry", "max_attempts": 3, "backoff": {"strategy": "fixed", "initial_ms": 50}}
    step = {"id": "a", "button": "slow", "timeout_seconds": 0.2, "on_failure": policy}
    found = press({"steps": [step]}, buttons={"slow": slow}, check=False, quiet=True).run
    assert found.step("a").attempts == len(starts) == 3
    # At least 0.25 s; on a busy machine an attempt's function may start a little after its time limit does.
    assert all(later - before >= 0.2 for before, later in pairwise(starts))
    assert found.error is not None
    assert "timed out after 0.2 s" in found.error.message


# Drawers


def test_45_drawers_that_include_one_another_are_refused(home: Path) -> None:
    for name, pressed in (("one", "two"), ("two", "three"), ("three", "one")):
        inner = {"id": "s", "kind": "drawer", "drawer": pressed}
        save(home, name, steps=[{"id": "l", "kind": "for_each", "over": "[1]", "steps": [inner]}])
    with pytest.raises(DefinitionError, match="one -> two -> three -> one"):
        press("one", quiet=True)
    with pytest.raises(DefinitionError, match="include itself"):
        run({"id": "s", "kind": "drawer", "drawer": "two"})


@pytest.mark.parametrize("chain", ["step", "handler"])
def test_45_and_47_chains_end_even_without_validation(chain: str) -> None:
    """The engine is called directly, as if validation had accepted the drawer."""
    steps = {
        "step": [{"id": "s", "kind": "drawer", "drawer": "me"}],
        "handler": [{"id": "f", "button": "fail"}],
    }
    fields: dict[str, Any] = {"name": "me", "steps": steps[chain]}
    if chain == "handler":
        fields["on_error"] = {"drawer": "me"}
    drawer = load_drawer(fields).drawer
    catalog = ButtonCatalog(namespace={"__name__": __name__, "fail": fail})
    plans = Plans(STEP_KINDS, lambda d: catalog.find, lambda name: drawer)
    pressed: list[RunRecord] = []
    engine = Run(plans.plan(drawer), {}, on_child=pressed.append)
    record = asyncio.run(engine.execute())
    assert record.status == "failed"
    assert len(pressed) == drawers.MAX_DEPTH
    if chain == "step":
        assert record.error is not None
        assert f"nested {drawers.MAX_DEPTH} drawers deep" in record.error.message
    else:
        assert any("drawer 'me' was not pressed" in note for note in engine.notes)


def test_46_a_flow_is_not_pressed() -> None:
    flow = {"initial_stage": "a", "manager": {"agent": "activation.manager"},
            "stages": [{"id": "a", "title": "A"}]}  # fmt: skip
    drawer = {"schema_version": 2, "drawer_kind": "flow", "name": "f", "flow": flow}
    found = press(drawer, check=False, quiet=True).run
    assert found.error is not None
    assert found.error.code == "FLOW_RUNTIME_REQUIRED"


def test_47_handlers_that_lead_back_are_refused(home: Path) -> None:
    save(home, "one", on_error={"drawer": "two"})
    save(home, "two", on_error={"drawer": "one"})
    with pytest.raises(DefinitionError, match="one -> two -> one"):
        press("one", quiet=True)


def test_48_the_error_of_a_failed_sub_drawer_has_its_code_and_run(home: Path) -> None:
    save(home, "child", steps=[{"id": "f", "button": "fail"}])
    found = run({"id": "s", "kind": "drawer", "drawer": "child"})
    assert found.error is not None
    assert found.error.code == "SUBDRAWER_FAILED"
    assert "FUNCTION_ERROR" in found.error.message
    [kept] = (home / "drawers" / "child" / "pressed").glob("*.json")
    assert json.loads(kept.read_text())["run_id"] in found.error.message


# Secrets, processes, history

SECRET = "tr0ub4dor&3"


def test_66_nothing_that_a_run_leaves_contains_a_secret(home: Path) -> None:
    codes = {
        "says": 'printf "%s" "$BUTTONS_ARG_V"; echo "$BUTTONS_ARG_V" >&2',
        "dies": 'echo "no $BUTTONS_ARG_V" >&2; exit 1',
        "knows": f'test "$BUTTONS_ARG_V" = "{SECRET}" && echo yes',
    }
    buttons = {name: {"runtime": "sh", "code": code, "args": ["v"]} for name, code in codes.items()}
    token = {"v": "${inputs.tok}"}
    says = {"id": "w", "button": "says", "args": token}
    save(home, "child", inputs=[{"name": "v"}], **{"return": {"v": "${inputs.v}"}})
    steps = [
        {"id": "loop", "kind": "for_each", "over": "${[inputs.tok]}", "steps": [says]},
        {"id": "split", "kind": "split", "branches": {"b": [says]}},
        {"id": "switch", "kind": "switch", "steps": [says]},
        {"id": "sub", "kind": "drawer", "drawer": "child", "args": token},
        {"id": "made", "kind": "transform", "expression": {"x": "inputs.tok"}},
        {"id": "all", "kind": "aggregate", "from": "loop.output.results", "pluck": "item.steps.w.output"},
        # Later steps get the secret itself.
        *[
            {"id": f"knows{i}", "button": "knows", "args": {"v": f"${{{text}}}"}}
            for i, text in enumerate(
                ["loop.output.results[0].item", "loop.output.results[0].steps.w.output", "split.output.b",
                 "switch.output.steps.w.output", "sub.output.v", "made.output.x", "all.output.values[0]"]
            )
        ],
        {"id": "dead", "button": "dies", "args": token},
    ]  # fmt: skip
    save(home, "main", inputs=[{"name": "tok", "secret": True}], steps=steps, buttons=buttons)
    results = press("main", {"tok": SECRET}, check=False, quiet=True)
    found = results.run
    assert [s.output for s in found.steps if s.id.startswith("knows")] == ["yes\n"] * 7
    assert found.failed_step == "dead"
    left = [json.dumps(found.to_dict(), default=repr), repr(results), results._repr_html_(), str(found.error)]
    left += [path.read_text() for path in home.rglob("pressed/*.json")]
    assert len(left) == 6
    for one in left:
        assert SECRET not in one
        assert "[redacted]" in one


def test_67_runs_of_one_second_are_all_kept(home: Path) -> None:
    save(home, "quick", steps=[show(1)])
    ids = {press("quick", quiet=True).run.run_id for _ in range(5)}
    kept = {json.loads(path.read_text())["run_id"] for path in home.rglob("pressed/*.json")}
    assert kept == ids
    assert len(kept) == 5


def test_68_output_is_cut_only_on_disk(home: Path) -> None:
    save(home, "large", steps=[show("é" * LIMIT)])
    results = press("large", quiet=True)
    assert results.output == "é" * LIMIT
    [path] = home.rglob("pressed/*.json")
    kept = json.loads(path.read_text())["steps"][0]["output"]
    assert kept.endswith(TRUNCATED)
    assert len(kept.encode()) <= LIMIT + len(TRUNCATED)
    assert results.run.to_dict()["steps"][0]["output"] == "é" * LIMIT


def test_69_a_child_that_keeps_stdout_open_does_not_delay_the_end() -> None:
    before = time.perf_counter()
    found = run(PRESS, buttons=script("sleep 20 & echo started", timeout_seconds=10))
    assert found.status == "ok"
    assert found.step("a").output == "started\n"
    assert time.perf_counter() - before < 8


def test_70_the_output_of_a_killed_script_is_kept() -> None:
    code = 'trap "" TERM; echo before; echo oh >&2; sleep 30; echo after'
    found = run(PRESS, buttons=script(code, timeout_seconds=0.3))
    assert found.step("a").status == "timeout"
    assert found.step("a").stdout == "before\n"
    assert found.step("a").stderr == "oh\n"


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_71_the_output_of_a_script_is_limited(stream: str) -> None:
    code = f"import sys\nwhile True: sys.{stream}.write('x' * 2**20)"
    found = run(PRESS, buttons={"b": {"runtime": "python", "code": code, "timeout_seconds": 60}})
    assert found.status == "failed"
    assert found.step("a").error.code == "SCRIPT_ERROR"
    assert f"wrote more than 10,485,760 bytes to {stream}" in found.step("a").error.message
    assert 2**20 <= len(getattr(found.step("a"), stream)) < 20 * 2**20


# HTTP


@pytest.fixture(scope="module")
def site() -> Any:
    with DemoSite.start() as site:
        yield site


def test_72_arguments_are_expanded_in_headers_but_not_twice(site: Any) -> None:
    request = {
        "url": f"{site.url}/api/echo?a={{{{a}}}}&b={{{{b}}}}",
        "headers": {"X-Told": "{{b}}"},
        "args": ["a", "b"],
    }
    found = run({**PRESS, "args": {"a": "{{b}}", "b": "{{a}}"}}, buttons={"b": request})
    assert found.status == "ok", found.error
    echo = found.step("a").output
    assert echo["query"] == {"a": "{{b}}", "b": "{{a}}"}
    assert {name.lower(): value for name, value in echo["headers"].items()}["x-told"] == "{{a}}"


def test_73_a_successful_request_has_exit_code_0(site: Any) -> None:
    found = run(PRESS, buttons={"b": {"url": f"{site.url}/api/echo"}})
    assert (found.status, found.step("a").exit_code) == ("ok", 0)


# Verbs


def test_74_set_is_all_or_nothing_and_reaches_everywhere(home: Path) -> None:
    case = {"id": "c", "when": "true", "steps": [show("in a case", "in")]}
    loop = {
        "id": "l",
        "kind": "for_each",
        "over": "[1]",
        "steps": [{"id": "s", "kind": "switch", "cases": [case]}],
    }
    save(home, "deep", steps=[loop, show(1)])
    path = home / "drawers" / "deep" / "drawer.json"
    before = path.read_text()
    assert cli.main(["deep", "set", "a.args.x=2", "l.parallelism=-1"]) != 0
    assert path.read_text() == before
    assert cli.main(["deep", "set", "a.args.x=2", "l.s.in.args.x=3", "l.parallelism=4"]) == 0
    steps = json.loads(path.read_text())["steps"]
    assert steps[1]["args"]["x"] == 2
    assert steps[0]["parallelism"] == 4
    assert steps[0]["steps"][0]["cases"][0]["steps"][0]["args"]["x"] == 3


def test_75_connect_works_from_steps_of_any_kind(home: Path) -> None:
    folder = home / "buttons" / "one"
    folder.mkdir(parents=True)
    (folder / "button.json").write_text(
        json.dumps({"name": "one", "runtime": "sh", "args": [{"name": "count"}]})
    )
    (folder / "main.sh").write_text("echo $BUTTONS_ARG_COUNT")
    pick = {"id": "pick", "kind": "aggregate", "from": "[1, 2]", "pluck": "item"}
    save(home, "joined", steps=[pick, {"id": "one", "button": "one"}])
    assert cli.main(["joined", "connect", "pick.output.count", "to", "one.args.count"]) == 0
    assert press("joined", quiet=True).output == 2
