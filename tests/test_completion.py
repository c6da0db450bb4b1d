"""Tab completion: the proposals at every kind of place, for any text, and in a real kernel."""
# ruff: noqa: E501 - a row a line

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from completion_rig import CURSOR, texts
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kernel_rig import Kernel, kernel_in
from workspace_rig import Folder, button_step

from drawer_ipy.buttons import make_button
from drawer_ipy.definition import load_button, load_drawer
from drawer_ipy.definition.step_base import STEP_KINDS
from drawer_ipy.errors import DrawerError
from drawer_ipy.notebook.completion import offer_at
from drawer_ipy.notebook.completion.half_written import outline
from drawer_ipy.pressing.surroundings import Surroundings

CHILD: list[dict[str, Any]] = [
    button_step("a", "fetch"),
    {"id": "each", "kind": "for_each", "over": "[1]", "steps": [button_step("w", "fetch", extra=1)]},
    {"id": "route", "kind": "switch", "cases": [{"id": "big", "when": "true", "steps": [button_step("x", "fetch")]}, {"when": "true", "steps": []}]},
    {"id": "sub", "kind": "drawer", "drawer": "other"},
]  # fmt: skip


def parse(html: str) -> str:
    return html


@pytest.fixture(scope="module")
def around(tmp_path_factory: pytest.TempPathFactory) -> Surroundings:
    folder = Folder(tmp_path_factory.mktemp("completion"))
    gives = {"type": "object", "properties": {"html": {}, "status": {}}}
    folder.button("fetch", "echo", "url", "depth:int", output_schema=gives)
    folder.batteries(API_KEY="s3cret-value")
    folder.drawer("child", *CHILD, inputs=[{"name": "urls"}, {"name": "n"}], **{"return": {"found": "1"}})
    folder.drawer("other", inputs=[{"name": "text"}])
    folder.drawer("broken").write_text("{")
    counted = make_button(load_button({"code": "echo", "args": ["file"]}, name="count").button)
    names = {"__name__": __name__, "parse": parse, "my_urls": [1], "_hidden": 1}
    cell = load_drawer({"steps": [button_step("only", "fetch")]}, name="mine").drawer
    return Surroundings({"count": counted}, names, folder.workspace, {"mine": cell})


# On the line of a magic: (the typed text, all proposals)

LINES: list[tuple[str, list[str]]] = [
    ("%drawer ‸", ["mine", "broken", "child", "other", "create", "list", "ls", "schema", "remove", "rm", "cache", "runs", "help"]),
    ("%drawer c‸", ["child", "create", "cache"]),
    ("  %drawer li‸", ["list"]),
    ("found = %drawer li‸", ["list"]),
    ("x = 1\n%drawer li‸\ny = 2", ["list"]),
    ("%drawer child ‸", ["summary", "validate", "logs", "add", "connect", "set", "press", "remove", "rm"]),
    ("%drawer child re‸", ["remove"]),
    ("%drawer rm ‸", ["mine", "broken", "child", "other"]),
    ("%drawer rm child ‸", []),
    ("%drawer schema ‸", ["drawer", "button"]),
    ("%drawer cache ‸", ["info", "clear"]),
    ("%drawer create ‸", []),
    ("%drawer child set ‸", ["a.", "each.", "route.", "sub."]),
    ("%drawer child set e‸", ["each."]),
    ("%drawer child set each.p‸", ["each.parallelism="]),
    ("%drawer child set each.‸", ["each.over=", "each.as=", "each.on_item_failure=", "each.parallelism=", "each.max_parallelism=", "each.tolerated_failures=", "each.keep=", "each.rate=", "each.timeout_seconds=", "each.on_failure=", "each.backend=", "each.key=", "each.args.", "each.w."]),
    ("%drawer child set a.parallelism=1 each.w.args.‸", ["each.w.args.url=", "each.w.args.depth=", "each.w.args.extra="]),
    ("%drawer child set route.‸", ["route.timeout_seconds=", "route.on_failure=", "route.args.", "route.x.", "route.big.", "route.cases.1."]),
    ("%drawer child set route.big.‸", ["route.big.when=", "route.big.x."]),
    ("%drawer child set sub.args.‸", ["sub.args.text="]),
    ("%drawer child set each.on_item_failure=‸", ["stop", "continue"]),
    ("%drawer child set each.on_item_failure=c‸", ["continue"]),
    ("%drawer child set a.button=‸", ["count", "fetch", "parse"]),
    ("%drawer child set sub.drawer=o‸", ["other"]),
    ("%drawer child set each.parallelism=‸", []),
    ("%drawer child set nobody.‸", []),
    ("%drawer mine set ‸", ["only."]),
    ("%drawer child add ‸", ["count", "fetch", "parse", "for_each:count", "for_each:fetch", "for_each:parse", "drawer/mine", "drawer/broken", "drawer/other", "wait:"]),
    ("%drawer child add for_each:f‸", ["for_each:fetch"]),
    ("%drawer child connect ‸", ["a", "each", "route", "sub"]),
    ("%drawer child connect a ‸", ["to"]),
    ("%drawer child connect a.output.‸", ["a.output.html", "a.output.status"]),
    ("%drawer child connect each.output.‸", ["each.output.results", "each.output.total"]),
    ("%drawer child connect each.‸", ["each.output", "each.w"]),
    ("%drawer child connect a to each.‸", ["each.args.", "each.w"]),
    ("%drawer child connect a.output.html to each.w.args.‸", ["each.w.args.url", "each.w.args.depth", "each.w.args.extra"]),
    ("%drawer child press ‸", ["urls=", "n="]),
    ("%drawer child press urls=$my_urls ‸", ["n="]),
    ("%drawer child press urls=$‸", ["$my_urls", "$parse"]),
    ("%drawer child press --mo‸", ["--mode"]),
    ("%drawer child press --mode ‸", ["sequential", "parallel"]),
    ("%drawer child press --mode=p‸", ["parallel"]),
    ("%drawer child logs --‸", ["--help", "--failed", "--limit"]),
    ("%drawer child set --d‸", ["--dry-run"]),
    ("%drawer broken set ‸", []),
    ("%drawer nobody press ‸", []),
    ("%drawer child nonsense ‸", []),
    ("%%drawer pages --par‸", ["--parallelism"]),
    ("%%drawer pages --parallelism 3 --par‸", []),
    ("%%drawer pages --display ‸", ["auto", "widget", "html", "text", "none"]),
    ("%%drawer ‸\ninputs: {urls: list, n: int}\nsteps: []", ["urls=", "n="]),
    ("%%drawer n=3 ‸\ninputs: [urls, n]\nsteps: []", ["urls="]),
    ("%%drawer urls=$my‸\nsteps: []", ["$my_urls"]),
    ("%%time\n%%drawer --out‸\nsteps: []", ["--out"]),
    ("# note\n\n%%drawer --qu‸", ["--quiet"]),
    ("%%button count ‸", ["sh", "bash", "python", "node", "prompt", "--spec"]),
    ("%%button ‸", []),
    ("%%drawers ‸", []),
    ("print(‸)", []),
    ("print('''\n%%drawer --‸", []),
    ("%drawers ‸", []),
]  # fmt: skip


@pytest.mark.parametrize(("cell", "expected"), LINES)
def test_names_options_and_values_are_completed_on_the_line_of_a_magic(
    cell: str, expected: list[str], around: Surroundings
) -> None:
    assert texts(cell, around) == expected


# In the body of a cell: @ marks the place of the text in the first column.

BODY = """%%drawer pages n=1
buttons:
  get: {url: "https://x/{{page}}", args: [page, size]}
inputs:
  urls: {type: list}
steps:
  - id: first
    button: fetch
    args: {url: "${inputs.urls}"}
  - id: each
    kind: for_each
    over: ${inputs.urls}
    as: u
    @LOOP
    steps:
      - {id: page, button: get, args: {page: "${u}"}}
      - id: shop
        button: fetch
        @STEP
  - {id: later, kind: wait, duration: 1s}
"""

IN_LOOP: list[tuple[str, list[str]]] = [
    ("par‸", ["parallelism: "]),
    ("‸", ["parallelism: ", "args: ", "on_failure: ", "timeout_seconds: ", "on_item_failure: ", "max_parallelism: ", "tolerated_failures: ", "rate: ", "key: ", "backend: ", "keep: "]),
    ("on_item_failure: ‸", ["stop", "continue"]),
    ("on_failure: ‸", ["stop", "continue", "retry"]),
    ("on_failure: c‸", ["continue"]),
    ("on_failure:\n      ‸", ["action: ", "max_attempts: ", "backoff: ", "retry_on: ", "compensate_with: "]),
    ("on_failure:\n      backoff: {st‸", ["strategy: "]),
    ("kind: ‸", list(STEP_KINDS)),
    ("rate: ‸", []),
    ("nonsense‸", []),
    ("# comm‸", []),
    ("rate: 5/s # par‸", []),
    ("tolerated_failures: ‸", []),
]  # fmt: skip

IN_STEP: list[tuple[str, list[str]]] = [
    ("args: {‸}", ["url: ", "depth: "]),
    ("args: {u‸}", ["url: "]),
    ("args: {url: x, ‸}", ["depth: "]),
    ("args:\n          ‸", ["url: ", "depth: "]),
    ("args: {url: ‸}", ['"${u}"', '"${page.output}"', '"${first.output}"', '"${inputs.urls}"', '"${inputs.n}"']),
    ("args:\n          url: ‸", ["${u}", "${page.output}", "${first.output}", "${inputs.urls}", "${inputs.n}"]),
    ('args: {url: "‸"}', ["${u}", "${page.output}", "${first.output}", "${inputs.urls}", "${inputs.n}"]),
    ('args: {url: "${‸}"}', ["u", "page.output", "first.output", "inputs.", "env.", "batteries."]),
    ('args: {url: "${pa‸}"}', ["page.output"]),
    ('args: {url: "${pa‸', ["page.output"]),
    ("args:\n          url: ${pa‸", ["page.output"]),
    ('args: {url: "x ${u} and ${fi‸"}', ["first.output"]),
    ('args: {url: "${u} ‸"}', []),
    ('args: {url: "${inputs.‸}"}', ["inputs.urls", "inputs.n"]),
    ('args: {url: "${size(inputs.u‸)}"}', ["inputs.urls"]),
    ('args: {url: "${1 + ‸}"}', ["u", "page.output", "first.output", "inputs.", "env.", "batteries."]),
    ('args: {url: "${1‸}"}', []),
    ('args: {url: "${first.‸}"}', ["first.output", "first.error.code", "first.error.message", "first.error.status", "first.error.body"]),
    ('args: {url: "${first.output.‸}"}', ["first.output.html", "first.output.status"]),
    ('args: {url: "${later.‸}"}', []),
    ('args: {url: "${batteries.‸}"}', ["batteries.API_KEY"]),
    ('args: {url: "${env.COMPLETION_T‸}"}', ["env.COMPLETION_TEST"]),
    ('args: {url: "${siz‸}"}', ["size("]),
    ("button: ‸", ["get", "count", "fetch", "parse"]),
    ("button: pa‸", ["parse"]),
    ("timeout‸", ["timeout_seconds: "]),
    ("ov‸", []),
]  # fmt: skip


@pytest.mark.parametrize(("place", "typed", "expected"), [
    *(("@LOOP", *row) for row in IN_LOOP), *(("@STEP", *row) for row in IN_STEP)])  # fmt: skip
def test_keys_and_values_are_completed_in_the_body(
    place: str, typed: str, expected: list[str], around: Surroundings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMPLETION_TEST", "1")
    cell = BODY.replace(place, typed)
    for other in ("@LOOP", "@STEP"):
        cell = cell.replace(f"    {other}\n", "").replace(f"    {other}", "")
    assert texts(cell, around) == expected


CELLS: list[tuple[str, list[str]]] = [
    ("‸", ["steps: ", "inputs: ", "return: ", "buttons: ", "name: ", "drawer_kind: ", "description: ", "flow: ", "on_error: ", "output_schema: ", "triggers: "]),
    ("st‸", ["steps: "]),
    ("steps: []\nre‸", ["return: "]),
    ("steps:\n  ‸", ["- id: "]),
    ("steps: [‸]", ["{id: "]),
    ("steps:\n- ki‸", ["kind: "]),
    ("steps:\n  - id: a\n    kind: wait\n    d‸", ["duration: "]),
    ("steps:\n  - {id: a, kind: wait, d‸}", ["duration: "]),
    ("steps:\n  - {id: a, d‸, kind: wait}", ["duration: "]),
    ("steps:\n- id: a\n  kind: wait\n  d‸", ["duration: "]),
    ("steps:\n  - id: a\n    o‸", ["over: ", "on_failure: ", "on_item_failure: "]),
    ("steps:\n  - id: a\n    button: b\n    o‸", ["on_failure: "]),
    ('{"st‸": []}', ["steps"]),
    ('{"steps": [{"id": "a", "ki‸', ["kind"]),
    ('{"steps": [\n  {"id": "a", "kind": "fo‸"}\n]}', ["for_each"]),
    ('{"steps": [{"id": "a", "button": "fetch", "args": {"u‸"}}]}', ["url"]),
    ("inputs:\n  a: ‸", ["string", "int", "float", "bool", "enum", "list", "object", "any"]),
    ("inputs:\n  a: {se‸", ["secret: "]),
    ("inputs:\n  a: {required: ‸", ["true", "false"]),
    ("inputs:\n  - name: x\n    type: i‸", ["int"]),
    ("inputs: [a, ‸]", []),
    ("buttons:\n  a: {runtime: py‸}", ["python", "python3"]),
    ("buttons:\n  a:\n    ur‸", ["url: "]),
    ("buttons:\n  a:\n    code: |\n      kin‸\nsteps: []", []),
    ("buttons:\n  ‸", []),
    ("on_error: {drawer: ‸}", ["mine", "broken", "child", "other"]),
    ("steps:\n - id: x\n   kind: drawer\n   drawer: ch‸", ["child"]),
    ("steps:\n - id: x\n   kind: drawer\n   drawer: child\n   args:\n     ‸", ["urls: ", "n: "]),
    ("steps:\n - {id: x, kind: drawer, drawer: child}\n - {id: y, kind: wait, duration: \"${x.output.‸}\"}", ["x.output.found"]),
    ("steps:\n - id: s\n   kind: switch\n   cases:\n    - ‸", ["id: ", "when: ", "steps: "]),
    ("steps:\n - id: s\n   kind: switch\n   cases:\n    - when: ‸", ["${inputs.n}"]),
    ("steps:\n - id: s\n   kind: switch\n   cases:\n    - when: x\n      steps:\n       - {id: a, button: get}\n       - {id: b, button: fetch, args: {url: ‸}}", ['"${a.output}"', '"${inputs.n}"']),
    ("steps:\n - id: s\n   kind: split\n   branches:\n     left:\n      - {id: a, button: b}\n      - {id: c, ki‸", ["kind: "]),
    ("steps:\n - id: s\n   kind: split\n   branches:\n     left:\n      - {id: a, button: b}\n      - {id: c, button: fetch, args: {url: \"${‸", ["a.output", "inputs.", "env.", "batteries."]),
    ("steps:\n - id: s\n   kind: aggregate\n   pluck: ${it‸}", ["item"]),
    ("steps:\n - id: s\n   kind: batch\n   over: x\n   steps:\n    - {id: a, button: parse, args: {html: ‸}}", ['"${batch}"', '"${inputs.n}"']),
    ("steps: # s‸", []),
    ("steps:\n  - {id: a, button: fe‸\n  - {id: b, kind: wait}", ["fetch"]),
    ("steps:\n  - {id: a, button: fetch, args: {url: \"${inp‸}}\n  - {id: b, kind: wait}", ["inputs."]),
    ("x: {y: {z‸", []),
    ("steps: {a: {ki‸", []),
]  # fmt: skip


@pytest.mark.parametrize(("body", "expected"), CELLS)
def test_completion_works_at_any_place_in_a_body(
    body: str, expected: list[str], around: Surroundings
) -> None:
    assert texts(f"%%drawer n=1\n{body}", around) == expected


def test_the_value_of_a_battery_is_never_proposed(around: Surroundings) -> None:
    for cell in (
        '%%drawer\nsteps: [{id: a, button: fetch, args: {url: "${batteries.‸',
        "%drawer child press urls=‸",
    ):
        assert "s3cret-value" not in json.dumps(texts(cell, around))


# Any text, any place


@pytest.mark.parametrize(
    "body",
    [
        "{{",
        "{[",
        "{}}",
        "{ {a: b} {",
        "[:${\n # x",
        "x: {:\n  ---",
        "{\n [:\n ]",
        "a: [[}\n- {id: {",
        "[" * 50,
    ],
)
def test_brackets_in_place_of_a_key_are_read_to_their_end(body: str) -> None:
    for cursor in range(len(body) + 1):
        assert outline(body, cursor)[0].parent is None


LINES_OF_TEXT = st.sampled_from(
    [
        "steps: ",
        "inputs:",
        "buttons:",
        "  - id: a",
        "- {id: b,",
        "    kind: for_each",
        "over: ${inputs.x",
        "}}",
        "]",
        "[",
        "{",
        '"',
        "'",
        "# x",
        "code: >",
        '  args: {x: "${a.',
        ":",
        "-",
        "- ",
        "  - - a: b",
        "a: b: c",
        "\t",
        "&x *y",
        "---",
    ]
)
BODIES = st.lists(st.one_of(LINES_OF_TEXT, st.text(max_size=8)), max_size=8)
INDENTED = BODIES.flatmap(
    lambda lines: st.tuples(*(st.integers(0, 6).map(lambda n, line=line: " " * n + line) for line in lines))
)
HEADS = st.sampled_from(
    [
        "%%drawer",
        "%%drawer --mode ",
        "%drawer child set ",
        "%%button x ",
        "# c",
        "x = %drawer ",
        "%drawer child connect a.output to ",
    ]
)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(head=HEADS, tail=st.text(max_size=10), lines=INDENTED, place=st.floats(0, 1))
def test_any_text_can_be_completed_and_proposals_extend_the_typed_word(
    head: str, tail: str, lines: tuple[str, ...], place: float, around: Surroundings
) -> None:
    cell = "\n".join([head + tail, *lines])
    cursor = round(place * len(cell))
    before = cell[:cursor]
    row, column = before.count("\n"), len(before.rpartition("\n")[2])
    try:
        offer = offer_at(cell.split("\n"), row, column, lambda: around)
    except DrawerError:
        return  # the workspace cannot be read; then the matcher proposes nothing
    assert before.endswith(offer.typed)
    assert "\n" not in offer.typed
    assert all(word.text.startswith(offer.typed) for word in offer.words)


# In a real kernel


SETUP = """
%load_ext drawer_ipy
def parse(html: str) -> str: return html
my_urls = [1]
"""


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    home = tmp_path_factory.mktemp("home")
    folder = Folder(home / ".buttons")
    folder.button("fetch", "echo", "url")
    folder.drawer("pages", button_step("only", "fetch"))
    with kernel_in(home, SETUP) as kernel:
        kernel.run("%%drawer mine --define\nsteps: [{id: here, button: parse, args: {html: x}}]")
        yield kernel


def completed(kernel: Kernel, cell: str) -> tuple[str, list[str]]:
    """The text to replace, and its replacements."""
    before, _, after = cell.partition(CURSOR)
    reply = kernel.client.complete(before + after, len(before), reply=True, timeout=30)["content"]
    assert reply["status"] == "ok"
    return (before + after)[reply["cursor_start"] : reply["cursor_end"]], reply["matches"]


IN_KERNEL: list[tuple[str, str, list[str]]] = [
    ("%drawer mi‸", "mi", ["mine"]),
    ("%drawer mine set he‸", "he", ["here."]),
    ("%drawer pages set only.time‸", "only.time", ["only.timeout_seconds="]),
    ("%%drawer x --para‸\nsteps: []", "--para", ["--parallelism"]),
    ("%%drawer urls=$my‸\nsteps: []", "$my", ["$my_urls"]),
    ("%%drawer x\nsteps:\n  - id: a\n    button: pa‸\n", "pa", ["parse"]),
    ("%%drawer x\nsteps:\n  - id: a\n    kind: for_each\n    par‸\n    steps: []", "par", ["parallelism: "]),
    ('%%drawer x\ninputs: [urls]\nsteps:\n  - {id: a, button: fetch, args: {url: "${inputs.u‸}"}}', "inputs.u", ["inputs.urls"]),
    ("%%drawer x\nsteps:\n  - id: a\n    kind: ‸", "", list(STEP_KINDS)),
]  # fmt: skip


@pytest.mark.parametrize(("cell", "typed", "expected"), IN_KERNEL)
def test_completion_works_in_a_kernel(kernel: Kernel, cell: str, typed: str, expected: list[str]) -> None:
    assert completed(kernel, cell) == (typed, expected)


def test_completion_of_python_is_unchanged(kernel: Kernel) -> None:
    kernel.run("%config Completer.use_jedi = False")  # its first call takes ten seconds
    assert "my_urls" in completed(kernel, "x = my_u‸")[1]
    assert completed(kernel, "%load_e‸")[1] == ["%load_ext"]


def test_an_internal_error_in_completion_is_silent(kernel: Kernel) -> None:
    kernel.run(
        "import drawer_ipy.notebook.completion as c; kept = c.offer_at; c.offer_at = lambda *args: 1 / 0"
    )
    try:
        assert "mine" not in completed(kernel, "%drawer mi‸")[1]
    finally:
        cell = kernel.run("c.offer_at = kept")
    assert "Traceback" not in cell.stdout + cell.printed("stderr")


def test_reloading_leaves_one_matcher_and_unloading_none(kernel: Kernel) -> None:
    count = "[m.matcher_identifier for m in get_ipython().Completer.custom_matchers].count('drawer_ipy')"
    kernel.run("%reload_ext drawer_ipy")
    assert kernel.value(count) == 1
    kernel.run("%unload_ext drawer_ipy")
    assert kernel.value(count) == 0
    assert "mine" not in completed(kernel, "%drawer mi‸")[1]
    kernel.run("%load_ext drawer_ipy")
    assert completed(kernel, "%drawer mi‸")[1] == ["mine"]


@pytest.mark.parametrize(
    ("body", "some"),
    [
        ("buttons:\n  b:\n    url: http://h/\n    auth: {‸}", ["basic: ", "digest: ", "bearer: ", "token: "]),
        ("buttons:\n  b:\n    url: http://h/\n    auth: {token: ‸}", ["fetch", "parse"]),
        ("buttons:\n  b:\n    url: http://h/\n    auth: {token: {‸}}", ["button: ", "args: "]),
        ("buttons:\n  b:\n    url: http://h/\n    follow:\n      ‸", ["cursor: ", "into: ", "page: ", "offset: ", "start: "]),
        ("buttons:\n  b:\n    url: http://h/\n    follow: l‸", ["link"]),
        ("buttons:\n  b:\n    url: http://h/\n    ‸", ["query: ", "files: ", "body_file: ", "ok_status: ", "items: "]),
        ("steps:\n  - {id: a, button: fetch}\n  - id: s\n    button: count\n    ‸", ["stdin: "]),
        ("steps:\n  - {id: a, button: fetch}\n  - id: s\n    stdin: ‸", ["${a.output}"]),
    ],
)  # fmt: skip
def test_the_fields_of_requests_and_scripts_are_proposed(
    body: str, some: list[str], around: Surroundings
) -> None:
    found = texts(f"%%drawer x\n{body}", around)
    assert [word for word in some if word not in found] == [], found
