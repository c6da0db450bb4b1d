"""HTTP request buttons: a URL, headers and a body with placeholders for arguments."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from drawer_ipy.buttons.arguments import Arguments, is_int, shorten, to_text
from drawer_ipy.buttons.base import Caching, Call, Outcome, Pages
from drawer_ipy.buttons.cache_keys import lasting
from drawer_ipy.buttons.http.auth import authorizer_of
from drawer_ipy.buttons.http.bound import BoundRequest
from drawer_ipy.buttons.http.client import HttpClient
from drawer_ipy.buttons.http.failure import RequestFailed
from drawer_ipy.buttons.http.following import PagesInTurn, ReadPage, outcome_of_page, page_to_read
from drawer_ipy.buttons.http.freshness import HttpCaching
from drawer_ipy.buttons.http.paging import PagesByParameter, Parameter
from drawer_ipy.buttons.http.proxy import ProxyTemplate
from drawer_ipy.buttons.http.refresh import refreshed
from drawer_ipy.buttons.http.request import Request, RequestTemplate
from drawer_ipy.buttons.http.response import Response, outcome_of
from drawer_ipy.buttons.http.save import SavePath
from drawer_ipy.buttons.http.saved import SavedFiles
from drawer_ipy.buttons.http.sitemap import SitemapInTurn, outcome_of_sitemap
from drawer_ipy.buttons.http.upload import Upload
from drawer_ipy.buttons.travelling import TravellingPart, failed_outcome
from drawer_ipy.cache.canonical import Uncacheable
from drawer_ipy.common.threads import Threads
from drawer_ipy.definition.backends import STAYS
from drawer_ipy.definition.button_runtimes import Setting
from drawer_ipy.definition.checking.requests import request_troubles, token_buttons
from drawer_ipy.definition.extract import Asked, read_asked
from drawer_ipy.definition.faults import refuse
from drawer_ipy.definition.follow import Counted, Cursor
from drawer_ipy.definition.models import ArgSpec, ButtonSpec, Queue
from drawer_ipy.definition.statuses import read_statuses
from drawer_ipy.errors import Alarm, ArgumentError, DrawerError

DEFAULT_TIMEOUT = 30.0
_READ = ("text", "url", "xml")
_UNVERIFIED = "anyone on the way to the server can read and change what is sent"


class HttpButton:
    """A button that sends a request; the output is the body (the value of JSON, text, or bytes).

    With ``output: full`` the output is the whole response, see :meth:`Response.record`; with
    ``output: text`` it is the body as text whatever its type; with ``save`` it is the path of the file.
    The template fixes the host. Arguments fill only the path, the query, headers and the body, each
    escaped for its place. A template may also leave the URL, or its beginning, to the caller: ``{{url}}``,
    ``{{site}}/items/{{id}}``. Redirects are followed, and each is checked like the first request. With
    ``extract`` the output is the data extracted from the page, with ``follow`` from all pages in turn. The
    kernel sends the requests; a backend may read the pages, as the button's ``part``.

    Args:
        spec: a specification with a ``url``. If it declares no arguments, the
            placeholders in it are its arguments.
        allowed_origins: private origins (``http://127.0.0.1:8000``) that requests may still go to: the
            demo sites that this process serves. Read at every request.

    Raises:
        UsageError: the URL is invalid, see UrlTemplate, or something else in `spec` is.
    """

    kind = "http"
    open_args = True

    def __init__(self, spec: ButtonSpec, allowed_origins: Callable[[], Collection[str]] = tuple) -> None:
        self.name: str = spec.name
        self.spec: ButtonSpec | None = spec
        self.timeout: float | None = spec.timeout_seconds or DEFAULT_TIMEOUT
        self.output_schema: Mapping[str, Any] | None = spec.output_schema
        self.rate: Any = spec.rate
        self.queue: Queue | None = spec.queue
        self._full = spec.output == "full"
        self._as_text = spec.output == "text"
        refuse(spec.name, request_troubles(spec))
        self._template = RequestTemplate(spec)
        self._save = SavePath(spec.save, spec.name) if spec.save else None
        self._proxy = ProxyTemplate(spec.proxy, spec.name) if spec.proxy else None
        self._client = HttpClient(spec, allowed_origins)
        self._unverified = spec.verify is False
        self.backend: str = spec.backend
        self._asked = _asked(spec)
        self._reader = None if self._asked is None else self._asked.reader()
        self.part: TravellingPart | None = (
            None if self._reader is None else TravellingPart(spec.name, "`extract`", self._reader, _READ)
        )
        self.stays: str = "" if self.part else STAYS["http"]
        self._meta_refresh = spec.meta_refresh
        self._accepts = read_statuses(spec.ok_status)
        self._auth = authorizer_of(spec.auth)
        self.needs: tuple[str, ...] = token_buttons(spec)
        lasts = lasting(spec.cache, spec.name)
        self.caching: Caching | None = None
        if lasts is not None:
            variant = "meta_refresh" if spec.meta_refresh else ""
            self.caching = HttpCaching(
                lasts,
                self._whole,
                self._outcome_of,
                cookies=spec.cookies,
                save=self._save,
                variant=variant,
                verified=spec.verify is not False,
            )
        self.args: tuple[ArgSpec, ...] = tuple(spec.args) or self._implied()
        self._parameter: Parameter | None = None
        self.pages: Pages | None = None if self._asked is None else self._pages(spec, self._asked)
        self._arguments = Arguments(self.args, self.name)

    def _pages(self, spec: ButtonSpec, asked: Asked) -> Pages | None:
        if asked.sitemap:
            return SitemapInTurn(spec.name, asked)
        rule = asked.follow
        if not isinstance(rule, Cursor | Counted):
            return None if rule is None else PagesInTurn(spec.name, asked)
        self._parameter = Parameter.of(rule.into, spec, tuple(arg.name for arg in self.args))
        # Pages supply these arguments, so the caller need not.
        self.args = tuple(
            arg.model_copy(update={"required": False}) if arg.name == rule.into else arg for arg in self.args
        )
        return PagesByParameter(spec.name, asked, self._parameter, self._again)

    def _again(self, bound: BoundRequest, value: Any) -> BoundRequest:
        """Return the press of the page whose cursor, number or offset is `value`."""
        if self._parameter is None or self._parameter.where != "argument":
            return bound._replace(at=value)
        values = {**bound.values, self._parameter.name: value}
        return bound._replace(values=values, request=self._template.fill(values), at=value)

    def _from_start(self, values: dict[str, Any], save: Path | None) -> BoundRequest:
        """Return the press of the first page when pages are counted."""
        rule, parameter = self._asked and self._asked.follow, self._parameter
        if not isinstance(rule, Counted) or parameter is None:
            return BoundRequest(values, self._template.fill(values), save)
        start: int | None = rule.start
        if parameter.where == "argument":
            given = values.get(parameter.name)
            if given is not None and not is_int(to_text(given)):
                raise ArgumentError(
                    f"argument {parameter.name!r} counts pages, and {shorten(given)} is not a number"
                )
            start = int(given) if given is not None else rule.usual_start if start is None else start
            values = {**values, parameter.name: start}
        request = self._template.fill(values)
        if start is None:
            start = parameter.now(request)
        return BoundRequest(values, request, save, rule.usual_start if start is None else start)

    def _implied(self) -> tuple[ArgSpec, ...]:
        several = [self._template.names, *(part.names for part in (self._save, self._auth) if part)]
        names = dict.fromkeys(name for names in several for name in names)
        return tuple(ArgSpec(name=name, type="any", required=True) for name in names)

    def bind(self, args: Mapping[str, Any]) -> BoundRequest:
        """Return the press for `args`. Raises ArgumentError, see base.Button."""
        values = self._arguments.values(args)
        save = None if self._save is None else self._save.fill(values)
        if self._parameter is not None:
            return self._from_start(values, save)
        return BoundRequest(values, self._template.fill(values), save)

    async def press(self, bound: BoundRequest, call: Call) -> Outcome:
        """Send the request; see base.Button."""
        try:
            if self._save is None or bound.save is None:
                response = await self.fetch(bound.request, bound, call)
            else:
                response = await self._fetch_to_file(bound.save, self._save.folder, bound, call)
        except DrawerError as error:
            outcome = failed(error)
        else:
            outcome = await self._outcome_of(response, call)
        if self._unverified and not outcome.note:
            outcome.note = Alarm(
                f"button {self.name!r} does not verify certificates (`verify: false`): {_UNVERIFIED}"
            )
        return outcome

    async def _fetch_to_file(self, path: Path, folder: Path, bound: BoundRequest, call: Call) -> Response:
        """Like :meth:`fetch`, but save the body to the file `path` below `folder`."""
        saved, request = call.resources.lasting(SavedFiles), bound.request
        with saved.saving(path, folder, request, call):
            return await self.fetch(request, bound, call)

    async def _outcome_of(self, response: Response, call: Call) -> Outcome:
        """Return the outcome of a press with this response; a page is read elsewhere if `call` says so."""
        if call.elsewhere is None:
            return self._outcome(response)
        page = page_to_read(response, self._reader, self._client.limit, self._accepts)
        if page is None:
            return self._outcome(response)
        answer = await call.elsewhere(page.text, page.url, page.xml)
        if answer.error is not None:
            outcome = failed_outcome(answer, response.about())
            outcome.pushed_back = response.pushed_back
            return outcome
        return self._outcome(response, ReadPage(page, answer.output))

    def _outcome(self, response: Response, read: ReadPage | None = None) -> Outcome:
        if self._asked is None:
            outcome = outcome_of(response, self._full, self._as_text, self._accepts)
        elif self._asked.sitemap:
            outcome = outcome_of_sitemap(response, self._client.limit, self._accepts)
        else:
            outcome = outcome_of_page(
                response,
                self._asked,
                self._reader,
                self._client.limit,
                full=self._full,
                as_text=self._as_text,
                accepts=self._accepts,
                read=read,
            )
        if self._save is not None and response.path is None and not self._full:
            outcome.output = None  # a failure that `ok_status` accepts has no file
        if outcome.notes:
            outcome.notes = tuple(note.of(f"button {self.name!r}") for note in outcome.notes)
        outcome.pushed_back = response.pushed_back
        if response.note:
            outcome.note = f"button {self.name!r}: {response.note}"
        if self.caching is not None:
            outcome.kept = response
        return outcome

    async def fetch(self, request: Request, bound: BoundRequest, call: Call) -> Response:
        """Return the response to `request`, which is that of `bound` or derived from it.

        Raises:
            RequestFailed: there is no complete response.
            DrawerError: the request is refused, or a header refers to a missing value.
        """
        request = self._with_secrets(request, bound, call)
        proxy = None if self._proxy is None else self._proxy.resolve(call.scope())
        if isinstance(request.body, Upload):
            request = replace(request, body=request.body.reading(call.resources.get(Threads).submit))

        if self._auth is None and not self._meta_refresh:
            return await self._client.fetch(request, call, save=bound.save, proxy=proxy)

        def send(one: Request) -> Awaitable[Response]:
            return self._client.fetch(one, call, save=bound.save, proxy=proxy)

        def authorized(one: Request, *, at_home: bool) -> Awaitable[Response]:
            if self._auth is None or not at_home or bound.is_abroad:
                return send(one)
            return self._auth.send(one, bound.values, call, send)

        response = await authorized(request, at_home=True)
        if not self._meta_refresh:
            return response

        async def ask(further: Request, at_home: bool) -> Response:
            if call.turn is not None:
                await call.turn()
            return await authorized(further, at_home=at_home)

        return await refreshed(request, response, ask)

    def _with_secrets(self, request: Request, bound: BoundRequest, call: Call) -> Request:
        if self._template.has_secrets and not bound.is_abroad:
            followed = bound.is_followed
            request = self._template.with_secrets(request, bound.values, call.scope(), followed=followed)
            if self._template.has_credentials:
                call.hide(request.headers["Authorization"].partition(" ")[2])
        if self._parameter is not None and (value := bound.at) is not None:
            request = self._parameter.put(request, value)
        return request

    def _whole(self, bound: BoundRequest, call: Call) -> Request:
        try:
            request = self._with_secrets(bound.request, bound, call)
            if self._auth is None or bound.is_abroad:
                return request
            # Never sent; it keeps the responses for one user apart from those for another.
            return request.with_headers({"Authorization": self._auth.identity(bound.values, call)})
        except DrawerError as error:
            raise Uncacheable(f"the request cannot be built: {error.message}") from None


def _asked(spec: ButtonSpec) -> Asked | None:
    """Return what to extract from pages, ``None`` for nothing.

    Raises:
        UsageError: for the first error in the specification.
    """
    asked, troubles = read_asked(spec)
    refuse(spec.name, troubles)
    return asked


def make_request(spec: ButtonSpec, setting: Setting) -> HttpButton:
    """Return a request as a button."""
    return HttpButton(spec, setting.allowed_origins)


def failed(error: DrawerError) -> Outcome:
    """Return the outcome of a request without a response."""
    if not isinstance(error, RequestFailed):
        return Outcome(status="error", error=error.info(), exit_code=-1)
    return Outcome(
        status="timeout" if error.timed_out else "error",
        error=error.info(),
        exit_code=-1,
        stderr=error.detail,
        retry_after=error.retry_after,
    )
