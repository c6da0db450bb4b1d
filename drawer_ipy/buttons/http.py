"""Buttons that are HTTP requests: a URL, headers and a body with places for arguments."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from drawer_ipy.buttons.arguments import Arguments
from drawer_ipy.buttons.base import Caching, Call, Outcome, Pages
from drawer_ipy.buttons.caching import lasting
from drawer_ipy.buttons.http_caching import HttpCaching
from drawer_ipy.buttons.http_client import HttpClient
from drawer_ipy.buttons.http_failure import RequestFailed
from drawer_ipy.buttons.http_pages import PagesInTurn, outcome_of_page
from drawer_ipy.buttons.http_proxy import ProxyTemplate
from drawer_ipy.buttons.http_request import Request, RequestTemplate
from drawer_ipy.buttons.http_response import Response, outcome_of
from drawer_ipy.buttons.http_save import SavePath
from drawer_ipy.cache.canonical import Uncacheable
from drawer_ipy.definition.models import ArgSpec, ButtonSpec
from drawer_ipy.definition.pages import Asked, read_asked
from drawer_ipy.errors import Alarm, DrawerError, UsageError

DEFAULT_TIMEOUT = 30.0
_UNVERIFIED = "whoever is between it and a server can read and change what is sent"


class HttpButton:
    """A request as a button; the output is the body (JSON as its value, text, or bytes).

    With ``output: full`` it is the whole answer, see :meth:`Response.record`; with ``save`` the file's path.
    The host is the template's; arguments only fill the path, the query, headers and the body, each
    escaped for its place. A template may also leave the URL, or its beginning, to the caller: ``{{url}}``,
    ``{{site}}/items/{{id}}``. Redirects are followed, each checked like the first request. With ``extract``
    the output is what is taken from the page, with ``follow`` from all the pages that follow one another.

    Args:
        spec: a specification with a ``url``. Where it declares no arguments, the places in the templates
            are the arguments.
        allowed_origins: origins (``http://127.0.0.1:8000``) that are no danger though they are private:
            the demo sites this process serves. Asked at every request.

    Raises:
        UsageError: when the URL is not one, see UrlTemplate, or something else in `spec` cannot be right.
    """

    kind = "http"
    open_args = True

    def __init__(self, spec: ButtonSpec, allowed_origins: Callable[[], Collection[str]] = tuple) -> None:
        self.name = spec.name
        self.timeout: float | None = spec.timeout_seconds or DEFAULT_TIMEOUT
        self.output_schema: Mapping[str, Any] | None = spec.output_schema
        self.rate = spec.rate
        self.queue = spec.queue
        self._full = spec.output == "full"
        self._template = RequestTemplate(spec)
        self._save = SavePath(spec.save, spec.name) if spec.save else None
        self._proxy = ProxyTemplate(spec.proxy, spec.name) if spec.proxy else None
        self._client = HttpClient(spec, allowed_origins)
        self._unverified = spec.verify is False
        self._asked = _asked(spec)
        self.pages: Pages | None = None
        if self._asked is not None and self._asked.follow is not None:
            self.pages = PagesInTurn(spec.name, self._asked)
        lasts = lasting(spec.cache, spec.name)
        self.caching: Caching | None = None
        if lasts is not None:
            self.caching = HttpCaching(
                lasts, self._whole, self._outcome, cookies=spec.cookies, verified=spec.verify is not False
            )
        self.args = tuple(spec.args) or self._implied()
        self._arguments = Arguments(self.args, self.name)

    def _implied(self) -> tuple[ArgSpec, ...]:
        names = dict.fromkeys((*self._template.names, *(self._save.names if self._save else ())))
        return tuple(ArgSpec(name=name, type="any", required=True) for name in names)

    def bind(self, args: Mapping[str, Any]) -> Mapping[str, Any]:
        """The request `args` come to. Raises ArgumentError, see base.Button.

        Returns:
            The ``values`` by name, the ``request`` they make, and ``save``: the body's file, or ``None``.
        """
        values = self._arguments.values(args)
        save = None if self._save is None else self._save.fill(values)
        return {"values": values, "request": self._template.fill(values), "save": save}

    async def press(self, bound: Mapping[str, Any], call: Call) -> Outcome:
        """Send it; see base.Button."""
        try:
            response = await self.fetch(bound["request"], bound, call)
        except DrawerError as error:
            outcome = failed(error)
        else:
            outcome = self._outcome(response)
        if self._unverified and not outcome.note:
            outcome.note = Alarm(
                f"button {self.name!r} checks no certificates (`verify: false`): {_UNVERIFIED}"
            )
        return outcome

    def _outcome(self, response: Response) -> Outcome:
        """What a press comes to that was answered so."""
        if self._asked is None:
            outcome = outcome_of(response, self._full)
        else:
            outcome = outcome_of_page(response, self._asked, self._full)
        outcome.pushed_back = response.pushed_back
        if response.note:
            outcome.note = f"button {self.name!r}: {response.note}"
        if self.caching is not None:
            outcome.kept = response
        return outcome

    async def fetch(self, request: Request, bound: Mapping[str, Any], call: Call) -> Response:
        """The answer to `request`, which is that of `bound` or one made from it.

        Raises:
            RequestFailed: when there is no whole answer.
            DrawerError: when it is refused, or a header refers to what is not there.
        """
        request = self._with_secrets(request, bound, call)
        proxy = None if self._proxy is None else self._proxy.resolve(call.scope())
        return await self._client.fetch(request, call, save=bound["save"], proxy=proxy)

    def _with_secrets(self, request: Request, bound: Mapping[str, Any], call: Call) -> Request:
        if not self._template.has_secrets or bound.get("abroad"):
            return request
        return self._template.with_secrets(request, bound["values"], call.scope())

    def _whole(self, bound: Mapping[str, Any], call: Call) -> Request:
        try:
            return self._with_secrets(bound["request"], bound, call)
        except DrawerError as error:
            raise Uncacheable(f"its request cannot be made: {error.message}") from None


def _asked(spec: ButtonSpec) -> Asked | None:
    """What is to be taken from pages, ``None`` when nothing.

    Raises:
        UsageError: the first thing that is wrong with it.
    """
    asked, troubles = read_asked(spec)
    for one in troubles:
        if not one.soft:
            where = ".".join(map(str, one.path))
            raise UsageError(f"button {spec.name!r}: {where}: {one.message}", remediation=one.remediation)
    return asked


def failed(error: DrawerError) -> Outcome:
    """The outcome of a request that came to no answer."""
    if not isinstance(error, RequestFailed):
        return Outcome(status="error", error=error.info(), exit_code=-1)
    return Outcome(
        status="timeout" if error.timed_out else "error",
        error=error.info(),
        exit_code=-1,
        stderr=error.detail,
        retry_after=error.retry_after,
    )
