"""The public types: user scripts are checked with mypy --strict and the strict mode of pyright.

The scripts are checked in a separate folder, so that the configuration of this project has no effect.
"""

from __future__ import annotations

import json
import os
import shutil
import site
import subprocess
import sys
import venv
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parent / "typing"
CACHE = Path(__file__).parents[1] / ".mypy_cache" / "user_scripts"
LEAST_COMPLETE = 0.95
"""Share of the public symbols whose types must be known."""

Found = dict[int, str]
"""The first error of a checker in each line, by the line's number from 1."""


def run(
    command: list[str], folder: Path, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, check=False, cwd=folder, env=environment, capture_output=True, encoding="utf-8"
    )


def mypy(script: Path) -> Found:
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--config-file=",
        f"--cache-dir={CACHE}",
        "--output=json",
    ]
    ran = run([*command, script.name], script.parent)
    assert ran.returncode in (0, 1), ran.stdout + ran.stderr
    reported = [json.loads(line) for line in ran.stdout.splitlines() if line.startswith("{")]
    errors = [entry for entry in reported if entry["severity"] == "error"]
    assert bool(errors) == bool(ran.returncode), ran.stdout + ran.stderr
    return {entry["line"]: entry["message"] for entry in reversed(errors)}


def pyright(script: Path) -> Found:
    (script.parent / "pyrightconfig.json").write_text('{"typeCheckingMode": "strict"}', "utf-8")
    command = [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, "--outputjson", script.name]
    ran = run(command, script.parent)
    assert ran.returncode in (0, 1), ran.stdout + ran.stderr
    report = json.loads(ran.stdout)
    assert report["summary"]["filesAnalyzed"] == 1
    diagnostics = report["generalDiagnostics"]
    return {entry["range"]["start"]["line"] + 1: entry["message"] for entry in reversed(diagnostics)}


CHECKERS = pytest.mark.parametrize("check", [mypy, pyright])
# Without a cache a checker reads everything that the package imports.
SLOW = pytest.mark.timeout(300)


@pytest.fixture
def script(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    return Path(shutil.copy(SCRIPTS / request.param, tmp_path))


@SLOW
@CHECKERS
@pytest.mark.parametrize("script", ["user_script.py"], indirect=True)
def test_a_users_script_has_the_types_that_it_asserts(script: Path, check: Callable[[Path], Found]) -> None:
    assert check(script) == {}


@SLOW
@CHECKERS
@pytest.mark.parametrize("script", ["mistakes.py"], indirect=True)
def test_the_checkers_report_every_mistake_and_nothing_else(
    script: Path, check: Callable[[Path], Found]
) -> None:
    lines = script.read_text("utf-8").splitlines()
    wrong = {number for number, line in enumerate(lines, 1) if line.endswith("# wrong")}
    assert len(wrong) > 15
    found = check(script)
    assert found.keys() == wrong, found


@pytest.mark.slow
@SLOW
def test_the_types_of_public_symbols_are_complete(tmp_path: Path) -> None:
    """Pyright judges an installed package only, so this one is copied into an environment of its own."""
    environment = tmp_path / "environment"
    venv.create(environment, symlinks=True)
    (packages,) = environment.glob("lib/python*/site-packages")
    package = Path(__file__).parents[1] / "drawer_ipy"
    shutil.copytree(package, packages / "drawer_ipy", ignore=shutil.ignore_patterns("__pycache__"))
    (packages / "others.pth").write_text("".join(f"{folder}\n" for folder in site.getsitepackages()), "utf-8")
    variables = {**os.environ, "PATH": f"{environment / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    arguments = ["--verifytypes", "drawer_ipy", "--ignoreexternal", "--outputjson"]
    ran = run([sys.executable, "-m", "pyright", *arguments], tmp_path, variables)
    found = json.loads(ran.stdout)["typeCompleteness"]
    unknown = [s["name"] for s in found["symbols"] if s["isExported"] and not s["isTypeKnown"]]
    assert len(found["symbols"]) > 5_000, ran.stderr
    assert found["completenessScore"] >= LEAST_COMPLETE, unknown


@pytest.mark.parametrize("script", ["user_script.py"], indirect=True)
def test_a_users_script_runs(script: Path) -> None:
    surroundings = {**os.environ, "BUTTONS_HOME": str(script.parent / "home")}
    ran = run([sys.executable, "-W", "error", script.name], script.parent, surroundings)
    assert (ran.returncode, ran.stdout) == (0, ""), ran.stderr
    assert ran.stderr.startswith("drawer_ipy "), ran.stderr


def test_the_package_is_marked_as_typed() -> None:
    assert (Path(__file__).parents[1] / "drawer_ipy" / "py.typed").is_file()
