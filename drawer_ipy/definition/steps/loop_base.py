"""The base of the step kinds that run other steps once per entry of a list."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal

from pydantic import field_validator

from drawer_ipy.common.short_repr import shown
from drawer_ipy.definition.backends import KEY_TEXT as KEY_TEXT_OF_BACKEND
from drawer_ipy.definition.backends import backend_words, parse_backend
from drawer_ipy.definition.faults import Fault, is_absent, no_list, unreadable
from drawer_ipy.definition.model_base import PositiveInt
from drawer_ipy.definition.rates import KEY_TEXT, Rates, costs_in, parse_rates, rate_words
from drawer_ipy.definition.step_base import AnyStep, Branch, StepBase, Use
from drawer_ipy.definition.values import AUTO, MOST, Parallelism, parse_tolerance, width_words
from drawer_ipy.errors import ResolveError
from drawer_ipy.expressions import compile_expression


class LoopStep(StepBase):
    """Runs ``steps`` once per entry of the list ``over``, at most ``parallelism`` at once."""

    over: Any = None
    as_: str
    on_item_failure: Literal["stop", "continue"] = "stop"
    parallelism: Parallelism = 0  # 0 and 1: one after the other; "auto" is an extension
    max_parallelism: PositiveInt = MOST  # extension: the bound of "auto"
    tolerated_failures: int | str | None = None  # extension: a count or "5%"
    rate: Rates = None  # extension: item starts per time
    key: Any = None  # extension: says which item is which in another press
    backend: str = ""  # extension: where presses of functions inside run
    keep: Literal["disk"] | None = None  # extension: where the outputs are while it runs and after it
    steps: list[AnyStep] = []

    expressions: ClassVar[tuple[str, ...]] = ("over",)
    lists: ClassVar[tuple[str, ...]] = ("over",)
    is_pure = True
    outputs: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "results": {"type": "array"},
        "total": {"type": "integer"},
    }
    key_texts: ClassVar[Mapping[str, str]] = {
        "over": "The list to loop over, or an expression for one: `${inputs.urls}`.",
        "as": "Name by which the steps inside refer to the entry.",
        "on_item_failure": "`stop` at the first failed item, or `continue` with the others.",
        "parallelism": "Most items at once; 0 and 1 mean one after the other, `auto` adapts to the server.",
        "max_parallelism": "Most items at once with `parallelism: auto`.",
        "tolerated_failures": "How many items may fail before the loop fails: "
        'a count, or a share such as "5%".',
        "rate": KEY_TEXT,
        "key": "What identifies an item in a later press, such as `${item.id}`; by default its value.",
        "backend": KEY_TEXT_OF_BACKEND,
        "keep": "`disk` holds the outputs on disk only, for results that are larger than the memory.",
        "steps": "The steps, in order.",
    }

    @field_validator("on_item_failure", mode="before")
    @classmethod
    def _empty_action(cls, value: Any) -> Any:
        return value or "stop"

    def manner(self) -> list[str]:
        narrow = "one after the other" if not self.backend or "parallelism" in self.model_fields_set else ""
        words = list(filter(None, [width_words(self.parallelism, self.max_parallelism) or narrow]))
        words += [*rate_words(self.rate), *backend_words(self.backend)]
        if self.tolerated_failures is not None:
            words.append(f"{self.tolerated_failures} may fail")
        elif self.on_item_failure == "continue":
            words.append("continues when items fail")
        if self.keep is not None:
            words.append("keeps outputs on disk")
        return [*words, *super().manner()]

    def nested(self) -> Iterator[Branch]:
        yield Branch(("steps",), self.steps)

    def variable(self) -> str:
        return self.as_

    def may_skip(self) -> bool:
        return isinstance(self.over, list | tuple) and not self.over

    def uses(self) -> Iterator[Use]:
        if not is_absent(self.over):
            yield Use(("over",), self.over)
        for path, cost in costs_in(self.rate):
            yield Use(("rate", *path), cost, adds=(self.as_,), arg="rate")
        if self.key is not None:
            yield Use(("key",), self.key, adds=(self.as_,))

    def output_keys(self) -> tuple[str, ...]:
        return (*self.outputs, "completed")  # present only if an item did not end ok

    def faults(self) -> Iterator[Fault]:
        yield from unreadable("rate", parse_rates, self.rate)
        yield from unreadable("backend", parse_backend, self.backend or None)
        if not is_absent(self.over):
            yield from no_list("over", self.over)
        if not self.steps:
            message = f"this {self.kind} step has no steps, so it does nothing"
            yield Fault(("steps",), message, soft=True, missing=("steps",))
        if "max_parallelism" in self.model_fields_set and self.parallelism != AUTO:
            message = "max_parallelism has an effect only with `parallelism: auto`"
            yield Fault(("max_parallelism",), message, "remove one of the two", soft=True, on_key=True)
        yield from self._key_faults()
        yield from unreadable("tolerated_failures", parse_tolerance, self.tolerated_failures)
        yield from super().faults()

    def _key_faults(self) -> Iterator[Fault]:
        if self.key is None:
            return
        example = f"write `key: ${{{self.as_}.id}}`, with what differs for each item"
        if not isinstance(self.key, str):
            yield Fault(("key",), f"key must be an expression, not {shown(self.key)}", example)
            return
        try:
            roots = {reference.root for reference in compile_expression(self.key).references}
        except ResolveError:  # reported with the references
            return
        if self.as_ not in roots:
            message = f"key does not refer to {self.as_!r}, so all items would have the same key"
            yield Fault(("key",), message, example)
