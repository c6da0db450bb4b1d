"""The factory that makes a button from its specification: it selects the runtime and finds the script."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

from drawer_ipy.buttons.base import Button
from drawer_ipy.buttons.cache_keys import lasting
from drawer_ipy.buttons.script.button import RUNTIMES, ScriptButton
from drawer_ipy.common.tracebacks import describe
from drawer_ipy.definition.button_runtimes import BUTTON_RUNTIMES, SCRIPT, Setting, added_runtime, runtime_of
from drawer_ipy.definition.checking.requests import request_troubles
from drawer_ipy.definition.costs import declared, rate_troubles
from drawer_ipy.definition.faults import refuse
from drawer_ipy.definition.models import ButtonSpec
from drawer_ipy.errors import DrawerError, UsageError

SCRIPT_TIMEOUT = 300.0
"""Seconds that a script may run if neither its button nor the step sets a timeout (as in the original)."""


def make_button(
    spec: ButtonSpec,
    *,
    folder: Path | None = None,
    allowed_origins: Callable[[], Collection[str]] = tuple,
) -> Button:
    """Return the button that `spec` describes.

    Args:
        spec: a specification with a ``url``, a ``prompt`` (or the runtime ``prompt``), ``code``, or a
            runtime of another distribution; without any of them, its script is searched in `folder`.
        folder: the folder of a workspace button, with its ``main.sh``, ``main.py`` or ``main.js``;
            ``None`` for a button that was defined in a cell.
        allowed_origins: see HttpButton.

    Raises:
        UsageError: it fits several runtimes, or none.
    """
    _refuse_several_runtimes(spec)
    runtime = runtime_of(spec)
    if runtime is SCRIPT and not spec.code and folder is None:
        raise UsageError(
            f"button {spec.name!r} has nothing to run",
            remediation="give it `url` (a request), `prompt` (text) or `code` (a script)",
        )
    refuse(spec.name, rate_troubles(spec.rate, declared(spec)))
    own = runtime.own(spec)
    refuse(spec.name, runtime.faults(spec))
    try:
        button: Button = runtime.button(spec, Setting(own, folder, allowed_origins))
    except DrawerError:
        raise
    except Exception as error:  # raised by a runtime of another distribution
        owner = BUTTON_RUNTIMES.owner(runtime.name)
        whose = f" of {owner}" if owner else ""
        message = (
            f"the runtime {runtime.name!r}{whose} could not make button {spec.name!r}: {describe(error)}"
        )
        raise UsageError(message) from error
    return button


def _refuse_several_runtimes(spec: ButtonSpec) -> None:
    given = [word for word in ("url", "prompt", "code") if getattr(spec, word)]
    added = added_runtime(spec.runtime)
    if added is not None and given and given[0] != "code":
        raise UsageError(
            f"button {spec.name!r} has both `{given[0]}` and `runtime: {added.name}`",
            remediation="remove one of them",
        )
    if len(given) > 1:
        raise UsageError(
            f"button {spec.name!r} has both `{given[0]}` and `{given[1]}`",
            remediation="a button is one of: `url` (a request), `prompt` (text), `code` (a script)",
        )


def make_script(spec: ButtonSpec, setting: Setting) -> ScriptButton:
    """Return a script as a button; without ``code``, its text is in a file of the button's folder."""
    refuse(spec.name, request_troubles(spec))
    runtime, folder = spec.runtime.strip().lower(), setting.folder
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
        backend=spec.backend,
        spec=spec,
    )
