"""How the inputs of a press are given, for hints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, Literal


def is_data(namespace: Mapping[str, Any], name: str) -> bool:
    """Whether `name` is a variable that may be meant as data: no function, class, module or private name."""
    if name.startswith("_") or name in ("In", "Out") or name not in namespace:
        return False
    value = namespace[name]
    return not isinstance(value, ModuleType) and not callable(value)


@dataclass(frozen=True, slots=True)
class Giving:
    """How the inputs of a press are given.

    Attributes:
        variables: what the user can hand over by its name.
        form: on the ``line`` of a magic, to the command in a ``shell``, in a ``call`` in Python, or in the
            ``args`` of the step that presses the drawer.
        word: what was typed as the drawer's name, which may have been meant as a variable.
    """

    variables: Mapping[str, Any] = field(default_factory=dict)
    form: Literal["line", "shell", "call", "args"] = "call"
    word: str = ""

    def has(self, name: str) -> bool:
        """Whether there is a variable `name` that may be meant as data."""
        return is_data(self.variables, name)

    def knows(self, name: str) -> bool:
        """Whether there is a variable that was probably meant to be the input `name`."""
        return self.has(name) or self.has(self.word)

    def hint(self, name: str) -> str:
        """Say how to give the input `name`, from the variable of that name if there is one."""
        if self.form == "shell":
            return f"write {name}=..., or {name}=@FILE"
        if self.form == "args":
            return f"add {name!r} to the `args` of the step that presses it"
        if self.form == "call":
            return f"pass inputs={{{name!r}: {name if self.has(name) else '...'}}}"
        if self.has(name):
            return f"write {name}=${name} on the line"
        if self.has(self.word):
            return f"write {name}=${self.word} on the line; {self.word!r} alone is the drawer's name"
        return f"write {name}=... on the line, or {name}=$VARIABLE for a variable of the notebook"
