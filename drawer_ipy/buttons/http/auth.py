"""Credentials from a server or a button: ``auth: {digest: ...}`` and ``auth: {token: button}``.

All requests of a run share them: the challenge of a digest, and a token. The token's button is pressed once
for all requests that wait for it, and again after a 401.
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
from drawer_ipy.record.waits import Reason, Why

_UNAUTHORIZED = 401
_MOST_CHALLENGES = 2
"""Answers to challenges in one request: the second is for a challenge that says the nonce was stale."""

_MOST_TOKENS = 3
"""Further tokens to send one request with, as long as each was accepted elsewhere before."""

_FAILURE_HOLDS = 2.0
"""Seconds for which all requests share a failure to get a token, so that a thousand items log in once."""

_LEEWAY = 10.0

Values = Mapping[str, Any]
Fetch = Callable[[Request], Awaitable[Response]]


class Authorizer(Protocol):
    """Send requests with credentials.

    Attributes:
        names: the arguments that the credentials refer to.
    """

    names: tuple[str, ...]

    async def send(self, request: Request, values: Values, call: Call, fetch: Fetch) -> Response:
        """Return the response to `request`, sent by `fetch`. Raises DrawerError without credentials."""

    def identity(self, values: Values, call: Call) -> str:
        """Return the identity that requests are sent as: a response to another one is not reused."""


def authorizer_of(auth: Auth | None) -> Authorizer | None:
    """Return the authorizer of a button's `auth`; ``None`` if its credentials are fixed."""
    if auth is not None and auth.digest is not None:
        return DigestAuth(Login(auth.digest))
    return TokenAuth(auth.token) if auth is not None and auth.token else None


async def _again(request: Request, call: Call, fetch: Fetch) -> Response:
    if call.turn is not None:
        await call.turn()
    return await fetch(request)


def _refused(request: Request, response: Response) -> bool:
    """Whether the server that the credentials are for rejected them."""
    return response.status == _UNAUTHORIZED and origin(response.url) == origin(request.url)


def _where_refused(request: Request, response: Response) -> Request:
    """Return the request that was rejected, which redirects may have derived from `request`."""
    if response.url == request.url:
        return request
    here = replace(request, method=response.method, url=response.url, address=response.address)
    if response.method == request.method:
        return here
    return replace(here, headers=without_body(request.headers), body=None)


class _Challenges:
    """The challenges of servers in this run, by origin and user."""

    def __init__(self) -> None:
        self.known: dict[Any, Challenge] = {}

    async def aclose(self) -> None:
        self.known.clear()


class DigestAuth:
    """The Digest scheme: answer a challenge, and remember it for later requests."""

    def __init__(self, login: Login) -> None:
        self._login = login
        self.names: tuple[str, ...] = login.names

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
        header: the value of the Authorization header.
        expires: when it expires, on the monotonic clock; ``None`` if that is unknown.
        renewed: whether it replaced a rejected token.
        accepted: whether a server has accepted it.
    """

    header: str
    expires: float | None
    renewed: bool = False
    accepted: bool = False


class TokenFailed(DrawerError):
    """The token's button returned no token."""


_TOKEN = Reason(Why.SHARED, "a token")


class _Source:
    """The source of the token for all requests with the same credentials."""

    def __init__(self) -> None:
        self._token: _Token | None = None
        self._flight: asyncio.Future[None] | None = None
        self._failure: tuple[TokenFailed, float] | None = None

    async def token(
        self, press: Callable[[], Awaitable[_Token]], call: Call, refused: _Token | None = None
    ) -> _Token:
        """Return the token to send; one of the waiting requests presses the button.

        Args:
            call: the press that needs it.
            refused: the token that a server just rejected.

        Raises:
            TokenFailed: the button returned no token.
        """
        while True:
            if self._flight is not None:
                # Shielded: if one waiting request is cancelled, the others still get the token.
                with call.waiter.pausing(_TOKEN):
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
    """The token sources of a run, by button and arguments."""

    def __init__(self) -> None:
        self.known: dict[tuple[Button, str], _Source] = {}

    async def aclose(self) -> None:
        self.known.clear()


class TokenAuth:
    """A token from another button: text, or ``{access_token, expires_in}``."""

    def __init__(self, token: str | TokenPress) -> None:
        self._name = token if isinstance(token, str) else token.button
        given = {} if isinstance(token, str) else token.args
        self._args = {name: FieldTemplate(value) for name, value in given.items()}
        self.names: tuple[str, ...] = tuple(
            dict.fromkeys(name for one in self._args.values() for name in one.names)
        )

    def _filled(self, values: Values, call: Call) -> dict[str, Any]:
        return {name: template.value(values, call.scope()) for name, template in self._args.items()}

    def identity(self, values: Values, call: Call) -> str:
        """See :class:`Authorizer`."""
        return f"token {self._name} {to_text(self._filled(values, call))}"

    async def send(self, request: Request, values: Values, call: Call, fetch: Fetch) -> Response:
        """See :class:`Authorizer`."""
        button = call.helpers.get(self._name)
        if button is None:
            raise UsageError(f"unknown button {self._name!r} in `auth: {{token: ...}}`")
        args = self._filled(values, call)
        place = button, to_text(args)
        source = call.resources.get(_Sources).known.setdefault(place, _Source())

        async def press() -> _Token:
            return await _press(button, args, call)

        token = await source.token(press, call)
        response = await fetch(request.with_headers({"Authorization": token.header}))
        for _ in range(_MOST_TOKENS):
            # If a fresh token was rejected, another one would be, too.
            if not _refused(request, response) or (token.renewed and not token.accepted):
                break
            token = await source.token(press, call, refused=token)
            again = _where_refused(request, response).with_headers({"Authorization": token.header})
            response = await _again(again, call, fetch)
        token.accepted = token.accepted or response.status != _UNAUTHORIZED
        return response


async def _press(button: Button, args: Mapping[str, Any], call: Call) -> _Token:
    """Press `button` and return its token. Raises TokenFailed."""
    inputs = {spec.name: call.inputs[spec.name] for spec in button.args if spec.name in call.inputs}
    began = time.monotonic()
    try:
        bound = button.bind({**inputs, **args})
    except ArgumentError as error:
        raise TokenFailed(_message_for(button, error.message), remediation=error.remediation) from None
    pressing = replace(call, timeout=button.timeout, turn=None)
    outcome = await button.press(bound, pressing)
    if (failure := outcome.error) is not None:
        raise TokenFailed(
            _message_for(button, failure.message), code=failure.code, remediation=failure.remediation
        )
    try:
        header, lasts = _read(outcome.output, button.name)
    except ArgumentError as error:
        raise TokenFailed(error.message, remediation=error.remediation) from None
    call.hide(header.partition(" ")[2])
    expires = None if lasts is None else began + lasts - min(_LEEWAY, lasts / 10)
    return _Token(header, expires)


def _message_for(button: Button, message: str) -> str:
    return f"button {button.name!r} returned no token: {message}"


def _read(output: Any, name: str) -> tuple[str, float | None]:
    """Return the Authorization header for the output of a token's button, and its lifetime in seconds.

    Raises:
        ArgumentError: the output contains no token.
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
        f"button {name!r} returned no token, got {shorten(output)}",
        remediation="its output must be the token as text, or {access_token: ..., expires_in: ...}",
    )


def _seconds(given: Any) -> float | None:
    try:
        return None if given is None or isinstance(given, bool) else max(0.0, float(given))
    except (TypeError, ValueError):
        return None
