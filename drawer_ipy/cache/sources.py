"""A digest of what a function computes: its code, and the data that it reads from its surroundings.

It covers the compiled code, so that comments and the position in a file do not matter, and that the code
which really runs counts, whatever the file says now. It includes default values, closures, and the names that
the function uses from its module: helper functions and classes with their code, data by value. Imports from
other modules, and objects without a canonical encoding (a client, a data frame), count only by name and type.
"""

from __future__ import annotations

import dis
import functools
import hashlib
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

from drawer_ipy.cache.canonical import Uncacheable, canonical

_PYTHON = (sys.implementation.name, *sys.version_info[:2])
_READS = ("LOAD_GLOBAL", "LOAD_NAME")
_WRITES = ("STORE_GLOBAL", "DELETE_GLOBAL")
_WRITES_OUTER = ("STORE_DEREF", "DELETE_DEREF")


class Sources:
    """Digests of functions and classes.

    Each digest is computed once, so create a new object when code, or data that it reads, may have changed.

    Args:
        data: whether the content of lists, dicts and sets that the code reads counts. Without it, they count
            by their type only, as do objects whose content is unknown; no function is then uncacheable.
    """

    def __init__(self, *, data: bool = True) -> None:
        self._with_data = data
        # The objects are kept with their digests, because an id is only unique while its object lives.
        self._known: dict[int, tuple[Any, bytes]] = {}
        self._asked: dict[int, tuple[Any, bytes]] = {}
        self._under_way: set[int] = set()
        self._cut_short = 0

    def digest(self, function: Callable[..., Any]) -> bytes:
        """Return 32 bytes that identify what `function` computes.

        Raises:
            Uncacheable: it is an object whose content is not fully known, or is bound to one.
        """
        return self.of_code(function)

    def of_code(self, value: Any) -> bytes:
        """Return the digest of whatever :func:`~drawer_ipy.cache.canonical.canonical` accepts as code."""
        known = self._known.get(id(value)) or (None if self._under_way else self._asked.get(id(value)))
        if known is not None:
            return known[1]
        if id(value) in self._under_way:
            self._cut_short += 1
            return _named(value)  # it calls itself, directly or indirectly
        before = self._cut_short
        self._under_way.add(id(value))
        try:
            found = hashlib.sha256(canonical(self._parts(value), self.of_code)).digest()
        finally:
            self._under_way.discard(id(value))
        # In a cycle, only the digest of the first function is complete, and only as seen from there.
        if self._cut_short == before:
            self._known[id(value)] = (value, found)
        elif not self._under_way:
            self._asked[id(value)] = (value, found)
        return found

    def _parts(self, value: Any) -> tuple[Any, ...]:
        if isinstance(value, types.FunctionType):
            return self._function(value)
        if isinstance(value, types.MethodType):
            return "method", self.of_code(value.__func__), self._bound(value.__self__)
        if isinstance(value, functools.partial):
            return "partial", self.of_code(value.func), value.args, value.keywords
        if isinstance(value, type):
            return "class", list(self._class(value))
        if isinstance(value, types.ModuleType):
            return "module", value.__name__
        if isinstance(value, types.BuiltinFunctionType):
            owner = value.__self__
            plain = owner is None or isinstance(owner, types.ModuleType)
            return "builtin", _named(value), None if plain else owner
        wrapped = _unwrapped(value)
        if wrapped is not value:
            return "wrapper", _named(type(value)), self.of_code(wrapped)
        return "object", self._bound(value)

    def _bound(self, owner: Any) -> bytes:
        """Return the encoding of the object that a method is bound to, or that is itself called."""
        try:
            return canonical(owner, self.of_code)
        except Uncacheable:
            what = f"{type(owner).__module__}.{type(owner).__qualname__}"
            raise Uncacheable(f"is bound to an instance of {what}, whose content is unknown") from None

    def _function(self, function: types.FunctionType) -> tuple[Any, ...]:
        code = function.__code__
        written, kept = set(_names(code, _WRITES)), set(_names(code, _WRITES_OUTER))
        cells = zip(code.co_freevars, function.__closure__ or (), strict=True)
        outer = [(n, _content(cell)) for n, cell in cells if n not in kept]
        try:
            around = self._around(function.__defaults__, function.__kwdefaults__, outer)
        except Uncacheable as error:
            raise Uncacheable(f"has a default value or an outer variable that {error}") from None
        names = sorted({*_names(code, _READS)} - written)
        read = [(n, self._global(function, n)) for n in names if n in function.__globals__]
        return "function", _PYTHON, _named(function), _code(code), around, read

    def _around(
        self,
        defaults: tuple[Any, ...] | None,
        named: dict[str, Any] | None,
        outer: list[tuple[str, Any]],
    ) -> bytes:
        if self._with_data:
            return canonical((defaults, named, outer), self.of_code)
        pieces = [[self._piece(value) for value in defaults or ()]]
        pieces += [[name.encode(), self._piece(value)] for name, value in [*(named or {}).items(), *outer]]
        return canonical(pieces)

    def _piece(self, value: Any) -> bytes:
        """Return the encoding of a value, without what may change while the code stays the same."""
        if isinstance(value, list | dict | set | bytearray):
            return _named(type(value))
        try:
            return canonical(value, self.of_code)
        except Uncacheable:
            return _named(type(value))

    def _global(self, function: types.FunctionType, name: str) -> bytes:
        value = _unwrapped(function.__globals__[name])
        if isinstance(value, types.FunctionType | type) and value.__module__ != function.__module__:
            return _named(value)
        if not self._with_data:
            return self._piece(value)
        try:
            return canonical(value, self.of_code)
        except Uncacheable:
            return _named(type(value))

    def _class(self, kind: type) -> Iterator[Any]:
        """Yield its name, its bases, and the content of its body that is code or plain data."""
        yield _named(kind)
        if kind.__module__ == "builtins":
            return
        yield [
            self.of_code(base) if base.__module__ == kind.__module__ else _named(base)
            for base in kind.__bases__
        ]
        for name, value in sorted(vars(kind).items()):
            inside = _functions_in(value)
            if name.startswith("__") and inside == [value] and not isinstance(value, types.FunctionType):
                continue  # attributes that Python and pydantic add; annotations are in their functions
            for part in inside:
                try:
                    yield name, canonical(part, self.of_code)
                except Uncacheable:
                    yield name, _named(type(part))


def _functions_in(value: Any) -> list[Any]:
    """Return the functions inside the objects that decorators in a class body create."""
    if isinstance(value, staticmethod | classmethod):
        return [value.__func__]
    if isinstance(value, property):
        return [f for f in (value.fget, value.fset, value.fdel) if f is not None]
    if isinstance(value, functools.cached_property):
        return [value.func]
    return [value]


def _unwrapped(value: Any) -> Any:
    """Return the function inside ``lru_cache`` and similar wrappers; other values unchanged."""
    wrapped = type(value).__module__ == "functools" and getattr(value, "__wrapped__", None)
    return wrapped if callable(wrapped) else value


def _content(cell: types.CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not assigned yet
        return None


def _names(code: types.CodeType, operations: tuple[str, ...]) -> Iterator[str]:
    """Yield the names that `code`, and functions defined in it, use in these operations."""
    for instruction in dis.get_instructions(code):
        if instruction.opname in operations:
            yield str(instruction.argval)
    for inner in code.co_consts:
        if isinstance(inner, types.CodeType):
            yield from _names(inner, operations)


def _code(code: types.CodeType) -> tuple[Any, ...]:
    """Return everything that decides what the code does, without where it was written."""
    consts = [_code(c) if isinstance(c, types.CodeType) else c for c in code.co_consts]
    counts = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags)
    names = (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
    return code.co_code, consts, counts, names, code.co_exceptiontable


def _named(value: Any) -> bytes:
    name = (
        getattr(value, "__qualname__", None) or getattr(value, "__name__", None) or type(value).__qualname__
    )
    module = getattr(value, "__module__", None) or ""
    return f"{module}:{name}".encode("utf-8", "surrogatepass")
