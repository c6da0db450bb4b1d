"""What a request lacks before a run: see :mod:`~drawer_ipy.buttons.lacking`."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from yarl import URL

from drawer_ipy.buttons.http.credentials import Login, credentials_of
from drawer_ipy.buttons.http.environment import ProxyEnvironment
from drawer_ipy.buttons.http.field import FieldTemplate
from drawer_ipy.buttons.http.guard import AddressRefused
from drawer_ipy.buttons.http.proxy import ProxyTemplate
from drawer_ipy.buttons.http.request import HeaderTemplate
from drawer_ipy.buttons.http.rules import Rules
from drawer_ipy.buttons.http.template import UrlTemplate
from drawer_ipy.buttons.http.upload import check_file
from drawer_ipy.buttons.lacking import Origins
from drawer_ipy.common.key_path import KeyPath
from drawer_ipy.definition.checking.callee import Callee
from drawer_ipy.definition.checking.unmet import Present, Unmet
from drawer_ipy.definition.models import ButtonSpec
from drawer_ipy.errors import DrawerError

_Given = Mapping[str, Mapping[str, str]]


def of_request(button: Callee, present: Present, allowed_origins: Origins) -> Iterator[Unmet]:
    """Yield the errors in the parts of a request that do not depend on an argument."""
    spec, scope = button.spec, present.values
    if spec is None:
        return
    yield from _tried(("url",), lambda: _check_url(spec, allowed_origins))
    if scope.keys() >= {"batteries", "env"}:
        for name, text in spec.headers.items():
            yield from _tried(("headers", name), partial(_fill_header, name, text, spec, scope))
        yield from _tried(("auth",), lambda: _fill_credentials(spec, scope))
        if spec.proxy:
            yield from _tried(("proxy",), lambda: ProxyTemplate(spec.proxy, spec.name).resolve(scope))
    if spec.body_file:
        yield from _tried(("body_file",), lambda: _check_path(spec.body_file, "the body"), may_appear=True)
    yield from _files(spec.files, ("files",))


def _tried(path: KeyPath, attempt: Callable[[], Any], *, may_appear: bool = False) -> Iterator[Unmet]:
    try:
        attempt()
    except AddressRefused as error:
        # Each request checks the address again: an earlier step may start a demo site there.
        yield Unmet(path, error.message, error.remediation, certain=False)
    except DrawerError as error:
        yield Unmet(path, error.message, error.remediation, may_appear=may_appear)


def _check_url(spec: ButtonSpec, allowed_origins: Origins) -> None:
    template = UrlTemplate(spec.url, spec.name)
    if template.host:
        scheme = spec.url.strip().partition("://")[0].lower()
        url = URL(f"{scheme}://{template.host}/")
        Rules(spec, allowed_origins).check(url)
        if not spec.proxy:
            ProxyEnvironment(urllib.request.getproxies()).proxy_for(url)


def _fill_header(name: str, text: str, spec: ButtonSpec, scope: _Given) -> None:
    header = HeaderTemplate(name, text, spec.name)
    if not header.names:
        header.fill({}, scope)


def _fill_credentials(spec: ButtonSpec, scope: _Given) -> None:
    if spec.auth is None:
        return
    found = Login(spec.auth.digest) if spec.auth.digest is not None else credentials_of(spec.auth)
    if found is not None and not found.names:
        found.fill({}, scope)


def _check_path(text: Any, what: str) -> None:
    template = FieldTemplate(text)
    if not template.names and isinstance(value := template.value({}), str):
        check_file(Path(value), what)


def _files(value: Any, path: KeyPath) -> Iterator[Unmet]:
    """Yield the missing files at `path` of a button; in a mapping, only the key ``path`` names a file."""
    if isinstance(value, str):
        what = f"the file of {path[1]!r}"
        yield from _tried(path, lambda: _check_path(value, what), may_appear=True)
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield from _files(inner, (*path, i))
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            if len(path) == 1 or key == "path":
                yield from _files(inner, (*path, key))
