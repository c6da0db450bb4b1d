"""Function signatures: a function's declared arguments, and their check and conversion."""

from __future__ import annotations

import enum
import functools
import inspect
import typing
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError

from drawer_ipy.buttons.arguments import missing_args, shorten
from drawer_ipy.common.user_code import pass_on_interrupt
from drawer_ipy.definition.models import ArgSpec
from drawer_ipy.errors import ArgumentError, did_you_mean

_EMPTY = inspect.Parameter.empty
_TYPES = {int: "int", float: "float", bool: "bool", str: "string"}
# Converting a number for a parameter of type str loses nothing; scripts accept it, too
# (docs/original.md#validation, number 63).
_CONFIG = ConfigDict(arbitrary_types_allowed=True, coerce_numbers_to_str=True)


class Signature:
    """The parameters of a callable.

    Annotations are evaluated at the first press, not before, because a class in an annotation may be defined
    in a later cell. An annotation that cannot be resolved, or that pydantic does not support, accepts any
    value.

    Attributes:
        open: whether it accepts undeclared arguments (``**kwargs``, or no signature is available).
        positional: names that can only be passed by position, in order.
    """

    def __init__(self, function: Callable[..., Any], owner: str) -> None:
        self._function = function
        self._owner = owner
        try:
            found = inspect.signature(function)
        except (ValueError, TypeError):  # some builtins have no signature
            self.open: bool = True
            self._parameters, self._text = {}, f"{owner}(...)"
        else:
            parameters = found.parameters.values()
            self.open = any(p.kind is p.VAR_KEYWORD for p in parameters)
            self._parameters = {
                p.name: p for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)
            }
            self._text = f"{owner}{found}"
        self._names = frozenset(self._parameters)
        self._required = frozenset(n for n, p in self._parameters.items() if p.default is _EMPTY)
        self._fitting: tuple[str, ...] | None = None
        self.positional: tuple[str, ...] = tuple(
            n for n, p in self._parameters.items() if p.kind is p.POSITIONAL_ONLY
        )
        annotated = any(p.annotation not in (_EMPTY, Any, object) for p in self._parameters.values())
        # None: not evaluated yet; {}: nothing to convert.
        self._adapters: dict[str, TypeAdapter[Any]] | None = None if annotated else {}

    def bind(self, args: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return `args` after checking their names and converting them by their annotations.

        Raises:
            ArgumentError: MISSING_ARG or VALIDATION_ERROR, with the signature in the remediation.
        """
        names = tuple(args)
        if names != self._fitting:  # a step passes the same names each time
            if not (self._required <= args.keys() and (self.open or args.keys() <= self._names)):
                raise self._misfit(args)
            self._fitting = names
        adapters = self._adapters
        if adapters is None:
            adapters = self._adapters = self._compile()
        return self._convert(args, adapters) if adapters else args

    def specs(self) -> tuple[ArgSpec, ...]:
        """The parameters as declared arguments."""
        hints = self._hints()
        specs = []
        for name, parameter in self._parameters.items():
            spec = _spec(name, hints.get(name, Any), name in self._required)
            if parameter.default is not _EMPTY:
                spec.default = parameter.default
            specs.append(spec)
        return tuple(specs)

    def default(self, name: str) -> Any:
        """Return the default value of a parameter."""
        return self._parameters[name].default

    def _misfit(self, args: Mapping[str, Any]) -> ArgumentError:
        unknown = [] if self.open else [name for name in args if name not in self._names]
        lacking = [name for name in self._parameters if name in self._required and name not in args]
        if lacking:
            error = missing_args(self._owner, lacking, unknown)
            error.remediation = f"{error.remediation}; its signature is {self._text}"
            return error
        name = unknown[0]
        hint = did_you_mean(name, self._names)
        return ArgumentError(
            f"button {self._owner!r} has no argument {name!r}",
            remediation=f"{hint + ' ' if hint else ''}its signature is {self._text}",
        )

    def _convert(self, args: Mapping[str, Any], adapters: Mapping[str, TypeAdapter[Any]]) -> dict[str, Any]:
        bound = dict(args)
        for name, adapter in adapters.items():
            if name not in bound:
                continue
            try:
                bound[name] = adapter.validate_python(bound[name])
            except ValidationError as error:
                if bound[name] is None and name not in self._required:
                    del bound[name]  # null counts as not given if there is a default
                    continue
                raise self._unfit(name, bound[name], error) from None
            except BaseException as error:  # raised by the annotation's class, or by the value
                pass_on_interrupt(error)
                raise ArgumentError(
                    f"argument {name!r} of button {self._owner!r} cannot be converted: "
                    f"{type(error).__name__} was raised",
                    remediation=f"its signature is {self._text}",
                ) from error
        return bound

    def _unfit(self, name: str, value: Any, error: ValidationError) -> ArgumentError:
        first = error.errors(include_url=False, include_context=False)[0]
        inside = ".".join(str(part) for part in first["loc"])
        where = f"{name}.{inside}" if inside else name
        shown = first["input"] if inside else value
        return ArgumentError(
            f"argument {where!r} of button {self._owner!r}: {first['msg']}, not {shorten(shown)}",
            remediation=f"its signature is {self._text}",
        )

    def _compile(self) -> dict[str, TypeAdapter[Any]]:
        adapters = {}
        for name, hint in self._hints().items():
            adapter = _adapter(hint)
            if adapter is not None:
                adapters[name] = adapter
        return adapters

    def _hints(self) -> dict[str, Any]:
        """Return the parameters' annotations, resolved separately so that one failure affects no other."""
        function: Any = self._function
        while isinstance(function, functools.partial):
            function = function.func
        function = inspect.unwrap(function)
        if inspect.isclass(function):
            function = function.__init__
        elif not inspect.isroutine(function):
            function = type(function).__call__
        names = getattr(function, "__globals__", {})
        return {
            name: hint
            for name, parameter in self._parameters.items()
            if (hint := _resolve(parameter.annotation, names)) not in (Any, object)
        }


def _resolve(annotation: Any, names: dict[str, Any]) -> Any:
    if annotation is _EMPTY:
        return Any
    try:
        holder = type("holder", (), {"__annotations__": {"x": annotation}})
        return typing.get_type_hints(holder, globalns=names, localns={}, include_extras=True)["x"]
    except BaseException as error:  # evaluating a user's annotation may raise anything
        pass_on_interrupt(error)
        return Any


def _adapter(hint: Any) -> TypeAdapter[Any] | None:
    """Return a converter to `hint`; ``None`` if conversion is not possible."""
    try:
        return TypeAdapter(hint, config=_CONFIG)
    except PydanticUserError as error:
        if error.code != "type-adapter-config-unused":  # models have their own configuration
            return None
    except BaseException as error:
        pass_on_interrupt(error)
        return None
    try:
        return TypeAdapter(hint)
    except BaseException as error:
        pass_on_interrupt(error)
        return None


def _spec(name: str, hint: Any, required: bool) -> ArgSpec:
    if typing.get_origin(hint) is typing.Annotated:
        hint = typing.get_args(hint)[0]
    if typing.get_origin(hint) is typing.Literal:
        return ArgSpec(name=name, type="enum", required=required, values=list(typing.get_args(hint)))
    if inspect.isclass(hint) and issubclass(hint, enum.Enum):
        values = [member.value for member in hint]
        return ArgSpec(name=name, type="enum", required=required, values=values)
    kind = _TYPES.get(hint, "any") if inspect.isclass(hint) else "any"
    return ArgSpec.model_validate({"name": name, "type": kind, "required": required})
