"""Script buttons: sh, bash, python or node, from a cell or from a file.

Arguments reach a script as environment variables ``BUTTONS_ARG_NAME``; its output is what it prints, see
:func:`drawer_ipy.buttons.output.parse_output`.
"""

from __future__ import annotations

import asyncio
import errno
import os
import re
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drawer_ipy.buttons.answer import Answer
from drawer_ipy.buttons.arguments import Arguments, to_text
from drawer_ipy.buttons.base import Caching, Call, Outcome, Pages
from drawer_ipy.buttons.cache_keys import ScriptCaching
from drawer_ipy.buttons.http.field import FieldTemplate
from drawer_ipy.buttons.output import DEFAULT_LIMIT, LARGEST_LIMIT
from drawer_ipy.buttons.script.away import outcome_there, work_of
from drawer_ipy.buttons.script.ending import not_started, outcome_of_script
from drawer_ipy.buttons.script.feeding import stdin_bytes
from drawer_ipy.buttons.script.process import Process
from drawer_ipy.buttons.script.processes import Processes
from drawer_ipy.buttons.script.there import INLINE_LIMIT, ScriptThere
from drawer_ipy.buttons.travelling import Work
from drawer_ipy.common.environment import encoded_variables
from drawer_ipy.common.folders import read_regular
from drawer_ipy.common.platform import lacks
from drawer_ipy.definition.backends import STAYS
from drawer_ipy.definition.button_runtimes import BUTTON_RUNTIMES, runtime_words
from drawer_ipy.definition.models import ArgSpec, ButtonSpec, Queue
from drawer_ipy.errors import ArgumentError, Code, ErrorInfo, UsageError, did_you_mean

_ON_ITS_WAY = 0.2
"""Seconds within which an interrupt that ended a script also reaches the run."""


@dataclass(frozen=True, slots=True)
class Runtime:
    """An interpreter.

    Attributes:
        program: its name on the PATH; ``""`` for the interpreter of this process.
        flag: the option that takes the text of a script.
        suffix: the suffix of script files.
    """

    program: str
    flag: str
    suffix: str


_SH = Runtime("/bin/sh", "-c", ".sh")
_BASH = Runtime("bash", "-c", ".sh")
_PYTHON = Runtime("", "-c", ".py")  # the kernel's interpreter, so that scripts find the same packages
_NODE = Runtime("node", "-e", ".js")

RUNTIMES: Mapping[str, Runtime] = {
    "": _SH,
    "sh": _SH,
    "shell": _SH,
    "bash": _BASH,
    "python": _PYTHON,
    "python3": _PYTHON,
    "node": _NODE,
    "javascript": _NODE,
    "js": _NODE,
}


def env_name(name: str) -> str:
    """Return the environment variable for an argument: ``my-arg`` is ``BUTTONS_ARG_MY_ARG``."""
    return "BUTTONS_ARG_" + re.sub(r"[^A-Za-z0-9_]", "_", name).upper()


class BoundScript(dict[str, str]):
    """The environment variables of one press.

    Attributes:
        stdin: the data for the script's stdin.
    """

    stdin: bytes = b""


class ScriptButton:
    """A script as a button.

    Args:
        name: the name that a step presses it by.
        runtime: one of :data:`RUNTIMES`; with any other, each press fails with RUNTIME_MISSING.
        code: the text of the script, ``None`` if it is in a file.
        path: the file of the script; it need not exist until the button is pressed.
        args: the declared arguments.
        env: variables to add to those of the notebook's process and the batteries.
        timeout: limit for a press in seconds unless the step sets one, ``None`` for no limit.
        output_schema: JSON Schema of its output.
        rate: limit on starts, ``"5/s"``.
        queue: the pool of slots that it shares with other buttons.
        lasts: seconds for which its output is cached, ``None`` for no caching.
        limit: maximum size in bytes of its stdout and of its stderr; 0 for :data:`DEFAULT_LIMIT`. A script
            that writes more is ended, and its press fails.
        stdin: the data for its stdin, a text with placeholders for arguments, which are then passed in no
            other way.
        backend: where its presses run, ``"dask"``; ``""`` for the kernel's machine. The text of the script is
            sent there.
        spec: the specification it was made from, ``None`` if there is none.

    Raises:
        UsageError: `stdin` is invalid.
    """

    kind = "script"
    open_args = True

    def __init__(
        self,
        name: str,
        runtime: str = "",
        *,
        code: str | None = None,
        path: Path | None = None,
        args: Iterable[ArgSpec] = (),
        env: Mapping[str, str] | None = None,
        timeout: float | None = None,
        output_schema: Mapping[str, Any] | None = None,
        rate: Any = None,
        queue: Queue | None = None,
        lasts: float | None = None,
        limit: int = 0,
        stdin: str = "",
        backend: str = "",
        spec: ButtonSpec | None = None,
    ) -> None:
        self.name = name
        self._stdin = FieldTemplate(stdin) if stdin else None
        implied = self._stdin.names if self._stdin is not None else ()
        self.args: tuple[ArgSpec, ...] = tuple(args) or tuple(
            ArgSpec(name=n, type="any", required=True) for n in implied
        )
        self.timeout: float | None = timeout
        self.output_schema: Mapping[str, Any] | None = output_schema
        self.rate = rate
        self.queue = queue
        self.pages: Pages | None = None
        self.needs: tuple[str, ...] = ()
        self.spec = spec
        self._runtime = runtime
        self._code = code
        self._path = path
        self._env = dict(env or {})
        self._arguments = Arguments(self.args, name)
        self._env_names = {spec.name: env_name(spec.name) for spec in self.args}
        self._limit = min(limit or DEFAULT_LIMIT, LARGEST_LIMIT)
        self._program: str | None = None
        self._inline: tuple[str, AbstractContextManager[tuple[bytes, ...]]] | None = None
        self.backend = backend
        self.stays: str = STAYS["script"] if backend.partition(":")[0] in ("", "threads") else ""
        self._there: tuple[bytes, ScriptThere] | None = None
        self.caching: Caching | None = None
        if lasts is not None:
            self.caching = ScriptCaching(runtime, self._text, self._env, lasts)

    def bind(self, args: Mapping[str, Any]) -> BoundScript:
        """Return the environment variables for `args`. Raises ArgumentError, see base.Button."""
        bound = BoundScript()
        names, values = self._env_names, self._arguments.values(args)
        if self._stdin is not None:
            bound.stdin = stdin_bytes(self._stdin.value(values))
            values = {name: value for name, value in values.items() if name not in self._stdin.names}
        for name, value in values.items():
            text = to_text(value, name)
            variable = names.get(name) or env_name(name)
            if variable in bound:
                raise self._same_variable(variable, args)
            if "\0" in text:
                raise ArgumentError(
                    f"argument {name!r} contains a NUL character, which environment variables cannot contain",
                    remediation="pass it by `stdin`, encode it as text, or use a Python function button",
                )
            bound[variable] = text
        return bound

    def feed(self, bound: BoundScript, value: Any) -> BoundScript:
        """Return `bound` with `value` for stdin. Raises ArgumentError, see :func:`stdin_bytes`."""
        bound.stdin = stdin_bytes(value)
        return bound

    def _same_variable(self, variable: str, args: Mapping[str, Any]) -> ArgumentError:
        names = [name for name in args if env_name(name) == variable]
        shown = " and ".join(repr(name) for name in names)
        return ArgumentError(
            f"the arguments {shown} would both be passed in the variable {variable}",
            remediation=f"rename one of them, or pass only one to button {self.name!r}",
        )

    async def press(self, bound: Mapping[str, Any], call: Call) -> Outcome:
        """Run the script once; see base.Button. `bound` is the result of :meth:`bind`."""
        program = self._program or self._find_program()
        lacking = self.lacking()
        if program is None or lacking is not None:
            return Outcome(status="error", error=lacking, exit_code=-1)
        more = self._variables(bound, call)
        on_line = _from_thread(call.log) if call.log is not None else None
        try:
            with self._command(program) as argv:
                stdin = getattr(bound, "stdin", b"")
                process = Process(argv, encoded_variables(more), call.timeout, on_line, self._limit, stdin)
                done = await call.resources.get(Processes).run(process)
        except OSError as error:
            return self._not_started(error, program, more)
        except ValueError as error:  # a NUL character, or half of a surrogate pair
            return not_started(Code.VALIDATION_ERROR, f"button {self.name!r} could not be started: {error}")
        if done.returncode == -signal.SIGINT:
            # An interrupt of the notebook may hit a child just before it has its own session. The run's
            # cancellation follows shortly, and then the script is cancelled instead of failed.
            await asyncio.sleep(_ON_ITS_WAY)
        return outcome_of_script(done, call.timeout, self._limit, self.name)

    def _variables(self, bound: Mapping[str, Any], call: Call) -> dict[str, str]:
        """Return the environment variables that a press adds."""
        return {**call.env, **self._env, **bound}

    @property
    def function(self) -> ScriptThere:
        """The script as a function for the workers of a backend; see travelling.Travelling.

        Raises:
            UsageError: its file is missing, or its runtime is unknown.
        """
        lacking = self.lacking() if self._path is not None or self._runtime not in RUNTIMES else None
        if lacking is not None:
            raise UsageError(lacking.message, code=lacking.code, remediation=lacking.remediation)
        text = self._text()
        code = text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")
        if self._there is None or self._there[0] != code:
            runtime = RUNTIMES[self._runtime]
            there = ScriptThere(runtime.program, runtime.flag, runtime.suffix, code, self.name, self._limit)
            self._there = code, there
        return self._there[1]

    def work(self, bound: BoundScript, call: Call) -> Work:
        """Return a press that can be sent; see travelling.Travelling."""
        return work_of(self.name, self.function, self._variables(bound, call), bound.stdin, call)

    def answered(self, answer: Answer) -> Outcome:
        """Return the outcome of a press that ran on a backend; see travelling.Travelling."""
        return outcome_there(self.name, answer.output, self._limit)

    def lacking(self) -> ErrorInfo | None:
        """Return why no press can start (no interpreter, or no script); ``None`` if both exist."""
        if self._program is None and self._find_program() is None:
            return self._no_runtime()
        if self._path is not None and not self._path.is_file():
            return ErrorInfo(
                Code.SCRIPT_ERROR,
                f"the script of button {self.name!r} is missing: {self._path.name}",
                f"write it to {self._path}",
            )
        return None

    def source_text(self) -> str | bytes:
        """Return the current text of the script.

        Raises:
            OSError: its file cannot be read.
        """
        return self._text()

    def _text(self) -> str | bytes:
        return self._code or "" if self._path is None else read_regular(self._path.resolve())

    def _find_program(self) -> str | None:
        if lacks("processes"):
            return None
        runtime = RUNTIMES.get(self._runtime)
        if runtime is not None:
            self._program = shutil.which(runtime.program) if runtime.program else sys.executable or None
        return self._program

    def _command(self, program: str) -> AbstractContextManager[tuple[bytes, ...]]:
        """Return the encoded command line, for the duration of a press."""
        if self._inline is None or self._inline[0] is not program:
            argv = self._inline_command(program)
            if argv is None:
                return self._command_with_file(program)
            self._inline = program, nullcontext(tuple(map(os.fsencode, argv)))
        return self._inline[1]

    def _inline_command(self, program: str) -> list[str] | None:
        """Return the command line without another file; ``None`` if the text is too long for it."""
        if self._code is None:
            return [program, str(self._path)]
        runtime = RUNTIMES[self._runtime]
        if (
            len(self._code) * 4 >= INLINE_LIMIT
            and len(self._code.encode(errors="surrogatepass")) >= INLINE_LIMIT
        ):
            return None
        argv = [program, runtime.flag, self._code]
        if runtime.flag == "-c" and runtime.suffix == ".sh":
            argv.append(self.name)  # the name that the shell uses in its messages
        return argv

    @contextmanager
    def _command_with_file(self, program: str) -> Iterator[tuple[bytes, ...]]:
        """Yield the command line for a private temporary file with the text."""
        with tempfile.TemporaryDirectory(prefix="drawer-") as folder:
            path = Path(folder) / f"main{RUNTIMES[self._runtime].suffix}"
            path.write_text(self._code or "", encoding="utf-8", errors="surrogateescape")
            yield os.fsencode(program), os.fsencode(path)

    def _no_runtime(self) -> ErrorInfo:
        if why := lacks("processes"):
            return ErrorInfo(
                Code.RUNTIME_MISSING,
                f"button {self.name!r} is a script, which cannot run here: {why}",
                "use a Python function (`@button`) or a request (`url`) instead",
            )
        runtime = RUNTIMES.get(self._runtime)
        if runtime is None:
            known = runtime_words()
            message = f"button {self.name!r} has the unknown runtime {self._runtime!r}"
            if trouble := BUTTON_RUNTIMES.trouble(self._runtime):
                return ErrorInfo(Code.RUNTIME_MISSING, trouble, "update or uninstall that distribution")
            hint = f"{did_you_mean(self._runtime, known)} one of: {', '.join(known)}".strip()
            return ErrorInfo(Code.RUNTIME_MISSING, message, hint)
        program = runtime.program or "a Python interpreter"
        return ErrorInfo(
            Code.RUNTIME_MISSING,
            f"button {self.name!r} requires {program}, which is not installed",
            f"install {program}, or add it to the PATH of the notebook's process",
        )

    def _not_started(self, error: OSError, program: str, env: Mapping[str, str]) -> Outcome:
        if error.errno == errno.E2BIG:
            name, text = max(
                env.items(), key=lambda item: len(item[1]), default=("its code", self._code or "")
            )
            return not_started(
                Code.VALIDATION_ERROR,
                f"button {self.name!r} could not be started: its arguments are too large for a process "
                f"({name} alone has {len(text):,} characters; Linux allows 128 KiB each)",
                "pass large values by `stdin` of the step or the button, which has no limit",
            )
        if isinstance(error, FileNotFoundError | PermissionError):
            self._program = None  # search again next time
            return not_started(Code.RUNTIME_MISSING, f"{program} could not be started: {error.strerror}")
        hint = ""
        if error.errno in (errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM):
            hint = "the system's limit on files or processes was reached; lower `parallelism`"
        return not_started(Code.SCRIPT_ERROR, f"button {self.name!r} could not be started: {error}", hint)


def _from_thread(log: Callable[[str], None]) -> Callable[[str], None]:
    """Return a function that calls `log` on the event loop's thread."""
    loop = asyncio.get_running_loop()

    def tell(line: str) -> None:
        loop.call_soon_threadsafe(log, line)

    return tell
