"""The command ``drawer``: the verbs of :mod:`~drawer_ipy.verbs` for terminals and for other programs.

Two options may stand anywhere on the line. ``--json`` prints an envelope, ``{"ok": true, "data": ...}`` or
``{"ok": false, "error": {code, message, remediation}}``; it is the default if standard output is not a
terminal (docs/original.md#8-command-line). ``--text`` prints text there too. Help and the version are text
unless ``--json`` is given. After a failed run, ``data`` beside the error is the whole result; after an
invalid definition, it has the list of problems.

Exit codes: 0 for success; 1 for a failure of a run, a drawer or the disk; 2 for a wrong command line; 128
plus the signal number if a signal ended it (130 for Ctrl-C, 143 for SIGTERM).
"""

from __future__ import annotations

import faulthandler
import json
import os
import signal
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from drawer_ipy.errors import DefinitionError, DrawerError, ErrorInfo
from drawer_ipy.verbs import VerbContext, VerbResult, exit_code, run_verb
from drawer_ipy.verbs.base import FAILED, INTERRUPTED
from drawer_ipy.workspace.lookup import Workspace

if TYPE_CHECKING:  # imported on the first press, since listing drawers does not need the engine
    from drawer_ipy.pressing.job import Job
    from drawer_ipy.results import Results

_FLAGS = {"--json": True, "--text": False}

_HARMLESS = ("SIGCHLD", "SIGCONT", "SIGURG", "SIGWINCH", "SIGINFO")
_STOPPING = ("SIGSTOP", "SIGTSTP", "SIGTTIN", "SIGTTOU")
_FAULTS = ("SIGSEGV", "SIGBUS", "SIGFPE", "SIGILL")
"""A Python handler runs after the failed instruction, which would then fail again, endlessly."""

_NOT_MET = frozenset({*_HARMLESS, *_STOPPING, *_FAULTS, "SIGKILL"})
"""Signals that do not end a program by default, or that cannot be handled."""

HELP = """
--json prints JSON, the default if the output is not a terminal; --text prints text there too.
Help and the version are text unless --json is given."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line, print the result, and return the exit code."""
    words, asked = _flags(sys.argv[1:] if argv is None else list(argv))
    as_json = not _is_terminal(sys.stdout) if asked is None else asked
    with _terminable() as ending:
        try:
            return _said(words, asked, as_json, ending)
        except KeyboardInterrupt:
            return _failed(ErrorInfo("CANCELLED", "interrupted"), as_json, ending.exit_code)
        except _NoOutput as error:
            _complain(ErrorInfo("INTERNAL", f"the output could not be written: {error}"))
            return FAILED
        except Exception as error:  # an internal error: traceback and envelope
            traceback.print_exc()
            return _failed(ErrorInfo("INTERNAL", f"{type(error).__name__}: {error}"), as_json, FAILED)


def _said(words: list[str], asked: bool | None, as_json: bool, ending: _Ending) -> int:
    if words == ["--version"]:
        from drawer_ipy._version import __version__

        return _shown(VerbResult({"version": __version__}, f"drawer {__version__}"), bool(asked))
    try:
        context = VerbContext(Workspace.current(), press=ending.press)
        outcome = run_verb(words, context)
    except DefinitionError as error:
        return _failed(
            error.info(), as_json, exit_code(error), {"problems": [p.to_dict() for p in error.problems]}
        )
    except DrawerError as error:
        return _failed(error.info(), as_json, exit_code(error))
    if not words or words[0] in ("help", "--help", "-h"):
        outcome.text += "\n" + HELP
    if as_json and context.workspace.refused and not outcome.is_help:
        print(f"note: {context.workspace.refused}", file=sys.stderr)
    # Help may be read through a pipe (`drawer --help | less`).
    code = _shown(outcome, bool(asked) if outcome.is_help else as_json)
    return ending.exit_code if code == INTERRUPTED else code


def _flags(argv: list[str]) -> tuple[list[str], bool | None]:
    """Return the words without ``--json`` and ``--text``, and whether JSON was chosen (``None``: neither)."""
    end = argv.index("--") if "--" in argv else len(argv)
    said = [_FLAGS[word] for word in argv[:end] if word in _FLAGS]
    words = [word for word in argv[:end] if word not in _FLAGS] + argv[end:]
    return words, said[-1] if said else None


class _NoOutput(Exception):
    """Standard output cannot be written to."""


class _Ending:
    """Handles signals that would end the program. The first one cancels the run, as Ctrl-C does, so that its
    processes are ended and its history is written. Without a run, and the second time, a signal ends the
    program.

    Attributes:
        came: the signals received so far.
    """

    def __init__(self) -> None:
        self.came: list[int] = []
        self._job: Job | None = None

    @property
    def exit_code(self) -> int:
        """The exit code after an interruption: of the first signal received, else of Ctrl-C."""
        return 128 + self.came[0] if self.came else INTERRUPTED

    def press(self, job: Job) -> Results:
        """Run `job`; see :class:`~drawer_ipy.verbs.VerbContext`."""
        from drawer_ipy.verbs.pressing import press_with_bar

        self._job = job
        try:
            return press_with_bar(job)
        finally:
            self._job = None

    def meet(self, number: int, _frame: Any) -> None:
        """The signal handler."""
        first = not self.came
        self.came.append(number)
        if self._job is None or not first:
            raise KeyboardInterrupt
        self._job.run.cancel()


def _ending_signals() -> list[int]:
    """Return the signals that end a program by default and that can be handled."""
    left_alone = {int(getattr(signal, name)) for name in _NOT_MET if hasattr(signal, name)}
    if faulthandler.is_enabled():  # it handles SIGABRT, which Python's table of handlers does not show
        left_alone.add(signal.SIGABRT)
    return sorted(int(number) for number in signal.valid_signals() if number not in left_alone)


@contextmanager
def _terminable() -> Iterator[_Ending]:
    """Let an :class:`_Ending` handle each signal that would end the program; restore the handlers on exit."""
    ending = _Ending()
    kept: dict[int, Any] = {}
    for number in _ending_signals():
        # A signal that the parent process ignores (nohup) stays ignored.
        if signal.getsignal(number) is signal.SIG_DFL:
            try:
                kept[number] = signal.signal(number, ending.meet)
            except ValueError:  # not in the main thread, which alone handles signals
                break
            except OSError:  # reserved by the system
                continue
    try:
        yield ending
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


def _shown(outcome: VerbResult, as_json: bool) -> int:
    if as_json:
        envelope: dict[str, Any] = {"ok": outcome.error is None}
        if outcome.error is not None:
            envelope["error"] = outcome.error.to_record()
        _print(_json({**envelope, "data": outcome.data}))
        return outcome.exit_code
    _print(outcome.text)
    if outcome.brief and _is_terminal(sys.stdout):
        print(outcome.brief, file=sys.stderr)
    elif outcome.error is not None:
        _complain(outcome.error)
    return outcome.exit_code


def _failed(error: ErrorInfo, as_json: bool, code: int, data: Any = None) -> int:
    if as_json:
        envelope: dict[str, Any] = {"ok": False, "error": error.to_record()}
        _print(_json(envelope if data is None else {**envelope, "data": data}))
    else:
        _complain(error)
    return code


def _complain(error: ErrorInfo) -> None:
    hint = f"\n  {error.remediation}" if error.remediation else ""
    print(f"{error.code}: {error.message}{hint}", file=sys.stderr)


def _json(value: Any) -> str:
    # ASCII, since the encoding of a pipe is unknown.
    return json.dumps(value, indent=2 if _is_terminal(sys.stdout) else None)


def _print(text: str) -> None:
    try:
        print(text, flush=True)
    except UnicodeEncodeError:  # the terminal shows what it can encode, and escapes for the rest
        encoding = sys.stdout.encoding or "ascii"
        print(text.encode(encoding, errors="backslashreplace").decode(encoding), flush=True)
    except BrokenPipeError:  # `drawer list | head`: the reader has closed the pipe
        _give_up(sys.stdout)
    except OSError as error:
        _give_up(sys.stdout)
        raise _NoOutput(error.strerror or str(error)) from None


def _give_up(stream: Any) -> None:
    """Discard what is still buffered: flushing it at exit would fail and report that."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _is_terminal(stream: Any) -> bool:
    try:
        return bool(stream.isatty())
    except (AttributeError, ValueError):
        return False


if __name__ == "__main__":
    sys.exit(main())
