"""Cut a run's record to a size that may be kept, without changing the record.

The original cuts stdout and stderr only, and alters the record that is printed afterwards
(docs/original.md#processes-requests-history, number 68).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from drawer_ipy.errors import ErrorInfo
from drawer_ipy.record.loop import LoopEntries
from drawer_ipy.record.run import RunRecord
from drawer_ipy.record.step import StepResult

LIMIT = 1 << 20
"""Most bytes of UTF-8 for each captured text and each value."""

TRUNCATED = "[truncated]"

_DEEPEST = 100


def bounded_record(record: RunRecord, limit: int = LIMIT) -> dict[str, Any]:
    """Return ``record.to_dict()`` as JSON values, with every text and value cut to `limit` bytes.

    A loop of a million items is read only up to the limit.
    """
    small = replace(
        record,
        inputs={name: bounded_value(value, limit) for name, value in record.inputs.items()},
        steps=[_step(step, limit) for step in record.steps],
        compensations=[_step(step, limit) for step in record.compensations],
        error=_error(record.error, limit),
    )
    return small.to_dict()


def _step(step: StepResult, limit: int) -> StepResult:
    return replace(
        step,
        args=None if step.args is None else {k: bounded_value(v, limit) for k, v in step.args.items()},
        output=bounded_value(step.output, limit),
        stdout=bounded_text(step.stdout, limit),
        stderr=bounded_text(step.stderr, limit),
        error=_error(step.error, limit),
    )


def _error(error: ErrorInfo | None, limit: int) -> ErrorInfo | None:
    if error is None:
        return None
    return replace(error, message=bounded_text(error.message, limit), exception=None)


def bounded_text(text: str, limit: int = LIMIT) -> str:
    """Return `text`; if it is longer than `limit` bytes, cut it between two characters and mark the cut."""
    if len(text) <= limit // 4:  # no character takes more than four bytes
        return text
    raw = text[:limit].encode("utf-8", errors="replace")
    if len(raw) <= limit and len(text) <= limit:
        return text
    return raw[:limit].decode("utf-8", errors="ignore") + TRUNCATED


def bounded_value(value: Any, limit: int = LIMIT) -> Any:
    """Return `value` as plain JSON values; if its JSON is longer than `limit`, the start of it as text."""
    if isinstance(value, str):
        return bounded_text(value, limit)
    parts: list[str] = []
    size = 0
    for part in _json_parts(value, ()):
        parts.append(part)
        size += len(part) if part.isascii() else len(part.encode("utf-8", errors="replace"))
        if size > limit:
            return bounded_text("".join(parts), limit)
    return json.loads("".join(parts))


def _json_parts(value: Any, within: tuple[int, ...]) -> Iterator[str]:
    """Yield the JSON of `value` piece by piece, so that no more is created than is kept."""
    if id(value) in within or len(within) > _DEEPEST:
        yield '"…"'
    elif isinstance(value, Mapping):
        yield "{"
        for i, (key, inner) in enumerate(value.items()):
            yield f"{',' if i else ''}{json.dumps(str(key))}:"
            yield from _json_parts(inner, (*within, id(value)))
        yield "}"
    elif isinstance(value, list | tuple | LoopEntries):
        yield "["
        for i, inner in enumerate(value):
            if i:
                yield ","
            yield from _json_parts(inner, (*within, id(value)))
        yield "]"
    else:
        yield _scalar(value)


def _scalar(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError):
        from drawer_ipy.record.jsonable import jsonable  # handles unusual values

        return json.dumps(jsonable(value), ensure_ascii=False)
