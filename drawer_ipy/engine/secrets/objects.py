"""Search for secrets in objects of unknown classes: models, frames, paths, exceptions.

There are three methods. The pickle of the object is searched, which reaches attributes and buffers fast. What
pickle cannot write or leaves out is followed from reference to reference. And all representations of the
object, for people, notebooks and JSON, are searched.
"""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import io
import logging
import types
import weakref
from asyncio import AbstractEventLoop
from collections import UserString
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from contextvars import Context
from itertools import islice
from typing import Any

from drawer_ipy.engine.secrets.needles import Needles
from drawer_ipy.engine.secrets.pickled import DATA, Found, PickleSearch, package_of

_MOST = 50_000
"""Most objects followed from one that cannot be pickled; a larger one counts as containing a secret."""

_DEEPEST = 20
"""Deepest nesting of foreign objects in the representations of foreign objects."""

_LONGEST = 10_000
"""Most entries that are read from an iterator."""

_HAS_REFERENTS, _MADE, _IMMUTABLE = 1 << 14, 1 << 9, 1 << 8
"""Type flags: supports garbage collection; created at run time; immutable."""

_VIEWS = (
    "__str__",
    "__repr__",
    "_repr_html_",
    "_repr_markdown_",
    "_repr_latex_",
    "_repr_svg_",
    "_repr_json_",
    "_repr_javascript_",
    "_repr_mimebundle_",
    "__html__",
    "__rich_repr__",
    "__rich__",
    "__fspath__",
    "model_dump",
)
"""Methods that return representations of an object for people, notebooks, terminals and JSON."""

_LISTS = ("to_pylist", "rows", "to_list", "tolist", "to_dict", "as_py")
"""Methods by which arrays and frames return their values as Python objects."""

_ENDS = (
    type,
    types.ModuleType,
    types.CodeType,
    logging.Logger,
    AbstractEventLoop,
    Context,
    io.TextIOWrapper,
    io.FileIO,
)
"""Classes of objects that belong to the program and not to a value; they are not followed."""

_TEXTS: tuple[tuple[Any, Callable[[Any], Any]], ...] = (
    (str, str.__str__),
    (bytes, bytes),
    (bytearray, bytes),
    (int, int.__int__),
    (float, float.__float__),
)


_NO_LISTS = (str, bytes, bytearray, UserString)
_CONSTANTS = frozenset(base for base, _ in _TEXTS)


class ObjectSearch:
    """Searches foreign objects.

    Args:
        needles: the secrets.
        holds: whether a value contains a secret; called with the representations of objects.
    """

    def __init__(self, needles: Needles, holds: Callable[[Any], bool]) -> None:
        self._needles = needles
        self._holds = holds
        self._depth = 0
        self._classes: set[type] = set()
        self._views: dict[type, tuple[Callable[[Any], Any], ...]] = {}

    def holds(self, value: Any) -> bool:
        """Whether `value` contains a secret, or is too large or too deep to search."""
        if self._depth > _DEEPEST:
            return True
        self._depth += 1
        try:
            self._search(value)
        except Found:
            return True
        finally:
            self._depth -= 1
        return False

    def _search(self, value: Any) -> None:
        search = PickleSearch(self._needles.in_bytes)
        rest = search.search(value)
        kind = type(value)
        if package_of(kind) in DATA and not any(part is value for part in rest):
            if self._needles.numeric:  # the bytes of numbers are not text
                self._look_at_lists(value)
        else:
            self._look_at_views(value)
            if self._needles.numeric:
                rest.append(value)
        self._follow(rest, search)

    def _look(self, piece: Any) -> None:
        if piece is not None and self._holds(piece):
            raise Found

    def _look_at_views(self, value: Any) -> None:
        """Search all representations of `value`."""
        kind = type(value)
        self._look_at_class(kind)
        if issubclass(kind, type):
            self._look(_constants(value))
        for view in self._views_of(kind):
            self._look(self._attribute(view, value))
        if hasattr(kind, "_repr_pretty_"):
            self._look(self._attribute(_pretty, value))
        if dataclasses.is_dataclass(kind):
            for field in dataclasses.fields(kind):
                self._look(self._attribute(getattr, value, field.name))
        if isinstance(value, Mapping):
            self._look(self._attribute(_pairs, value))
        elif isinstance(value, Sequence | Set) and not isinstance(value, _NO_LISTS):
            self._look(self._attribute(list, value))

    def _look_at_class(self, kind: type) -> None:
        if kind not in self._classes:
            self._look(_constants(kind))
            self._classes.add(kind)

    def _views_of(self, kind: type) -> tuple[Callable[[Any], Any], ...]:
        views = self._views.get(kind)
        if views is None:
            found = (_defined(kind, name) for name in _VIEWS)
            views = self._views[kind] = tuple(view for view in found if callable(view))
        return views

    def _look_at_lists(self, value: Any) -> None:
        """Search the values of an array or a frame one by one."""
        name = next((name for name in _LISTS if callable(getattr(type(value), name, None))), "")
        if name:
            self._look(self._attribute(getattr(type(value), name), value))

    def _attribute(self, ask: Callable[..., Any], *of: Any) -> Any:
        """Return the result of ``ask(*of)``. If it raises, search the exception, as a notebook shows it."""
        try:
            answer = ask(*of)
            return list(islice(answer, _LONGEST)) if isinstance(answer, Iterator) else answer
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            self._follow([error.with_traceback(None)], PickleSearch(self._needles.in_bytes))
            return None

    def _follow(self, pending: list[Any], search: PickleSearch) -> None:
        """Follow references; `search` pickles the objects that have none.

        Raises:
            Found: an object contains a secret, or there are too many objects.
        """
        seen: dict[int, Any] = {}  # keeps the objects alive, since ids are reused
        while pending:
            node = pending.pop()
            kind = type(node)
            if node is None or kind is bool or id(node) in seen:
                continue
            if issubclass(kind, type):
                self._look(_constants(node))
            if issubclass(kind, _ENDS):
                continue
            seen[id(node)] = node
            if len(seen) > _MOST:
                raise Found
            self._look_at_class(kind)
            for base, content in _TEXTS:
                if issubclass(kind, base):
                    self._look(content(node))
            pending += self._referents(node, kind, search)

    def _referents(self, node: Any, kind: type, search: PickleSearch) -> Iterable[Any]:
        for base, referents in _REFERENTS:
            if issubclass(kind, base):
                return referents(node)
        found: list[Any] = []
        is_data = package_of(kind) in DATA
        if kind.__flags__ & _HAS_REFERENTS and not is_data:
            found += gc.get_referents(node)
        if is_data or any(map(_is_in_c, kind.__mro__)):
            # It may hold data that are not objects. Pickle can write it, though not the object that led here.
            rest = (PickleSearch(self._needles.in_bytes) if is_data else search).search(node)
            found += rest
            if is_data and any(part is node for part in rest):
                self._look_at_lists(node)
        return (part for part in found if part is not node and part is not kind)


def _is_in_c(kind: type) -> bool:
    """Whether a class that is not built in is implemented in C."""
    by_python = kind.__flags__ & _MADE and not kind.__flags__ & _IMMUTABLE
    return not by_python and kind.__module__ != "builtins"


def _of_function(function: types.FunctionType) -> list[Any]:
    """Return the objects that a function holds, without those of its module."""
    return [function.__closure__, function.__defaults__, function.__kwdefaults__, function.__dict__]


def _of_builtin(function: types.BuiltinFunctionType) -> list[Any]:
    owner = function.__self__
    return [] if isinstance(owner, types.ModuleType) else [owner]


def _of_frame(frame: types.FrameType) -> list[Any]:
    """Return the frame's local variables, unless they are a module's; the caller's frame is left out."""
    return [] if frame.f_locals is frame.f_globals else list(frame.f_locals.values())


_REFERENTS: tuple[tuple[Any, Callable[[Any], list[Any]]], ...] = (
    (types.FunctionType, _of_function),
    (types.BuiltinFunctionType, _of_builtin),
    (types.FrameType, _of_frame),
    (types.TracebackType, lambda traceback: [traceback.tb_frame, traceback.tb_next]),
    (weakref.ReferenceType, lambda reference: [reference()]),
    (types.GeneratorType, lambda generator: [generator.gi_frame, generator.gi_yieldfrom]),
    (types.CoroutineType, lambda coroutine: [coroutine.cr_frame, coroutine.cr_await]),
    (types.AsyncGeneratorType, lambda generator: [generator.ag_frame, generator.ag_await]),
)


def _constants(kind: type) -> list[Any]:
    """Return the texts and numbers among the attributes of a class."""
    return [value for base in kind.__mro__ for value in vars(base).values() if type(value) in _CONSTANTS]


def _defined(kind: type, name: str) -> Any:
    """Return what the class `kind` defines as `name`, without ``getattr``, for which mocks make up values."""
    return next((vars(base)[name] for base in kind.__mro__ if name in vars(base)), None)


def _pairs(mapping: Mapping[Any, Any]) -> list[Any]:
    return [part for pair in mapping.items() for part in pair]


def _pretty(value: Any) -> str:
    printer = _Printer()
    type(value)._repr_pretty_(value, printer, False)
    return "".join(printer.said)


class _Printer:
    """Collects the output of ``_repr_pretty_``, in place of IPython's printer."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def text(self, text: str) -> None:
        """Add `text`."""
        self.said.append(str(text))

    def pretty(self, value: Any) -> None:
        """Add the representation of `value`."""
        self.said.append(repr(value))

    def breakable(self, sep: str = " ") -> None:
        """Add a possible line break."""
        self.said.append(sep)

    def __getattr__(self, name: str) -> Callable[..., contextlib.AbstractContextManager[None]]:
        """Return a method for groups and indents, of which only the texts matter."""

        def say(*args: Any, **kwargs: Any) -> contextlib.AbstractContextManager[None]:
            self.said += [part for part in (*args, *kwargs.values()) if isinstance(part, str)]
            return contextlib.nullcontext()

        return say
