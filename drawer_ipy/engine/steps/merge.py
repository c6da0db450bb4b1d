"""``kind: merge`` (reserved in the original): merge objects deeply, or join lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from drawer_ipy.definition.steps.merge import MergeStep
from drawer_ipy.engine.context import Context
from drawer_ipy.engine.listing import as_list, instead
from drawer_ipy.engine.plan import Compiler, roots_of
from drawer_ipy.engine.step import StepRunner, fail_bare, fail_with
from drawer_ipy.engine.steps.for_each import compile_each
from drawer_ipy.errors import Code, ResolveError
from drawer_ipy.record.step import StepResult


class MergeRunner(StepRunner):
    """Merges the values in ``from``, ignoring nulls.

    Objects: later keys win, and objects under the same key are merged recursively. Lists: joined in order. A
    mixture of objects and lists is an error.
    """

    def __init__(self, model: MergeStep, compiler: Compiler) -> None:
        super().__init__(model, compiler)
        self._given = model.from_ not in (None, "")
        self._from = compile_each(model.from_)
        self.roots: frozenset[str] = roots_of(*self._from)
        self._spread = not isinstance(model.from_, list)

    async def run(self, ctx: Context, result: StepResult) -> None:
        """Resolve ``from`` and merge the values."""
        if not self._given:
            fail_bare(result, "`from`")
            return
        try:
            parts = [template.resolve(ctx.scope) for template in self._from]
        except ResolveError as error:
            fail_with(result, error)
            return
        whole = as_list(parts[0]) if self._spread else parts
        if whole is None:
            hint = instead(parts[0])
            result.fail(Code.VALIDATION_ERROR, f"`from` of step {self.id!r} must be a list", hint)
            return
        self._merge([part for part in whole if part is not None], result)

    def _merge(self, parts: Sequence[Any], result: StepResult) -> None:
        lists = [as_list(part) for part in parts]
        if all(isinstance(part, Mapping) for part in parts):
            merged: dict[str, Any] = {}
            for part in parts:
                merged = deep_merge(merged, part)
            result.output = merged
        elif None not in lists:
            result.output = [entry for part in lists if part is not None for entry in part]
        else:
            kinds = ", ".join(sorted({type(part).__name__ for part in parts}))
            result.fail(
                Code.VALIDATION_ERROR,
                f"step {self.id!r} can merge objects with objects or lists with lists, not {kinds}",
                next((instead(part) for part in parts if hasattr(part, "__next__")), ""),
            )


def deep_merge(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """Return a new mapping with the keys of both; `second` wins, but objects are merged recursively."""
    merged = dict(first)
    for key, value in second.items():
        before = merged.get(key)
        both = isinstance(before, Mapping) and isinstance(value, Mapping)
        merged[key] = deep_merge(before, value) if both else value  # type: ignore[arg-type]
    return merged
