"""Inputs that were typed, read as the types that the drawer declares for them."""

from __future__ import annotations

import builtins
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from drawer_ipy.common.bad_value import BadValue
from drawer_ipy.common.bounded_numbers import finite, whole
from drawer_ipy.common.short_repr import shown
from drawer_ipy.definition.checking.giving import is_data
from drawer_ipy.definition.looped_inputs import looped_inputs
from drawer_ipy.definition.models import DrawerModel, InputSpec
from drawer_ipy.engine.inputs import type_problem
from drawer_ipy.errors import UsageError
from drawer_ipy.verbs.data_files import is_data_file
from drawer_ipy.verbs.values import file_text

_INT = re.compile(r"[+-]?[0-9]+")
_FLOAT = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_EXPRESSION = re.compile(r"([^\W\d]\w*)((?:[.\[(].*)?)", re.DOTALL)
_BOOLS: Mapping[str, bool] = {"true": True, "1": True, "false": False, "0": False}
_WORDS: Mapping[str, str] = {"int": "a whole number", "float": "a number", "bool": "true or false"}


_Reader = Callable[[InputSpec, str, Any], Any]


class TypedInputs:
    """Reads what was typed for the inputs of one drawer.

    Args:
        drawer: declares the types, and loops over inputs.
        namespace: variables of the user's; empty on the command line.

    Attributes:
        notes: what may have been meant otherwise.
    """

    def __init__(self, drawer: DrawerModel, namespace: Mapping[str, Any]) -> None:
        self._drawer = drawer
        self._specs = {spec.name: spec for spec in drawer.inputs}
        self._namespace = namespace
        self.notes: list[str] = []

    def settle(self, name: str, text: str, value: Any) -> Any:
        """The value of the input `name`.

        A value that was looked up (a variable, an expression) is an object of the user's and stays as it is.

        Args:
            text: what was typed.
            value: what it means without a declared type.

        Raises:
            UsageError: it does not fit the declared type, or names a variable where a list is needed.
        """
        spec = self._specs.get(name)
        if spec is not None and _is_typed(text, value):
            value = self._fitted(spec, text, value)
        if isinstance(value, str) and value == text and self._namespace:
            self._bare_text(name, text, "any" if spec is None else spec.type)
        return value

    def _bare_text(self, name: str, text: str, kind: str) -> None:
        """Refuse or note a text that is an expression of the notebook, where that was probably meant."""
        step = looped_inputs(self._drawer).get(name, "")
        if step or kind in ("list", "object"):
            hint = _meant(name, text, self._namespace, with_calls=True)
            need = f"step {step!r} loops over it" if step else f"it is declared as {kind}"
            if hint:
                raise self._error(name, f"input {name}: {shown(text)} is a text, and {need}", hint)
        elif kind not in ("string", "enum") and (hint := _meant(name, text, self._namespace)):
            self.notes.append(f"input {name} is the text {shown(text)}; {hint}")

    def _fitted(self, spec: InputSpec, text: str, value: Any) -> Any:
        reader = _READERS.get(spec.type)
        if spec.secret and spec.type != "string":
            reader = _if_it_fits(reader)  # a press refuses it without showing it
        try:
            fitted = value if reader is None or value is None or value == "" else reader(spec, text, value)
        except BadValue as error:
            raise self._error(
                spec.name,
                f"input {spec.name!r} must be of type {spec.type} ({_WORDS[spec.type]}), not {shown(value)}",
                error.hint,
            ) from None
        unfit = isinstance(fitted, str) and spec.type in ("list", "object")
        if unfit and _meant(spec.name, text, self._namespace, with_calls=True):
            return fitted  # is refused with this hint
        if not spec.secret and (problem := type_problem(spec, fitted)):
            raise self._error(spec.name, f"input {spec.name!r} {problem}")
        return fitted

    @staticmethod
    def _error(name: str, message: str, hint: str = "") -> UsageError:
        error = UsageError(message, remediation=hint)
        error.about = name
        return error


def _meant(name: str, text: str, namespace: Mapping[str, Any], *, with_calls: bool = False) -> str:
    """How to write the variable or expression of the notebook that `text` is; ``""`` if it is none.

    Args:
        with_calls: whether a call such as ``range(3)`` may have been meant.
    """
    found = _EXPRESSION.fullmatch(text)
    if found is None:
        return ""
    root, rest = found.groups()
    if is_data(namespace, root):
        what, how = ("expression", f"{{{text}}}") if rest else ("variable", f"${text}")
        return f"for the notebook's {what} write {name}={how}"
    called = with_calls and rest.endswith(")") and (root in namespace or hasattr(builtins, root))
    return f"for an expression write {name}={{{text}}}" if called else ""


def _if_it_fits(reader: _Reader | None) -> _Reader:
    def read(spec: InputSpec, text: str, value: Any) -> Any:
        try:
            return value if reader is None else reader(spec, text, value)
        except BadValue:
            return value

    return read


def _is_typed(text: str, value: Any) -> bool:
    return text[:1] not in ("$", "{") or (isinstance(value, str) and value == text)


def _string(spec: InputSpec, text: str, value: Any) -> Any:
    if text.startswith("@"):
        path = Path(text[1:])
        return file_text(spec.name, text) if is_data_file(path) and not _is_json(path) else value
    # As typed: 1.10 must not become 1.1, nor 0012e3 a number.
    return text if isinstance(value, int | float) else value


def _is_json(path: Path) -> bool:
    return path.name.lower().removesuffix(".gz").endswith(".json")


def _enum(spec: InputSpec, text: str, value: Any) -> Any:
    if isinstance(value, str | int | float) and value in spec.values:
        return value
    return next(
        (word for word in spec.values if isinstance(word, str | int | float) and str(word) == text), value
    )


def _int(_spec: InputSpec, _text: str, value: Any) -> Any:
    if isinstance(value, str):
        if not _INT.fullmatch(value.strip()):
            raise BadValue("no whole number")
        return whole(value.strip())
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _float(_spec: InputSpec, _text: str, value: Any) -> Any:
    if isinstance(value, str):
        if not _FLOAT.fullmatch(value.strip()):
            raise BadValue("no number")
        return finite(value.strip())
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= 2**53:
        return float(value)
    return value


def _bool(_spec: InputSpec, _text: str, value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return value
    if (found := _BOOLS.get(str(value).strip().lower())) is None:
        raise BadValue("neither true nor false")
    return found


_READERS: Mapping[str, _Reader] = {
    "string": _string,
    "enum": _enum,
    "int": _int,
    "float": _float,
    "bool": _bool,
}
