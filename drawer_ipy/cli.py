"""The command ``drawer``: the verbs of :mod:`~drawer_ipy.verbs` for a terminal and for other programs.

Options anywhere on the line: ``--json`` answers with an envelope, ``{"ok": true, "data": ...}`` or
``{"ok": false, "error": {code, message, remediation}}``, which is also the default where standard output
is no terminal (ORIGINAL §8); ``--text`` keeps to text there. A run that failed has its whole result as
``data`` beside the error.

Exit codes: 0; 1 a run, a drawer or the disk failed; 2 what was typed is wrong; 130 interrupted (143 by
SIGTERM).
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from drawer_ipy.errors import DrawerError, ErrorInfo
from drawer_ipy.verbs import Outcome, VerbContext, exit_code, run_verb
from drawer_ipy.verbs.base import INTERRUPTED
from drawer_ipy.workspace import Workspace

_FLAGS = {"--json": True, "--text": False}
_TERMINATED = 128 + signal.SIGTERM

HELP = """
--json answers in JSON, which is the default where the output is no terminal; --text keeps to text."""


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the words of the command line say, print it, and give the exit code."""
    words, as_json = _flags(sys.argv[1:] if argv is None else list(argv))
    if words == ["--version"]:
        from drawer_ipy._version import __version__

        words, outcome = [], Outcome({"version": __version__}, f"drawer {__version__}")
        return _shown(outcome, as_json)
    with _terminable() as ended:
        try:
            outcome = run_verb(words, VerbContext(Workspace.current()))
        except DrawerError as error:
            return _failed(error.info(), as_json, exit_code(error))
        except KeyboardInterrupt:
            return _failed(
                ErrorInfo("CANCELLED", "interrupted"), as_json, _TERMINATED if ended else INTERRUPTED
            )
    if not words or words[0] in ("help", "--help", "-h"):
        outcome.text += "\n" + HELP
    code = _shown(outcome, as_json)
    return _TERMINATED if ended and code == INTERRUPTED else code


def _flags(argv: list[str]) -> tuple[list[str], bool]:
    """The words without ``--json`` and ``--text``, and whether to answer in JSON."""
    end = argv.index("--") if "--" in argv else len(argv)
    said = [_FLAGS[word] for word in argv[:end] if word in _FLAGS]
    words = [word for word in argv[:end] if word not in _FLAGS] + argv[end:]
    return words, said[-1] if said else not _is_terminal(sys.stdout)


@contextmanager
def _terminable() -> Iterator[list[int]]:
    """Let SIGTERM and SIGHUP end a run as Ctrl-C does: its processes are ended, its history is written.

    Gives the signals that came.
    """
    came: list[int] = []

    def end(number: int, frame: Any) -> None:
        came.append(number)
        raise KeyboardInterrupt

    kept: dict[int, Any] = {}
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        # What whoever started us wants ignored (nohup) stays ignored.
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            try:
                kept[number] = signal.signal(number, end)
            except ValueError:  # not in the main thread: nobody sends us signals there
                break
    try:
        yield came
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


def _shown(outcome: Outcome, as_json: bool) -> int:
    if as_json:
        envelope: dict[str, Any] = {"ok": outcome.error is None}
        if outcome.error is not None:
            envelope["error"] = outcome.error.to_dict()
        _print(_json({**envelope, "data": outcome.data}))
        return outcome.exit_code
    _print(outcome.text)
    if outcome.error is not None:
        _complain(outcome.error)
    return outcome.exit_code


def _failed(error: ErrorInfo, as_json: bool, code: int) -> int:
    if as_json:
        _print(_json({"ok": False, "error": error.to_dict()}))
    else:
        _complain(error)
    return code


def _complain(error: ErrorInfo) -> None:
    hint = f"\n  {error.remediation}" if error.remediation else ""
    print(f"{error.code}: {error.message}{hint}", file=sys.stderr)


def _json(value: Any) -> str:
    # ASCII, since a pipe may have any encoding.
    return json.dumps(value, indent=2 if _is_terminal(sys.stdout) else None)


def _print(text: str) -> None:
    try:
        print(text, flush=True)
    except UnicodeEncodeError:  # a terminal that cannot show everything still shows what it can
        encoding = sys.stdout.encoding or "ascii"
        print(text.encode(encoding, errors="replace").decode(encoding), flush=True)
    except BrokenPipeError:
        # `drawer list | head`: the reader has seen enough. What is still buffered must not be flushed at
        # exit, where it would be reported.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _is_terminal(stream: Any) -> bool:
    try:
        return bool(stream.isatty())
    except (AttributeError, ValueError):
        return False


if __name__ == "__main__":
    sys.exit(main())
