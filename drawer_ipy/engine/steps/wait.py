"""``kind: wait``: wait for a Go duration, or until an RFC 3339 time."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from drawer_ipy.common.durations import parse_duration, parse_time
from drawer_ipy.definition.steps.wait import WaitStep
from drawer_ipy.engine.context import Context
from drawer_ipy.engine.plan import Compiler, roots_of
from drawer_ipy.engine.step import StepRunner, fail_with
from drawer_ipy.errors import Code, ResolveError
from drawer_ipy.expressions import compile_template, to_text
from drawer_ipy.record.step import StepResult
from drawer_ipy.record.waits import Reason, Why

_LONGEST = 366 * 24 * 3600.0
"""Most seconds of a wait: an event loop cannot sleep for centuries, and a longer wait is a mistake."""


class WaitRunner(StepRunner):
    """Its output is ``{waited_ms, until}``; ``duration`` takes precedence over ``until``."""

    def __init__(self, model: WaitStep, compiler: Compiler) -> None:
        super().__init__(model, compiler)
        self._is_duration = bool(model.duration)
        self._given = bool(model.duration or model.until)
        self._when = compile_template(model.duration or model.until)
        self.roots: frozenset[str] = roots_of(self._when)

    async def run(self, ctx: Context, result: StepResult) -> None:
        """Wait; a time in the past or a duration of zero or less ends at once."""
        until = self._until(ctx, result)
        if until is None:
            return
        seconds, moment = until
        with ctx.pausing(Reason(Why.STEP, self.id), seconds):
            await asyncio.sleep(seconds)
        result.output = {
            "waited_ms": round(seconds * 1000),
            "until": moment.replace(microsecond=0).isoformat().replace("+00:00", "Z"),
        }

    def _until(self, ctx: Context, result: StepResult) -> tuple[float, datetime] | None:
        """The seconds to wait, and the time when the wait ends: the given time, even if it is in the past."""
        if not self._given:
            result.fail(Code.VALIDATION_ERROR, f"step {self.id!r} needs `duration` or `until`")
            return None
        now = datetime.now(UTC)
        try:
            value = self._when.resolve(ctx.scope)
            if isinstance(value, timedelta) or self._is_duration:
                is_time = isinstance(value, timedelta)
                seconds = max(0.0, value.total_seconds() if is_time else parse_duration(to_text(value)))
                moment = None
            else:
                moment = value if isinstance(value, datetime) else parse_time(to_text(value))
                moment = moment.astimezone(UTC)
                seconds = max(0.0, (moment - now).total_seconds())
        except ResolveError as error:
            fail_with(result, error)
            return None
        except OverflowError:
            result.fail(Code.VALIDATION_ERROR, f"step {self.id!r}: the time is outside the years 1 to 9999")
            return None
        except ValueError as error:
            result.fail(Code.VALIDATION_ERROR, f"step {self.id!r}: {error}")
            return None
        if seconds > _LONGEST:
            result.fail(Code.VALIDATION_ERROR, f"step {self.id!r} would wait for more than a year")
            return None
        return seconds, moment if moment is not None else now + timedelta(seconds=seconds)
