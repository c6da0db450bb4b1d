"""What steps say about themselves, read so that a faulty step kind of another package harms nothing else.

A method of such a kind may raise or return anything. Then the default of :class:`StepBase` is used, and the
checks report what went wrong (:func:`declaration_problems`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from drawer_ipy.common.tracebacks import describe
from drawer_ipy.common.user_code import pass_on_interrupt
from drawer_ipy.definition.faults import Fault
from drawer_ipy.definition.step_base import STEP_KINDS, Branch, StepBase, Use


def summary_of(step: StepBase) -> str:
    """What the step does; the name of its kind if it does not say."""
    found: str = _read(step, "summary")
    return found


def manner_of(step: StepBase) -> list[str]:
    """How the step runs."""
    found: list[str] = _read(step, "manner")
    return found


def branches_of(step: StepBase) -> list[Branch]:
    """The lists of steps inside the step."""
    found: list[Branch] = _read(step, "nested")
    return found


def variable_of(step: StepBase) -> str:
    """The name that only the steps inside it can refer to, or ``""``."""
    found: str = _read(step, "variable")
    return found


def may_skip(step: StepBase) -> bool:
    """Whether a run of the step may skip steps inside it."""
    return bool(_read(step, "may_skip"))


def uses_of(step: StepBase) -> list[Use]:
    """The values that may contain references, except ``args``."""
    found: list[Use] = _read(step, "uses")
    return found


def output_keys_of(step: StepBase) -> tuple[str, ...]:
    """The members that the output can have; ``()`` for any."""
    return tuple(_read(step, "output_keys"))


def faults_of(step: StepBase) -> list[Fault]:
    """The problems with the step's own fields; those of its declarations are separate."""
    found: list[Fault] = _read(step, "faults")
    return found


def declaration_problems(step: StepBase) -> Iterator[tuple[str, bool]]:
    """What is wrong with the methods of the step's kind.

    Yields:
        A message that names the kind and the package that offers it, and whether only descriptions suffer.
    """
    if type(step).__module__.startswith("drawer_ipy."):
        return
    for name, declaration in _DECLARATIONS.items():
        try:
            declaration.read(step, name)
        except _Misdeclared as problem:
            module = type(step).__module__
            owner = STEP_KINDS.owner(step.kind) or f"the module {module}"
            kind = step.kind or "button"
            yield f"the step kind {kind!r} of {owner} is faulty: its {name}() {problem}", declaration.is_text


class _Misdeclared(Exception):
    """A method raised, or returned something else than it should."""


@dataclass(frozen=True, slots=True)
class _Declaration:
    """How one method is read.

    Attributes:
        convert: returns the value to use; ``None`` if the method returned something else.
        expected: what it should return, in words.
        instead: the value that is used if it fails.
        is_text: whether the value is only shown.
    """

    convert: Callable[[Any], Any]
    expected: str
    instead: Callable[[StepBase], Any]
    is_text: bool = False

    def read(self, step: StepBase, name: str) -> Any:
        """Call the method. Raises _Misdeclared."""
        try:
            returned = getattr(step, name)()
            value = self.convert(returned)
        except BaseException as error:
            pass_on_interrupt(error)
            raise _Misdeclared(f"raised {describe(error)}") from None
        if value is None:
            raise _Misdeclared(f"returned a {type(returned).__name__}, not {self.expected}")
        return value


def _read(step: StepBase, name: str) -> Any:
    declaration = _DECLARATIONS[name]
    try:
        return declaration.read(step, name)
    except _Misdeclared:
        return declaration.instead(step)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _every(kind: type[Any]) -> Callable[[Any], Any]:
    def convert(value: Any) -> Any:
        found = None if isinstance(value, str) else list(value)
        return found if found is not None and all(isinstance(one, kind) for one in found) else None

    return convert


def _branches(value: Any) -> list[Branch] | None:
    found = list(value)
    whole = all(isinstance(one, Branch) and all(isinstance(s, StepBase) for s in one.steps) for one in found)
    return found if whole else None


_DECLARATIONS = {
    "summary": _Declaration(_text, "text", StepBase.summary, is_text=True),
    "manner": _Declaration(_every(str), "a list of texts", lambda _: [], is_text=True),
    "nested": _Declaration(_branches, "branches of steps", lambda _: []),
    "variable": _Declaration(_text, "text", lambda _: ""),
    "may_skip": _Declaration(bool, "true or false", lambda _: True),
    "uses": _Declaration(_every(Use), "uses of values", lambda _: []),
    "output_keys": _Declaration(_every(str), "texts", lambda _: ()),
    "faults": _Declaration(_every(Fault), "faults", lambda _: []),
}
