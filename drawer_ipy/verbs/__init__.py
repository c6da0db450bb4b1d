"""The verbs of ``%drawer ...`` in a notebook and of ``drawer ...`` on the command line: one implementation.

A caller makes a :class:`VerbContext` of its surroundings and passes the words that were typed::

    context = VerbContext(
        workspace=Workspace.current(),
        registered=magics.defined,      # buttons of %%button
        namespace=shell.user_ns,        # the user's functions
        drawers=magics.drawers,         # name -> Drawer of cells; `set` puts the changed one back
        press=magics.press_job,         # optional: shows the run, see VerbContext
        value=magics.value,             # optional: how to read `name=$variable`
    )
    outcome = run_verb(["pages", "set", "each.parallelism=10"], context)

``outcome.text`` is for people, ``outcome.data`` for programs; ``outcome.results`` is the table of a press,
which a notebook shows instead of the text and puts into ``_drawer``. Invalid words, and actions that are not
possible, raise a DrawerError with code, message and remediation; :func:`exit_code` returns its exit code. A
failed run raises no error: the outcome contains everything, with ``outcome.error`` and exit code 1.

Each verb is one module, which :mod:`~drawer_ipy.verbs.dispatch` imports when the verb is used.
"""

from __future__ import annotations

from drawer_ipy.verbs.base import VerbContext, VerbError, VerbResult, exit_code
from drawer_ipy.verbs.dispatch import run_verb

__all__ = ["VerbContext", "VerbError", "VerbResult", "exit_code", "run_verb"]
