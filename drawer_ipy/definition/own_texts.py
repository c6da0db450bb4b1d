"""References in the texts of a button: what they may refer to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from drawer_ipy.errors import ResolveError, did_you_mean
from drawer_ipy.expressions import compile_value, constant_faults
from drawer_ipy.scrape.spec import Trouble

PLACE = re.compile(r"\{\{\s*([A-Za-z_][\w.-]*)\s*\}\}")
"""A placeholder for an argument."""

_UNREAD = re.compile(r"\$\{\s*(?:batteries|env)\.[\w-]+\s*\}|\$ENV\{[A-Za-z_]\w*\}")

SECRET_ROOTS = frozenset({"batteries", "env"})
"""Names whose values are known only when a request is sent."""


def reference_troubles(
    value: Any, path: tuple[str | int, ...], args: frozenset[str], *, secrets: bool = True
) -> Iterator[Trouble]:
    """The problems with the references in `value` (a text, or a mapping or list of texts), by path.

    Args:
        args: the arguments that the button declares; empty if they are derived from the placeholders.
        secrets: whether references to batteries are allowed.
    """
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from reference_troubles(inner, (*path, key), args, secrets=secrets)
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield from reference_troubles(inner, (*path, i), args, secrets=secrets)
    elif isinstance(value, str):
        for place in PLACE.finditer(value) if args else ():
            if place[1] not in args:
                yield _no_argument(place[0], place[1], path, args, place.start())
        if "$" in value:
            yield from _text_troubles(value, path, args, secrets)


def unread_references(value: Any, path: tuple[str | int, ...], instead: str) -> Iterator[Trouble]:
    """The references to batteries and variables in texts that do not support them, so would stay as written.

    Args:
        instead: how to pass the value instead.
    """
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from unread_references(inner, (*path, key), instead)
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield from unread_references(inner, (*path, i), instead)
    elif isinstance(value, str):
        for found in _UNREAD.finditer(value):
            message = f"{found[0]!r} is plain text here, not a reference"
            yield Trouble(path, message, instead, found.start(), soft=path[0] != "url")


def _text_troubles(
    text: str, path: tuple[str | int, ...], args: frozenset[str], secrets: bool
) -> Iterator[Trouble]:
    try:
        template = compile_value(text)
    except ResolveError as error:
        yield Trouble(path, error.message, error.remediation, error.offset)
        return
    for fault in constant_faults(template):
        yield Trouble(path, fault.message, fault.remediation, fault.offset, soft=not fault.certain)
    for ref in template.references:
        if ref.root in SECRET_ROOTS:
            if not secrets and ref.root == "batteries":
                hint = "give the button an argument, and pass the battery as that argument in the step"
                yield Trouble(path, f"{ref.text!r} cannot be used here", hint, ref.offset)
        elif args and ref.root not in args:
            yield _no_argument(ref.text, ref.root, path, args, ref.offset)


def _no_argument(
    text: str, name: str, path: tuple[str | int, ...], args: frozenset[str], offset: int
) -> Trouble:
    hint = did_you_mean(name, args) or f"its arguments are {', '.join(sorted(args))}"
    return Trouble(path, f"{text!r} is not an argument of this button", hint, offset)
