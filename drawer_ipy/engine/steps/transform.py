"""``kind: transform`` (reserved in the original): compute the output, or extract it from a page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from drawer_ipy.buttons.travelling import TravellingPart
from drawer_ipy.common.notes import Note
from drawer_ipy.definition.steps.transform import TransformStep
from drawer_ipy.engine.backends.travel import WHERE
from drawer_ipy.engine.context import Context
from drawer_ipy.engine.elsewhere import Elsewhere
from drawer_ipy.engine.plan import Compiler, roots_of
from drawer_ipy.engine.step import StepRunner, fail_bare, fail_with
from drawer_ipy.errors import Code, DrawerError, ResolveError, UsageError
from drawer_ipy.expressions import Template, compile_expression, compile_value
from drawer_ipy.record.step import StepResult
from drawer_ipy.scrape.page import ExtractError
from drawer_ipy.scrape.reader import PageReader, PageValues
from drawer_ipy.scrape.sniff import is_xml
from drawer_ipy.scrape.spec import Extraction, read_extraction, read_manner

if TYPE_CHECKING:
    from drawer_ipy.buttons.http.page_outcome import Page


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
        self._reader: PageReader | None = None
        self._part: TravellingPart | None = None
        if model.extract is not None:
            self._reader = PageReader(_extraction(model))
            self._page = self._compile(model.from_)
            self._url = compile_value(model.url)
            self._leaves.append(self._url)
            self._backend = compiler.backend
            if self._backend:
                self._part = TravellingPart(model.id, "`extract`", self._reader, ("text", "url", "xml"))
                compiler.plans.backends.add(self._backend, self._part)
        self.roots: frozenset[str] = roots_of(*self._leaves)

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
        if not self._given and self._reader is None:
            fail_bare(result, "an `expression`")
            return
        try:
            if self._reader is None:
                result.output = _resolve(self._shape, ctx)
            else:
                await self._extract(self._reader, ctx, result)
        except (ResolveError, NoPage) as error:
            fail_with(result, error)

    async def _extract(self, reader: PageReader, ctx: Context, result: StepResult) -> None:
        url = self._url.resolve(ctx.scope)
        page = _resolve(self._page, ctx)
        notes: list[Note] = []
        if self._part is None:
            result.output = await extract_from(page, read_here(reader), str(url or ""), notes)
        else:
            away = Elsewhere(self._part, self._backend, ctx.session, ctx.pausing)
            try:
                result.output = await extract_from(page, read_on(away), str(url or ""), notes)
            finally:
                result.about = {WHERE: away.where}
        for note in notes:
            ctx.session.note(note.of(f"step {self.id!r}"))


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


Read = Callable[["Page"], Awaitable[PageValues]]
"""Reads a page. Raises NoPage if it cannot be read at all."""


def read_here(reader: PageReader) -> Read:
    """Return the function that reads pages in this process."""

    async def read(page: Page) -> PageValues:
        return reader(page.text, page.url, page.xml)

    return read


def read_on(away: Elsewhere) -> Read:
    """Return the function that reads pages on a backend."""

    async def read(page: Page) -> PageValues:
        answer = await away(page.text, page.url, page.xml)
        if answer.error is not None:
            raise NoPage(answer.error.message, code=answer.error.code, remediation=answer.error.remediation)
        values: PageValues = answer.output
        return values

    return read


async def extract_from(page: Any, read: Read, url: str, notes: list[Note]) -> Any:
    """Extract values from one page, or from each page of a list.

    Args:
        page: its text or bytes, or a mapping with ``text`` or ``bytes``, ``url`` and ``headers``, which a
            request with ``output: full`` returns; or a list of those.
        read: takes the values from a page.
        url: the page's URL; if empty, the URL in the mapping.
        notes: receives the notes for the user about the page.

    Raises:
        NoPage: `page` is not a page, or a required field is missing from it.
    """
    if isinstance(page, list | tuple):
        return [await extract_from(one, read, url, notes) for one in page]
    try:
        found = _page(page, url)
    except ExtractError as error:
        raise NoPage(str(error)) from None
    values = await read(found)
    notes += (*found.notes, *values.notes)
    if values.error:
        hint = "remove the `!` to get null instead" if values.misses else ""
        raise NoPage(values.error, remediation=hint)
    return values.extracted


def _page(page: Any, url: str) -> Page:
    """Read `page` as a page. Raises NoPage and ExtractError."""
    from drawer_ipy.buttons.http.page_outcome import Page, page_from

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
