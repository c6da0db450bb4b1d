"""What a press needs from outside of its drawer and would not find: batteries, variables, files, programs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from drawer_ipy.common.key_path import KeyPath
from drawer_ipy.common.nearest import Near
from drawer_ipy.definition.checking.callee import Callee
from drawer_ipy.definition.checking.giving import Giving
from drawer_ipy.definition.models import ButtonSpec
from drawer_ipy.errors import ResolveError
from drawer_ipy.expressions import Reference, compile_value
from drawer_ipy.expressions.unset import UNSET_ROOTS, unset

_ENV_FORM = "$ENV{"
_TEXTS = ("headers", "query", "auth", "proxy", "files", "body_file", "stdin")
"""The fields of a button whose texts may refer to batteries or the environment."""


@dataclass(frozen=True, slots=True)
class Unmet:
    """Something that is needed and is not there.

    Attributes:
        path: of the value that needs it, below the step or button.
        message, remediation: what is missing, and how to provide it.
        offset: of the reference in the text there, ``None`` when it is all of it.
        ref: the reference, ``""`` when none.
        certain: whether every press fails for it.
        may_appear: whether an earlier step of the same run could still provide it.
    """

    path: KeyPath
    message: str
    remediation: str = ""
    offset: int | None = None
    ref: str = ""
    certain: bool = True
    may_appear: bool = False


Lacks = Callable[[Callee, "Present"], Iterable[Unmet]]


def _nothing(_button: Callee, _present: Present) -> Iterable[Unmet]:
    return ()


@dataclass(frozen=True, slots=True)
class Present:
    """What is there before a press begins.

    Attributes:
        values: ``batteries`` and ``env``, as references see them. One that is left out is not known, and
            references to it are not checked.
        lacks: finds what the presses of a button need and would not find.
        near: proposes what a name that is not there was meant to be.
        giving: how inputs are given.
    """

    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    lacks: Lacks = _nothing
    near: Near = field(default_factory=Near)
    giving: Giving = field(default_factory=Giving)

    def missing(self, ref: Reference) -> tuple[str, str] | None:
        """The message and remediation for what `ref` names; ``None`` when it is there or may be missing."""
        known = self.values.get(ref.root) if ref.root in UNSET_ROOTS else None
        if known is None or not ref.path or str(ref.path[0]) in known:
            return None
        if ref.guarded and not is_env_form(ref):
            return None
        message, hint = unset(ref.root, str(ref.path[0]), known, self.near)
        return message, hint


def is_env_form(ref: Reference) -> bool:
    """Whether it is written as ``$ENV{NAME}``, which gives an empty text where the variable is not set."""
    return ref.text.startswith(_ENV_FORM)


def unset_in(spec: ButtonSpec, present: Present) -> Iterator[Unmet]:
    """The batteries and variables that the texts of a button refer to and that do not exist.

    An unset ``$ENV{NAME}`` is among them: sent as an empty text, it is a request with half of its header.
    """
    for key in _TEXTS:
        value = getattr(spec, key)
        if key == "auth" and value is not None:
            value = value.model_dump(exclude_unset=True)
        yield from _unset_in(value, (key,), present)
    yield from _required(spec.requires_batteries, present)


def _required(names: Any, present: Present) -> Iterator[Unmet]:
    """The batteries that a button declares and that do not exist; the original does not ask for them."""
    known = present.values.get("batteries")
    if known is None or not isinstance(names, list):
        return
    for i, name in enumerate(names):
        if isinstance(name, str) and name not in known:
            path = ("requires_batteries", i)
            yield Unmet(path, *unset("batteries", name, known, present.near), certain=False)


def _unset_in(value: Any, path: KeyPath, present: Present) -> Iterator[Unmet]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _unset_in(inner, (*path, key), present)
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield from _unset_in(inner, (*path, i), present)
    elif isinstance(value, str) and "$" in value:
        try:
            references = compile_value(value).references
        except ResolveError:
            return  # reported where its syntax is checked
        for ref in references:
            if (missing := present.missing(ref)) is not None:
                yield Unmet(path, *missing, ref.offset, ref.text, certain=ref.always)
