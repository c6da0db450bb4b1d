"""The base of all step models, the description of a step kind, and the registry of the kinds."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import BeforeValidator, Field, SerializeAsAny, ValidationError, field_validator
from pydantic_core import PydanticCustomError

from drawer_ipy.common.key_path import KeyPath
from drawer_ipy.common.registry import Registry, imported
from drawer_ipy.common.tracebacks import describe
from drawer_ipy.definition.faults import Fault, lacking
from drawer_ipy.definition.model_base import Model, NonNegativeFloat, faulty_extension
from drawer_ipy.definition.policy import Policy


@dataclass(frozen=True, slots=True)
class Use:
    """A value of a step that may contain references.

    Attributes:
        path: the path of the value in the step.
        value: the value as written.
        form: ``expression`` if the text is one, ``expressions`` if each text in the value is one,
            ``template`` if texts contain references between other characters.
        adds: names that only this value can refer to.
        unsure: whether the step may end ok without evaluating it.
        arg: the field that problems name; the default is the first of `path`.
    """

    path: KeyPath
    value: Any
    form: Literal["expression", "expressions", "template"] = "expression"
    adds: tuple[str, ...] = ()
    unsure: bool = False
    arg: str = ""


@dataclass(frozen=True, slots=True)
class Branch:
    """A list of steps inside a step.

    Attributes:
        path: its path in the step: ``("cases", 0, "steps")``.
        steps: the steps in it.
        name: identifies it among the step's branches; ``""`` if it is the only one.
        title: when it runs, in words; ``""`` if it always does.
    """

    path: KeyPath
    steps: list[Any]
    name: str = ""
    title: str = ""


class StepBase(Model):
    """The base of all step models. A kind is a subclass with fields and the class attributes below.

    Attributes:
        expressions: keys whose text is an expression, with or without ``${}``; nested texts are, too.
        templates: keys whose text may contain ``${...}``, nested texts included.
        lists: keys whose value, or the value of whose expression, must be a list.
        needs: required key -> how to write it, for the hint.
        key_texts: own key -> its description in one line.
        outputs: the members that the output always has, each with its JSON Schema; empty if that is not
            known.
        reserved: whether the original reserves the name of the kind, but does nothing for it.
        is_pure: whether the step neither waits nor changes anything outside the run.
    """

    id: str = Field(min_length=1)
    kind: str = "button"
    args: dict[str, Any] = {}
    on_failure: Policy | None = None
    timeout_seconds: NonNegativeFloat | None = None  # 0 and absent: the kind's own default
    bindings: Any = None  # legacy, ignored

    expressions: ClassVar[tuple[str, ...]] = ()
    templates: ClassVar[tuple[str, ...]] = ()
    lists: ClassVar[tuple[str, ...]] = ()
    needs: ClassVar[Mapping[str, str]] = {}
    outputs: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    reserved: ClassVar[bool] = False
    is_pure: ClassVar[bool] = False
    key_texts: ClassVar[Mapping[str, str]] = {
        "id": "The step's name; later steps refer to its output as `${id.output}`.",
        "kind": "The kind of step. Default: `button`.",
        "args": "Arguments by name; text may contain references such as `${inputs.url}`.",
        "on_failure": "What to do on failure: `stop`, `continue`, or `retry` with its options.",
        "timeout_seconds": "Most seconds of one attempt; 0 or nothing for the default.",
        "bindings": "Legacy; ignored.",
    }

    @field_validator("on_failure", mode="before")
    @classmethod
    def _short_policy(cls, value: Any) -> Any:
        return {"action": value} if isinstance(value, str) else value

    @field_validator("args", mode="before")
    @classmethod
    def _null_args(cls, value: Any) -> Any:
        return {} if value is None else value

    def value_of(self, key: str) -> Any:
        """The value of the field whose key is `key`."""
        fields = type(self).model_fields
        return getattr(self, next(name for name, info in fields.items() if (info.alias or name) == key))

    def summary(self) -> str:
        """What the step does, in a few words."""
        return (self.kind or "button").replace("_", " ")

    def manner(self) -> list[str]:
        """How the step runs, in a few words each: how fast, how often, what happens after a failure."""
        words = [self.on_failure.words()] if self.on_failure is not None else []
        if self.timeout_seconds:
            words.append(f"{self.timeout_seconds:g} s at most")
        return [word for word in words if word]

    def nested(self) -> Iterator[Branch]:
        """The lists of steps inside the step, in the order of the definition."""
        return iter(())

    def variable(self) -> str:
        """The name that only the steps inside it can refer to, or ``""``."""
        return ""

    def may_skip(self) -> bool:
        """Whether a run of the step may skip steps inside it."""
        return True

    def uses(self) -> Iterator[Use]:
        """The values that may contain references, except ``args``."""
        for key in self.expressions:
            yield Use((key,), self.value_of(key), "expressions")
        for key in self.templates:
            yield Use((key,), self.value_of(key), "template")

    def output_keys(self) -> tuple[str, ...]:
        """The members that the output can have; ``()`` for any."""
        return tuple(self.outputs)

    def faults(self) -> Iterator[Fault]:
        """The problems with its own fields, except wrong types and references."""
        given = {key: self.value_of(key) for key in self.needs}
        yield from lacking(self.kind, self.needs, given, reserved=self.reserved)
        if self.on_failure is not None:
            yield from self.on_failure.faults()


_KIND = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)

UNREAD = "?"
"""The kind of a step that could not be read; no definition can contain it."""


class UnreadStep(StepBase):
    """Keeps the place and the id of a step that could not be loaded, so that the other steps are checked."""

    kind: Literal["?"]


@dataclass(frozen=True, slots=True)
class StepKind:
    """A step kind: the model of its definition, and what runs it.

    Attributes:
        model: a subclass of :class:`StepBase` whose ``kind`` is a ``Literal`` of the kind's name.
        compile: makes a runner from a model and a compiler, usually a subclass of
            :class:`drawer_ipy.engine.step.StepRunner`; or its ``"package.module:NAME"``, imported before the
            first such step runs.
    """

    model: type[StepBase]
    compile: Callable[[Any, Any], Any] | str

    @property
    def name(self) -> str:
        """The value of ``kind:``, ``""`` if the model declares none."""
        field = getattr(self.model, "model_fields", {}).get("kind")
        said = get_args(field.annotation) if field is not None else ()
        return str(said[0]) if said and isinstance(said[0], str) else ""

    def compiler(self) -> Callable[[Any, Any], Any]:
        """The callable that :attr:`compile` is or names."""
        made: Callable[[Any, Any], Any] = (
            imported(self.compile) if isinstance(self.compile, str) else self.compile
        )
        return made


def _wrong_kind(name: str, kind: Any) -> str:
    if not isinstance(kind, StepKind):
        return f"it is a {type(kind).__name__}, not a StepKind"
    model: Any = kind.model
    if not (isinstance(model, type) and issubclass(model, StepBase)):
        return "its model is not a subclass of StepBase"
    if not _KIND.fullmatch(kind.name):
        return (
            'its model must declare its name, as in `kind: Literal["repeat"]`: lower case letters, digits, _'
        )
    if kind.name != name:
        return f'its model must declare `kind: Literal["{name}"]`'
    if wrong := _wrong_declarations(model):
        return wrong
    if not (callable(kind.compile) or (isinstance(kind.compile, str) and ":" in kind.compile)):
        return "its compile must be callable or package.module:NAME"
    return ""


def _wrong_declarations(model: type[StepBase]) -> str:
    keys = {info.alias or name for name, info in model.model_fields.items()}
    for name in ("expressions", "templates", "lists", "needs"):
        declared = getattr(model, name)
        if isinstance(declared, str) or not isinstance(declared, Collection):
            return f"its `{name}` must list keys, not be {declared!r}"
        for key in declared:
            if key not in keys:
                return f"its `{name}` has {key!r}, which is not a field"
    for name in ("outputs", "key_texts"):
        if not isinstance(getattr(model, name), Mapping):
            return f"its `{name}` must be a mapping"
    return ""


_HERE = "drawer_ipy.definition.steps"
STEP_KINDS: Registry[StepKind] = Registry(
    "step kind",
    "drawer_ipy.steps",
    {
        "button": f"{_HERE}.button:KIND",
        "drawer": f"{_HERE}.drawer:KIND",
        "for_each": f"{_HERE}.for_each:KIND",
        "switch": f"{_HERE}.switch:KIND",
        "aggregate": f"{_HERE}.aggregate:KIND",
        "wait": f"{_HERE}.wait:KIND",
        "transform": f"{_HERE}.transform:KIND",
        "split": f"{_HERE}.split:KIND",
        "merge": f"{_HERE}.merge:KIND",
        "batch": f"{_HERE}.batch:KIND",
    },
    _wrong_kind,
)
"""Every step kind by name. Built-in kinds are looked up by name like those of other distributions."""


def model_of(kind: str) -> type[StepBase] | None:
    """The model of steps of that kind, or ``None`` if there is no such kind."""
    found = STEP_KINDS.get(kind)
    return None if found is None else found.model


def outputs_of(kind: str) -> Mapping[str, Mapping[str, Any]]:
    """The members that the output of every step of that kind has, with their JSON Schemas."""
    model = model_of(kind)
    return {} if model is None else model.outputs


def step_models() -> dict[str, type[StepBase]]:
    """The models of all kinds by name."""
    return {name: kind.model for name, kind in STEP_KINDS.items()}


def _read(value: Any) -> Any:
    """Validate `value` as a step of the kind that it declares."""
    if not isinstance(value, Mapping):
        return value  # a step already, or invalid, which pydantic reports
    said = value.get("kind")
    kind = "button" if said in (None, "") else str(said)
    model = UnreadStep if kind == UNREAD else model_of(kind)
    if model is None:
        raise PydanticCustomError(UNKNOWN_KIND, "unknown step kind {kind}", {"kind": kind})
    try:
        return model.model_validate(value)
    except (ValidationError, PydanticCustomError):
        raise
    except Exception as error:  # of a validator of another distribution's model
        owner = STEP_KINDS.owner(kind) or f"the module {model.__module__}"
        raise faulty_extension(f"the step kind {kind!r} of {owner} is faulty: {describe(error)}") from error


UNKNOWN_KIND = "unknown_step_kind"
"""The type of pydantic's error about an unknown step kind."""

AnyStep = Annotated[SerializeAsAny[StepBase], BeforeValidator(_read)]
"""A step of any kind, as the type of a field."""
