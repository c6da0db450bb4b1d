"""From a button's specification to the button: which runtime it is, and where its script is."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

from drawer_ipy.buttons.base import Button
from drawer_ipy.buttons.cache_keys import lasting
from drawer_ipy.buttons.http.button import HttpButton, refuse
from drawer_ipy.buttons.prompt import PromptButton
from drawer_ipy.buttons.script.button import RUNTIMES, ScriptButton
from drawer_ipy.common.folders import read_regular
from drawer_ipy.definition.checking.requests import request_troubles
from drawer_ipy.definition.models import ButtonSpec
from drawer_ipy.errors import UsageError

SCRIPT_TIMEOUT = 300.0
"""Seconds a script may take when neither its button nor the step says (the original's)."""

_PROMPT_FILE = "AGENTS.md"


def make_button(
    spec: ButtonSpec,
    *,
    folder: Path | None = None,
    allowed_origins: Callable[[], Collection[str]] = tuple,
) -> Button:
    """The button that `spec` describes.

    Args:
        spec: with a ``url``, a ``prompt`` (or the runtime ``prompt``) or ``code``; without any of them
            its script is looked for in `folder`.
        folder: where a button of a workspace lives, with its ``main.sh``, ``main.py`` or ``main.js``;
            ``None`` for one that was written in a cell.
        allowed_origins: see HttpButton.

    Raises:
        UsageError: when it is several things at once, or nothing.
    """
    given = [word for word in ("url", "prompt", "code") if getattr(spec, word)]
    if len(given) > 1:
        raise UsageError(
            f"button {spec.name!r} has both `{given[0]}` and `{given[1]}`",
            remediation="a button is one of: `url` (a request), `prompt` (text), `code` (a script)",
        )
    if spec.url:
        return HttpButton(spec, allowed_origins)
    if spec.prompt or spec.runtime == "prompt":
        return _prompt(spec, folder)
    if not spec.code and folder is None:
        raise UsageError(
            f"button {spec.name!r} does nothing",
            remediation="give it `url` (a request), `prompt` (text) or `code` (a script)",
        )
    return _script(spec, folder)


def _script(spec: ButtonSpec, folder: Path | None) -> ScriptButton:
    refuse(spec.name, request_troubles(spec))
    runtime = spec.runtime.strip().lower()
    path = None
    if not spec.code and folder is not None:
        known = RUNTIMES.get(runtime)
        path = folder / f"main{known.suffix if known else '.sh'}"
    return ScriptButton(
        spec.name,
        runtime,
        code=spec.code or None,
        path=path,
        args=spec.args,
        env=spec.env,
        timeout=spec.timeout_seconds or SCRIPT_TIMEOUT,
        output_schema=spec.output_schema,
        rate=spec.rate,
        queue=spec.queue,
        lasts=lasting(spec.cache, spec.name),
        limit=spec.max_response_bytes,
        stdin=spec.stdin,
        spec=spec,
    )


def _prompt(spec: ButtonSpec, folder: Path | None) -> PromptButton:
    refuse(spec.name, request_troubles(spec))
    if spec.prompt or folder is None:
        return PromptButton(spec)
    path = folder / _PROMPT_FILE
    return PromptButton(spec, lambda: read_regular(path.resolve()).decode("utf-8"))
