"""Options and hooks shared by all tests; what they inherit and leave behind, see ``surroundings_rig``."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import psutil
import pytest
from surroundings_rig import clean_up_after, end, mark, marked, reset_signals


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--cases",
        metavar="FILE",
        default=None,
        help="conformance: run the cases of this file instead of those in tests/conformance",
    )


def pytest_configure(config: pytest.Config) -> None:
    reset_signals()
    worker: dict[str, Any] = getattr(config, "workerinput", {})
    name = mark(worker.get("workerid", ""))
    if not worker:
        clean_up_after(name)
    config.pluginmanager.register(Leftovers(name), "leftovers")


class Leftovers:
    """Ends the programs that the tests of a file left, if one of them failed; at the end, all there are.

    Args:
        mark: that of the programs.
    """

    def __init__(self, mark: str) -> None:
        self._mark = mark
        self._file = Path()
        self._failed = False
        self._before: list[psutil.Process] = []

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(
        self, item: pytest.Item, nextitem: pytest.Item | None
    ) -> Generator[None, object, object]:
        if item.path != self._file:
            self._file, self._failed, self._before = item.path, False, marked(self._mark)
        done = yield
        if nextitem is None:
            end(marked(self._mark))
        # The server and the browser of tests/browser outlive the file whose test first needed them.
        elif nextitem.path != item.path and self._failed and "browser" not in item.keywords:
            end([process for process in marked(self._mark) if process not in self._before])
        return done

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        self._failed |= report.failed
        return report
