"""Backends by name: the processes or machines on which presses run, as definitions and options name them."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from drawer_ipy.common.bad_value import BadValue
from drawer_ipy.common.install import install_hint
from drawer_ipy.common.platform import Ability, lacks
from drawer_ipy.common.registry import Registry, imported
from drawer_ipy.common.short_repr import shown
from drawer_ipy.errors import did_you_mean

KEY_TEXT = (
    "Where presses of Python functions run: `threads` of the kernel (the default), `processes`, `dask`."
)
"""The description of the key ``backend``."""


@dataclass(frozen=True, slots=True)
class BackendKind:
    """A backend that can be named.

    Attributes:
        name: the word in ``backend: NAME`` and ``--backend NAME``.
        make: makes a :class:`~drawer_ipy.engine.backends.base.Backend` for one run, given the address; or its
            ``"package.module:NAME"``.
        where: where presses run, in words, for dry runs: ``"in processes"``.
        extra: the extra of this package that installs its requirements; ``""`` if it has none.
        modules: the modules that it requires.
        address: checks the text after ``NAME:``, and raises BadValue; ``None`` if there may be no such text.
        needs: what the platform must be able to do.
    """

    name: str
    make: Callable[[str], Any] | str
    where: str = ""
    extra: str = ""
    modules: tuple[str, ...] = ()
    address: Callable[[str], object] | None = None
    needs: tuple[Ability, ...] = ()

    def backend(self, address: str) -> Any:
        """Make the backend. Raises the errors of :attr:`make`."""
        make = imported(self.make) if isinstance(self.make, str) else self.make
        return make(address)


@dataclass(frozen=True, slots=True)
class BackendName:
    """A backend as it was named: ``dask:tcp://host:8786`` has the name ``dask`` and an address."""

    name: str
    address: str = ""

    def __str__(self) -> str:
        return f"{self.name}:{self.address}" if self.address else self.name

    @property
    def kind(self) -> BackendKind:
        """What is registered under the name."""
        return BACKENDS[self.name]


def _wrong_backend(name: Any, kind: Any) -> str:
    if not isinstance(kind, BackendKind):
        return f"it is a {type(kind).__name__}, not a BackendKind"
    if kind.name != name:
        return f"its name is {kind.name!r}"
    if not isinstance(name, str) or not name.isidentifier() or name != name.lower():
        return "its name must be one word in lower case"
    if not (callable(kind.make) or ":" in str(kind.make)):
        return "its make must be callable or package.module:NAME"
    return ""


def _count(text: str) -> None:
    if not (text.isascii() and text.isdecimal() and int(text) > 0):
        message = f"`processes:` must be followed by the number of processes, not {text!r}"
        raise BadValue(message, "write `processes` for one per core, or for instance `processes:4`")


def _scheduler(text: str) -> None:
    if not text.strip():
        raise BadValue("`dask:` must be followed by an address", "write `dask:tcp://host:8786`, or `dask`")


_HERE = "drawer_ipy.definition.backends"
_MADE = "drawer_ipy.engine.backends"
THREADS = BackendKind("threads", f"{_MADE}.threads:ThreadsBackend", "in threads")
PROCESSES = BackendKind(
    "processes",
    f"{_MADE}.processes:ProcessesBackend",
    "in processes",
    extra="processes",
    modules=("cloudpickle",),
    address=_count,
    needs=("processes",),
)
DASK = BackendKind(
    "dask",
    f"{_MADE}.dask:DaskBackend",
    "on the Dask cluster",
    extra="dask",
    modules=("distributed", "cloudpickle"),
    address=_scheduler,
    needs=("sockets",),
)
BACKENDS: Registry[BackendKind] = Registry(
    "backend",
    "drawer_ipy.backends",
    {"threads": f"{_HERE}:THREADS", "processes": f"{_HERE}:PROCESSES", "dask": f"{_HERE}:DASK"},
    _wrong_backend,
)
"""Every backend by name."""


def parse_backend(text: Any) -> BackendName:
    """Read the name of a backend, with an address after a colon if it takes one.

    Raises:
        BadValue: there is no such backend, its address is invalid, or a module that it requires is missing.
    """
    if not isinstance(text, str):
        raise BadValue(f"a backend must be a name, not {shown(text)}", _known_words())
    name, colon, address = text.strip().partition(":")
    kind = BACKENDS.get(name)
    if kind is None:
        if trouble := BACKENDS.trouble(name):
            raise BadValue(trouble)
        hint = did_you_mean(name, BACKENDS.names()) or _known_words()
        raise BadValue(f"there is no backend {name!r}", hint)
    if colon:
        if kind.address is None:
            raise BadValue(f"the backend {name!r} takes no address", f"write `{name}`")
        _check_address(kind, address)
    if why := lacks(*kind.needs):
        raise BadValue(f"the backend {name!r} is not available: {why}", "remove `backend`")
    missing = [module for module in kind.modules if not _is_there(module)]
    if missing:
        hint = install_hint(kind.extra) if kind.extra else f"pip install {missing[0]}"
        raise BadValue(f"the backend {name!r} needs {missing[0]}, which is not installed", hint)
    return BackendName(name, address)


def _check_address(kind: BackendKind, address: str) -> None:
    assert kind.address is not None
    try:
        kind.address(address)
    except BadValue:
        raise
    except ValueError as error:  # of another distribution
        raise BadValue(f"the backend {kind.name!r} cannot have the address {address!r}: {error}") from None


def backend_words(text: str) -> list[str]:
    """Return where presses run, for the description of a step; ``[]`` if no valid backend is named."""
    try:
        named = parse_backend(text) if text else None
    except BadValue:  # reported as a problem
        return []
    if named is None:
        return []
    words = named.kind.where or f"on {named.name}"
    return [f"{words} ({named.address})" if named.address else words]


STAYS = {
    "http": "the kernel sends all requests, since it keeps their limits, cookies and connections",
    "prompt": "a prompt only returns its text",
    "script": "a script is a process already, which only `backend` of the button itself moves",
}
"""Why the presses of other buttons stay in the kernel, by the button's kind."""


def reason_to_stay(button: Any) -> str:
    """Return why no backend can run the presses of `button`, ``""`` if one can."""
    stays = getattr(button, "stays", None)
    if stays is not None:
        return str(stays)
    kind = str(getattr(button, "kind", ""))
    return STAYS.get(kind, f"the runtime {kind!r} does not support backends")


def _known_words() -> str:
    names = BACKENDS.names()
    return f"the backends are {', '.join(names[:-1])} and {names[-1]}"


def _is_there(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False
