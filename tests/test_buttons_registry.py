"""Prompts, the choice of a runtime, and the places where buttons are searched."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from drawer_ipy.buttons import (
    Button,
    ButtonCatalog,
    Call,
    Outcome,
    Resources,
    ScriptButton,
    as_button,
    button,
    make_button,
)
from drawer_ipy.buttons.http.button import HttpButton
from drawer_ipy.buttons.prompt import PromptButton
from drawer_ipy.definition.models import ButtonSpec
from drawer_ipy.errors import ArgumentError, UsageError


def spec(**fields: Any) -> ButtonSpec:
    return ButtonSpec.model_validate({"name": "b", **fields})


def press(made: Button, args: dict[str, Any] | None = None) -> Outcome:
    async def main() -> Outcome:
        resources = Resources()
        try:
            return await made.press(made.bind(args or {}), Call(resources))
        finally:
            await resources.aclose()

    return asyncio.run(main())


def test_a_prompt_is_filled_in_one_pass() -> None:
    made = make_button(spec(prompt="Say {{what}} to {{who}}."))
    assert [a.name for a in made.args] == ["what", "who"]
    assert press(made, {"what": "{{who}}", "who": ["a"]}).output == 'Say {{who}} to ["a"].'
    with pytest.raises(ArgumentError, match="'who'"):
        made.bind({"what": 1})


@pytest.mark.parametrize("text", [None, " \n", "x"])
def test_a_prompt_is_read_from_its_folder(text: str | None, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "AGENTS.md").write_text(text)
    outcome = press(make_button(spec(runtime="prompt"), folder=tmp_path))
    if text == "x":
        assert outcome.output == "x"
    else:
        assert outcome.error is not None
        assert outcome.error.code == "PROMPT_ERROR"


@pytest.mark.parametrize(
    ("fields", "kind", "timeout"),
    [
        ({"url": "http://h/"}, HttpButton, 30),
        ({"url": "http://h/", "timeout_seconds": 5}, HttpButton, 5),
        ({"code": "echo"}, ScriptButton, 300),
        ({"code": "echo", "timeout_seconds": 0}, ScriptButton, 300),
        ({"prompt": "x"}, PromptButton, None),
    ],
)
def test_the_runtime_is_chosen_by_the_given_fields(
    fields: dict[str, Any], kind: type, timeout: float
) -> None:
    made = make_button(spec(**fields))
    assert isinstance(made, kind)
    assert made.timeout == timeout


@pytest.mark.parametrize("fields", [{}, {"url": "http://h/", "code": "x"}, {"prompt": "x", "code": "x"}])
def test_a_button_with_no_action_or_several_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="button 'b'"):
        make_button(spec(**fields))


@pytest.mark.parametrize(("runtime", "file"), [("", "main.sh"), ("python", "main.py")])
def test_a_script_is_read_from_its_folder(runtime: str, file: str, tmp_path: Path) -> None:
    made = make_button(spec(runtime=runtime), folder=tmp_path)
    missing = press(made)
    assert missing.error is not None
    assert missing.error.code == "SCRIPT_ERROR"
    (tmp_path / file).write_text("echo 1" if not runtime else "print(1)")
    assert press(made).output == 1


@button(name="marked-name")
def marked() -> str:
    return "marked"


def plain() -> str:
    return "plain"


class Folder:
    """A stand-in for a workspace folder."""

    def find(self, name: str) -> Button | None:
        return as_button(lambda: f"folder {name}", name) if name in self.names() else None

    def names(self) -> Iterable[str]:
        return ["shared", "only-folder"]

    def __str__(self) -> str:
        return "a folder"


def output(found: Button | None) -> Any:
    assert found is not None
    return press(found).output


def test_places_are_searched_in_their_order() -> None:
    here = {
        "__name__": plain.__module__,
        "marked": marked,
        "plain": plain,
        "_hidden": plain,
        "n": 3,
        "Path": Path,
    }
    catalog = ButtonCatalog(
        specs={"cell": spec(code="echo cell"), "both": spec(code="echo first")},
        registered={"both": as_button(plain, "both"), "made": as_button(lambda: "made", "made")},
        namespace={**here, "shared": lambda: "variable"},
        folders=[Folder()],
    )
    for name, expected in {
        "cell": "cell\n",
        "both": "first\n",
        "made": "made",
        "marked-name": "marked",
        "marked": "marked",
        "plain": "plain",
        "shared": "variable",
        "only-folder": "folder only-folder",
    }.items():
        assert output(catalog.find(name)) == expected
    assert [catalog.find(name) for name in ("_hidden", "n", "nowhere")] == [None, None, None]
    assert catalog.find("plain") is catalog.find("plain")
    assert catalog.names() == ["cell", "both", "made", "marked-name", "shared", "only-folder", "plain"]


def test_an_object_with_every_attribute_is_not_a_button() -> None:
    class Anything:
        def __getattr__(self, name: str) -> Any:
            return self

    catalog = ButtonCatalog(namespace={"thing": Anything()})
    assert catalog.find("thing") is None
    assert catalog.find("other") is None
    assert catalog.names() == []
