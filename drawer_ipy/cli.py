"""The command ``drawer``: the verbs of :mod:`~drawer_ipy.verbs` for a terminal and for other programs.

Options anywhere on the line: ``--json`` answers with an envelope, ``{"ok": true, "data": ...}`` or
``{"ok": false, "error": {code, message, remediation}}``, which is also the default where standard output
is not a terminal (docs/original.md#8-command-line); ``--text`` keeps to text there. Help and the version are
text unless ``--json`` is given. A run that failed has its whole result as ``data`` beside the error; a wrong
definition has its problems there, one by one.

Exit codes: 0; 1 a run, a drawer or the disk failed; 2 what was typed is wrong; 128 and the number of the
signal that ended it (130 for Ctrl-C, 143 for SIGTERM).
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

if TYPE_CHECKING:  # imported when a drawer is pressed: listing drawers needs no engine
    from drawer_ipy.pressing.job import Job
    from drawer_ipy.results import Results

_FLAGS = {"--json": True, "--text": False}

_HARMLESS = ("SIGCHLD", "SIGCONT", "SIGURG", "SIGWINCH", "SIGINFO")
_STOPPING = ("SIGSTOP", "SIGTSTP", "SIGTTIN", "SIGTTOU")
_FAULTS = ("SIGSEGV", "SIGBUS", "SIGFPE", "SIGILL")
"""A handler in Python runs after the instruction that failed, which would fail again without end."""

_NOT_MET = frozenset({*_HARMLESS, *_STOPPING, *_FAULTS, "SIGKILL"})
"""Signals that do not end a program by default, or that no handler can meet."""

HELP = """
--json answers in JSON, which is the default where the output is not a terminal; --text keeps to text.
Help and the version are text unless --json is given."""


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the words of the command line say, print it, and give the exit code."""
    words, asked = _flags(sys.argv[1:] if argv is None else list(argv))
    as_json = not _is_terminal(sys.stdout) if asked is None else asked
    with _terminable() as ending:
        try:
            return _said(words, asked, as_json, ending)
        except KeyboardInterrupt:
            return _failed(ErrorInfo("CANCELLED", "interrupted"), as_json, ending.exit_code)
        except _NoOutput as error:
            _complain(ErrorInfo("INTERNAL", f"the answer could not be written: {error}"))
            return FAILED
        except Exception as error:  # a fault of ours: whoever reads JSON gets JSON, and we get to know where
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
    # People read help through a pipe too (`drawer --help | less`).
    code = _shown(outcome, bool(asked) if outcome.is_help else as_json)
    return ending.exit_code if code == INTERRUPTED else code


def _flags(argv: list[str]) -> tuple[list[str], bool | None]:
    """The words without ``--json`` and ``--text``, and whether they ask for JSON; ``None``: for neither."""
    end = argv.index("--") if "--" in argv else len(argv)
    said = [_FLAGS[word] for word in argv[:end] if word in _FLAGS]
    words = [word for word in argv[:end] if word not in _FLAGS] + argv[end:]
    return words, said[-1] if said else None


class _NoOutput(Exception):
    """Standard output takes nothing."""


class _Ending:
    """What a signal does that would end the program: the first one cancels the run, as Ctrl-C does, so that
    its processes are ended and its history is written. Without a run, and the second time, it ends the
    program.

    Attributes:
        came: the signals that came.
    """

    def __init__(self) -> None:
        self.came: list[int] = []
        self._job: Job | None = None

    @property
    def exit_code(self) -> int:
        """The exit code of what was interrupted: that of the first signal that came, else that of Ctrl-C."""
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
    """The signals that end a program by default and that can be met."""
    left_alone = {int(getattr(signal, name)) for name in _NOT_MET if hasattr(signal, name)}
    if faulthandler.is_enabled():  # it has SIGABRT, which Python's own table of handlers does not tell
        left_alone.add(signal.SIGABRT)
    return sorted(int(number) for number in signal.valid_signals() if number not in left_alone)


@contextmanager
def _terminable() -> Iterator[_Ending]:
    """Let every signal that would end the program be met by what is given; they are as before afterwards."""
    ending = _Ending()
    kept: dict[int, Any] = {}
    for number in _ending_signals():
        # What whoever started us wants ignored (nohup) stays ignored.
        if signal.getsignal(number) is signal.SIG_DFL:
            try:
                kept[number] = signal.signal(number, ending.meet)
            except ValueError:  # not in the main thread: nobody sends us signals there
                break
            except OSError:  # one that the system keeps for itself
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
    if outcome.error is not None:
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
    # ASCII, since a pipe may have any encoding.
    return json.dumps(value, indent=2 if _is_terminal(sys.stdout) else None)


def _print(text: str) -> None:
    try:
        print(text, flush=True)
    except UnicodeEncodeError:  # a terminal that cannot show everything still shows what it can
        encoding = sys.stdout.encoding or "ascii"
        print(text.encode(encoding, errors="backslashreplace").decode(encoding), flush=True)
    except BrokenPipeError:  # `drawer list | head`: the reader has seen enough
        _give_up(sys.stdout)
    except OSError as error:
        _give_up(sys.stdout)
        raise _NoOutput(error.strerror or str(error)) from None


def _give_up(stream: Any) -> None:
    """Let what is still buffered go nowhere: it would be flushed at exit, where its failure is reported."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _is_terminal(stream: Any) -> bool:
    try:
        return bool(stream.isatty())
    except (AttributeError, ValueError):
        return False


if __name__ == "__main__":
    sys.exit(main())
