"""Saving responses to files: only regular files are replaced, and no row overwrites another row's file."""

from __future__ import annotations

import json
import os
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from drawer_ipy import Results, press


class Site:
    """A site that returns the path of each request as its body.

    Attributes:
        requests: how often each path was requested.
        before: a function to call before a response, by path.
        failing: how many 404s come before the first success, by path.
    """

    def __init__(self) -> None:
        self.requests: Counter[str] = Counter()
        self.before: dict[str, Callable[[], Any]] = {}
        self.failing: Counter[str] = Counter()
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                site.requests[self.path] += 1
                site.before.get(self.path, lambda: None)()
                failing = site.requests[self.path] <= site.failing[self.path]
                body = self.path.encode()
                self.send_response(404 if failing else 200)
                self.send_header("Content-Type", "text/plain")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()
    yield made
    made.close()


@pytest.fixture(autouse=True)
def _workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "work").mkdir()
    monkeypatch.setenv("BUTTONS_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path / "work")


def button(site: Site, save: str, **fields: Any) -> dict[str, Any]:
    url = f"{site.url}/{{{{id}}}}"
    return {"url": url, "args": ["id", "n"], "save": save, "allow_private_networks": True, **fields}


def each(ids: list[str], *steps: dict[str, Any], **fields: Any) -> dict[str, Any]:
    loop = {"id": "each", "kind": "for_each", "over": ids, "as": "id", "on_item_failure": "continue"}
    return {**loop, "steps": list(steps) or [step("got", "get")], **fields}


def step(name: str, button_name: str, **fields: Any) -> dict[str, Any]:
    return {"id": name, "button": button_name, "args": {"id": "${id}", "n": "${id}"}, **fields}


def run(*steps: dict[str, Any], **buttons: dict[str, Any]) -> Results:
    return press({"name": "t", "buttons": buttons, "steps": list(steps)}, quiet=True, check=False)


def statuses(results: Results) -> list[str]:
    return [row.status for row in results]


def message_of(results: Results, index: int) -> str:
    error = results[index].error
    assert error is not None
    return error.message


# Existing files


def make_fifo(path: Path) -> None:
    os.mkfifo(path)


def make_socket(path: Path) -> None:
    # The path of a socket must be short, so it is created from within its folder.
    before = Path.cwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(path.name)
    finally:
        os.chdir(before)


def make_link(path: Path) -> None:
    (path.parent / "target").write_text("mine")
    path.symlink_to("target")


def make_dangling(path: Path) -> None:
    path.symlink_to("nowhere")


def make_loop(path: Path) -> None:
    path.symlink_to(path.name)


KINDS: list[tuple[Callable[[Path], Any], str]] = [
    (make_fifo, "a named pipe"),
    (Path.mkdir, "a folder"),
    (make_socket, "a socket"),
    (make_link, "a symbolic link"),
    (make_dangling, "a symbolic link"),
    (make_loop, "a symbolic link"),
]


@pytest.mark.parametrize(("make", "kind"), KINDS)
def test_only_a_regular_file_is_replaced_and_nothing_is_requested_otherwise(
    site: Site, make: Callable[[Path], Any], kind: str
) -> None:
    Path("out").mkdir()
    make(Path("out/a"))
    before = os.lstat("out/a")
    Path("out/b").write_text("of an earlier run")
    results = run(each(["a", "b"]), get=button(site, "out/{{id}}"))
    assert statuses(results) == ["failed", "ok"]
    error = results[0].error
    assert error is not None
    assert error.code == "VALIDATION_ERROR"
    assert error.message == f"out/a is {kind}; only a regular file can be replaced"
    assert "save to another path" in error.remediation
    after = os.lstat("out/a")
    assert (after.st_mode, after.st_ino) == (before.st_mode, before.st_ino)
    assert site.requests["/a"] == 0
    assert Path("out/b").read_text() == "/b"
    assert {p.name for p in Path("out").iterdir()} <= {"a", "b", "target"}
    assert not Path("out/target").exists() or Path("out/target").read_text() == "mine"


@pytest.mark.parametrize(("make", "kind"), KINDS)
def test_a_special_file_that_appears_during_the_request_is_not_replaced(
    site: Site, make: Callable[[Path], Any], kind: str
) -> None:
    Path("out").mkdir()
    site.before["/a"] = lambda: make(Path("out/a"))
    results = run(each(["a"]), get=button(site, "out/{{id}}"))
    assert message_of(results, 0) == f"out/a is {kind}; only a regular file can be replaced"
    assert {p.name for p in Path("out").iterdir()} <= {"a", "target"}


def test_a_link_that_replaces_the_folder_during_the_request_is_not_followed(
    site: Site, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    Path("out/one").mkdir(parents=True)

    def swap() -> None:
        Path("out/one").rename("out/old")
        Path("out/one").symlink_to(elsewhere)

    site.before["/one"] = swap
    results = run(each(["one"]), get=button(site, "out/{{id}}/page"))
    assert statuses(results) == ["failed"]
    assert list(elsewhere.iterdir()) == []
    assert list(Path("out/old").iterdir()) == []


def test_a_pipe_in_place_of_a_folder_is_an_error_and_does_not_hang(site: Site) -> None:
    os.mkfifo("out")
    results = run(each(["a"]), get=button(site, "out/{{id}}"))
    assert "out/a cannot be written" in message_of(results, 0)


# Two rows with the same file


def test_a_second_row_that_saves_to_the_same_path_fails(site: Site) -> None:
    results = run(each(["a", "b", "c"]), get=button(site, "out/page.html"))
    assert statuses(results) == ["ok", "failed", "failed"]
    error = results[1].error
    assert error is not None
    assert error.code == "VALIDATION_ERROR"
    assert "was already saved by step 'got' in item 0 of 'each'" in error.message
    assert "{{id}}" in error.remediation
    assert Path("out/page.html").read_text() == "/a"
    assert site.requests == {"/a": 1}


def test_of_concurrent_rows_with_the_same_path_the_first_to_end_succeeds(site: Site) -> None:
    ids = [f"p{i}" for i in range(20)]
    results = run(each(ids, parallelism=20), get=button(site, "out/page.html"))
    assert sorted(statuses(results)) == ["failed"] * 19 + ["ok"]
    assert Path("out/page.html").read_text() == f"/p{statuses(results).index('ok')}"
    assert [p.name for p in Path("out").iterdir()] == ["page.html"]


@pytest.mark.parametrize(
    "other",
    ["out/../out/page", "./out/./page", "{cwd}/out/page", "linked/page", "out/sub/../page", "out//page"],
)
def test_another_spelling_of_a_path_counts_as_the_same_path(site: Site, other: str) -> None:
    Path("out/sub").mkdir(parents=True)
    Path("linked").symlink_to("out")
    other = other.replace("{cwd}", str(Path.cwd()))
    steps = step("one", "get"), step("two", "other")
    results = run(each(["a"], *steps), get=button(site, "out/page"), other=button(site, other))
    assert statuses(results) == ["failed"]
    assert "was already saved by step 'one' in item 0 of 'each'" in message_of(results, 0)
    assert Path("out/page").read_text() == "/a"


def test_another_name_of_the_same_file_counts_as_the_same_path(site: Site) -> None:
    """A hard link has the same effect as a file system that ignores case."""
    site.before["/b"] = lambda: os.link("out/a", "out/b")
    results = run(each(["a", "b"]), get=button(site, "out/{{id}}"))
    assert statuses(results) == ["ok", "failed"]
    assert "item 0 of 'each' in this run" in message_of(results, 1)


def test_values_that_become_the_same_file_name_count_as_the_same_path(site: Site) -> None:
    results = run(each(["a/b", "a%2Fb"]), get=button(site, "out/{{id}}"))
    assert statuses(results) == ["ok", "ok"]
    assert sorted(p.name for p in Path("out").iterdir()) == ["a%252Fb", "a%2Fb"]
    results = run(each(["x.", "_x_"]), get=button(site, "out/{{id}}"))
    assert statuses(results) == ["ok", "failed"]


def test_two_steps_and_two_drawers_of_a_run_do_not_share_a_path(site: Site, tmp_path: Path) -> None:
    child = tmp_path / "home" / "drawers" / "child"
    child.mkdir(parents=True)
    inner = {"id": "in", "button": "deep", "args": {"id": "${inputs.id}", "n": 1}}
    declared = [{"name": "id", "type": "string"}]
    text = json.dumps({"schema_version": 2, "name": "child", "inputs": declared, "steps": [inner]})
    (child / "drawer.json").write_text(text)
    deep = tmp_path / "home" / "buttons" / "deep"
    deep.mkdir(parents=True)
    spec = {"name": "deep", "url": f"{site.url}/{{{{id}}}}", "save": f"{Path('out').absolute()}/{{{{n}}}}"}
    (deep / "button.json").write_text(json.dumps({**spec, "allow_private_networks": True}))
    call = {"id": "child", "kind": "drawer", "drawer": "child", "args": {"id": "${id}"}}
    results = run(each(["a", "b"], call))
    assert statuses(results) == ["ok", "failed"]
    assert "was already saved by step 'in' in 'child' in item 0 of 'each'" in message_of(results, 1)
    assert Path("out/1").read_text() == "/a"


def test_the_path_of_a_removed_file_can_be_used_by_the_next_row(site: Site) -> None:
    drawer = {"name": "t", "buttons": {"get": button(site, "out/scratch")}}
    take = {"id": "take", "button": "take", "args": {"path": "${got.output}"}}
    drawer["steps"] = [each(["a", "b"], step("got", "get"), take)]  # type: ignore[assignment]

    def read_and_remove(path: str) -> str:
        text = Path(path).read_text()
        Path(path).unlink()
        return text

    results = press(drawer, quiet=True, check=False, buttons={"take": read_and_remove})
    assert [row["take"] for row in results] == ["/a", "/b"]


# The same row again


def test_the_path_of_a_failed_row_can_be_used_by_another_row(site: Site) -> None:
    site.failing["/a"] = 1
    results = run(each(["a", "b"]), get=button(site, "out/page"))
    assert statuses(results) == ["failed", "ok"]
    assert Path("out/page").read_text() == "/b"
    results.retry()
    assert statuses(results) == ["failed", "ok"]
    assert "was already saved by step 'got' in item 1 of 'each'" in message_of(results, 0)
    assert Path("out/page").read_text() == "/b"


def test_further_attempts_of_a_step_may_write_its_file_again(site: Site) -> None:
    site.failing["/a"] = 2
    retried = step("got", "get", on_failure={"action": "retry", "max_attempts": 3})
    results = run(each(["a"], retried), get=button(site, "out/page"))
    assert statuses(results) == ["ok"]
    site.requests.clear()
    results = run(each(["a"]), get=button(site, "out/page", retries=2))
    assert statuses(results) == ["failed"]  # a 404 is not retried
    assert Path("out/page").read_text() == "/a"


@pytest.mark.parametrize("inner", ["loop", "switch", "split"])
def test_a_retry_of_the_enclosing_step_may_write_the_files_again(site: Site, inner: str) -> None:
    site.failing["/b"] = 1
    again = {"on_failure": {"action": "retry", "max_attempts": 2}}
    args = {"args": {"id": "a", "n": 1}}
    steps = [
        {"id": "one", "button": "get", **args},
        {"id": "two", "button": "other", "args": {"id": "b", "n": 2}},
    ]
    outer: dict[str, Any] = {
        "loop": {"kind": "for_each", "over": [1], "as": "x", "steps": steps},
        "switch": {"kind": "switch", "cases": [{"when": True, "steps": steps}]},
        "split": {"kind": "split", "branches": {"both": steps}},
    }[inner]
    buttons = {"get": button(site, "out/page"), "other": button(site, "out/other")}
    results = run({"id": "outer", **outer, **again}, **buttons)
    assert results.run.status == "ok", results.run.error
    assert site.requests == {"/a": 2, "/b": 2}


def test_a_retry_of_a_loop_with_other_items_may_use_the_same_paths(site: Site) -> None:
    lists = iter([["a", "b"], ["b", "a"]])
    site.failing["/b"] = 1
    loop = each("${list.output}", on_item_failure="stop")  # type: ignore[arg-type]
    again = {"on_failure": {"action": "retry", "max_attempts": 2}}
    steps = [{"id": "list", "button": "next"}, loop]
    outer = {"id": "outer", "kind": "for_each", "over": [1], "as": "x", "steps": steps, **again}
    drawer = {"name": "t", "buttons": {"get": button(site, "out/{{id}}")}, "steps": [outer]}
    results = press(drawer, quiet=True, check=False, buttons={"next": lambda: next(lists)})
    assert results.run.status == "ok", results.run.error


def test_retrying_results_writes_only_the_files_of_retried_rows(site: Site) -> None:
    site.failing["/b"] = 1
    results = run(each(["a", "b", "c"]), get=button(site, "out/{{id}}"))
    assert statuses(results) == ["ok", "failed", "ok"]
    results.retry()
    assert statuses(results) == ["ok", "ok", "ok"]
    assert [Path(f"out/{name}").read_text() for name in "abc"] == ["/a", "/b", "/c"]


def test_another_run_replaces_the_files_of_an_earlier_run(site: Site) -> None:
    for _ in range(2):
        assert statuses(run(each(["a", "b"]), get=button(site, "out/{{id}}"))) == ["ok", "ok"]
    assert site.requests == {"/a": 2, "/b": 2}


# Cached responses


def test_a_cached_response_does_not_share_its_file_with_another_row(site: Site) -> None:
    get = button(site, "out/page", cache="1h")
    assert statuses(run(each(["a"]), get=get)) == ["ok"]
    results = run(each(["a", "b"]), get=get)
    assert statuses(results) == ["ok", "failed"]
    assert Path("out/page").read_text() == "/a"
    assert site.requests == {"/a": 1}


def test_two_rows_with_the_same_cached_press_share_its_file(site: Site) -> None:
    get = button(site, "out/{{id}}", cache="1h")
    for _ in range(2):
        assert statuses(run(each(["a", "a"], parallelism=2), get=get)) == ["ok", "ok"]
    assert site.requests == {"/a": 1}


@pytest.mark.parametrize("change", ["same size", "pipe", "link", "gone"])
def test_a_changed_file_is_not_used_as_the_cached_response(site: Site, change: str) -> None:
    get = button(site, "out/page", cache="1h")
    run(each(["a"]), get=get)
    path = Path("out/page")
    if change == "same size":
        run(each(["b"]), get=get)
        assert path.read_text() == "/b"
    else:
        path.rename("kept")
    if change == "pipe":
        os.mkfifo(path)
    elif change == "link":
        path.symlink_to(Path("kept").absolute())
    results = run(each(["a"]), get=get)
    refused = change in ("pipe", "link")
    assert statuses(results) == ["failed" if refused else "ok"]
    if not refused:
        assert path.read_text() == "/a"
