"""The workspace: its location, finding drawers and buttons by name, and no access outside of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from workspace_rig import Folder, button_step

from drawer_ipy.buttons.script.button import ScriptButton
from drawer_ipy.errors import DefinitionError, DrawerError, UsageError
from drawer_ipy.notebook.dry_run import DryRun
from drawer_ipy.pressing.prepare import prepare
from drawer_ipy.verbs.dispatch import GENERAL
from drawer_ipy.workspace.lookup import RESERVED, Workspace, checked_name, find_roots, slug, within


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "root")


# Names


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("pages", "pages"),
        ("My Show", "my-show"),
        ("a_b c", "a-b-c"),
        ("--a---b--", "a-b"),
        ("Été 2024!", "t-2024"),
        ("../../etc/passwd", "etcpasswd"),
        ("日本", ""),
        ("", ""),
    ],
)
def test_a_slug_has_only_lower_case_letters_digits_and_hyphens(name: str, expected: str) -> None:
    assert slug(name) == expected
    assert slug(expected) == expected


@pytest.mark.parametrize("name", ["pages", "My Show", "a" * 128, "x1"])
def test_valid_names_are_accepted(name: str) -> None:
    assert checked_name(name) == slug(name)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "is not a valid name"),
        ("   ", "is not a valid name"),
        ("!!", "is not a valid name"),
        ("日本", "letters, digits and hyphens"),
        ("a" * 129, "longer than 128"),
        ("..", "is a path"),
        ("a/b", "is a path"),
        ("a\\b", "is a path"),
        ("/etc", "is a path"),
        ("Create", "word of the command line"),
        ("_list", "word of the command line"),
    ],
)
def test_invalid_names_are_refused(name: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        checked_name(name)
    assert message in str(caught.value)


def test_the_verbs_of_the_original_are_reserved() -> None:
    words = "create press list rm board drawer batteries smash store history help version mcp serve update"
    assert {*words.split(), "delete", "init"} <= RESERVED


def test_general_verbs_are_reserved() -> None:
    assert {*GENERAL, "runs"} <= RESERVED


# Location


def test_the_nearest_folder_above_comes_before_the_one_in_the_home_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, project = tmp_path / "home", tmp_path / "project"
    (project / ".buttons").mkdir(parents=True)
    (project / "a" / "b").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    assert find_roots(project / "a" / "b", {}) == (project / ".buttons", home / ".buttons")
    (project / "a" / ".buttons").mkdir()
    assert find_roots(project / "a" / "b", {}) == (project / "a" / ".buttons", home / ".buttons")
    assert find_roots(tmp_path, {}) == (home / ".buttons",)
    (home / ".buttons").mkdir(parents=True)
    assert find_roots(home, {}) == (home / ".buttons",)
    assert find_roots(project, {"BUTTONS_HOME": "/elsewhere"}) == (Path("/elsewhere"),)
    assert find_roots(project, {"BUTTONS_HOME": "~/mine"}) == (home / "mine",)
    assert find_roots(project, {"BUTTONS_HOME": ""})[0] == project / ".buttons"


def test_a_file_called_buttons_is_not_a_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / ".buttons").write_text("")
    assert find_roots(tmp_path, {}) == (tmp_path / "home" / ".buttons",)


@pytest.fixture
def gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the current folder."""
    (tmp_path / "gone").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()


@pytest.mark.usefixtures("gone")
def test_the_home_folder_is_used_if_the_current_folder_was_removed(tmp_path: Path) -> None:
    assert find_roots(environ={}) == (tmp_path / "home" / ".buttons",)
    with pytest.raises(UsageError, match="'here', but the current folder no longer exists"):
        find_roots(environ={"BUTTONS_HOME": "here"})


def test_a_workspace_without_folders_is_empty_and_read_only() -> None:
    workspace = Workspace(())
    assert (workspace.drawer_names(), workspace.batteries(), workspace.find_drawer("a")) == ([], {}, None)
    with pytest.raises(UsageError, match=r"mkdir \.buttons"):
        _ = workspace.first


# Lookup


def test_any_spelling_of_a_name_is_found_in_the_first_root_that_has_it(tmp_path: Path) -> None:
    near, far = Folder(tmp_path / "near"), Folder(tmp_path / "far")
    near.drawer("my-show", description="near")
    far.drawer("my-show", description="far")
    far.drawer("other")
    near.button("b")
    far.button("a")
    workspace = Workspace((near.root, far.root))
    found = workspace.find_drawer("My Show")
    assert found is not None
    assert (found.drawer.description, found.root) == ("near", near.root)
    other = workspace.find_drawer("other")
    assert other is not None
    assert other.root == far.root
    assert workspace.find_drawer("nobody") is None
    assert (workspace.drawer_names(), workspace.button_names()) == (["my-show", "other"], ["a", "b"])


@pytest.mark.parametrize("name", ["", "..", "/", "a" * 300, "a/../../x", "\0"])
def test_invalid_names_are_not_found(folder: Folder, name: str) -> None:
    assert folder.workspace.find_drawer(name) is None
    assert folder.workspace.find_button(name) is None


def test_only_folders_with_a_valid_name_and_a_drawer_file_are_listed(folder: Folder) -> None:
    folder.drawer("real")
    for odd in ("empty", "Not-A-Slug", ".hidden"):
        (folder.root / "drawers" / odd).mkdir()
    (folder.root / "drawers" / "Not-A-Slug" / "drawer.json").write_text("{}")
    (folder.root / "drawers" / "file").write_text("")
    assert folder.workspace.drawer_names() == ["real"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "line 1"),
        ("[]", "this is a list"),
        ("", "empty"),
        ('{"schema_version": 2, "steps": 5}', "steps"),
        ('{"schema_version": 2, "steps": [{"id": "a", "kind": "nope"}]}', "nope"),
    ],
)
def test_a_broken_drawer_is_an_error_with_its_place(folder: Folder, text: str, message: str) -> None:
    folder.drawer("broken").write_text(text)
    with pytest.raises(DefinitionError) as caught:
        folder.workspace.find_drawer("broken")
    assert message in str(caught.value)


def test_a_file_that_is_not_text_is_an_error(folder: Folder) -> None:
    folder.drawer("raw").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="cannot be read"):
        folder.workspace.find_drawer("raw")


# A button in the folder layout of the original


@pytest.mark.parametrize(
    ("runtime", "file", "code"),
    [
        ("", "main.sh", "echo $0"),
        ("bash", "main.sh", "echo $0"),
        ("python3", "main.py", "print(__file__)"),
    ],
)
def test_a_button_runs_the_script_in_its_folder(folder: Folder, runtime: str, file: str, code: str) -> None:
    place = folder.button("work", "exit 1", runtime=runtime)
    (place / file).write_text(code)
    button = folder.workspace.find_button("Work")
    assert isinstance(button, ScriptButton)
    assert button._path == place / file
    assert button.timeout == 300


# No access outside the workspace


def test_symbolic_links_out_of_the_workspace_are_refused(folder: Folder, tmp_path: Path) -> None:
    outside = Folder(tmp_path / "outside")
    outside.drawer("d", description="outside")
    outside.button("b")
    (folder.root / "drawers").mkdir(parents=True)
    (folder.root / "drawers" / "d").symlink_to(outside.root / "drawers" / "d")
    folder.drawer("e").unlink()
    (folder.root / "drawers" / "e" / "drawer.json").symlink_to(outside.root / "drawers" / "d" / "drawer.json")
    folder.button("script")
    (folder.root / "buttons" / "script" / "main.sh").unlink()
    (folder.root / "buttons" / "script" / "main.sh").symlink_to("/bin/ls")
    for find in (
        lambda: folder.workspace.find_drawer("d"),
        lambda: folder.workspace.find_drawer("e"),
        lambda: folder.workspace.find_button("script"),
    ):
        with pytest.raises(UsageError, match="leads out of the workspace"):
            find()


def test_symbolic_links_within_the_workspace_are_followed(folder: Folder) -> None:
    folder.drawer("real", description="d")
    (folder.root / "drawers" / "alias").symlink_to(folder.root / "drawers" / "real")
    found = folder.workspace.find_drawer("alias")
    assert found is not None
    assert (found.drawer.description, found.drawer.name) == ("d", "alias")


def test_the_workspace_itself_may_be_a_symbolic_link(folder: Folder, tmp_path: Path) -> None:
    folder.drawer("real")
    (tmp_path / "link").symlink_to(folder.root)
    assert Workspace((tmp_path / "link",)).find_drawer("real") is not None


def test_a_circle_of_links_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    with pytest.raises(UsageError, match="form a cycle"):
        within(tmp_path, tmp_path / "a" / "x")
    (tmp_path / "drawers").mkdir()
    (tmp_path / "drawers" / "loop").symlink_to("loop")
    assert Workspace((tmp_path,)).find_drawer("loop") is None


# Batteries


def test_batteries_of_the_project_take_precedence_over_the_home_folder(tmp_path: Path) -> None:
    near, far = Folder(tmp_path / "near"), Folder(tmp_path / "far")
    near.batteries(KEY="near", ONLY="near")
    far.batteries(KEY="far", FAR="far")
    found = Workspace((near.root, far.root)).batteries()
    assert found == {"KEY": "near", "ONLY": "near", "FAR": "far"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{}", {}),
        ('{"A": "b"}', {"A": "b"}),
        ('\ufeff{"A": "b"}', {"A": "b"}),
        ('{"N": 5, "L": [1, "x"], "T": true}', {"N": "5", "L": '[1, "x"]', "T": "true"}),
        ('{"schema_version": 1, "batteries": {"A": "b"}}', {"A": "b"}),
    ],
)
def test_battery_values_are_converted_to_text(folder: Folder, text: str, expected: dict[str, str]) -> None:
    folder.root.mkdir()
    (folder.root / "batteries.json").write_text(text, encoding="utf-8")
    assert folder.workspace.batteries() == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"A": s3cret', "is not valid JSON"),
        ('["s3cret"]', "must contain an object of names and values"),
        ('{"A=B": "s3cret"}', "battery 'A=B'"),
        ('{"": "s3cret"}', "battery ''"),
        ('{"A": "s3cret\\u0000"}', "battery 'A'"),
    ],
)
def test_the_error_for_invalid_batteries_does_not_show_their_values(
    folder: Folder, text: str, message: str
) -> None:
    folder.root.mkdir()
    (folder.root / "batteries.json").write_text(text)
    with pytest.raises(DrawerError) as caught:
        folder.workspace.batteries()
    assert message in str(caught.value)
    assert "s3cret" not in str(caught.value)


def press_here(folder: Folder, monkeypatch: pytest.MonkeyPatch, drawer: Any, **inputs: Any) -> Any:
    from drawer_ipy import press

    monkeypatch.setenv("BUTTONS_HOME", str(folder.root))
    return press(drawer, inputs, check=False, quiet=True)


def test_batteries_are_passed_to_scripts_and_expressions_and_never_shown(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "k3y/with+odd chars&"
    folder.batteries(KEY=secret, URL_KEY="x")
    code = 'test "$BUTTONS_BAT_KEY" = "$BUTTONS_ARG_K" && echo same; echo "$BUTTONS_ARG_K"'
    folder.button("same", code + "; echo $BUTTONS_ARG_K >&2", "k")
    folder.button("bad", 'echo "it was $BUTTONS_BAT_KEY" >&2; exit 1')
    results = press_here(
        folder,
        monkeypatch,
        {
            "steps": [
                button_step("a", "same", k="${batteries.KEY}"),
                button_step("u", "same", k="https://x?k=${batteries.KEY}"),
                {"id": "n", "kind": "transform", "expression": "${size(batteries.KEY)}"},
                button_step("b", "bad"),
            ]
        },
    )
    run = results.run
    assert run.step("a").stdout.startswith("same\n"), "the script got the real value"
    assert run.step("n").output == len(secret)
    assert run.step("b").error.message == "it was [redacted]"
    job = prepare({"steps": [button_step("a", "same", k="${inputs.x}")]}, {"x": f"<{secret}>"})
    dry = DryRun(job, {"x": f"<{secret}>"})
    assert "input x = <[redacted]>" in repr(dry)
    shown = [repr(results), results._repr_html_(), str(run.error), json.dumps(run.to_dict()), repr(run)]
    shown += [repr(dry), dry._repr_html_()]
    assert all(secret not in text and "k3y%2Fwith" not in text for text in shown)
