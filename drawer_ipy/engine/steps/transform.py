"""``kind: transform`` (reserved in the original): compute the output, or extract it from a page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from drawer_ipy.buttons.http.page_outcome import Page, page_from
from drawer_ipy.common.notes import Note
from drawer_ipy.definition.steps.transform import TransformStep
from drawer_ipy.engine.context import Context
from drawer_ipy.engine.plan import Compiler, roots_of
from drawer_ipy.engine.step import StepRunner, fail_bare, fail_with
from drawer_ipy.errors import Code, DrawerError, ResolveError, UsageError
from drawer_ipy.expressions import Template, compile_expression, compile_value
from drawer_ipy.record.step import StepResult
from drawer_ipy.scrape.page import ExtractError, extract
from drawer_ipy.scrape.sniff import is_xml
from drawer_ipy.scrape.spec import Extraction, read_extraction, read_manner


class TransformRunner(StepRunner):
    """Its output is the value of ``expression``, or the values of a mapping or list of expressions.

    A text is an expression with or without ``${}``, as in ``over`` and ``when``. With ``extract``, the output
    is what the selectors find in the page from ``from``.
    """

    def __init__(self, model: TransformStep, compiler: Compiler) -> None:
        super().__init__(model, compiler)
        self._given = model.expression is not None
        self._leaves: list[Template] = []
        self._shape = self._compile(model.expression)
        self._extraction: Extraction | None = None
        if model.extract is not None:
            self._extraction = _extraction(model)
            self._page = self._compile(model.from_)
            self._url = compile_value(model.url)
            self._leaves.append(self._url)
        self.roots = roots_of(*self._leaves)

    def _compile(self, value: Any) -> Any:
        """Return `value` with each text replaced by its template."""
        if isinstance(value, Mapping):
            return {key: self._compile(v) for key, v in value.items()}
        if isinstance(value, list):
            return [self._compile(v) for v in value]
        template = compile_expression(value) if isinstance(value, str) else compile_value(value)
        self._leaves.append(template)
        return template

    async def run(self, ctx: Context, result: StepResult) -> None:
        """Resolve every expression; the first that cannot be resolved fails the step."""
        if not self._given and self._extraction is None:
            fail_bare(result, "an `expression`")
            return
        try:
            if self._extraction is None:
                result.output = _resolve(self._shape, ctx)
            else:
                url = self._url.resolve(ctx.scope)
                page = _resolve(self._page, ctx)
                notes: list[Note] = []
                result.output = extract_from(page, self._extraction, str(url or ""), notes)
                for note in notes:
                    ctx.session.note(note.of(f"step {self.id!r}"))
        except (ResolveError, NoPage) as error:
            fail_with(result, error)


def _extraction(model: TransformStep) -> Extraction:
    """The extraction that the step declares.

    Raises:
        UsageError: the declaration is invalid; the error describes the first problem.
    """
    manner, troubles = read_manner(model.namespaces, model.decimal)
    extraction, found = read_extraction(model.extract, manner)
    troubles += [replace(one, path=("extract", *one.path)) for one in found]
    for one in troubles:
        if not one.soft:
            where = ".".join(map(str, one.path))
            raise UsageError(f"step {model.id!r}: {where}: {one.message}", remediation=one.remediation)
    return extraction


def _resolve(shape: Any, ctx: Context) -> Any:
    if isinstance(shape, dict):
        return {key: _resolve(value, ctx) for key, value in shape.items()}
    if isinstance(shape, list):
        return [_resolve(value, ctx) for value in shape]
    return shape.resolve(ctx.scope)


_HINT = (
    "`from` must be the text of a page, the full response of a request (`output: full`), or a list of them"
)


_MOST_OPENED = 100 * 1024 * 1024
"""Most bytes of a compressed page after decompression."""


class NoPage(DrawerError):
    """There is no page, or a required field is missing from it."""

    default_code = Code.EXTRACT_ERROR


def extract_from(page: Any, extraction: Extraction, url: str, notes: list[Note]) -> Any:
    """Apply `extraction` to one page, or to each page of a list.

    Args:
        page: its text or bytes, or a mapping with ``text`` or ``bytes``, ``url`` and ``headers``, which a
            request with ``output: full`` returns; or a list of those.
        url: the page's URL; if empty, the URL in the mapping.
        notes: receives the notes for the user about the page.

    Raises:
        NoPage: `page` is not a page, or a required field is missing from it.
    """
    if isinstance(page, list | tuple):
        return [extract_from(one, extraction, url, notes) for one in page]
    try:
        found = _page(page, url)
        notes += found.notes
        return extract(extraction, found.text, found.url, xml=found.xml, notes=notes)
    except ExtractError as error:
        hint = "remove the `!` to get null instead" if error.misses else ""
        raise NoPage(str(error), remediation=hint) from None


def _page(page: Any, url: str) -> Page:
    """Read `page` as a page. Raises NoPage and ExtractError."""
    content, kind = page, ""
    if isinstance(page, Mapping):
        content = page.get("text", page.get("bytes"))
        url = url or str(page.get("url") or "")
        headers = page.get("headers")
        kind = str(headers.get("content-type", "")) if isinstance(headers, Mapping) else ""
    if isinstance(content, bytes):
        return page_from(kind, content, url, _MOST_OPENED)
    if not isinstance(content, str):
        what = "null" if content is None else f"a {type(content).__name__}"
        raise NoPage(f"expected a page to extract from, got {what}", remediation=_HINT)
    return Page(content, url, is_xml(kind.partition(";")[0].strip().lower(), content))
