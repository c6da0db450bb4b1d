"""Scripts whose button names a backend: what is sent to a worker, and the outcome of what comes back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drawer_ipy.buttons.base import Call, Outcome
from drawer_ipy.buttons.output import Capture
from drawer_ipy.buttons.script.ending import not_started, outcome_of_script
from drawer_ipy.buttons.script.process import Finished
from drawer_ipy.buttons.script.there import NO_PROGRAM, NOT_STARTED, ScriptThere
from drawer_ipy.buttons.travelling import Work
from drawer_ipy.common.threads import Threads
from drawer_ipy.errors import Code

_NAMES = ("its arguments", "its stdin", "")


def work_of(name: str, there: ScriptThere, variables: Mapping[str, str], stdin: bytes, call: Call) -> Work:
    """Return a press of the script button `name` that can be sent."""

    async def here() -> Outcome:
        threads = call.resources.get(Threads)
        return Outcome(await threads.submit(lambda: there(variables, stdin, False)))

    return Work(name, there, (dict(variables), stdin, call.log is not None), {}, _NAMES, here)


def outcome_there(name: str, output: Any, limit: int) -> Outcome:
    """Return the outcome of a script that a worker ran.

    Args:
        output: what :class:`~drawer_ipy.buttons.script.there.ScriptThere` returned.
        limit: its limit in bytes.
    """
    code, out, err, problem = output
    if code == NO_PROGRAM:
        message = f"button {name!r} requires {problem}, which is not installed where it ran"
        return not_started(Code.RUNTIME_MISSING, message, "install it there, or remove `backend`")
    if code == NOT_STARTED:
        return not_started(Code.SCRIPT_ERROR, f"button {name!r} could not be started: {problem}")
    kept, said = Capture(limit), Capture(limit)
    kept.add(out)
    said.add(err)
    too_long = "stdout" if kept.cut else "stderr" if said.cut else ""
    stdout = kept.text()
    done = Finished(code, stdout, said.text(), too_long, timed_out=False, altered=kept.altered)
    return outcome_of_script(done, None, limit, name)
