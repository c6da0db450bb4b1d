"""References in code, tests and documents lead to existing files of docs/, sections and numbered defects."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CITING = sorted(
    path
    for pattern in (
        "*.md",
        "docs/**/*.md",
        "drawer_ipy/**/*.py",
        "tests/**/*.py",
        "benchmarks/**/*.py",
        "Makefile",
    )
    for path in ROOT.glob(pattern)
    if path != Path(__file__) and "generated" not in path.parts
)
IN_CODE = re.compile(
    r"docs/(?P<file>[\w./-]+?\.md)(?:#(?P<anchor>[\w-]+))?(?:,\s+(?:#\s+)?number (?P<number>\d+))?"
)
IN_MARKDOWN = re.compile(r"\]\((?P<file>[\w./-]*\.md)?(?:#(?P<anchor>[\w-]+))?\)")
OUTSIDE = re.compile(r"ORIGINAL(?:\.md)? ?§|DESIGN(?:\.md)? ?§|\b[Dd]efect \d+\b")
"""Names of former documents that this project does not contain."""


def anchors_of(text: str) -> set[str]:
    """The anchors that GitHub makes for the headings of a Markdown text."""
    outside_code = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    titles = re.findall(r"^#{1,6} +(.+?) *$", outside_code, re.MULTILINE)
    found: set[str] = set()
    for title in titles:
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title).lower()
        anchor = name = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        count = 0
        while anchor in found:
            count += 1
            anchor = f"{name}-{count}"
        found.add(anchor)
    return found


def broken(text: str, pattern: re.Pattern[str], folder: Path, own: Path) -> list[str]:
    """The broken references of `text`; paths are relative to `folder`."""
    wrong = []
    for match in pattern.finditer(text):
        target = folder / match["file"] if match["file"] else own
        if not target.is_file():
            wrong.append(f"{match[0]}: no such file")
        elif match["anchor"] and match["anchor"] not in anchors_of(target.read_text("utf-8")):
            wrong.append(f"{match[0]}: no such section")
        elif match.groupdict().get("number") and not _has_number(target, match["anchor"], match["number"]):
            wrong.append(f"{match[0]}: no such row in that section")
    return wrong


def _has_number(path: Path, anchor: str, number: str) -> bool:
    """Whether the section `anchor` has a table row that begins with `number`."""
    sections = re.split(r"^(?=#{1,6} )", path.read_text("utf-8"), flags=re.MULTILINE)
    section = "".join(part for part in sections if anchor in anchors_of(part))
    return re.search(rf"^\| *{number} *\|", section, re.MULTILINE) is not None


@pytest.mark.parametrize("path", CITING, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_reference_leads_to_a_section_that_exists(path: Path) -> None:
    text = path.read_text("utf-8")
    found = broken(text, IN_CODE, ROOT / "docs", path)
    if path.suffix == ".md":
        found += broken(text, IN_MARKDOWN, path.parent, path)
    assert not found


@pytest.mark.parametrize("path", CITING, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_file_cites_a_document_that_the_project_does_not_contain(path: Path) -> None:
    assert not OUTSIDE.findall(path.read_text("utf-8"))


def test_the_code_cites_the_page_about_the_original() -> None:
    cited = [
        m for path in CITING for m in IN_CODE.finditer(path.read_text("utf-8")) if m["file"] == "original.md"
    ]
    assert len([m for m in cited if m["anchor"]]) >= 20
    assert {"67", "68", "69", "72"} <= {m["number"] for m in cited}


@pytest.mark.parametrize(
    "reference",
    [
        "docs/" + "absent.md",
        "docs/" + "original.md#40-absent",
        "docs/" + "original.md#validation, number 72",
        "docs/" + "original.md#processes-requests-history,\n# number 63",
    ],
)
def test_a_broken_reference_is_found(reference: str) -> None:
    assert broken(f"see {reference}.", IN_CODE, ROOT / "docs", ROOT / "README.md")
    assert broken("[x](docs/absent.md) and [y](#absent)", IN_MARKDOWN, ROOT, ROOT / "README.md")


def test_anchors_are_those_that_github_makes() -> None:
    text = "# A `b_c`: d, e\n## 4.1 x\n```\n# no heading\n```\n## Same\n## Same\n### [link](a.md) text\n"
    assert anchors_of(text) == {"a-b_c-d-e", "41-x", "same", "same-1", "link-text"}
