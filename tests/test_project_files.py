"""The project's other files agree with pyproject.toml, with each other and with the repository."""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from drawer_ipy import __version__

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PROJECT = PYPROJECT["project"]
CHANGELOG = (ROOT / "CHANGELOG.md").read_text("utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
SECURITY = (ROOT / "SECURITY.md").read_text("utf-8")
PIN = re.compile(r"([\w-]+)(?:\[[\w,]+\])?==([\w.]+)")


def yaml(name: str) -> Any:
    return YAML(typ="safe").load((ROOT / name).read_text("utf-8"))


def pins(requirements: list[str]) -> dict[str, str]:
    return dict(found.groups() for each in requirements if (found := PIN.fullmatch(each)))


def released() -> list[tuple[str, str]]:
    """Version and date of each section of the changelog, the newest first."""
    return re.findall(r"^## (\S+) - (\S+)$", CHANGELOG, re.MULTILINE)


# The changelog


def test_the_changelog_has_a_dated_section_for_the_version_and_an_unreleased_one() -> None:
    headings = re.findall(r"^## (.*)$", CHANGELOG, re.MULTILINE)
    assert headings[0] == "Unreleased"
    assert [f"{version} - {date}" for version, date in released()] == headings[1:]
    assert released()[0][0] == __version__
    dates = [dt.date.fromisoformat(date) for _, date in released()]
    assert dates == sorted(dates, reverse=True)


# CITATION.cff


def test_the_citation_agrees_with_the_project() -> None:
    citation = yaml("CITATION.cff")
    urls = PROJECT["urls"]
    assert citation["cff-version"] == "1.2.0"
    assert citation["message"]
    assert citation["title"].replace("_", "-") == PROJECT["name"]
    assert citation["type"] == "software"
    assert citation["abstract"] == PROJECT["description"]
    assert citation["authors"] == PROJECT["authors"]
    assert (citation["version"], citation["date-released"]) == released()[0]
    assert citation["license"] == PROJECT["license"]
    assert citation["repository-code"] == urls["Source"]
    assert citation["url"] == urls["Homepage"]
    assert citation["keywords"] == PROJECT["keywords"]


# pre-commit


def test_the_hooks_use_the_pinned_versions() -> None:
    pinned = pins(PROJECT["optional-dependencies"]["dev"])
    assert {"ruff", "mypy", "pyright", "pre-commit"} <= pinned.keys()
    hooks = [hook for repo in yaml(".pre-commit-config.yaml")["repos"] for hook in repo["hooks"]]
    assert {"ruff-check", "ruff-format", "mypy"} <= {hook["id"] for hook in hooks}
    for hook in hooks:
        tool = Path(hook["entry"].split()[0]).name
        if hook["language"] == "system":
            assert hook["entry"].startswith(".venv/bin/")
        else:
            assert pins(hook["additional_dependencies"])[tool] == pinned[tool]


def test_the_hooks_need_nothing_but_the_package_index() -> None:
    assert {repo["repo"] for repo in yaml(".pre-commit-config.yaml")["repos"]} == {"local"}


# Coverage


def test_the_nightly_stage_enforces_a_minimum_coverage() -> None:
    assert 50 < PYPROJECT["tool"]["coverage"]["report"]["fail_under"] <= 100
    stage = ROOT / ".ci" / "coverage"
    assert "make coverage" in stage.read_text("utf-8")
    assert stage.stat().st_mode & 0o111
    rule = (ROOT / "Makefile").read_text("utf-8").partition("\ncoverage:")[2].partition("\n\n")[0]
    assert "--cov" in rule
    assert "coverage report" in rule


# Linting


def test_every_lint_suppression_has_a_reason() -> None:
    bare = re.compile(r"#\s*noqa(?!: [A-Z]+\d+(?:, ?[A-Z]+\d+)* +(?:- |\(|# )\S)")
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for folder in ("drawer_ipy", "tests", "benchmarks")
        for path in sorted((ROOT / folder).rglob("*.py"))
        if path != Path(__file__)
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if bare.search(line)
    ]
    assert not found


# CONTRIBUTING.md and SECURITY.md


def test_the_targets_and_paths_in_the_contributors_guide_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = set(
        re.findall(r"\bmake ([a-z]+)\b", "\n".join(re.findall(r"```.*?```|`[^`]+`", CONTRIBUTING, re.DOTALL)))
    )
    assert {"lint", "test", "unit", "coverage"} <= named <= targets
    paths = set(re.findall(r"(?:drawer_ipy|tests|docs|\.ci)/[\w/.-]*\w", CONTRIBUTING)) - {
        "drawer_ipy/drawer_ipy"
    }
    assert len(paths) > 15
    assert not [path for path in paths if not (ROOT / path).exists()]


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("drawer_ipy/buttons/base.py", ["class Button(Protocol)", "def bind(", "async def press("]),
        ("drawer_ipy/buttons/factory.py", ["def make_button("]),
        (
            "drawer_ipy/display/live.py",
            ["class Display(Protocol)", "class LiveDisplay", "def attach(", "def finish("],
        ),
        ("drawer_ipy/display/choose.py", ["def choose_display(", "KINDS ="]),
        ("drawer_ipy/engine/pool.py", ["class BoundedMap"]),
    ],
)
def test_the_files_in_the_contributors_guide_define_the_described_names(path: str, names: list[str]) -> None:
    assert path in CONTRIBUTING or f"{Path(path).parent}/" in CONTRIBUTING
    text = (ROOT / path).read_text("utf-8")
    assert not [name for name in names if name not in text]


def test_the_security_policy_has_a_private_contact_and_the_supported_version() -> None:
    assert f"{PROJECT['urls']['Source']}/security" in SECURITY
    assert "@" not in SECURITY
    assert f"| {__version__.rpartition('.')[0]} (the latest) | yes |" in SECURITY
    for name in re.findall(r"`(BUTTONS_\w+|allow_private_networks)`", SECURITY):
        assert any(name in path.read_text("utf-8") for path in (ROOT / "drawer_ipy").rglob("*.py")), name


@pytest.mark.parametrize(
    "name", ["CONTRIBUTING.md", "SECURITY.md", "CITATION.cff", "CHANGELOG.md", "LICENSE"]
)
def test_the_source_distribution_includes_the_projects_files(name: str) -> None:
    assert name in PYPROJECT["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
