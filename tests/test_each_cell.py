"""``%%each`` in a real kernel: where the body runs, its variables, its results, and its errors."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from kernel_rig import Kernel, click_cancel, interrupt, kernel_in, once_ok

SETUP = """
%load_ext drawer_ipy
import asyncio, threading, time
urls = ["a", "bb", "ccc"]
loop = asyncio.get_running_loop()
count = 0

async def fetch(url):
    await asyncio.sleep(0)
    return url.upper()

def work(x):
    return 1 / x
"""


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    with kernel_in(tmp_path_factory.mktemp("home"), SETUP) as kernel:
        yield kernel


def test_the_body_runs_for_every_item_and_its_last_expression_is_the_row(kernel: Kernel) -> None:
    kernel.run("%%each url in urls -p 8 --out pages\npage = await fetch(url)\n{'page': page, 'n': len(page)}")
    assert kernel.value("pages.to_dicts()") == [
        {"url": "a", "page": "A", "n": 1},
        {"url": "bb", "page": "BB", "n": 2},
        {"url": "ccc", "page": "CCC", "n": 3},
    ]
    assert kernel.value("'page' in globals()") is False, "what the body assigns belongs to its item"


def test_a_body_that_awaits_runs_on_the_event_loop_and_another_in_threads(kernel: Kernel) -> None:
    kernel.run("%%each x in urls -o here\nawait asyncio.sleep(0)\nasyncio.get_running_loop() is loop")
    assert kernel.value("here['output'].to_list()") == [True] * 3
    kernel.run("%%each x in urls -o there -p 3\nthreading.current_thread() is threading.main_thread()")
    assert kernel.value("there['output'].to_list()") == [False] * 3


def test_assigning_a_notebook_variable_is_refused_before_anything_runs(kernel: Kernel) -> None:
    cell = kernel.run("%%each x in urls\nprint('begun')\n\ncount += 1", fails=True)
    assert "line 4, column 1: `count` is a variable of the notebook" in cell.traceback
    assert "    count += 1\n    ^" in cell.traceback
    assert cell.stdout == ""
    assert kernel.value("count") == 0


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("%%each x in urls --prallelism 3\nx", "did you mean '--parallelism'?"),
        ("%%each x in urls -p many\nx", "argument --parallelism/-p: must be a whole number from 0 up"),
        ("%%each x in urls --rate 5\nx", "is not a rate"),
        ("%%each x in urls --cache soon\nx", "not a length of time"),
        ("%%each x in urls --tolerate some\nx", "give a count"),
        ("%%each x in urls --timeout never\nx", "must be seconds"),
        ("%%each x in urls --retry -1\nx", "must be a whole number"),
        ("%%each x in urls --stop --tolerate 2\nx", "cannot be combined"),
        ("%%each x in urls -p 2 more\nx", "'more' stands behind the options"),
        ("%%each x in urls --out 3x\nx", "--out needs a variable's name"),
        ("%%each a << x in urls --out b\nx", "write `a <<` or --out b, not both"),
        ("%%each x in urls --name a/b\nx", "a name has letters, digits"),
        ("%%each x in urls --define\nx", "--define needs a name"),
        ("%%each x in urls --dry-run --background\nx", "not both"),
        ("%%each x in urls --out work\nwork(x)", "would replace the function 'work'"),
        ("%%each x in {'a': 1}\nx", "list(d.items())"),
        ("%%each x in 'text'\nx", "text.splitlines()"),
        ("%%each x in None\nx", "`None` is None, which cannot be looped over"),
        ("x = 1\n%%each x in urls\nx", "must be the first line of its cell"),
        ("%%each", "what to loop over is missing"),
    ],
)
def test_a_mistake_is_explained(kernel: Kernel, cell: str, text: str) -> None:
    assert text in kernel.run(cell, fails=True).traceback


def test_a_traceback_shows_the_lines_of_the_cell(kernel: Kernel) -> None:
    number = kernel.run("# above\n\n%%each x in [0] -o failed\n\nwork(x)").reply["execution_count"]
    trace = kernel.value("failed[0].steps['output'].stderr")
    assert f"Cell In[{number}], line 5, in failed_body" in trace
    assert "work(x)" in trace
    assert "ZeroDivisionError" in trace


def test_an_item_that_cannot_be_unpacked_is_a_failed_row(kernel: Kernel) -> None:
    kernel.run("%%each i, x in [(1, 'a'), 5] -o found\n[i, x]")
    assert kernel.value("found['output'].to_list()") == [[1, "a"], None]
    assert "cannot unpack non-iterable int" in kernel.value("found.errors[0].message")


def test_every_item_is_tried_unless_the_line_says_stop(kernel: Kernel) -> None:
    kernel.run("%%each x in [1, 0, 2, 0] -o found\nwork(x)")
    assert kernel.value("[row.status for row in found]") == ["ok", "failed", "ok", "failed"]
    cell = kernel.run("%%each x in [1, 0, 2, 0] -o found --stop\nwork(x)", fails=True)
    assert "DrawerFailed" in cell.traceback
    assert kernel.value("[row.status for row in found]") == ["ok", "failed", "skipped", "skipped"]


def test_a_corrected_body_continues_with_the_failed_items(kernel: Kernel) -> None:
    kernel.run("pressed = []")
    kernel.run("%%each x in [1, 0] -o mended\npressed.append(x)\n1 / x")
    kernel.run("%%each x in [1, 0] -o mended --define\npressed.append(x)\n1 / x if x else 0")
    kernel.run("mended.retry(quiet=True)")
    assert kernel.value("mended['output'].to_list()") == [1.0, 0]
    assert kernel.value("pressed") == [1, 0, 0]


def test_a_corrected_helper_continues_with_the_failed_items(kernel: Kernel) -> None:
    kernel.run("def helper(x): return 1 / x")
    kernel.run("%%each x in [1, 0] -o helped\nhelper(x)")
    kernel.run("def helper(x): return 0")
    kernel.run("helped.retry(quiet=True)")
    assert kernel.value("helped['output'].to_list()") == [1.0, 0]


def test_the_run_is_a_drawer_with_a_name(kernel: Kernel) -> None:
    kernel.run("%%each url in urls --out named -p 2\nurl * 2")
    assert "for each url in inputs.urls, 2 at once" in kernel.run("%drawer named").stdout
    kernel.run("urls.append('dddd')")
    kernel.run("%drawer named press")
    assert kernel.value("_drawer['output'].to_list()") == ["aa", "bbbb", "cccccc", "dddddddd"]
    kernel.run("urls.pop()")


def test_the_equivalent_drawer_has_the_same_results(kernel: Kernel) -> None:
    body = "# why\nif url == 'a':\n    continue\ntext = '''x\n  y'''\nawait fetch(url + text)"
    kernel.run(f"%%each url in urls --out one -p 2 --retry 1\n{body}")
    line = "url in urls --out one -p 2 --retry 1 --as-drawer"
    kernel.run(f"as_drawer = get_ipython().run_cell_magic('each', {line!r}, {body!r})")
    assert "# why" in kernel.value("as_drawer.function")
    kernel.run("exec(as_drawer.function)")
    kernel.run(kernel.value("as_drawer.cell") + " ")
    assert kernel.value("_drawer['output'].to_list() == one['output'].to_list()") is True


def test_a_dry_run_presses_nothing(kernel: Kernel) -> None:
    kernel.run("touched = []")
    shown = kernel.run("%%each url in urls --dry-run -p 2\ntouched.append(url)").shown
    assert "for each url in inputs.urls, 2 at once, continues when items fail" in shown
    assert kernel.value("touched") == []


def test_a_click_on_cancel_keeps_finished_items(kernel: Kernel) -> None:
    body = "await asyncio.sleep(0 if x < 8 else 30)\nx"
    cell = kernel.run(
        f"%%each x in range(50) -p 4 -o cut\n{body}", fails=True, act=click_cancel, when=once_ok(8)
    )
    assert "DrawerCancelled" in cell.traceback
    assert kernel.value("[row.output for row in cut][:8]") == list(range(8))


def test_an_interrupt_keeps_finished_items(kernel: Kernel) -> None:
    body = "time.sleep(0 if x < 8 else 3)\nx"
    kernel.run(
        f"%%each x in range(50) -p 4 -o cut\n{body}",
        fails=True,
        act=interrupt,
        when=once_ok(8),
    )
    assert kernel.value("[row.output for row in cut][:8]") == list(range(8))


def test_a_background_run_returns_a_handle(kernel: Kernel) -> None:
    kernel.run("%%each x in urls --background -o handle\nx")
    kernel.run("await handle")
    assert kernel.value("handle.results['output'].to_list()") == ["a", "bb", "ccc"]


def test_a_cell_that_cannot_be_awaited_runs_on_a_thread(kernel: Kernel) -> None:
    kernel.run("%%time\n%%each x in urls -o timed\nawait asyncio.sleep(0)\nx")
    assert kernel.value("timed['output'].to_list()") == ["a", "bb", "ccc"]


def test_help_and_completion_know_the_options(kernel: Kernel) -> None:
    shown = kernel.run("%%each?")
    assert "--tolerate" in str(shown.reply)
    cell = "%%each x in urls --par"
    matches = kernel.client.complete(cell, reply=True, timeout=30)["content"]["matches"]
    assert "--parallelism" in matches


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "json", "parquet", "csv.gz"])
def test_the_table_is_saved_when_the_run_ends(kernel: Kernel, suffix: str) -> None:
    kernel.run(f"%%each x in urls --save kept.{suffix}\n{{'n': len(x)}}")
    assert kernel.value(f"__import__('os').path.getsize('kept.{suffix}') > 10") is True
    assert "kept" not in kernel.value("[n for n in __import__('os').listdir('.') if n.startswith('.kept')]")


def test_the_partial_table_of_a_stopped_run_is_saved_too(kernel: Kernel) -> None:
    kernel.run("%%each x in [1, 0, 2] --stop --save partial.csv\n{'y': 1 / x}", fails=True)
    lines = kernel.value("open('partial.csv').read().splitlines()")
    assert lines[0].startswith("x,y,status,error")
    assert [line.split(",")[2] for line in lines[1:]] == ["ok", "failed", "skipped"]


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("t.cvs", "did you mean '.csv'?"),
        ("nowhere/t.csv", "cannot save to"),
        ("table", "its name has no suffix"),
    ],
)
def test_a_file_that_cannot_be_written_is_refused_before_the_run(
    kernel: Kernel, file: str, text: str
) -> None:
    kernel.run("began = []")
    cell = kernel.run(f"%%each x in urls --save {file}\nbegan.append(x)", fails=True)
    assert text in cell.traceback
    assert kernel.value("began") == []
    drawer = "steps: [{id: a, button: work, args: {x: 1}}]"
    assert text in kernel.run(f"%%drawer --save {file}\n{drawer}", fails=True).traceback


def test_a_drawer_saves_its_table(kernel: Kernel) -> None:
    kernel.run("%%drawer --save one.json\nsteps: [{id: a, button: work, args: {x: 1}}]")
    assert kernel.value("__import__('json').load(open('one.json'))[0]['output']") == 1.0


def test_outputs_are_cached_while_the_body_does_not_change(kernel: Kernel) -> None:
    kernel.run("__import__('os').makedirs('.buttons', exist_ok=True)")
    for body, cached in (("x * 2", False), ("x * 2", True), ("x * 3", False), ("x * 2", True)):
        kernel.run(f"%%each x in ['a', 'b'] --cache 1d -o found\n{body}")
        assert kernel.value("[row.steps['output'].cached for row in found]") == [cached] * 2
        assert kernel.value("found['output'].to_list()") == ["a" * int(body[-1]), "b" * int(body[-1])]


def test_an_endless_iterator_runs_until_it_is_cancelled(kernel: Kernel) -> None:
    kernel.run("import itertools")
    body = "await asyncio.sleep(0.01)\nn"
    kernel.run(
        f"%%each n in itertools.count() -p 4 -o endless\n{body}",
        fails=True,
        act=click_cancel,
        when=once_ok(8),
    )
    assert kernel.value("[row.output for row in endless][:8]") == list(range(8))


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("url, n in df", [["a", 1], ["b", 2]]),
        ("n, url in df", [[1, "a"], [2, "b"]]),
        ("[n, url] in df", [[1, "a"], [2, "b"]]),
        ("n, price in df[['n', 'price']]", [[1, 0.5], [2, 1.5]]),
        ("x, y, z in df", [["a", 1, 0.5], ["b", 2, 1.5]]),
        ("x, *y in df", [["a", [1, 0.5]], ["b", [2, 1.5]]]),
        ("x, y in polars.from_pandas(df).select('n', 'url')", [[1, "a"], [2, "b"]]),
        ("x, y in pyarrow.table({'x': [1], 'y': [2]})", [[1, 2]]),
        ("y, x in found", [[2, 1]]),
        ("x, y in structured", [[1, 2.0]]),
        ("x, y in [{'p': 1, 'q': 2}]", [["p", "q"]]),
        ("i, (x, y) in [(0, (1, 2))]", [[1, 2]]),
    ],
)
def test_several_names_get_the_values_of_a_tables_row(
    kernel: Kernel, header: str, expected: list[object]
) -> None:
    kernel.run(
        "import json, numpy, pandas, polars, pyarrow\n"
        "df = pandas.DataFrame({'url': ['a', 'b'], 'n': [1, 2], 'price': [0.5, 1.5]}, index=[7, 8])\n"
        "structured = numpy.array([(1, 2.0)], dtype=[('p', 'i4'), ('q', 'f8')])"
    )
    kernel.run("%%each item in [0] --out found\n{'x': 1, 'y': 2}")
    names = [name for name in ("url", "n", "price", "x", "y", "z") if name in header.partition(" in ")[0]]
    order = ", ".join(sorted(names, key=header.index))
    kernel.run(f"%%each {header} --out rows\n[{order}]")
    assert (
        kernel.value("json.loads(json.dumps(list(rows['output']), default=lambda one: one.item()))")
        == expected
    )


def test_a_target_that_does_not_fit_a_tables_columns_is_reported_before_the_run(kernel: Kernel) -> None:
    kernel.run("import pandas\ndf = pandas.DataFrame({'url': ['a'], 'n': [1], 'price': [0.5]})")
    error = kernel.run("%%each url, m in df --out rows\nurl", fails=True).traceback
    assert "line 1, column 18" in error
    assert (
        "each row has 3 columns (url, n, price), but the target has 2 names; there is no column 'm'" in error
    )
    assert "%%each row in" in error


def test_as_drawer_unpacks_a_tables_row_too(kernel: Kernel) -> None:
    kernel.run("import pandas\ndf = pandas.DataFrame({'url': ['a'], 'n': [1], 'price': [0.5]})")
    shown = kernel.run("%%each n, url in df --out rows --as-drawer\nf'{url}{n}'").shown
    assert "n, url = (item['n'], item['url'])" in shown


@pytest.mark.parametrize(
    ("header", "options"),
    [
        ("url, n in frame", "--key url"),
        ("n, url in frame", "--key url"),
        ("a, b in frame", "--key a"),
        ("row in frame", "--key url"),
        ("i, (url, n) in list(enumerate(frame.itertuples(index=False)))", "--key url"),
        ("url, n in frame.values.tolist()", "--key url"),
    ],
)
def test_a_key_is_a_name_of_the_target_or_a_column(kernel: Kernel, header: str, options: str) -> None:
    kernel.run("import pandas\nframe = pandas.DataFrame({'url': ['a', 'b'], 'n': [1, 2]})")
    kernel.run(f"%%each {header} --out found {options} --durable off\n0")
    assert kernel.value("len(found.ok)") == 2
    kernel.run("frame = pandas.DataFrame({'url': ['a', 'a'], 'n': [1, 2]})")
    cell = kernel.run(f"%%each {header} --out found {options} --durable off\n0", fails=True)
    assert "items 0 and 1" in cell.traceback, "two items have one key"
