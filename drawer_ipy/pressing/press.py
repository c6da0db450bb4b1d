"""``press`` and ``apress``: the two ways in from Python."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal

from drawer_ipy.display.choose import choose_display, current_shell
from drawer_ipy.display.live import Display
from drawer_ipy.pressing.job import Job, Options
from drawer_ipy.pressing.prepare import prepare
from drawer_ipy.pressing.surroundings import Pressable, Surroundings, callers_names, named_buttons
from drawer_ipy.results import Results
from drawer_ipy.results.verdict import raise_for
from drawer_ipy.style.notes import told_in_colour


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
    quiet: bool = False,
) -> Results:
    """Press a drawer and wait for its results; for scripts and for cells without ``await``.

    The run has an event loop and a thread of its own, so this works whether or not a loop is running.
    Buttons are looked up in the drawer's own ``buttons:``, then in `buttons`, then among the functions
    the caller can see, then on disk.

    Args:
        drawer: YAML or JSON text, a mapping, a path, the name of a drawer on disk, or a Drawer.
        inputs: input name -> value; any Python object.
        check: raise when the run does not end ok; ``False`` returns its Results instead.
        parallelism: overrides ``parallelism`` of the outermost ``for_each``.
        mode: ``sequential`` or ``parallel`` (steps start when what they refer to has ended).
        on_failure: in parallel mode, ``stop`` or ``continue``.
        concurrency: most buttons in flight in the whole run.
        buttons: further buttons, name -> callable.
        quiet: show no progress.

    Returns:
        The ordered table; ``.run`` is the full record.

    Raises:
        DefinitionError: the drawer is wrong; every problem is in it, and nothing has run.
        DrawerNotFound, UsageError: there is no such drawer, or an option is wrong.
        DrawerFailed, DrawerCancelled: it did not end ok; ``.results`` holds everything.
    """
    options = Options(parallelism, mode, on_failure, concurrency)
    around = Surroundings(named_buttons(buttons), callers_names(sys._getframe(1)))
    job = prepare(drawer, inputs, options, around)
    with _shown(job, quiet) as display:
        results = job.press_blocking(display)
    if check:
        raise_for(results, job.run.notes)
    return results


async def apress(
    drawer: Pressable,
    inputs: Mapping[str, Any] | None = None,
    *,
    check: bool = True,
    parallelism: int | Literal["auto"] | None = None,
    mode: Literal["sequential", "parallel"] = "sequential",
    on_failure: Literal["stop", "continue"] = "stop",
    concurrency: int | None = None,
    buttons: Mapping[str, Callable[..., Any]] | None = None,
    quiet: bool = False,
) -> Results:
    """The twin of :func:`press` for code that awaits: it runs on the current event loop.

    Objects bound to this loop (client sessions, locks) work inside async buttons.

    Raises:
        asyncio.CancelledError: when the caller is cancelled, after everything started has ended.
        DrawerError: as :func:`press`.
    """
    options = Options(parallelism, mode, on_failure, concurrency)
    around = Surroundings(named_buttons(buttons), callers_names(sys._getframe(1)))
    job = prepare(drawer, inputs, options, around)
    with _shown(job, quiet) as display:
        results = await job.press(display)
    if check:
        raise_for(results, job.run.notes)
    return results


@contextmanager
def _shown(job: Job, quiet: bool) -> Iterator[Display]:
    """A display for the run of `job`; afterwards its notes are printed.

    The error of a run that did not end ok has the notes in it already.
    """
    display = choose_display(current_shell(), quiet=quiet)
    try:
        yield display
    finally:
        display.close(None)
        if job.run.record.status == "ok" and not quiet:
            for note in job.run.notes:
                print(told_in_colour(note) if sys.stderr.isatty() else f"note: {note}", file=sys.stderr)
