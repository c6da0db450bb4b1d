"""The outcome of a script that has ended, or could not be started."""

from __future__ import annotations

import signal

from drawer_ipy.buttons.base import Outcome
from drawer_ipy.buttons.output import parse_output, tail
from drawer_ipy.buttons.script.process import Finished
from drawer_ipy.errors import Code, ErrorInfo


def outcome_of_script(done: Finished, timeout: float | None, limit: int, name: str) -> Outcome:
    if done.timed_out:
        error = ErrorInfo(
            Code.TIMEOUT,
            f"timed out after {timeout:g} s",
            "raise `timeout_seconds` of the step or the button if it needs longer",
        )
        return Outcome(status="timeout", error=error, exit_code=-1, stdout=done.stdout, stderr=done.stderr)
    if done.too_long:
        error = ErrorInfo(
            Code.SCRIPT_ERROR,
            f"wrote more than {limit:,} bytes to {done.too_long}",
            "raise `max_response_bytes` of the button (up to 2 GiB), or write to a file and print its path",
        )
        return Outcome(status="error", error=error, exit_code=-1, stdout=done.stdout, stderr=done.stderr)
    code = done.returncode
    if code == 0:
        note = _altered(name) if done.altered else ""
        return Outcome(parse_output(done.stdout), stdout=done.stdout, stderr=done.stderr, note=note)
    if code < 0:
        message = tail(done.stderr) or f"was ended by {_signal_name(-code)} and wrote nothing to stderr"
        code = -1
    else:
        message = tail(done.stderr) or f"exited with code {code} and wrote nothing to stderr"
    error = ErrorInfo(Code.SCRIPT_ERROR, message)
    return Outcome(status="error", error=error, exit_code=code, stdout=done.stdout, stderr=done.stderr)


def _altered(name: str) -> str:
    return (
        f"button {name!r} printed bytes that are not UTF-8 text, which became \ufffd in its output; "
        "to keep them, print them as base64, or write them to a file and print its path"
    )


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def not_started(code: str, message: str, remediation: str = "") -> Outcome:
    # Status "error", not "failed": the original's status for a button that was found but could not run.
    return Outcome(status="error", error=ErrorInfo(code, message, remediation), exit_code=-1)
