"""``auth: {basic: ...}`` and ``{bearer: ...}``: Authorization headers that are known before a request."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any

from drawer_ipy.buttons.http.field import FieldTemplate
from drawer_ipy.definition.button_fields import Auth
from drawer_ipy.errors import ArgumentError

_NO_TOKEN = re.compile(r"[^\x21-\x7e]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Login:
    """A user and a password, which may contain placeholders and references.

    Args:
        given: the user and the password as written.

    Attributes:
        names: the arguments they refer to.
    """

    def __init__(self, given: list[Any]) -> None:
        self._user, self._password = (FieldTemplate(one) for one in given)
        self.names: tuple[str, ...] = tuple(dict.fromkeys((*self._user.names, *self._password.names)))

    def fill(self, values: Mapping[str, Any], scope: Mapping[str, Any]) -> tuple[str, str]:
        """Return the user and the password.

        Raises:
            ArgumentError: one is missing or cannot be sent.
            ResolveError: a battery or variable is missing.
        """
        user = self._user.text(values, scope, "the user of `auth`")
        password = self._password.text(values, scope, "the password of `auth`")
        for what, text in (("user", user), ("password", password)):
            if _CONTROL.search(text):
                raise ArgumentError(f"the {what} of `auth` must not contain a control character (RFC 7617)")
        return user, password


class Basic:
    """HTTP's Basic scheme (RFC 7617), in UTF-8."""

    def __init__(self, login: Login) -> None:
        self._login = login
        self.names: tuple[str, ...] = login.names

    def fill(self, values: Mapping[str, Any], scope: Mapping[str, Any]) -> str:
        """Return the header's value. Raises as :meth:`Login.fill`."""
        user, password = self._login.fill(values, scope)
        if ":" in user:
            raise ArgumentError(
                "the user of `auth: {basic: ...}` must not contain a colon, which ends the user (RFC 7617)"
            )
        return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode('ascii')}"


class Bearer:
    """A bearer token that is known before a request (RFC 6750)."""

    def __init__(self, token: str) -> None:
        self._token = FieldTemplate(token)
        self.names: tuple[str, ...] = self._token.names

    def fill(self, values: Mapping[str, Any], scope: Mapping[str, Any]) -> str:
        """Return the header's value. Raises ArgumentError and ResolveError."""
        return f"Bearer {sound_token(self._token.text(values, scope, 'the token of `auth`'), 'auth')}"


def sound_token(token: str, where: str) -> str:
    """Return `token` without surrounding white space.

    Raises:
        ArgumentError: it is empty, or contains a character that a token cannot have.
    """
    token = token.strip()
    if not token:
        raise ArgumentError(f"the token of `{where}` is empty")
    if strange := _NO_TOKEN.search(token):
        raise ArgumentError(f"the token of `{where}` must not contain {strange[0]!r} (RFC 6750)")
    return token


def credentials_of(auth: Auth) -> Basic | Bearer | None:
    """Return what builds the header; ``None`` if it depends on a server or a button."""
    if auth.basic is not None:
        return Basic(Login(auth.basic))
    return Bearer(auth.bearer) if auth.bearer else None
