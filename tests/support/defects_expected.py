"""The right results of the cases of defects.json, where the original engine is wrong.

Each was derived from the case's ``right`` and from the list of the original's defects, never from the results
of this engine. The form is that of the recorded cases: ``expected`` is compared as a subset.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Fields = dict[str, Any]
SECRET = "s3cr3t"


@dataclass(frozen=True)
class Right:
    """The right result of a case.

    Attributes:
        expected: the result, or the validation report, as a subset.
        refused: the step because of which the press is refused before anything runs, ``""`` if it runs.
        arg: the argument or field that the refusal must name.
        says: words in the message of the run's error, or of the first problem of a refusal or report.
        children: the runs of the drawers pressed within, in the order in which they ended, as subsets.
        exact: whether a validation report must not have further warnings.
    """

    expected: Fields = field(default_factory=dict)
    refused: str = ""
    arg: str = ""
    says: tuple[str, ...] = ()
    children: tuple[Fields, ...] = ()
    exact: bool = False


def ok(*steps: Fields) -> Right:
    return Right({"status": "ok", "steps": list(steps)})


def failed(step: str, code: str, *steps: Fields, says: tuple[str, ...] = ()) -> Right:
    expected: Fields = {"status": "failed", "failed_step": step, "error": {"code": code}}
    return Right({**expected, "steps": list(steps)} if steps else expected, says=says)


def refused(step: str, arg: str, *says: str) -> Right:
    return Right(refused=step, arg=arg, says=says)


def did(step: str, **fields: Any) -> Fields:
    """A step that succeeded."""
    return {"id": step, "status": "ok", "exit_code": 0, **fields}


def went_wrong(step: str, status: str, code: str, **fields: Any) -> Fields:
    return {"id": step, "status": status, "error": {"code": code}, **fields}


CANCELLED = {"status": "cancelled", "error": {"code": "CANCELLED"}}


def shown(value: Any, printed: str | None = None, step: str = "s1") -> Fields:
    """A step that pressed ``show``, which prints its argument `value`."""
    output = {} if printed is not None else {"output": value}
    return did(step, args={"v": value}, **output, **({} if printed is None else {"stdout": printed}))


def shows(value: Any, printed: str | None = None) -> Right:
    """The run of one such step."""
    return ok(shown(value, printed))


def then_shows(value: Any, printed: str | None = None, step: str = "s2") -> Right:
    """A run whose second step shows `value`."""
    return ok({"status": "ok"}, shown(value, printed, step))


def entry(index: int, item: Any, **cell: Any) -> Fields:
    """An item of a loop whose only step ``w`` has the result `cell`."""
    state = cell.get("status", "ok")
    flags = {"failed": state not in ("ok", "cancelled"), "cancelled": state == "cancelled"}
    return {"index": index, "item": item, **flags, "steps": {"w": cell}}


def plucked(*values: Any) -> Fields:
    return {"output": {"values": list(values), "count": len(values)}}


def report(*errors: tuple[str, str], warnings: tuple[tuple[str, str], ...] = ()) -> Right:
    """A validation report: (step, argument) of each error and warning."""
    lists = [
        [{k: v for k, v in (("step_id", step), ("arg", arg)) if v} for step, arg in found]
        for found in (errors, warnings)
    ]
    return Right({"ok": not errors, "errors": lists[0], "warnings": lists[1]}, exact=not errors)


TIMED_OUT = ("timed out after 1 s",)
BAD = {"status": "error", "error": {"code": "SCRIPT_ERROR"}}

REFERENCES: dict[str, Right] = {
    "x-ref-whole-null": shows(None),
    "x-ref-null-literal": shows(None),
    "x-ref-list-of-null": shows([None, None]),
    "x-ref-whole-big": shows(12345678, "12345678"),
    "x-ref-literal-million": shows(1000000, "1000000"),
    "x-ref-string-big": shows("12345678", "12345678"),
    "x-ref-interp-big": shows("big=12345678"),
    "x-ref-interp-null": shows("z=null"),
    "x-ref-interp-list": shows("l=[1,2,3]"),
    "x-ref-interp-map": shows('m={"a":1,"b":"x"}'),
    "x-ref-interp-objs": shows('o=[{"id":1,"name":"a"},{"id":2,"name":"b"}]'),
    "x-ref-interp-trailing-brace": shows("hello {x}"),
    "x-ref-interp-unclosed": refused("s1", "v", "never closed"),
    "x-ref-interp-empty": refused("s1", "v", "no expression"),
    "x-ref-literal-map": shows({"z": 1, "a": 3, "l": ["hello", "<3>"]}, '{"a":3,"l":["hello","<3>"],"z":1}'),
    "x-ref-arith-mul-int": shows(6, "6"),
    "x-ref-arith-add-int": shows(4, "4"),
    "x-ref-arith-mod-input": shows(1, "1"),
    "x-ref-arith-tight-minus": shows(2, "2"),
    "x-ref-list-dot-index": shows(1),
    "x-ref-map-index-hyphen": shows("hk"),
    "x-ref-input-hyphen-dot": shows("hk"),
    "x-ref-map-literal-int-key": shows({"1": "a"}),
    "x-ref-string-lit-hyphen": shows("a-b"),
    "x-ref-string-eq-hyphen": shows(True),
    "x-ref-string-lit-brace-interp": shows("x a}b y"),
    "x-ref-map-literal-interp": shows("x 1 y"),
    "x-ref-nested-ref-in-literal": shows("${inputs.s}"),
    "x-ref-null-coalesce": shows("d"),
    "x-ref-bytes": ok(did("s1", stdout="abc")),
    "x-ref-timestamp": shows("2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"),
    "x-ref-duration-val": shows("90s", "90s"),
    "x-ref-webhooks-missing": failed("s1", "RESOLVE_ERROR", says=("webhooks", "'foo'")),
    "x-ref-env-two": shows("env-valueenv-value"),
    "x-ref-env-dollar-whole-bad": refused("s1", "v", "is not the name of an environment variable"),
    "x-ref-env-hyphen-value": shows(True),
    "x-stepref-null-field": then_shows(None),
    "x-stepref-interp": then_shows('x=1, t=["p","q"]'),
    "x-stepref-big": then_shows(12345678, "12345678"),
    "x-stepref-big-interp": then_shows("b 12345678"),
    "x-stepref-arith": then_shows(2, "2"),
    "x-stepref-empty-output": then_shows(None, step="b"),
    "x-stepref-reserved-word-id": then_shows(True, step="b"),
    "x-stepref-digit-id": then_shows(True, step="b"),
    "x-stepref-id-inputs-shadow": refused("inputs", "id", "cannot be called"),
    "x-stepref-duplicate-id": refused("a", "id", "two steps"),
}

ARGUMENTS: dict[str, Right] = {
    "x-arg-int-million": ok(did("s", args={"i": 1000000}, stdout="1000000|||\n")),
    "x-arg-int-null": ok(did("s", args={"i": None}, stdout="|||\n")),
    "x-arg-string-map": ok(did("s", stdout='|||{"a":[1,null,"<&>"],"b":2}\n')),
    "x-arg-missing-required": refused("s", "q", "needs the argument 'q'"),
    "x-arg-namematch-null": ok(did("a", output={"hi": ""})),
    "x-out-json-bigint": ok(did("s", output={"id": 9007199254740993})),
    "x-input-type-not-checked": Right(
        {"status": "failed", "steps": [], "error": {"code": "VALIDATION_ERROR"}}, says=("input 'x'", "int")
    ),
    "x-input-enum-not-checked": Right(
        {"status": "failed", "steps": [], "error": {"code": "VALIDATION_ERROR"}}, says=("input 'x'", "'p'")
    ),
    "x-input-optional-missing-ref": ok(shown(None, step="s")),
    "x-secret-history": ok(did("s", args={"v": "[redacted]"}, output="[redacted]", stdout="[redacted]")),
    "x-secret-namematch-history": ok(
        did("s", args={"v": "[redacted]"}, output="[redacted]", stdout="[redacted]")
    ),
    "x-secret-stderr-failure-history": failed(
        "s",
        "SCRIPT_ERROR",
        went_wrong("s", "error", "SCRIPT_ERROR", args={"v": "[redacted]"}, stderr="bad [redacted]\n"),
        says=("bad [redacted]",),
    ),
    "x-drawer-secret-in-child-history": Right(
        {"status": "ok", "steps": [did("sub", args={"x": "[redacted]"})]},
        children=({"status": "ok", "inputs": {"x": "[redacted]"}},),
    ),
}

LOOPS: dict[str, Right] = {
    "x-foreach-stop-p4-victims": failed(
        "each",
        "FOREACH_ITEM_FAILED",
        went_wrong(
            "each",
            "failed",
            "FOREACH_ITEM_FAILED",
            output={
                "results": [
                    entry(0, 1, **CANCELLED),
                    entry(1, 2, **CANCELLED),
                    entry(2, 3, **BAD),
                    entry(3, 4, **CANCELLED),
                ],
                "completed": 1,
                "total": 4,
            },
        ),
        says=("item 2", "step 'w'", "SCRIPT_ERROR", "bad"),
    ),
    "x-foreach-stop-p4-fail-first": failed(
        "each",
        "FOREACH_ITEM_FAILED",
        went_wrong(
            "each",
            "failed",
            "FOREACH_ITEM_FAILED",
            output={
                "results": [entry(0, 3, **BAD), entry(1, 1, **CANCELLED), entry(2, 2, **CANCELLED)],
                "completed": 1,
                "total": 3,
            },
        ),
        says=("item 0",),
    ),
    "x-foreach-stop-p2-not-started": failed(
        "each",
        "FOREACH_ITEM_FAILED",
        went_wrong(
            "each",
            "failed",
            "FOREACH_ITEM_FAILED",
            output={
                "results": [entry(0, 3, **BAD), entry(1, 1, **CANCELLED), None, None, None],
                "completed": 1,
                "total": 5,
            },
        ),
        says=("item 0",),
    ),
    "x-foreach-over-leading-space": ok(
        did("each", output={"results": [entry(0, 1, status="ok", output=1)], "total": 1})
    ),
    "x-foreach-null-items": ok(
        did(
            "each",
            output={
                "results": [
                    entry(0, None, status="ok", output=None),
                    entry(1, "a", status="ok", output="a"),
                ],
                "total": 2,
            },
        )
    ),
    "x-foreach-downstream-error-code": then_shows("SCRIPT_ERROR", step="after"),
    "x-foreach-downstream-error-null": then_shows(True, step="after"),
    "x-foreach-downstream-dot-index": then_shows(1, step="after"),
    "x-foreach-on-failure-continue-ignored": ok(
        went_wrong("each", "failed", "FOREACH_ITEM_FAILED"), did("after")
    ),
    "x-foreach-on-failure-retry-ignored": failed(
        "each",
        "FOREACH_ITEM_FAILED",
        went_wrong("each", "failed", "FOREACH_ITEM_FAILED", attempts=3),
        says=("try 3",),
    ),
    "x-foreach-timeout-ignored": failed(
        "each", "TIMEOUT", went_wrong("each", "timeout", "TIMEOUT"), says=TIMED_OUT
    ),
    "x-foreach-bad-on-item-failure": refused("each", "on_item_failure", "skip"),
}

KINDS: dict[str, Right] = {
    "x-switch-hyphen-literal": ok(
        did("sw", output={"matched": "hit", "steps": {"s-a": {"status": "ok", "output": "a"}}})
    ),
    "x-switch-downstream-output": then_shows("a", step="after"),
    "x-switch-on-failure-ignored": ok(
        went_wrong("sw", "failed", "SCRIPT_ERROR", output={"matched": "f", "steps": {"b": BAD}}),
        did("after"),
    ),
    "x-agg-scalar": ok(did("agg", **plucked(1, "a", None))),
    "x-agg-expr-int": ok(did("agg", **plucked(2, 4))),
    "x-agg-string-hyphen": ok(did("agg", **plucked(True))),
    "x-agg-after-foreach-hyphen-id": ok({"status": "ok"}, did("agg", **plucked(1))),
    "x-agg-after-foreach-hyphen-id-index": ok({"status": "ok"}, did("agg", **plucked(1))),
    "x-agg-on-failure-ignored": ok(went_wrong("agg", "failed", "RESOLVE_ERROR"), did("after")),
    "x-wait-timeout-ignored": failed("z", "TIMEOUT", went_wrong("z", "timeout", "TIMEOUT"), says=TIMED_OUT),
    "x-wait-on-failure-ignored": ok(went_wrong("z", "failed", "VALIDATION_ERROR"), did("s")),
    "x-drawer-child-fails-on-failure-continue-ignored": ok(
        went_wrong("sub", "failed", "SUBDRAWER_FAILED", args={"x": 1}), did("after")
    ),
    "x-drawer-child-flow-kind": failed("sub", "SUBDRAWER_FAILED", says=("FLOW_RUNTIME_REQUIRED", "'child'")),
    "x-drawer-timeout-ignored": failed(
        "sub", "TIMEOUT", went_wrong("sub", "timeout", "TIMEOUT"), says=TIMED_OUT
    ),
}

POLICIES: dict[str, Right] = {
    "x-policy-continue-resolve-error": ok(went_wrong("a", "failed", "RESOLVE_ERROR"), did("b")),
    "x-policy-continue-missing-button": ok(went_wrong("a", "failed", "BUTTON_NOT_FOUND"), did("b")),
    "x-policy-continue-validation-error": ok(went_wrong("a", "failed", "VALIDATION_ERROR"), did("b")),
    "x-policy-retry-shared-timeout": ok(did("a", output={"tries": 2}, attempts=2)),
    "x-policy-retry-backoff-past-timeout": ok(did("a", output={"tries": 3}, attempts=3)),
    "x-policy-unknown-action": refused("a", "on_failure", "'ignore'"),
    "x-onerror-with-not-resolved": Right(
        {"status": "failed", "failed_step": "a", "error": {"code": "SCRIPT_ERROR"}},
        children=({"drawer": "handler", "status": "ok", "steps": [shown("x", step="n")]},),
    ),
    "x-timeout-step": failed("a", "TIMEOUT", went_wrong("a", "timeout", "TIMEOUT"), says=TIMED_OUT),
    "x-timeout-button": failed(
        "a", "TIMEOUT", went_wrong("a", "timeout", "TIMEOUT", stdout="before\n"), says=TIMED_OUT
    ),
    "x-timeout-kills-group": failed("a", "TIMEOUT", went_wrong("a", "timeout", "TIMEOUT"), says=TIMED_OUT),
    "x-timeout-zero-button": ok(did("a", output="hi\n")),
    "x-timeout-continue": ok(
        {**went_wrong("a", "timeout", "TIMEOUT"), "error": {"message": "timed out after 1 s"}}, did("b")
    ),
}

PARALLEL: dict[str, Right] = {
    "x-par-cycle": Right(
        {"status": "failed", "steps": [], "error": {"code": "PARALLEL_DEADLOCK"}}, says=("a -> b -> a",)
    ),
    "x-par-cycle-partial": Right(
        {"status": "failed", "error": {"code": "PARALLEL_DEADLOCK"}}, says=("a -> b -> a",)
    ),
    "x-par-fail-cancels-sibling-victim-first": failed(
        "b",
        "SCRIPT_ERROR",
        {"id": "a", **CANCELLED},
        went_wrong("b", "error", "SCRIPT_ERROR"),
        says=("real",),
    ),
    "x-par-fail-cancels-sibling-victim-second": failed(
        "a",
        "SCRIPT_ERROR",
        went_wrong("a", "error", "SCRIPT_ERROR"),
        {"id": "b", **CANCELLED},
        says=("real",),
    ),
    "x-par-continue-policy-step": ok(
        went_wrong("a", "error", "SCRIPT_ERROR"), did("b", output=1), shown(1, step="c")
    ),
    "x-par-continue-policy-step-dependent": ok(
        went_wrong("a", "error", "SCRIPT_ERROR"), shown(True, step="c")
    ),
    "x-par-false-dep-input-name": ok(shown("1", "1", "a"), shown(1, "1", "b")),
    "x-par-false-dep-string-literal": ok(shown("b", step="a"), shown("b", step="b")),
    "x-par-bare-over-dep-missed": ok(
        did("each", output={"results": [entry(0, "p", status="ok", output="p")], "total": 1}), did("src")
    ),
    "x-par-bare-when-dep-missed": ok(
        did("sw", output={"matched": "y", "steps": {"w": {"status": "ok", "output": "y"}}}), did("src")
    ),
    "x-par-missing-button": refused("a", "button", "'nope'"),
    "x-par-two-fail": failed(
        "a", "SCRIPT_ERROR", went_wrong("a", "error", "SCRIPT_ERROR", exit_code=3), {"id": "b", **CANCELLED}
    ),
    "x-par-wait-cancelled": failed(
        "b", "SCRIPT_ERROR", {"id": "z", **CANCELLED}, went_wrong("b", "error", "SCRIPT_ERROR")
    ),
}

REPORTS: dict[str, Right] = {
    "x-val-drawer-unknown-ref": report(("a", "x")),
    "x-val-drawer-self": report(("a", "drawer")),
    "x-val-foreach-nested-missing-button": report(("w", "button")),
    "x-val-foreach-nested-bad-ref": report(("w", "v")),
    "x-val-foreach-bad-over-ref": report(("a", "over")),
    "x-val-foreach-dup-nested-ids": report(("w", "id")),
    "x-val-switch-nested-missing-button": report(("w", "button")),
    "x-val-switch-bad-syntax": report(("a", "when")),
    "x-val-wait-bad-duration": report(("a", "duration")),
    "x-val-kind-unknown": report(("a", "kind")),
    "x-val-ref-webhooks": report(),
    "x-val-ref-hyphen-step-unchecked": report(("a", "v")),
    "x-val-ref-expr-unchecked": report(("a", "v")),
    "x-val-ref-syntax-unchecked": report(("a", "v")),
    "x-val-ref-not-output": report(("b", "v")),
    "x-val-schema-type-mismatch": report(),
    "x-val-input-int-to-string": report(),
    "x-val-required-arg-namematch-still-warns": report(),
    "x-val-literal-type-not-checked": report(("b", "i"), ("b", "e")),
    "x-val-unknown-arg-not-flagged": report(warnings=(("b", "zzz"),)),
    "x-val-on-error-missing-not-flagged": report(("", "on_error")),
    "x-val-return-bad-ref-not-flagged": report(("", "return")),
    "x-val-bad-policy-not-flagged": report(("a", "on_failure")),
}

RIGHT: dict[str, Right] = {
    **REFERENCES,
    **ARGUMENTS,
    **LOOPS,
    **KINDS,
    **POLICIES,
    **PARALLEL,
    **REPORTS,
}
