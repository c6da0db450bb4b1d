"""Durations are correct even if the system clock is set during a run."""

from __future__ import annotations

import time
from typing import Any

import pytest

from drawer_ipy import press
from drawer_ipy.workspace.history import entry


@pytest.mark.parametrize("jump", [-7200.0, 7200.0], ids=["back", "forward"])
def test_durations_do_not_depend_on_the_system_clock(jump: float, monkeypatch: pytest.MonkeyPatch) -> None:
    real, offset = time.time, 0.0
    monkeypatch.setattr(time, "time", lambda: real() + offset)

    def work(x: int) -> int:
        nonlocal offset
        time.sleep(0.05)
        if x == 2:
            offset = jump
        return x

    failed = False

    def flaky() -> int:
        nonlocal failed, offset
        time.sleep(0.05)
        if not failed:
            failed, offset = True, 0.0
            raise ValueError("once")
        return 1

    retry = {"action": "retry", "max_attempts": 2}
    steps: list[dict[str, Any]] = [
        {
            "id": "each",
            "kind": "for_each",
            "over": [0, 1, 2, 3, 4],
            "as": "x",
            "parallelism": 2,
            "steps": [{"id": "w", "button": "work", "args": {"x": "${x}"}}],
        },
        {"id": "again", "button": "flaky", "on_failure": retry},
    ]
    results = press({"name": "t", "steps": steps}, buttons={"work": work, "flaky": flaky}, quiet=True)
    run = results.run
    assert 0.15 < run.duration < 60
    for step in run.steps:
        assert 0.04 < step.duration < 60
        assert run.started <= step.started <= step.finished <= run.finished
    attempt = run.step("again").tries[0]
    assert 0.04 < attempt.finished - attempt.started < 60
    for row in results.step("each"):
        assert row.duration is not None
        assert 0.04 < row.duration < 60
        assert row.started is not None
        assert run.started <= row.started <= run.finished
        assert 0 <= row.steps["w"].seconds < 60  # type: ignore[operator]
        press_of_row = row.explain().presses[0]
        assert press_of_row.offset is not None
        assert 0 <= press_of_row.offset < 60
    assert 0 < entry(run)["duration_ms"] < 60_000
