"""Checks of the references in a field: each must be well formed and name something that will exist."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from drawer_ipy.common.nearest import listed
from drawer_ipy.definition.checking.from_end import from_end
from drawer_ipy.definition.checking.literals import schema_fits, type_fits
from drawer_ipy.definition.checking.lookalikes import look_alikes, may_hold_any
from drawer_ipy.definition.checking.report import Report, Where
from drawer_ipy.definition.checking.schemas import NoSuchField, schema_at
from drawer_ipy.definition.checking.scope import ROOTS, Known, NamesInScope
from drawer_ipy.definition.checking.unmet import Present, is_env_form
from drawer_ipy.definition.models import ArgSpec
from drawer_ipy.errors import ResolveError
from drawer_ipy.expressions import (
    Reference,
    Template,
    alias_of,
    compile_expression,
    compile_template,
    constant_faults,
    habits,
)

_STEP_MEMBERS = ("output", "error")


@dataclass(frozen=True, slots=True)
class References:
    """Checks references against the names in scope.

    Attributes:
        report: receives the findings.
        report_unchecked: whether to warn about members of outputs without a schema, as the original does.
        present: the batteries and environment variables that exist.
    """

    report: Report
    report_unchecked: bool = False
    present: Present = field(default_factory=Present)

    def value(self, value: Any, names: NamesInScope, where: Where, spec: ArgSpec | None = None) -> None:
        """Check a string, or maps and lists of strings at any depth.

        Args:
            spec: the argument that receives the value, checked if the value is a single reference.
        """
        for text, inner in _strings(value, where):
            sound = True
            if "$" in text:
                sound = self._text(text, names, inner, spec if inner.path == where.path else None)
            if sound and may_hold_any(text):
                self._look_alikes(text, names, inner)

    def _look_alikes(self, text: str, names: NamesInScope, where: Where) -> None:
        """Warn about references of other languages whose name exists here."""
        for found in look_alikes(text):
            if found.root in ROOTS and "." not in found.path and "[" not in found.path:
                continue
            if names.find(found.root) is not None:
                message = f"{found.text!r} is plain text here, not a reference"
                hint = f"write ${{{found.path}}} to use the value"
                self.report.warn(where, message, hint, ref=found.path, offset=found.offset)

    def expression(self, value: Any, names: NamesInScope, where: Where) -> None:
        """Check a field with an expression: ``over``, ``when``, ``from``, ``pluck``."""
        if not isinstance(value, str):
            self.value(value, names, where)
            return
        template = self._compiled(value, where, bare=True)
        if template is not None:
            self._references(template, names, where, None)
            self._constants(template, value, where)

    def expressions(self, value: Any, names: NamesInScope, where: Where) -> None:
        """Check a field in which each string at any depth is an expression."""
        for text, inner in _strings(value, where):
            self.expression(text, names, inner)

    def _text(self, text: str, names: NamesInScope, where: Where, spec: ArgSpec | None) -> bool:
        """Check the references within a text; return whether its syntax is valid."""
        template = self._compiled(text, where, bare=False)
        if template is not None:
            self._references(template, names, where, spec)
            self._constants(template, text, where)
        return template is not None

    def _compiled(self, text: str, where: Where, *, bare: bool) -> Template | None:
        try:
            return compile_expression(text) if bare else compile_template(text)
        except ResolveError as error:
            # Strict even in a step that continues after a failure, since it is always a mistake.
            offset = error.offset or 0
            self.report.error(where, error.message, error.remediation, ref=_inner(text), offset=offset)
            return None

    def _constants(self, template: Template, text: str, where: Where) -> None:
        """Report the parts of an expression that read nothing and have no value."""
        for fault in constant_faults(template):
            message, hint, ref = fault.message, fault.remediation, _inner(text)
            if fault.certain:
                self.report.error(where, message, hint, ref=ref, offset=fault.offset, strict=False)
            else:
                self.report.warn(where, message, hint, ref=ref, offset=fault.offset)

    def _references(
        self, template: Template, names: NamesInScope, where: Where, spec: ArgSpec | None
    ) -> None:
        for ref in template.references_given(names.exists):
            one = _One(self, ref, names, where)
            whole = spec if template.is_whole and ref.whole else None
            one.check(whole)


@dataclass(frozen=True, slots=True)
class _One:
    """The check of one reference at one place."""

    checker: References
    ref: Reference
    names: NamesInScope
    where: Where

    def check(self, feeds: ArgSpec | None) -> None:
        found = self.names.find(self.ref.root)
        if found is None:
            self._unknown_root()
            return
        name, known = found
        self._from_end(name, known)
        if known.kind == "step":
            self._step(name, known, feeds)
        elif known.kind == "root" and name == "inputs":
            self._input(feeds)
        elif known.kind == "root":
            self._set_outside(name)

    def _error(self, message: str, remediation: str = "") -> None:
        report, ref = self.checker.report, self.ref
        report.error(self.where, message, remediation, ref=ref.text, offset=ref.offset, strict=False)

    def _near(self, word: str, known: Collection[str]) -> str:
        return self.checker.report.near(word, known)

    def _from_end(self, name: str, known: Known) -> None:
        found = from_end(self.ref, name, known, self.names)
        if found is None:
            return
        if found.certain:
            self._error(found.message, found.hint)
        else:
            report, ref = self.checker.report, self.ref
            report.warn(self.where, found.message, found.hint, ref=ref.text, offset=ref.offset)

    def _unknown_root(self) -> None:
        root, names = self.ref.root, self.names
        if _named(root, (names.own,)):
            self._error(f"{self.ref.text!r} refers to the step it is in", "a step sees earlier steps only")
        elif _named(root, names.around):
            self._error(f"{self.ref.text!r} refers to a step that this one is part of")
        elif ahead := names.known.later(root):
            hint = f"move {ahead!r} before this step"
            self._error(f"{self.ref.text!r} refers to a step that runs later", hint)
        elif nested := names.elsewhere.named(root):
            inside = names.elsewhere[nested].rpartition(".")[0]
            hint = f"step {nested!r} is inside {inside!r}; use the output of that step: {inside}.output"
            self._error(f"{root!r} is not visible here", hint)
        elif names.open:
            return  # it may have been left out while loading
        elif root in names.inputs.types:
            self._error(f"{root!r} is not a step", f"it is an input: ${{inputs.{root}}}")
        elif self.checker.present.giving.has(root):
            hint = f"{self.checker.present.giving.hint(root)}, and here ${{inputs.{root}}}"
            self._error(f"{root!r} is not an input, a step or a loop variable", hint)
        else:
            hint = habits.of_name(root) or self._near(root, names.known)
            hint = hint or f"known here: {listed(names.known)}"
            self._error(f"{root!r} is not an input, a step or a loop variable", hint)

    def _input(self, feeds: ArgSpec | None) -> None:
        ref, types = self.ref, self.names.inputs.types
        if not ref.path:
            if ref.whole:
                self._error("'inputs' needs the name of an input", "name one of them: ${inputs.NAME}")
            return
        name = str(ref.path[0])
        found = types.named(name)
        if found is None:
            if not ref.guarded and not self.names.inputs.open:
                giving = self.checker.present.giving
                hint = "" if giving.has(name) else self._near(name, types)
                if not hint and giving.knows(name):
                    hint = giving.hint(name)
                hint = hint or "declare it under `inputs:`, or give it when pressing"
                self._error(f"there is no input {name!r}", hint)
            return
        if feeds is not None and len(ref.path) == 1 and not type_fits(types[found], feeds.type):
            self._mismatch(f"input {name!r} is of type {types[found]}", feeds)

    def _set_outside(self, root: str) -> None:
        """Check a reference to ``env`` or ``batteries``, or to another root that is not declared."""
        ref, report = self.ref, self.checker.report
        if root == "env" and (len(ref.path) > 1 or (ref.whole and not ref.path)):
            self._error("'env' takes exactly one name", "write ${env.NAME}")
            return
        missing = self.checker.present.missing(ref)
        if missing is None:
            return
        if is_env_form(ref):  # the original's form, which is empty if the variable is not set
            report.warn(self.where, *missing, ref=ref.text, offset=ref.offset)
        else:
            report.need(self.where, *missing, ref=ref.text, offset=ref.offset, certain=ref.always)

    def _mismatch(self, what: str, feeds: ArgSpec) -> None:
        self._error(f"{what}, but argument {feeds.name!r} takes {feeds.type}", "")

    def _step(self, name: str, known: Known, feeds: ArgSpec | None) -> None:
        ref = self.ref
        if not ref.path:
            return
        if ref.path[0] not in _STEP_MEMBERS:
            if not ref.guarded:
                self._error(
                    f"a step has no {ref.path[0]!r}, only `output` and `error`",
                    f"write ${{{name}.output.{ref.path[0]}}}",
                )
            return
        if ref.path[0] == "output":
            self._output(name, known, feeds)

    def _output(self, name: str, known: Known, feeds: ArgSpec | None) -> None:
        ref = self.ref
        members = ref.path[1:]
        if known.schema is not None:
            self._by_schema(name, known.schema, feeds)
        elif members and known.output_keys and members[0] not in known.output_keys:
            if not ref.guarded:
                keys = known.output_keys
                hint = f"{self._near(str(members[0]), keys)} it has {listed(keys)}".strip()
                self._error(f"the output of {name!r} has no {members[0]!r}", hint)
        elif members and known.asked and self.checker.report_unchecked and not ref.guarded:
            hint = f"give the button of {name!r} an output_schema"
            message = f"whether the output of {name!r} has {members[0]!r} cannot be checked"
            self.checker.report.warn(self.where, message, hint, ref=ref.text)

    def _by_schema(self, name: str, schema: Mapping[str, Any], feeds: ArgSpec | None) -> None:
        try:
            found = schema_at(schema, self.ref.path[1:])
        except NoSuchField as error:
            if not self.ref.guarded:
                self._error(f"the output of {name!r} {error}", error.remediation)
            return
        if feeds is not None and not schema_fits(found, feeds.type):
            self._mismatch(f"{self.ref.text!r} is of type {found.get('type')}", feeds)


def _named(name: str, known: Collection[str]) -> str | None:
    """`name` if it is in `known`, or the only known name that is spelt like it except for hyphens."""
    return name if name in known else alias_of(name, known)


def _strings(value: Any, where: Where) -> Iterator[tuple[str, Where]]:
    if isinstance(value, str):
        yield value, where
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _strings(inner, where.at(str(key)))
    elif isinstance(value, list | tuple):
        for i, inner in enumerate(value):
            yield from _strings(inner, where.at(i))


def _inner(text: str) -> str:
    whole = text.strip()
    return whole[2:-1] if whole.startswith("${") and whole.endswith("}") else whole
