"""Every recorded behaviour of the original engine, run on this engine; where it is wrong, the right result.

``pytest tests/conformance --cases FILE`` runs another file of the same form instead.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from conformance_cases import CASES, Case, judge, judge_defect, leaks, load_cases, run_case
from defects_expected import RIGHT, SECRET


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    given = metafunc.config.getoption("--cases")
    files = (
        [Path(given)] if given else [CASES / f"{name}.json" for name in ("cases", "cases-more", "defects")]
    )
    cases = [case for file in files for case in load_cases(file)]
    metafunc.parametrize("case", cases, ids=[case["name"] for case in cases])


def test_case(case: Case, tmp_path: Path) -> None:
    actual = run_case(case, tmp_path)
    wrong = judge(case, actual) if "expected" in case else judge_defect(RIGHT[case["name"]], actual)
    assert not wrong, "\n".join(wrong)
    if "secrets" in case["tags"]:
        assert list(tmp_path.glob("drawers/main/pressed/*.json"))
        assert not leaks(SECRET, tmp_path, case)
