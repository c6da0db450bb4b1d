"""Options and hooks of all tests; ``surroundings_rig`` handles inherited signals and leftover programs."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import Any

import hypothesis
import psutil
import pytest
from free_ports import let_kernels_have_free_ports
from surroundings_rig import clean_up_after, end, mark, marked, reset_signals

SLOW = frozenset(
    {
        "test_backend_conformance.py",
        "test_backend_dask.py",
        "test_backend_extract.py",
        "test_backend_laws.py",
        "test_backend_processes.py",
        "test_backend_scripts.py",
        "test_benchmarks.py",
        "test_binder.py",
        "test_definition_absent.py",
        "test_definition_hostile.py",
        "test_display_cleared.py",
        "test_fuzz.py",
        "test_hostile.py",
        "test_hostile_journal.py",
        "test_howto_pages.py",
        "test_http_faults.py",
        "test_http_tls.py",
        "test_interrupts.py",
        "test_journal_cells.py",
        "test_journal_disks.py",
        "test_journal_hosts.py",
        "test_journal_kernel.py",
        "test_journal_kills.py",
        "test_journal_laws.py",
        "test_journal_strict.py",
        "test_journal_strict_disk.py",
        "test_journal_two_processes.py",
        "test_keep_disk.py",
        "test_labextension.py",
        "test_lesson.py",
        "test_lite.py",
        "test_many_items.py",
        "test_orphans.py",
        "test_over_iterators.py",
        "test_page_reloads.py",
        "test_pages.py",
        "test_pyodide.py",
        "test_quickstart.py",
        "test_results_frames.py",
        "test_retry.py",
        "test_secrets_zoo.py",
        "test_table_million.py",
        "test_table_notebook.py",
        "test_typing.py",
        "test_yaml_cells.py",
    }
)
"""Files in tests and tests/browser that take long: ``make slow`` runs them, and ``make test`` does not."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.name in SLOW:
            item.add_marker("slow")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--cases",
        metavar="FILE",
        default=None,
        help="conformance: run the cases of this file instead of those in tests/conformance",
    )


def pytest_configure(config: pytest.Config) -> None:
    reset_signals()
    # A busy machine may take any time for an example.
    hypothesis.settings.register_profile("without deadline", deadline=None)
    hypothesis.settings.load_profile("without deadline")
    if "XDG_STATE_HOME" not in os.environ:  # workers inherit it
        state = tempfile.TemporaryDirectory(prefix="drawer-state-", ignore_cleanup_errors=True)
        os.environ["XDG_STATE_HOME"] = state.name
        config.add_cleanup(state.cleanup)
    worker: dict[str, Any] = getattr(config, "workerinput", {})
    name = mark(worker.get("workerid", ""))
    if not worker:
        clean_up_after(name)
    config.pluginmanager.register(Leftovers(name), "leftovers")


@pytest.fixture(scope="session", autouse=True)
def kernels_have_free_ports() -> None:
    let_kernels_have_free_ports()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace folder of the test's own, and a key of its own."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("BUTTONS_HOME", str(folder))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return folder


@pytest.fixture
def runs_folder(home: Path) -> Path:
    """Where the runs of that workspace are stored; the first of them makes the folder."""
    return home / "runs"


class Leftovers:
    """Ends the programs that the tests of a file left if one of them failed, and all programs at the end.

    Args:
        mark: the mark of the programs.
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
