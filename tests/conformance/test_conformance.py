"""Every recorded behaviour of the original engine, run against ours.

``pytest tests/conformance --cases FILE`` runs another file of the same form instead.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from conformance_cases import CASES, Case, judge, load_cases, run_case


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    given = metafunc.config.getoption("--cases")
    files = [Path(given)] if given else [CASES / "cases.json", CASES / "cases-more.json"]
    cases = [case for file in files for case in load_cases(file)]
    metafunc.parametrize("case", cases, ids=[case["name"] for case in cases])


def test_case(case: Case, tmp_path: Path) -> None:
    differences = judge(case, run_case(case, tmp_path))
    assert not differences, "\n".join(differences)
