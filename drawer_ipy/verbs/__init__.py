"""The verbs of ``%drawer ...`` in a notebook and of ``drawer ...`` on the command line: one implementation.

A caller makes a :class:`VerbContext` of what it has around it and gives the words that were typed::

    context = VerbContext(
        workspace=Workspace.current(),
        registered=magics.defined,      # buttons of %%button
        namespace=shell.user_ns,        # the user's functions
        drawers=magics.drawers,         # name -> Drawer of cells; `set` puts the changed one back
        press=magics.press_job,         # optional: shows the run, see VerbContext
        value=magics.value,             # optional: what `name=$variable` means
    )
    outcome = run_verb(["pages", "set", "each.parallelism=10"], context)

``result.text`` is for reading, ``result.data`` for programs; ``outcome.results`` is the table of a press,
which a notebook shows instead of the text and puts into ``_drawer``. What was typed wrong, or cannot be
done, is raised as a DrawerError with code, message and remediation; :func:`exit_code` gives its exit code.
A run that failed is no such error: the outcome holds everything, with ``outcome.error`` and exit code 1.

Each verb is one module; :mod:`~drawer_ipy.verbs.dispatch` knows which, and imports none before it is used.
"""

from __future__ import annotations

from drawer_ipy.verbs.base import VerbContext, VerbError, VerbResult, exit_code
from drawer_ipy.verbs.dispatch import run_verb

__all__ = ["VerbContext", "VerbError", "VerbResult", "exit_code", "run_verb"]
