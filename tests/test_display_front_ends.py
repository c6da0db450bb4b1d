"""What is known of the front end, from the shell and the environment."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from drawer_ipy.display.front_ends import cell_id, loads_widgets_for_outputs_only


@pytest.mark.parametrize(
    ("names", "environment", "expected"),
    [
        ({}, {}, False),
        ({"__vsc_ipynb_file__": "/a.ipynb"}, {}, True),
        ({"__vsc_ipynb_file__": "/a.ipynb"}, {"JPY_SESSION_NAME": "/a.ipynb"}, True),
        ({}, {"VSCODE_PID": "12"}, True),
        ({}, {"VSCODE_PID": "12", "JPY_SESSION_NAME": "/a.ipynb"}, False),
        ({}, {"COLAB_RELEASE_TAG": "release-colab"}, True),
        ({}, {"JPY_SESSION_NAME": "/a.ipynb"}, False),
    ],
)
def test_vs_code_and_colab_load_widgets_only_for_outputs(
    monkeypatch: pytest.MonkeyPatch, names: dict[str, Any], environment: dict[str, str], expected: bool
) -> None:
    for name in ("VSCODE_PID", "JPY_SESSION_NAME", "COLAB_RELEASE_TAG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert loads_widgets_for_outputs_only(SimpleNamespace(user_ns=names)) is expected


@pytest.mark.parametrize(
    ("parent", "expected"),
    [
        ({"metadata": {"cellId": "a1b2"}}, "a1b2"),
        ({"metadata": {}}, ""),
        ({}, ""),
        (None, ""),
        ({"metadata": {"cellId": 3}}, ""),
    ],
)
def test_the_cell_is_the_one_that_the_front_end_names(parent: Any, expected: str) -> None:
    assert cell_id(SimpleNamespace(get_parent=lambda: parent)) == expected
    assert cell_id(SimpleNamespace()) == ""
    assert cell_id(None) == ""
