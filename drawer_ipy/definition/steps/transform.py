"""``kind: transform`` (the original reserves the word)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from drawer_ipy.definition.faults import Fault, is_absent, of_troubles
from drawer_ipy.definition.short_texts import short
from drawer_ipy.definition.step_base import StepBase, StepKind, Use
from drawer_ipy.scrape.spec import read_extraction, read_manner


class TransformStep(StepBase):
    """Extension: computes its output with an expression or a mapping of them, or extracts it from a page."""

    kind: Literal["transform"]
    expression: Any = None
    extract: Any = None  # what to take from a page instead, a mapping of names to selectors
    from_: Any = Field(None, alias="from")  # the page: its text, or a full response
    url: Any = None  # the page's URL, for its relative links
    namespaces: dict[str, str] = {}  # prefix -> namespace, for the selectors
    decimal: str = ""  # the decimal mark of numbers on the page, or a language

    reserved = True
    expressions: ClassVar[tuple[str, ...]] = ("expression", "from")
    templates: ClassVar[tuple[str, ...]] = ("url",)
    is_pure = True
    needs: ClassVar[Mapping[str, str]] = {"expression": "the output: `expression: size(a.output)`"}
    key_texts: ClassVar[Mapping[str, str]] = {
        "expression": "The output: an expression, or a mapping of expressions.",
        "extract": "What to take from the page: names, each with a selector such as `css:h1::text`.",
        "from": "The page to extract from: its text, or the full response of a request.",
        "url": "URL of the page, with which its relative links are resolved.",
        "namespaces": "Prefixes for the selectors and their namespaces, in addition to those of the pages.",
        "decimal": "The decimal mark of numbers on the pages, `,` or `.`; or a language such as `de`.",
    }

    def summary(self) -> str:
        if self.extract is not None:
            return f"extract {short(self.extract)} from {short(self.from_)}"
        return f"compute {short(self.expression)}"

    def uses(self) -> Iterator[Use]:
        for key, value in (("expression", self.expression), ("from", self.from_)):
            if not is_absent(value):
                yield Use((key,), value, "expressions")
        yield Use(("url",), self.url, "template")

    def faults(self) -> Iterator[Fault]:
        if self.extract is None:
            idle = {"from": self.from_, "url": self.url}
            idle |= {"namespaces": self.namespaces or None, "decimal": self.decimal or None}
            for key, value in idle.items():
                if value is not None:
                    message = f"`{key}` has no effect without `extract`"
                    yield Fault((key,), message, "did you mean `expression`?", soft=True, on_key=True)
            yield from super().faults()
            return
        if self.expression is not None:
            message = "a transform step must have `expression` or `extract`, not both"
            yield Fault(("expression",), message, "write two steps", on_key=True)
        if is_absent(self.from_):
            hint = "give the page: `from: page.output`"
            yield Fault(("from",), "`extract` in a step needs `from`", hint, missing=("from",))
        manner, troubles = read_manner(self.namespaces, self.decimal)
        yield from of_troubles(troubles)
        yield from of_troubles(read_extraction(self.extract, manner)[1], "extract")
        if self.on_failure is not None:
            yield from self.on_failure.faults()


KIND = StepKind(TransformStep, "drawer_ipy.engine.steps.transform:TransformRunner")
