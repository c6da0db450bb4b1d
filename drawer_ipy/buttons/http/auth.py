"""``auth: {digest: ...}`` and ``{token: button}``: credentials that depend on what a server or a button says.

What is known is shared by all requests of a run: a digest's challenge, and a token, which its button gives
once for all that wait, and again after a 401.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from drawer_ipy.buttons.arguments import shorten, to_text
from drawer_ipy.buttons.base import Button, Call
from drawer_ipy.buttons.http.credentials import Login, sound_token
from drawer_ipy.buttons.http.digest import Challenge, read_challenge
from drawer_ipy.buttons.http.field import FieldTemplate
from drawer_ipy.buttons.http.redirect import without_body
from drawer_ipy.buttons.http.request import Request
from drawer_ipy.buttons.http.response import Response
from drawer_ipy.buttons.http.rules import origin
from drawer_ipy.definition.button_fields import Auth, TokenPress
from drawer_ipy.errors import ArgumentError, DrawerError, UsageError

_UNAUTHORIZED = 401
_MOST_CHALLENGES = 2
"""Answers to challenges by one request: the second where the nonce of the first had grown stale."""

_MOST_TOKENS = 3
"""Further tokens that one request is sent with, where each was good for others until then."""

_FAILURE_HOLDS = 2.0
"""Seconds for which all requests share a failure to get a token; a thousand items log in once."""

_LEEWAY = 10.0

Values = Mapping[str, Any]
Fetch = Callable[[Request], Awaitable[Response]]


class Authorizer(Protocol):
    """Sends requests with credentials.

    Attributes:
        names: the arguments it refers to.
    """

    names: tuple[str, ...]

    async def send(self, request: Request, values: Values, call: Call, fetch: Fetch) -> Response:
        """The answer to `request`, which `fetch` gets. Raises DrawerError where credentials cannot be had."""

    def identity(self, values: Values, call: Call) -> str:
        """Who sends the request: answers to others are not used in its place."""


def authorizer_of(auth: Auth | None) -> Authorizer | None:
    """What sends the requests of a button with `auth`; ``None`` where nothing has to be found out."""
    if auth is not None and auth.digest is not None:
        return DigestAuth(Login(auth.digest))
    return TokenAuth(auth.token) if auth is not None and auth.token else None


async def _again(request: Request, call: Call, fetch: Fetch) -> Response:
    if call.turn is not None:
        await call.turn()
    return await fetch(request)


def _refused(request: Request, response: Response) -> bool:
    """Whether the server that the credentials are meant for asks for others."""
    return response.status == _UNAUTHORIZED and origin(response.url) == origin(request.url)


def _where_refused(request: Request, response: Response) -> Request:
    """The request that was refused, which redirects may have made of `request`."""
    if response.url == request.url:
        return request
    here = replace(request, method=response.method, url=response.url, address=response.address)
    if response.method == request.method:
        return here
    return replace(here, headers=without_body(request.headers), body=None)


class _Challenges:
    """What servers have asked for in this run, by origin and user."""

    def __init__(self) -> None:
        self.known: dict[Any, Challenge] = {}

    async def aclose(self) -> None:
        self.known.clear()


class DigestAuth:
    """The Digest scheme: a challenge is answered, and remembered for the requests that follow."""

    def __init__(self, login: Login) -> None:
        self._login = login
        self.names = login.names

    def identity(self, values: Values, call: Call) -> str:
        """See :class:`Authorizer`."""
        return f"digest {self._login.fill(values, call.scope())[0]}"

    async def send(self, request: Request, values: Values, call: Call, fetch: Fetch) -> Response:
        """See :class:`Authorizer`."""
        user, password = self._login.fill(values, call.scope())
        known = call.resources.get(_Challenges).known
        place = origin(request.url), user

        def answered(challenge: Challenge, asked: Request) -> Request:
            header = challenge.answer(asked.method, asked.target, user, password)
            return asked.with_headers({"Authorization": header})

        challenge = known.get(place)
        response = await fetch(request if challenge is None else answered(challenge, request))
        for attempt in range(_MOST_CHALLENGES):
            if not _refused(request, response):
                break
            found = read_challenge(_all(response.headers, "WWW-Authenticate"))
            if found is None or (attempt and not found.stale):
                break
            known[place] = found
            response = await _again(answered(found, _where_refused(request, response)), call, fetch)
        return response


def _all(headers: Mapping[str, str], name: str) -> list[str]:
    return [value for found, value in headers.items() if found.lower() == name.lower()]


@dataclass(slots=True, eq=False)
class _Token:
    """A token.

    Attributes:
        header: what is sent.
        expires: when it is of no more use, on the monotonic clock; ``None`` where that is not known.
        renewed: whether it took the place of one that was refused.
        accepted: whether a server has taken it.
    """

    header: str
    expires: float | None
    renewed: bool = False
    accepted: bool = False


class TokenFailed(DrawerError):
    """The button that gives a token gave none."""


class _Source:
    """Where the token of all requests with the same credentials comes from."""

    def __init__(self) -> None:
        self._token: _Token | None = None
        self._flight: asyncio.Future[None] | None = None
        self._failure: tuple[TokenFailed, float] | None = None

    async def token(self, press: Callable[[], Awaitable[_Token]], refused: _Token | None = None) -> _Token:
        """The token to send, pressed for by one of those who wait for it.

        Args:
            refused: the one that was just refused.

        Raises:
            TokenFailed: there is none.
        """
        while True:
            if self._flight is not None:
                # Shielded: one who gives up waiting must not take the token from the others.
                await asyncio.shield(self._flight)
                continue
            now = time.monotonic()
            if self._failure is not None and now < self._failure[1]:
                error = self._failure[0]
                raise TokenFailed(error.message, code=error.code, remediation=error.remediation)
            token = self._token
            if token is not None and token is not refused and (token.expires is None or now < token.expires):
                return token
            return await self._pressed(press, renewed=refused is not None)

    async def _pressed(self, press: Callable[[], Awaitable[_Token]], *, renewed: bool) -> _Token:
        flight = self._flight = asyncio.get_running_loop().create_future()
        try:
            token = await press()
            token.renewed = renewed
            self._token, self._failure = token, None
            return token
        except TokenFailed as error:
            self._failure = error, time.monotonic() + _FAILURE_HOLDS
            raise
        finally:
            self._flight = None
            flight.set_result(None)


class _Sources:
    """The sources of a run, by button and arguments."""

    def __init__(self) -> None:
        self.known: dict[tuple[Button, str], _Source] = {}

    async def aclose(self) -> None:
        self.known.clear()


class TokenAuth:
    """A token that another button gives: as its text, or as ``{access_token, expires_in}``."""

    def __init__(self, token: str | TokenPress) -> None:
        self._name = token if isinstance(token, str) else token.button
        given = {} if isinstance(token, str) else token.args
        self._args = {name: FieldTemplate(value) for name, value in given.items()}
        self.names = tuple(dict.fromkeys(name for one in self._args.values() for name in one.names))

    def _filled(self, values: Values, call: Call) -> dict[str, Any]:
        return {name: template.value(values, call.scope()) for name, template in self._args.items()}

    def identity(self, values: Values, call: Call) -> str:
        """See :class:`Authorizer`."""
        return f"token {self._name} {to_text(self._filled(values, call))}"

    async def send(self, request: Request, values: Values, call: Call, fetch: Fetch) -> Response:
        """See :class:`Authorizer`."""
        button = call.helpers.get(self._name)
        if button is None:
            raise UsageError(f"there is no button {self._name!r}, which `auth: {{token: ...}}` presses")
        args = self._filled(values, call)
        place = button, to_text(args)
        source = call.resources.get(_Sources).known.setdefault(place, _Source())

        async def press() -> _Token:
            return await _press(button, args, call)

        token = await source.token(press)
        response = await fetch(request.with_headers({"Authorization": token.header}))
        for _ in range(_MOST_TOKENS):
            # Where a fresh token does not help, another one will not.
            if not _refused(request, response) or (token.renewed and not token.accepted):
                break
            token = await source.token(press, refused=token)
            again = _where_refused(request, response).with_headers({"Authorization": token.header})
            response = await _again(again, call, fetch)
        token.accepted = token.accepted or response.status != _UNAUTHORIZED
        return response


async def _press(button: Button, args: Mapping[str, Any], call: Call) -> _Token:
    """What `button` gives as a token. Raises TokenFailed."""
    inputs = {spec.name: call.inputs[spec.name] for spec in button.args if spec.name in call.inputs}
    began = time.monotonic()
    try:
        bound = button.bind({**inputs, **args})
    except ArgumentError as error:
        raise TokenFailed(_told(button, error.message), remediation=error.remediation) from None
    pressing = replace(call, timeout=button.timeout, turn=None)
    outcome = await button.press(bound, pressing)
    if (failure := outcome.error) is not None:
        raise TokenFailed(_told(button, failure.message), code=failure.code, remediation=failure.remediation)
    try:
        header, lasts = _read(outcome.output, button.name)
    except ArgumentError as error:
        raise TokenFailed(error.message, remediation=error.remediation) from None
    call.hide(header.partition(" ")[2])
    expires = None if lasts is None else began + lasts - min(_LEEWAY, lasts / 10)
    return _Token(header, expires)


def _told(button: Button, message: str) -> str:
    return f"button {button.name!r} gave no token: {message}"


def _read(output: Any, name: str) -> tuple[str, float | None]:
    """The header that a token's button asks for, and the seconds for which it lasts.

    Raises:
        ArgumentError: its output holds no token.
    """
    where = f"auth: {{token: {name}}}"
    if isinstance(output, str):
        return f"Bearer {sound_token(output, where)}", None
    if isinstance(output, Mapping):
        if isinstance(output.get("json"), Mapping):  # `output: full`
            output = output["json"]
        token = output.get("access_token", output.get("token"))
        if isinstance(token, str):
            kind = str(output.get("token_type") or "Bearer").strip()
            kind = "Bearer" if kind.lower() == "bearer" else sound_token(kind, where)
            return f"{kind} {sound_token(token, where)}", _seconds(output.get("expires_in"))
    raise ArgumentError(
        f"button {name!r} gave no token but {shorten(output)}",
        remediation="its output must be the token as text, or {access_token: ..., expires_in: ...}",
    )


def _seconds(given: Any) -> float | None:
    try:
        return None if given is None or isinstance(given, bool) else max(0.0, float(given))
    except (TypeError, ValueError):
        return None
