"""The notebooks: their saved outputs match an execution, and can be read without a kernel."""

from __future__ import annotations

import copy
import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from nbconvert import HTMLExporter
from notebook_rig import QUICKSTART, ROOT, code_cells, drawer_cells, execute, read, said, sanitize

from drawer_ipy.demo.catalogue import Catalogue, mixed_outcome

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
WIDGET = "application/vnd.jupyter.widget-view+json"
BROKEN = [n - 1 for n in range(1, 61) if mixed_outcome(n).status != 200]


@pytest.fixture(scope="module", params=NOTEBOOKS, ids=lambda path: path.stem)
def saved(request: pytest.FixtureRequest) -> Any:
    return read(request.param)


@pytest.fixture(scope="module")
def quickstart() -> Any:
    return read(QUICKSTART)


@pytest.fixture(scope="module")
def executed() -> Any:
    """The executed quickstart, with its last cell once more, changed as its comment proposes."""
    notebook = read(QUICKSTART)
    again = copy.deepcopy(notebook.cells[-1])
    again.id = "again-as-proposed"
    again.source = again.source.replace("abcdef", "ghijkl").replace("max_attempts: 3", "max_attempts: 2")
    notebook.cells.append(again)
    return execute(notebook, QUICKSTART.parent)


class Page(HTMLParser):
    """The scripts of a page, and the rows of its tables as lists of cells."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.scripts: list[str] = []
        self.rows: list[list[str]] = []
        self._in: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th") and self.rows:
            self.rows[-1].append("")
        elif tag == "script":
            self.scripts.append("")
        if tag in ("td", "th", "script"):
            self._in.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._in and self._in[-1] == tag:
            self._in.pop()

    def handle_data(self, data: str) -> None:
        if self._in and self._in[-1] == "script":
            self.scripts[-1] += data
        elif self._in and self.rows and self.rows[-1]:
            self.rows[-1][-1] += data


# Saved outputs


def test_every_code_cell_was_executed_once_and_in_order(saved: Any) -> None:
    cells = code_cells(saved)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))


def test_no_cell_ended_with_an_error(saved: Any) -> None:
    meant = [cell for cell in code_cells(saved) if "raises-exception" in cell.metadata.get("tags", [])]
    cells = [cell for cell in code_cells(saved) if cell not in meant]
    assert not [o for cell in cells for o in cell.outputs if o.output_type == "error"]
    assert all(any(o.output_type == "error" for o in cell.outputs) for cell in meant)


def test_the_notebook_names_a_kernel_that_every_installation_has(saved: Any) -> None:
    assert saved.metadata.kernelspec.name == "python3"


def test_no_widget_is_saved(saved: Any) -> None:
    assert not [cell.source for cell in code_cells(saved) if said(cell, WIDGET)]
    assert "widgets" not in saved.metadata


def test_each_drawer_cell_has_its_table_as_html_and_as_text(saved: Any) -> None:
    cells = drawer_cells(saved)
    assert cells
    for cell in cells:
        if {"--define", "--quiet"} & set(cell.source.partition("\n")[0].split()):
            continue  # nothing ran, or nothing is shown
        bundles = [output.data for output in cell.outputs if output.output_type != "stream"]
        shown = [data for data in bundles if any(data.values())]
        assert list(map(sorted, shown)) == [["text/html", "text/plain"]]
        assert "<table>" in said(cell, "text/html")[0]


def test_the_saved_notebook_has_no_local_paths_or_times(saved: Any) -> None:
    text = json.dumps(saved, ensure_ascii=False)
    assert not re.findall(r"/(?:home|root|Users|tmp|work|var)/[^\s\"]*", text)
    assert not [cell.id for cell in saved.cells if "execution" in cell.metadata]


# The quickstart


def test_the_quickstart_has_ten_cells(quickstart: Any) -> None:
    assert len(quickstart.cells) == 10


def test_the_saved_outputs_equal_those_of_an_execution(quickstart: Any, executed: Any) -> None:
    for before, after in zip(quickstart.cells, executed.cells, strict=False):
        if before.cell_type == "code":
            for mime in ("text/plain", "text/html"):
                old, new = said(before, mime), said(after, mime)
                assert list(map(sanitize, new)) == list(map(sanitize, old)), before.id
            assert len(said(before, "image/png")) == len(said(after, "image/png"))


def test_the_table_has_the_order_of_the_addresses_and_the_data_of_the_shop(executed: Any) -> None:
    names, *rows = Page(said(drawer_cells(executed)[0], "text/html")[0]).rows
    shown = [dict(zip(names, row, strict=True)) for row in rows if row[0] != "…"]
    assert [int(row[""]) for row in shown] == [
        *BROKEN,
        *(n for n in [*range(11), *range(50, 60)] if n not in BROKEN),
    ]
    items = Catalogue.build().items
    for row in shown:
        item = items[int(row[""])]
        assert row["url"].endswith(f"/mixed/{item.id}")
        if item.id - 1 in BROKEN:
            assert (row["title"], row["status"]) == ("–", "failed")
        else:
            found = (row["title"], row["category"], int(row["rating"]), row["status"])
            assert found == (item.title, item.category, item.rating, "ok")
            assert round(float(row["price"]) * 100) == item.price_pence


def test_the_failed_pages_are_the_broken_pages_of_the_shop(executed: Any) -> None:
    cell = next(cell for cell in executed.cells if cell.id == "failed")
    names, *rows = Page(said(cell, "text/html")[0]).rows
    assert [int(row[0]) for row in rows] == BROKEN
    assert all("HTTP 500" in row[names.index("error")] for row in rows)


def test_eight_pages_are_fetched_at_once() -> None:
    notebook = read(QUICKSTART)
    probe = copy.deepcopy(notebook.cells[1])
    probe.id, probe.source = "probe", "print(site.stats().max_in_flight, site.stats().requests)"
    place = notebook.cells.index(drawer_cells(notebook)[0])
    notebook.cells[place].source = notebook.cells[place].source.replace("300ms", "0ms")
    reset = copy.deepcopy(probe)
    reset.id, reset.source = "reset", "site.reset()"
    notebook.cells[:] = [*notebook.cells[:place], reset, notebook.cells[place], probe]
    execute(notebook, QUICKSTART.parent)
    most, requests = map(int, said(notebook.cells[-1])[0].split())
    assert requests == 60
    assert 2 <= most <= 8


def test_the_last_cell_fails_as_described_with_other_letters(executed: Any) -> None:
    text = said(executed.cells[-1])[0]
    assert text.startswith("✘ finished · 0 ok · 6 failed")
    assert "HTTP 500" in text


def test_a_title_with_a_script_is_shown_as_text(executed: Any) -> None:
    html, _ = HTMLExporter().from_notebook_node(executed)  # type: ignore[no-untyped-call]
    page = Page(html)
    hostile = "<script>alert('drawer')</script>"
    assert [row for row in page.rows if hostile in row]
    assert not [script for script in page.scripts if "alert('drawer')" in script]


def test_the_exported_page_shows_the_rows_without_a_kernel(quickstart: Any) -> None:
    html, _ = HTMLExporter().from_notebook_node(quickstart)  # type: ignore[no-untyped-call]
    rows = Page(html).rows
    titles = [Catalogue.build().items[n].title for n in (0, 1, 3, 9, 50, 59)]
    for title in titles:
        assert [row for row in rows if title in row], title
    assert f'type="{WIDGET}">' not in html


# The comparison of outputs


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("http://127.0.0.1:36677/mixed/3", "http://127.0.0.1:8080/mixed/3"),
        ("http://127.0.0.1:36677/mix…", "http://127.0.0.1:8080/mixe…"),
        ("⚠ finished · 58 ok · 2 failed · 2.7 s · 23/s", "⚠ finished · 58 ok · 2 failed · 931 ms · 1,023/s"),
        ("⚠ finished · 58 ok · 1 min 05 s · 0.9/s", "⚠ finished · 58 ok · 2 min 15 s · 0.7/s"),
        ("for GET http://127.0.0.1:1/mixed/3 (i…", "for GET http://127.0.0.1:12345/mixed/3 (item…"),
    ],
)
def test_ports_and_durations_are_not_compared(one: str, other: str) -> None:
    assert sanitize(one) == sanitize(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("147.66  ok", "147.67  ok"),
        ("58 ok · 2 failed", "57 ok · 3 failed"),
        ("http://127.0.0.1:1/mixed/3", "http://127.0.0.1:1/mixed/4"),
        (" 2  http://127.0.0.1:1/mix…  –", " 3  http://127.0.0.1:1/mix…  –"),
    ],
)
def test_everything_else_is_compared(one: str, other: str) -> None:
    assert sanitize(one) != sanitize(other)
