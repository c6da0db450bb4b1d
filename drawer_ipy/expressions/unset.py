"""The message about an unset battery or environment variable, for validation and for runs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from itertools import islice

from drawer_ipy.errors import did_you_mean

UNSET_ROOTS = ("batteries", "env")
"""The roots whose members are set outside of a drawer."""

_SHOWN = 12


Propose = Callable[[str, Collection[str]], str]


def unset(root: str, name: str, known: Iterable[str], near: Propose = did_you_mean) -> tuple[str, str]:
    """Return the message and the remediation for a missing member of ``batteries`` or ``env``.

    Args:
        root: one of :data:`UNSET_ROOTS`.
        known: the existing names, without their values.
        near: suggests the name that was meant.
    """
    known = list(known)
    if root == "env":
        message = f"env has no {name!r}: this environment variable is not set"
        how = f"set it before the press, os.environ[{name!r}] = '...'"
    else:
        shown = ", ".join(islice(known, _SHOWN)) + (", ..." if len(known) > _SHOWN else "")
        message = f"batteries has no {name!r}; " + (f"it has {shown}" if known else "it is empty")
        how = f'add it to .buttons/batteries.json, {{"{name}": "..."}}'
    meant = near(name, known)
    hint = f"{how}, or write a default: ${{{root}.{name} ?? 'default'}}"
    return message, f"{meant} or {hint}" if meant else hint
