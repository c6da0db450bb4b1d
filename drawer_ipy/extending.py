"""Kinds of steps and button runtimes of your own: what they are made of, and how they are registered.

docs/extending.md shows them in full. A distribution offers its own by entry points: a :class:`StepKind` in
the group ``drawer_ipy.steps``, a :class:`ButtonRuntime` in the group ``drawer_ipy.buttons``, a
:class:`BackendKind` in the group ``drawer_ipy.backends``, each under its name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from drawer_ipy.buttons.answer import Answer
from drawer_ipy.buttons.base import Call, Outcome
from drawer_ipy.buttons.spec_button import SpecButton
from drawer_ipy.buttons.travelling import Work
from drawer_ipy.common.registry import Registration
from drawer_ipy.definition.backends import BACKENDS, BackendKind
from drawer_ipy.definition.button_runtimes import BUTTON_RUNTIMES, ButtonRuntime, RuntimeFields, Setting
from drawer_ipy.definition.checking.unmet import Unmet
from drawer_ipy.definition.faults import Fault
from drawer_ipy.definition.models import ButtonSpec
from drawer_ipy.definition.short_texts import short
from drawer_ipy.definition.step_base import STEP_KINDS, AnyStep, Branch, StepBase, StepKind, Use
from drawer_ipy.engine.backends.base import Backend, BackendError, Need, Sent, Ticket
from drawer_ipy.engine.context import Context
from drawer_ipy.engine.plan import Compiler, outer_roots, roots_of
from drawer_ipy.engine.step import StepRunner, fail_with, press_in_order
from drawer_ipy.errors import DrawerError, ErrorInfo
from drawer_ipy.expressions import compile_expression, compile_value
from drawer_ipy.record.step import StepResult
from drawer_ipy.record.waits import Reason, Why

__all__ = [
    "Answer",
    "AnyStep",
    "Backend",
    "BackendError",
    "BackendKind",
    "Branch",
    "ButtonRuntime",
    "ButtonSpec",
    "Call",
    "Compiler",
    "Context",
    "DrawerError",
    "ErrorInfo",
    "Fault",
    "Need",
    "Outcome",
    "Reason",
    "Registration",
    "RuntimeFields",
    "Sent",
    "Setting",
    "SpecButton",
    "StepBase",
    "StepKind",
    "StepResult",
    "StepRunner",
    "Ticket",
    "Unmet",
    "Use",
    "Why",
    "Work",
    "compile_expression",
    "compile_value",
    "fail_with",
    "outer_roots",
    "press_in_order",
    "register_backend",
    "register_button",
    "register_step",
    "roots_of",
    "short",
]


def register_step(
    model: type[StepBase], compile: Callable[[Any, Compiler], StepRunner] | str
) -> Registration:
    """Make a kind of step known to everything: loading, checks, runs, pictures, completion, JSON Schema.

    Args:
        model: what such a step may say: a subclass of :class:`StepBase` with ``kind: Literal["name"]``.
        compile: what runs it, usually a subclass of :class:`StepRunner`; or where that is, ``"module:NAME"``.

    Returns:
        What removes it again: ``unregister()``, or the end of a ``with`` block.

    Raises:
        UsageError: the kind's name is taken, or the model does not declare one.
    """
    kind = StepKind(model, compile)
    return STEP_KINDS.register(kind.name, kind)


def register_button(
    name: str,
    make: Callable[[ButtonSpec, Setting], Any] | str,
    *,
    fields: type[RuntimeFields] | None = None,
    words: Callable[[ButtonSpec], str] | None = None,
    lacks: Callable[[Any, Any, Any], Iterable[Unmet]] | str = "",
) -> Registration:
    """Make a runtime of buttons known: ``runtime: name`` in ``buttons:``, ``%%button`` and button.json.

    Args:
        name: the word under ``runtime:``, in lower case.
        make: makes a button of a specification and a :class:`Setting`, usually a :class:`SpecButton`; or
            where that is, ``"module:NAME"``.
        fields: the fields that such a button has beside those of all buttons.
        words: what a button does in a few words, for dry runs and pictures; `name` when left out.
        lacks: what every press would fail for, found before a run: given the button, the batteries and
            variables that are present, and the origins that are always allowed.

    Returns:
        What removes it again, as for :func:`register_step`.

    Raises:
        UsageError: the name is taken, or `fields` has one that every button has.
    """
    return BUTTON_RUNTIMES.register(name, ButtonRuntime(name, make, fields, words, lacks))


def register_backend(
    name: str,
    make: Callable[[str], Backend] | str,
    *,
    where: str = "",
    address: Callable[[str], object] | None = None,
) -> Registration:
    """Add a backend: ``backend: name`` in definitions, ``--backend name``, ``press(backend="name")``.

    Args:
        name: one word in lower case.
        make: makes the :class:`Backend` of one run, given the text after ``name:`` (``""`` if there is none);
            or its ``"module:NAME"``.
        where: where presses run, in words, for dry runs; the default is ``"on NAME"``.
        address: checks the text after ``name:``, and raises ValueError (a BadValue with a hint); ``None`` if
            there may be no such text.

    Returns:
        What removes it again, as for :func:`register_step`.

    Raises:
        UsageError: the name is taken or invalid.
    """
    return BACKENDS.register(name, BackendKind(name, make, where, address=address))
