"""Checks of the fields of a request or a script, with the path of each problem."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from typing import Any

from drawer_ipy.common.bad_value import BadValue
from drawer_ipy.definition.button_fields import Auth, TokenPress
from drawer_ipy.definition.button_runtimes import SCRIPT, runtime_of
from drawer_ipy.definition.media import Media, read_media
from drawer_ipy.definition.models import ButtonSpec
from drawer_ipy.definition.own_texts import reference_troubles
from drawer_ipy.definition.statuses import read_statuses
from drawer_ipy.scrape.spec import Trouble

_REQUEST_ONLY = ("query", "files", "body_file", "auth", "ok_status", "items", "follow", "extract")
_FILE_KEYS = frozenset(("path", "content", "name", "type"))


def request_troubles(spec: ButtonSpec) -> list[Trouble]:
    """Return all problems of `spec` that are independent of its arguments."""
    return [*_misplaced(spec), *_query(spec), *_statuses(spec), *_auth(spec), *_bodies(spec), *_texts(spec)]


def token_buttons(spec: ButtonSpec) -> tuple[str, ...]:
    """Return the names of the buttons that `spec` presses itself."""
    token = spec.auth.token if spec.auth is not None else ""
    name = token.button if isinstance(token, TokenPress) else token
    return (name,) if name else ()


def _misplaced(spec: ButtonSpec) -> Iterator[Trouble]:
    if not spec.url:
        for key in _REQUEST_ONLY:
            if key not in ("follow", "extract", "items") and getattr(spec, key):
                yield Trouble((key,), f"`{key}` is for requests, and this button has no `url`", "remove it")
    if spec.stdin and runtime_of(spec) is not SCRIPT:
        hint = "for a request, use `body`" if spec.url else "remove it"
        yield Trouble(("stdin",), "`stdin` is for scripts", hint)


def _query(spec: ButtonSpec) -> Iterator[Trouble]:
    for name, value in spec.query.items():
        yield from _pair_troubles(("query", name), name, value, "query parameter")


def _pair_troubles(path: tuple[str | int, ...], name: str, value: Any, what: str) -> Iterator[Trouble]:
    if isinstance(value, Mapping):
        hint = f"give its parts separate names, such as {name}[key], or write it as JSON text"
        yield Trouble(path, f"the {what} {name!r} is a mapping, which cannot be sent as one value", hint)
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            if isinstance(inner, Mapping | list):
                yield from _pair_troubles((*path, i), name, dict(enumerate(inner)), what)
    elif isinstance(value, float) and value - value != 0:
        yield Trouble(path, f"the {what} {name!r} is {value}, which cannot be sent")


def _statuses(spec: ButtonSpec) -> Iterator[Trouble]:
    given = spec.ok_status
    for path, one in (
        [(("ok_status", i), one) for i, one in enumerate(given)]
        if isinstance(given, list)
        else [(("ok_status",), given)]
    ):
        try:
            read_statuses(one)
        except BadValue as error:
            yield Trouble(path, error.message, error.hint)


def _auth(spec: ButtonSpec) -> Iterator[Trouble]:
    auth = spec.auth
    if auth is None:
        return
    given = [key for key in ("basic", "digest", "bearer", "token") if getattr(auth, key)]
    if len(given) != 1:
        which = f"both `{given[0]}` and `{given[1]}`" if given else "no method"
        hint = "write one of `basic: [user, password]`, `digest: [...]`, `bearer: TOKEN` and `token: BUTTON`"
        yield Trouble(("auth",), f"`auth` has {which}", hint)
    if any(name.strip().lower() == "authorization" for name in spec.headers):
        yield Trouble(("auth",), "`auth` and the header Authorization are both set", "remove one of them")
    for key in ("basic", "digest"):
        yield from _login(auth, key)
    if isinstance(auth.token, TokenPress) and not auth.token.button:
        yield Trouble(("auth", "token"), "`token` names no button", "`token: {button: NAME, args: {...}}`")


def _login(auth: Auth, key: str) -> Iterator[Trouble]:
    login = getattr(auth, key)
    if login is None:
        return
    if len(login) != 2:
        hint = f'`{key}: [user, "${{batteries.PASSWORD}}"]`'
        yield Trouble(("auth", key), f"`{key}` takes a user and a password, not {len(login)} values", hint)
    for i, one in enumerate(login):
        if isinstance(one, Mapping | list) or one is None:
            yield Trouble(("auth", key, i), f"the {('user', 'password')[i > 0]} must be text")


def _bodies(spec: ButtonSpec) -> Iterator[Trouble]:
    given = next((v for n, v in spec.headers.items() if n.strip().lower() == "content-type"), "")
    decided = "{{" in given or "$" in given  # by arguments or batteries, which are not known here
    try:
        media = read_media("text/plain" if decided else given)
    except BadValue as error:
        yield Trouble(("headers",), error.message, error.hint)
        return
    has_body = spec.body is not None and spec.body != ""
    if spec.body_file and (has_body or spec.files):
        hint = "remove one of them"
        yield Trouble(
            ("body_file",), f"`body_file` and `{'files' if spec.files else 'body'}` are two bodies", hint
        )
    if spec.files:
        yield from _files(spec, media, decided or not given)
    elif has_body and not decided:
        yield from _body(spec.body, media)


def _files(spec: ButtonSpec, media: Media, undeclared: bool) -> Iterator[Trouble]:
    if not undeclared and media.type != "multipart/form-data":
        message = f"`files` are sent as multipart/form-data, but the Content-Type header is {media.type}"
        yield Trouble(("files",), message, "remove the header Content-Type: it is set automatically")
    if isinstance(spec.body, str) and spec.body:
        hint = "write its fields as a mapping: `body: {title: ...}`"
        yield Trouble(("body",), "text cannot be sent together with `files`", hint)
    elif spec.body is not None:
        yield from _fields(spec.body)
    for name, value in spec.files.items():
        yield from _file(value, ("files", name))


def _file(value: Any, path: tuple[str | int, ...]) -> Iterator[Trouble]:
    if isinstance(value, list):
        for i, inner in enumerate(value):
            yield from _file(inner, (*path, i))
    elif isinstance(value, Mapping):
        for key in value:
            if key not in _FILE_KEYS:
                yield Trouble((*path, key), f"a file has no {key!r}", "it has path or content, name and type")
        if (value.get("path") is None) == (value.get("content") is None):
            yield Trouble(path, "a file needs either a `path` or `content`")
    elif value is not None and not isinstance(value, str):
        yield Trouble(path, f"a file must be a path, not {value!r}")


def _body(body: Any, media: Media) -> Iterator[Trouble]:
    if media.kind == "multipart":
        yield from _multipart(body, media)
    elif isinstance(body, str):
        try:
            body.encode(media.charset)
        except UnicodeEncodeError as error:
            which = media.declared or "UTF-8"
            message = f"the body contains {body[error.start]!r}, which {which} cannot encode"
            yield Trouble(("body",), message, "declare another charset, such as utf-8")
    elif media.kind == "form":
        yield from _fields(body)
    elif media.kind in ("xml", "binary"):
        kind = (
            "a mapping" if isinstance(body, Mapping) else "a list" if isinstance(body, list) else repr(body)
        )
        yield Trouble(("body",), f"{kind} cannot be a body of type {media.type}", "write it as text")
    else:
        yield from _json(body, ("body",))


def _multipart(body: Any, media: Media) -> Iterator[Trouble]:
    if isinstance(body, str):
        whole = body.strip().startswith("{{") and body.strip().endswith("}}") and body.count("{{") == 1
        if not media.boundary and not whole:
            hint = "write its fields as a mapping: `body: {title: ...}`, and files under `files`"
            yield Trouble(("body",), f"text cannot be a body of type {media.type} without a boundary", hint)
    elif media.type != "multipart/form-data":
        yield Trouble(("body",), f"only multipart/form-data can have fields, not {media.type}")
    else:
        yield from _fields(body)


def _fields(body: Any) -> Iterator[Trouble]:
    """A mapping, or a list of pairs and mappings."""
    if isinstance(body, Mapping):
        for name, value in body.items():
            yield from _pair_troubles(("body", name), str(name), value, "field")
        return
    if not isinstance(body, list):
        yield Trouble(("body",), f"the fields of a form must be a mapping or a list of pairs, not {body!r}")
        return
    for i, one in enumerate(body):
        if isinstance(one, Mapping):
            for name, value in one.items():
                yield from _pair_troubles(("body", i, name), str(name), value, "field")
        elif not (isinstance(one, list) and len(one) == 2 and isinstance(one[0], str)):
            yield Trouble(("body", i), f"{one!r} is not a pair of a name and a value", "such as [tag, a]")
        else:
            yield from _pair_troubles(("body", i, 1), one[0], one[1], "field")


def _json(body: Any, path: tuple[str | int, ...]) -> Iterator[Trouble]:
    if isinstance(body, Mapping):
        for key, value in body.items():
            yield from _json(value, (*path, key))
    elif isinstance(body, list):
        for i, value in enumerate(body):
            yield from _json(value, (*path, i))
    elif isinstance(body, float) and body - body != 0:
        yield Trouble(path, f"JSON has no {body}", "write null or text")
    elif not isinstance(body, str | int | float | datetime.date | datetime.time | None):
        yield Trouble(path, f"{body!r} is not a JSON value")


def _texts(spec: ButtonSpec) -> Iterator[Trouble]:
    """The problems with references in the fields that support them."""
    args = frozenset(arg.name for arg in spec.args)
    yield from reference_troubles(spec.query, ("query",), args)
    yield from reference_troubles(spec.files, ("files",), args, secrets=False)
    yield from reference_troubles(spec.body_file, ("body_file",), args, secrets=False)
    yield from reference_troubles(spec.stdin, ("stdin",), args, secrets=False)
    if spec.auth is not None:
        given = spec.auth.model_dump(exclude_unset=True)
        yield from reference_troubles(given, ("auth",), args)
