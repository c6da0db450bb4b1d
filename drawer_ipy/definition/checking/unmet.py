"""Missing requirements of a press outside its drawer: batteries, variables, files, programs."""

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
    """A missing requirement.

    Attributes:
        path: the path of the value that needs it, in the step or button.
        message, remediation: what is missing, and how to provide it.
        offset: the offset of the reference in the text; ``None`` if it is the whole text.
        ref: the reference, or ``""``.
        certain: whether every press fails because of it.
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
    """The things that exist before a press begins.

    Attributes:
        values: ``batteries`` and ``env`` as references see them. References to one that is left out are not
            checked.
        lacks: finds the missing requirements of a button's presses.
        near: suggests a known name for an unknown one.
        giving: how inputs are given.
    """

    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    lacks: Lacks = _nothing
    near: Near = field(default_factory=Near)
    giving: Giving = field(default_factory=Giving)

    def missing(self, ref: Reference) -> tuple[str, str] | None:
        """The message and remediation if `ref` names something missing; otherwise ``None``."""
        known = self.values.get(ref.root) if ref.root in UNSET_ROOTS else None
        if known is None or not ref.path or str(ref.path[0]) in known:
            return None
        if ref.guarded and not is_env_form(ref):
            return None
        message, hint = unset(ref.root, str(ref.path[0]), known, self.near)
        return message, hint


def is_env_form(ref: Reference) -> bool:
    """Whether it is written as ``$ENV{NAME}``, which is empty if the variable is not set."""
    return ref.text.startswith(_ENV_FORM)


def unset_in(spec: ButtonSpec, present: Present) -> Iterator[Unmet]:
    """Return the missing batteries and variables that the texts of a button refer to.

    An unset ``$ENV{NAME}`` is among them, since a request with an empty value in a header is incomplete.
    """
    for key in _TEXTS:
        value = getattr(spec, key)
        if key == "auth" and value is not None:
            value = value.model_dump(exclude_unset=True)
        yield from _unset_in(value, (key,), present)
    yield from _required(spec.requires_batteries, present)


def _required(names: Any, present: Present) -> Iterator[Unmet]:
    """Return the missing batteries that a button declares; the original does not check them."""
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
            return  # the check of its syntax reports it
        for ref in references:
            if (missing := present.missing(ref)) is not None:
                yield Unmet(path, *missing, ref.offset, ref.text, certain=ref.always)
