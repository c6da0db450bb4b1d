"""``kind: wait``: wait for a Go duration, or until an RFC 3339 time."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from drawer_ipy.definition import models
from drawer_ipy.durations import parse_duration, parse_time
from drawer_ipy.engine.context import Context
from drawer_ipy.engine.plan import Compiler, roots_of
from drawer_ipy.engine.step import Step, fail_with
from drawer_ipy.errors import Code, ResolveError
from drawer_ipy.expressions import compile_template, to_text
from drawer_ipy.record import StepResult

_LONGEST = 366 * 24 * 3600.0
"""Seconds: an event loop cannot sleep for centuries, and nobody means to."""


class WaitStep(Step):
    """Output is ``{waited_ms, until}``; ``duration`` wins when both are given."""

    def __init__(self, model: models.WaitStep, compiler: Compiler) -> None:
        super().__init__(model, compiler)
        self._is_duration = bool(model.duration)
        self._given = bool(model.duration or model.until)
        self._when = compile_template(model.duration or model.until)
        self.roots = roots_of(self._when)

    async def run(self, ctx: Context, result: StepResult) -> None:
        """Wait; a time in the past and a duration of nothing or less do not."""
        seconds = self._seconds(ctx, result)
        if seconds is None:
            return
        now = datetime.now(UTC)
        await asyncio.sleep(seconds)
        until = (now + timedelta(seconds=seconds)).replace(microsecond=0)
        result.output = {
            "waited_ms": round(seconds * 1000),
            "until": until.isoformat().replace("+00:00", "Z"),
        }

    def _seconds(self, ctx: Context, result: StepResult) -> float | None:
        if not self._given:
            result.fail(Code.VALIDATION_ERROR, f"step {self.id!r} needs `duration` or `until`")
            return None
        try:
            value = self._when.resolve(ctx.scope)
            if isinstance(value, timedelta):
                seconds = value.total_seconds()
            elif self._is_duration:
                seconds = parse_duration(to_text(value))
            else:
                moment = value if isinstance(value, datetime) else parse_time(to_text(value))
                seconds = (moment.astimezone(UTC) - datetime.now(UTC)).total_seconds()
        except ResolveError as error:
            fail_with(result, error)
            return None
        except ValueError as error:
            result.fail(Code.VALIDATION_ERROR, f"step {self.id!r}: {error}")
            return None
        if seconds > _LONGEST:
            result.fail(Code.VALIDATION_ERROR, f"step {self.id!r} would wait for more than a year")
            return None
        return max(0.0, seconds)
