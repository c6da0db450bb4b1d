"""The fields of a step that `set` can change, and the values of each."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from pydantic import ValidationError

from drawer_ipy.common.bad_value import BadValue
from drawer_ipy.common.durations import parse_duration, parse_time
from drawer_ipy.definition.backends import parse_backend
from drawer_ipy.definition.key_texts import key_text
from drawer_ipy.definition.policy import Policy
from drawer_ipy.definition.rates import parse_rates
from drawer_ipy.definition.reading.shape import keys_of
from drawer_ipy.definition.step_base import StepBase, model_of
from drawer_ipy.definition.values import AUTO, parse_tolerance
from drawer_ipy.errors import ResolveError, UsageError, did_you_mean
from drawer_ipy.expressions import compile_expression, compile_value
from drawer_ipy.scrape.spec import read_extraction, read_manner
from drawer_ipy.verbs.base import VerbCode, VerbError
from drawer_ipy.verbs.step_path import CASE, FieldPlace, holders
from drawer_ipy.verbs.values import parsed

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(-[A-Za-z0-9_]+)*", re.ASCII)


class _Wrong(ValueError):
    """A value that is invalid for the field; the message, if any, adds to the list of allowed values."""


@dataclass(frozen=True, slots=True)
class EditableField:
    """A field of a step.

    Attributes:
        read: converts the typed text to the value, or raises ValueError.
        allowed: the allowed values, in words.
    """

    read: Callable[[str], Any]
    allowed: str


def _words(*words: str) -> EditableField:
    def read(text: str) -> str:
        bare = parsed(text)
        if bare not in words:
            raise _Wrong
        return str(bare)

    return EditableField(read, " or ".join(words))


def _parallelism(text: str) -> int | str:
    return AUTO if text == AUTO else int(_whole(0).read(text))


def _whole(least: int) -> EditableField:
    def read(text: str) -> int:
        value = parsed(text)
        if type(value) is not int or value < least:
            raise _Wrong
        return value

    return EditableField(read, f"a whole number from {least} up")


def _text(text: str) -> str:
    """Text, with or without JSON's quotes."""
    value = parsed(text)
    bare = value if isinstance(value, str) else text
    if value is None or not bare.strip():
        raise _Wrong
    return bare


def _seconds(text: str) -> int | float:
    value = parsed(text)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e12:
        raise _Wrong
    return value


def _tolerance(text: str) -> int | str:
    value = parsed(text)
    try:
        parse_tolerance(value)
    except BadValue:
        raise _Wrong from None
    return cast("int | str", value)


def _variable(text: str) -> str:
    name = _text(text)
    if not _NAME.fullmatch(name):
        raise _Wrong
    return name


def _checked_by(check: Callable[[str], object]) -> Callable[[str], str]:
    def read(text: str) -> str:
        bare = _text(text)
        if "${" not in bare and "$ENV{" not in bare:
            check(bare)
        return bare

    return read


def _backend(text: str) -> str:
    bare = _text(text)
    parse_backend(bare)
    return bare


def _rates(text: str) -> Any:
    value = parsed(text)
    parse_rates(value)
    return value


def _expression(*kinds: type[Any]) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        value = parsed(text)
        # `true` and `3` are also expressions, if the field does not accept them as JSON.
        value = value if isinstance(value, kinds) else _text(text)
        if isinstance(value, str):
            compile_expression(value)
        else:
            compile_value(value)
        return value

    return read


def _listing(text: str) -> str | list[Any]:
    value = parsed(text)
    if not isinstance(value, str | list):
        raise _Wrong  # a number or a mapping is also an expression, but not for a list
    read = _expression(list)
    found: str | list[Any] = read(text)
    return found


def _policy(text: str) -> Any:
    value = parsed(text)
    if value in ("stop", "continue"):
        return value
    if not isinstance(value, Mapping):
        raise _Wrong
    try:
        Policy.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        raise _Wrong(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    unknown = [key for key in value if key not in keys_of(Policy)]
    if unknown:
        raise _Wrong(f"unknown key {unknown[0]!r}, its keys are {', '.join(keys_of(Policy))}")
    return value


def _extraction(text: str) -> Any:
    value = parsed(text)
    if not isinstance(value, Mapping):
        raise _Wrong
    wrong = [trouble for trouble in read_extraction(value)[1] if not trouble.soft]
    if wrong:
        raise _Wrong(f"{'.'.join(map(str, wrong[0].path)) or 'it'}: {wrong[0].message}")
    return value


def _namespaces(text: str) -> Any:
    value = parsed(text)
    if not isinstance(value, Mapping):
        raise _Wrong
    wrong = read_manner(value, "")[1]
    if wrong:
        raise _Wrong(wrong[0].message)
    return value


def _decimal(text: str) -> str:
    value = str(parsed(text)) if text.strip('"') else ""
    if read_manner({}, value)[1] or not value:
        raise _Wrong
    return value


def _template(text: str) -> str:
    bare = _text(text)
    compile_value(bare)
    return bare


_SELECTORS = '\'{"title": "css:h1"}\''
_RETRY = '\'{"action": "retry", "max_attempts": 3}\''

FIELDS: Mapping[str, EditableField] = {
    "button": EditableField(_text, "the name of a button"),
    "drawer": EditableField(_text, "the name of a drawer"),
    "over": EditableField(_listing, "a list, or an expression for one: '${inputs.urls}'"),
    "as": EditableField(_variable, "a name: letters, digits and _"),
    "on_item_failure": _words("stop", "continue"),
    "parallelism": EditableField(_parallelism, "a whole number from 0 up, or auto"),
    "max_parallelism": _whole(1),
    "size": _whole(1),
    "tolerated_failures": EditableField(_tolerance, 'a count from 0 up, or a share such as "5%"'),
    "keep": _words("disk"),
    "from": EditableField(_listing, "a list, or an expression for one: '${each.output.results}'"),
    "pluck": EditableField(_expression(str), "an expression: '${item.steps.page.output}'"),
    "expression": EditableField(
        _expression(str, dict, list), "an expression, or a mapping of names to expressions"
    ),
    "extract": EditableField(_extraction, f"names with selectors: {_SELECTORS}"),
    "namespaces": EditableField(_namespaces, 'prefixes with their namespaces: \'{"atom": "http://..."}\''),
    "decimal": EditableField(_decimal, "the decimal mark of numbers, . or , or a language such as de"),
    "url": EditableField(_template, "the URL of the page, or a reference to it"),
    "when": EditableField(_expression(str, bool), "an expression that is true or false"),
    "duration": EditableField(_checked_by(parse_duration), "a duration such as 300ms, 1.5s, 2m or 1h30m"),
    "until": EditableField(_checked_by(parse_time), "a time such as 2030-01-31T08:00:00Z"),
    "rate": EditableField(
        _rates, "starts per time, such as 5/s or 100/min, {limit: ..., cost: ...}, or a list of them"
    ),
    "timeout_seconds": EditableField(_seconds, "seconds, a number from 0 up"),
    "on_failure": EditableField(_policy, f"stop, continue, or what to do: {_RETRY}"),
    "stdin": EditableField(_template, "the script's standard input: text, or a reference"),
    "backend": EditableField(_backend, "threads, processes or dask, or the name of another backend"),
}
"""The fields that `set` can change; a step has the fields of its kind."""

_FIXED = ("id", "kind")
"""Fields that cannot be changed after a step was added."""

_NEEDED = ("button", "drawer", "when", "as", "size")
"""Fields that null does not remove: a step needs them, or always has them."""


def fields_of(kind: str) -> list[str]:
    """The fields of a step of that kind that `set` can change."""
    if kind == CASE:
        return ["when"]
    model = model_of(kind) or StepBase
    out_of_reach = {*_FIXED, *holders(kind), *StepBase.model_fields} - FIELDS.keys()
    known = keys_of(model)
    return [
        *(name for name in FIELDS if name in known),
        *(name for name in known if name not in FIELDS and name not in out_of_reach),
    ]


def field_of(kind: str, name: str) -> EditableField:
    """The field `name` of a step of that kind: one of :data:`FIELDS`, or made from the step's model."""
    model = model_of(kind)
    if model is None or model.__module__.startswith("drawer_ipy.") or name in StepBase.model_fields:
        return FIELDS[name]
    python = next(key for key, info in model.model_fields.items() if (info.alias or key) == name)

    def read(text: str) -> Any:
        value = parsed(text)
        try:
            bare = model.model_construct(id="")
            model.__pydantic_validator__.validate_assignment(bare, python, value)
        except ValidationError as error:
            raise _Wrong(error.errors()[0]["msg"]) from None
        compile_value(value)
        return value

    return EditableField(read, key_text(model, name) or f"a value for a {kind} step")


def allowed_paths(kind: str) -> str:
    """What can follow a step of that kind in a path, in words."""
    words = [*([] if kind == CASE else ["args.NAME"]), *fields_of(kind)]
    inside = holders(kind)
    words += [f"{key}.NAME.N...." if form == "step_map" else f"{key}.N...." for key, form in inside.items()]
    if inside:
        words.append(f"ID.... (of {'a case, or ' if 'cases' in inside else ''}a step in it)")
    return ", ".join(words)


def put(place: FieldPlace, text: str) -> tuple[Any, Any]:
    """Set the field that the rest of `place`'s path names to the typed value.

    ``null`` removes an optional field; an argument becomes null.

    Returns:
        The old and the new value.

    Raises:
        VerbError: STEP_FIELD_UNKNOWN, or VALIDATION_ERROR with what is allowed.
    """
    head, _, more = place.rest.partition(".")
    owner = place.owner
    if head == "args" and more and "." not in more and place.kind != CASE:
        args = owner.setdefault("args", {})
        was, args[more] = args.get(more), _argument(place, text)
        return was, args[more]
    names = fields_of(place.kind)
    if head not in names or more:
        what = f"{place.where}.{place.rest}" if place.rest else place.where
        near = did_you_mean(head, names) if head not in names and head != "args" else ""
        kind = place.kind if place.kind == CASE else f"{place.kind} step"
        message = f"{what!r} cannot be set" + ("" if head else ": it names a step, not a field")
        hint = f"{near} a {kind} has {allowed_paths(place.kind)}".strip()
        raise VerbError(message, code=VerbCode.STEP_FIELD_UNKNOWN, remediation=hint)
    was = owner.get(head)
    try:
        is_null = parsed(text) is None
    except UsageError as error:  # a number that cannot be read without loss
        message = f"{place.where}.{head} cannot be {error.message}"
        raise VerbError(message, remediation=error.remediation) from None
    if is_null and head not in _NEEDED:
        owner.pop(head, None)
        return was, None
    owner[head] = _value(place, head, text)
    return was, owner[head]


def _value(place: FieldPlace, name: str, text: str) -> Any:
    field = FIELDS[name] if place.kind == CASE else field_of(place.kind, name)
    try:
        return field.read(text)
    except ResolveError as error:
        detail = f": {error.message}"
    except (ValueError, OverflowError) as error:
        detail = f": {error}" if isinstance(error, _Wrong) and str(error) else ""
    raise VerbError(
        f"{place.where}.{name} cannot be {text[:80]!r}{detail}", remediation=f"allowed: {field.allowed}"
    )


def _argument(place: FieldPlace, text: str) -> Any:
    value = parsed(text)
    try:
        compile_value(value)
    except ResolveError as error:
        message = f"{place.where}.{place.rest} cannot be {text[:80]!r}: {error.message}"
        raise VerbError(message, remediation=error.remediation) from None
    return value
