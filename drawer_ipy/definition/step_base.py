"""What steps of all kinds have in common, what a kind says of itself, and the registry of the kinds."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import BeforeValidator, Field, SerializeAsAny, field_validator
from pydantic_core import PydanticCustomError

from drawer_ipy.common.key_path import KeyPath
from drawer_ipy.common.registry import Registry, imported
from drawer_ipy.definition.faults import Fault, lacking
from drawer_ipy.definition.model_base import Model, NonNegativeFloat
from drawer_ipy.definition.policy import Policy


@dataclass(frozen=True, slots=True)
class Use:
    """A value of a step that may hold references.

    Attributes:
        path: of the value, below the step.
        value: as it is written.
        form: ``expression`` when a text is one, ``expressions`` when each text in the value is,
            ``template`` when texts hold references between other characters.
        adds: names that only this value sees.
        unsure: whether the step may end ok without looking at it.
        arg: the field that problems name; the first of `path` when left out.
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
        path: below the step: ``("cases", 0, "steps")``.
        steps: what is in it.
        name: by which programs tell it from the step's other branches, ``""`` when it is the only one.
        title: what leads to it, in words; ``""`` when nothing but the step does.
    """

    path: KeyPath
    steps: list[Any]
    name: str = ""
    title: str = ""


class StepBase(Model):
    """What steps of all kinds have. A kind is a subclass with fields, and with what is said below of them.

    Attributes:
        expressions: keys whose text is an expression, with or without ``${}``; nested texts are, too.
        templates: keys whose text may hold ``${...}``, nested texts included.
        lists: keys whose value, or the value of whose expression, must be a list.
        needs: keys without which the step is wrong, and how each is written, for the hint.
        key_texts: what each own key means, one line each.
        outputs: the members that the output always has, each with its JSON Schema; empty when that is not
            known.
        reserved: whether the original knows the word and does nothing under it.
        is_pure: whether the step neither waits nor changes anything outside of the run.
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
        "kind": "What sort of step it is; `button` when left out.",
        "args": "Arguments by name; text may hold references such as `${inputs.url}`.",
        "on_failure": "What to do on failure: `stop`, `continue`, or `retry` with its options.",
        "timeout_seconds": "Most seconds one attempt may take; 0 or nothing for the default.",
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
        """The value of the field that is written as `key`."""
        fields = type(self).model_fields
        return getattr(self, next(name for name, info in fields.items() if (info.alias or name) == key))

    def summary(self) -> str:
        """What it does, in a few words."""
        return (self.kind or "button").replace("_", " ")

    def manner(self) -> list[str]:
        """How it does so, a few words each: how fast, how often, what follows from a failure."""
        words = [self.on_failure.words()] if self.on_failure is not None else []
        if self.timeout_seconds:
            words.append(f"{self.timeout_seconds:g} s at most")
        return [word for word in words if word]

    def nested(self) -> Iterator[Branch]:
        """The lists of steps inside it, in the order of the definition."""
        return iter(())

    def variable(self) -> str:
        """The name that the steps inside it see beside those that it sees itself, ``""`` for none."""
        return ""

    def may_skip(self) -> bool:
        """Whether a run that comes to the step may leave out steps inside of it."""
        return True

    def uses(self) -> Iterator[Use]:
        """The values that may hold references, without ``args``."""
        for key in self.expressions:
            yield Use((key,), self.value_of(key), "expressions")
        for key in self.templates:
            yield Use((key,), self.value_of(key), "template")

    def output_keys(self) -> tuple[str, ...]:
        """The members that the output can have, ``()`` when any."""
        return tuple(self.outputs)

    def faults(self) -> Iterator[Fault]:
        """What is wrong with its own fields, beside types and references."""
        given = {key: self.value_of(key) for key in self.needs}
        yield from lacking(self.kind, self.needs, given, reserved=self.reserved)
        if self.on_failure is not None:
            yield from self.on_failure.faults()


_KIND = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)

UNREAD = "?"
"""The kind of a step that could not be read; no definition can say it."""


class UnreadStep(StepBase):
    """Keeps the place and the id of a step that loading had to leave out, so that the rest is checked."""

    kind: Literal["?"]


@dataclass(frozen=True, slots=True)
class StepKind:
    """A kind of step: how it is written, and what runs it.

    Attributes:
        model: a subclass of :class:`StepBase` whose ``kind`` is a ``Literal`` of the kind's word.
        compile: makes something that runs out of a model and a compiler, as a subclass of
            :class:`drawer_ipy.engine.step.StepRunner` does; or ``"package.module:NAME"``, imported before the
            first such step runs.
    """

    model: type[StepBase]
    compile: Callable[[Any, Any], Any] | str

    @property
    def name(self) -> str:
        """The word under ``kind:``, ``""`` when the model says none."""
        field = getattr(self.model, "model_fields", {}).get("kind")
        said = get_args(field.annotation) if field is not None else ()
        return str(said[0]) if said and isinstance(said[0], str) else ""

    def compiler(self) -> Callable[[Any, Any], Any]:
        """What :attr:`compile` is or names."""
        made: Callable[[Any, Any], Any] = (
            imported(self.compile) if isinstance(self.compile, str) else self.compile
        )
        return made


def _wrong_kind(name: str, kind: Any) -> str:
    if not isinstance(kind, StepKind):
        return f"it is not a StepKind but a {type(kind).__name__}"
    model: Any = kind.model
    if not (isinstance(model, type) and issubclass(model, StepBase)):
        return "its model is not a subclass of StepBase"
    if not _KIND.fullmatch(kind.name):
        return (
            'its model does not declare its name, as in `kind: Literal["repeat"]`: small letters, digits, _'
        )
    if kind.name != name:
        return f'its model does not declare `kind: Literal["{name}"]`'
    if not (callable(kind.compile) or (isinstance(kind.compile, str) and ":" in kind.compile)):
        return "its compile is neither something that can be called nor package.module:NAME"
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
"""Every kind of step by its word. Built-in kinds are found like those of other distributions: by name."""


def model_of(kind: str) -> type[StepBase] | None:
    """The model of steps of that kind, ``None`` when there is no such kind."""
    found = STEP_KINDS.get(kind)
    return None if found is None else found.model


def outputs_of(kind: str) -> Mapping[str, Mapping[str, Any]]:
    """The members that the output of every step of that kind has, each with its JSON Schema."""
    model = model_of(kind)
    return {} if model is None else model.outputs


def step_models() -> dict[str, type[StepBase]]:
    """The models of all kinds by their words."""
    return {name: kind.model for name, kind in STEP_KINDS.items()}


def _read(value: Any) -> Any:
    """A step of the kind that `value` says it is."""
    if not isinstance(value, Mapping):
        return value  # a step already, or nothing that pydantic takes for one
    said = value.get("kind")
    kind = "button" if said in (None, "") else str(said)
    model = UnreadStep if kind == UNREAD else model_of(kind)
    if model is None:
        raise PydanticCustomError(UNKNOWN_KIND, "there is no step kind {kind}", {"kind": kind})
    return model.model_validate(value)


UNKNOWN_KIND = "unknown_step_kind"
"""The type of pydantic's error about a step of a kind that is not there."""

AnyStep = Annotated[SerializeAsAny[StepBase], BeforeValidator(_read)]
"""A step of any kind, as the type of a field."""
