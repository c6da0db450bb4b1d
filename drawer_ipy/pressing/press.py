"""``press`` and ``apress``, which press a drawer from Python."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal

from drawer_ipy.display.choose import choose_display
from drawer_ipy.display.front_ends import current_shell
from drawer_ipy.display.live import Display
from drawer_ipy.pressing.callers import asynchronous, callers_names
from drawer_ipy.pressing.job import Job, Options
from drawer_ipy.pressing.option_docs import documents
from drawer_ipy.pressing.prepare import prepare
from drawer_ipy.pressing.surroundings import Pressable, Surroundings
from drawer_ipy.results import Results
from drawer_ipy.results.verdict import raise_for
from drawer_ipy.style.notes import note_in_colour


@documents(Options)
def press(
    drawer: Pressable,
    inputs: Mapping[str, Any] | None = None,
    *,
    check: bool = True,
    parallelism: int | Literal["auto"] | None = None,
    mode: Literal["sequential", "parallel"] = "sequential",
    on_failure: Literal["stop", "continue"] = "stop",
    concurrency: int | None = None,
    buttons: Mapping[str, Callable[..., Any]] | None = None,
    save: str | os.PathLike[str] | None = None,
    resume: bool | str = False,
    changed: bool = False,
    max_age: float | None = None,
    durable: Literal["auto", "on", "strict", "off"] = "auto",
    backend: str | None = None,
    quiet: bool = False,
) -> Results:
    """Press a drawer and wait for its results; for scripts and for cells without ``await``.

    The run has its own event loop and thread; in a browser, it is a task of the current loop. Buttons are
    looked up in the drawer's ``buttons:``, then in `buttons`, then in the ``%%button`` cells of the notebook
    that calls, then among the functions that the caller can see, then on disk.

    Args:
        drawer: YAML or JSON text, a mapping, a path, the name of a drawer of a cell or on disk, or a Drawer.
        inputs: input name -> value, any Python object.
        parallelism: overrides ``parallelism`` of the outermost ``for_each``.
        buttons: name of an additional button -> callable.
        backend: where presses of sync functions run: ``"threads"`` of this process (the default),
            ``"processes"``, ``"dask"`` or ``"dask:ADDRESS"``; a ``backend:`` in the definition overrides it.

    Returns:
        The ordered table; ``.run`` is the full record.

    Raises:
        DefinitionError: the drawer has errors, all of which are in the exception; nothing has run.
        DrawerNotFound, UsageError: there is no such drawer, or an option is invalid.
        BackendError: a function or an argument cannot be sent to the backend; nothing has run.
        DrawerFailed, DrawerCancelled: the run did not end ok; ``.results`` contains everything.
    """
    run = (parallelism, mode, on_failure, concurrency)
    options = Options(*run, None, save, durable, resume, changed, max_age, backend)
    around = Surroundings.of_caller(callers_names(sys._getframe(1)), buttons)
    return press_job(prepare(drawer, inputs, options, around), check=check, quiet=quiet)


@asynchronous
@documents(Options)
def apress(
    drawer: Pressable,
    inputs: Mapping[str, Any] | None = None,
    *,
    check: bool = True,
    parallelism: int | Literal["auto"] | None = None,
    mode: Literal["sequential", "parallel"] = "sequential",
    on_failure: Literal["stop", "continue"] = "stop",
    concurrency: int | None = None,
    buttons: Mapping[str, Callable[..., Any]] | None = None,
    save: str | os.PathLike[str] | None = None,
    resume: bool | str = False,
    changed: bool = False,
    max_age: float | None = None,
    durable: Literal["auto", "on", "strict", "off"] = "auto",
    backend: str | None = None,
    quiet: bool = False,
) -> Coroutine[Any, Any, Results]:
    """Press a drawer on the current event loop; the async counterpart of :func:`press`.

    Objects bound to this loop (client sessions, locks) work inside async buttons.

    Args:
        drawer: as for :func:`press`.
        inputs: input name -> value, any Python object.
        buttons: name of an additional button -> callable.

    Raises:
        asyncio.CancelledError: the caller was cancelled; everything that was started has ended.
        DrawerError: as :func:`press`.
    """
    # Looked up now: in a task, nothing knows any more who made the coroutine.
    names = callers_names(sys._getframe(1))

    async def run() -> Results:
        limits = (parallelism, mode, on_failure, concurrency)
        options = Options(*limits, None, save, durable, resume, changed, max_age, backend)
        around = Surroundings.of_caller(names, buttons)
        return await press_job_here(prepare(drawer, inputs, options, around), check=check, quiet=quiet)

    return run()


def press_job(job: Job, *, check: bool, quiet: bool, instead: str = "await apress(...)") -> Results:
    """Press `job` on a separate thread and event loop while this thread waits; see :func:`press`.

    Args:
        instead: the code to write where it is not possible to wait.
    """
    with _shown(job, quiet) as display:
        results = job.press_blocking(display, instead)
    if check:
        raise_for(results, job.run.notes)
    return results


async def press_job_here(job: Job, *, check: bool, quiet: bool) -> Results:
    """Press `job` on the current event loop; see :func:`apress`."""
    with _shown(job, quiet) as display:
        results = await job.press(display)
    if check:
        raise_for(results, job.run.notes)
    return results


@contextmanager
def _shown(job: Job, quiet: bool) -> Iterator[Display]:
    """Open a display for the run of `job`; print the run's notes afterwards.

    If the run did not end ok, its error contains the notes already.
    """
    display = choose_display(current_shell(), quiet=quiet)
    try:
        yield display
    finally:
        display.close(None)
        if job.run.record.status == "ok" and not quiet:
            for note in job.run.notes:
                print(note_in_colour(note) if sys.stderr.isatty() else f"note: {note}", file=sys.stderr)
