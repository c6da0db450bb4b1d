"""Values of many kinds that each contain a given text in a different way."""

from __future__ import annotations

import array
import base64
import collections
import concurrent.futures
import dataclasses
import datetime as dt
import enum
import functools
import html
import http.cookies
import inspect
import io
import json
import queue
import re
import traceback
import types
import weakref
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, NamedTuple
from unittest.mock import MagicMock
from urllib.parse import quote, quote_plus

import attrs
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pydantic
import yarl


@dataclasses.dataclass
class Data:
    token: str


@dataclasses.dataclass(frozen=True, slots=True)
class Frozen:
    token: str


@dataclasses.dataclass
class Unshown:
    token: str = dataclasses.field(repr=False)

    def __getstate__(self) -> dict[str, Any]:
        return {}


@attrs.define
class Attrs:
    token: str


class Model(pydantic.BaseModel):
    token: str


class SecretModel(pydantic.BaseModel):
    token: pydantic.SecretStr


class Named(NamedTuple):
    token: str


class Plain:
    """Its repr does not show the attribute, but pickle writes it."""

    def __init__(self, token: Any) -> None:
        self.token = token


class Slots:
    __slots__ = ("token",)

    def __init__(self, token: str) -> None:
        self.token = token


class Shown(Plain):
    def __repr__(self) -> str:
        return f"Shown({self.token})"


class Unpicklable(Plain):
    def __reduce_ex__(self, protocol: Any) -> Any:
        raise TypeError("not me")


class Computed:
    """It computes what it shows; none of its attributes contains the text."""

    def __init__(self, token: str) -> None:
        self._codes = [ord(char) + 1 for char in token]

    @property
    def _token(self) -> str:
        return "".join(chr(code - 1) for code in self._codes)


class ComputedRepr(Computed):
    def __repr__(self) -> str:
        return self._token


class ComputedStr(Computed):
    def __str__(self) -> str:
        return self._token


class Html(Computed):
    def _repr_html_(self) -> str:
        return f"<b>{html.escape(self._token)}</b>"


class Bundle(Computed):
    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        return {"text/plain": "x", "application/json": {"token": self._token}}, {}


class Pretty(Computed):
    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        with printer.group(2, "Pretty(", ")"):
            printer.text(self._token)


class Rich(Computed):
    def __rich_repr__(self) -> Iterator[Any]:
        yield "token", self._token


class FailingRepr(Plain):
    def __repr__(self) -> str:
        raise ValueError(f"cannot show {self.token}")


class PathLike(Computed):
    def __fspath__(self) -> str:
        return f"/tmp/{self._token}"


class ComputedMapping(Mapping[str, Any]):
    def __init__(self, token: str) -> None:
        self._hidden = Computed(token)

    def __getitem__(self, key: str) -> Any:
        if key != "token":
            raise KeyError(key)
        return self._hidden._token

    def __iter__(self) -> Iterator[str]:
        return iter(["token"])

    def __len__(self) -> int:
        return 1


class ComputedSequence(Sequence[Any]):
    def __init__(self, token: str) -> None:
        self._hidden = Computed(token)

    def __getitem__(self, index: Any) -> Any:
        return [self._hidden._token][index]

    def __len__(self) -> int:
        return 1


class StrWithMore(str):
    token: str


class IntWithMore(int):
    token: str


class DictWithMore(dict[str, Any]):
    token: str


class _Kept:
    """Keeps alive the objects of weak references."""

    all: list[Any] = []  # noqa: RUF012 - shared on purpose


def _with(value: Any, token: str) -> Any:
    value.token = token
    return value


def _with_attrs(frame: pd.DataFrame, token: str) -> pd.DataFrame:
    frame.attrs["token"] = token
    return frame


def _color(token: str) -> Any:
    return enum.Enum("Color", {"RED": token}).RED  # type: ignore[attr-defined]


def _noted(token: str) -> BaseException:
    error = ValueError("bad")
    error.add_note(f"with {token}")
    return error


def _caused(token: str) -> BaseException:
    error = ValueError("bad")
    error.__cause__ = KeyError(token)
    return error


def _in_context(token: str) -> BaseException:
    error = ValueError("bad")
    error.__context__ = RuntimeError("outer", {"token": token})
    return error


def _group(token: str) -> BaseException:
    return ExceptionGroup("several", [ValueError("fine"), ExceptionGroup("more", [OSError(5, token)])])


def _raised(token: str) -> BaseException:
    kept = token + "!"
    try:
        raise KeyError(len(kept))
    except KeyError as error:
        return error


def _cell(token: str) -> Callable[[], str]:
    return lambda: token


def _default(token: str) -> Callable[..., Any]:
    def work(x: str = token) -> str:
        return x

    return work


def _generator(token: str) -> Iterator[str]:
    def texts() -> Iterator[str]:
        kept = token
        yield "1"
        yield kept

    running = texts()
    next(running)
    return running


def _weak(token: str) -> Any:
    _Kept.all.append(Plain(token))
    return weakref.ref(_Kept.all[-1])


def _looped(token: str) -> list[Any]:
    loop: list[Any] = [token]
    loop.append(loop)
    return loop


def _deep(token: str) -> Any:
    value: Any = token
    for _ in range(5_000):
        value = [value]
    return value


def _mock(token: str) -> Any:
    mock = MagicMock()
    mock.get.return_value = token
    return mock


def _future(token: str) -> Any:
    future: concurrent.futures.Future[str] = concurrent.futures.Future()
    future.set_result(token)
    return future


def _queue(token: str) -> Any:
    waiting: queue.Queue[str] = queue.Queue()
    waiting.put(token)
    return waiting


def _name(token: str) -> str:
    return token.replace("/", "_")


CONTAINERS: dict[str, Callable[[str], Any]] = {
    "str": lambda s: s,
    "text": lambda s: f"Bearer {s}, please",
    "list": lambda s: [1, [s]],
    "tuple": lambda s: (1, (s,)),
    "dict": lambda s: {"a": {"b": s}},
    "key": lambda s: {s: 1, f"{s}2": 2},
    "tuple key": lambda s: {(1, s): 1},
    "bytes key": lambda s: {s.encode(): 1},
    "set": lambda s: {s, "x"},
    "frozenset": lambda s: frozenset([s]),
    "deque": lambda s: collections.deque([s], maxlen=3),
    "namedtuple": Named,
    "defaultdict": lambda s: collections.defaultdict(list, {"a": [s]}),
    "defaultdict's factory": lambda s: collections.defaultdict(functools.partial(str, s)),
    "OrderedDict": lambda s: collections.OrderedDict(a=s),
    "ChainMap": lambda s: collections.ChainMap({}, {"a": s}),
    "Counter": lambda s: collections.Counter([s, s]),
    "mappingproxy": lambda s: types.MappingProxyType({"a": s}),
    "UserDict": lambda s: collections.UserDict(a=s),
    "a list that holds itself": _looped,
    "a dict with an attribute": lambda s: _with(DictWithMore(a=1), s),
    "an object in a list": lambda s: [{"a": Plain(s)}],
    "a model in a tuple": lambda s: (Model(token=s),),
}

OBJECTS: dict[str, Callable[[str], Any]] = {
    "dataclass": Data,
    "frozen dataclass": Frozen,
    "a field that is neither shown nor pickled": Unshown,
    "attrs": Attrs,
    "pydantic": lambda s: Model(token=s),
    "SecretStr": pydantic.SecretStr,
    "SecretStr in a model": lambda s: SecretModel(token=pydantic.SecretStr(s)),
    "Enum": _color,
    "SimpleNamespace": lambda s: types.SimpleNamespace(token=s),
    "Path": lambda s: Path("/tmp") / _name(s),
    "PurePosixPath": lambda s: PurePosixPath(_name(s)),
    "PureWindowsPath": lambda s: PureWindowsPath("C:/") / _name(s),
    "yarl": lambda s: yarl.URL("http://localhost").with_query(key=s),
    "yarl password": lambda s: yarl.URL("http://localhost").with_user("me").with_password(s),
    "an attribute": Plain,
    "an attribute's attribute": lambda s: Plain(Plain([Plain(s)])),
    "slots": Slots,
    "repr": Shown,
    "an object that cannot be pickled": Unpicklable,
    "repr computed": ComputedRepr,
    "str computed": ComputedStr,
    "_repr_html_": Html,
    "_repr_mimebundle_": Bundle,
    "_repr_pretty_": Pretty,
    "__rich_repr__": Rich,
    "a repr that raises": FailingRepr,
    "__fspath__": PathLike,
    "a mapping that computes": ComputedMapping,
    "a sequence that computes": ComputedSequence,
    "a str with an attribute": lambda s: _with(StrWithMore("x"), s),
    "a str of another class": StrWithMore,
    "an int with an attribute": lambda s: _with(IntWithMore(3), s),
    "partial": lambda s: functools.partial(print, s),
    "a closure": _cell,
    "a default": _default,
    "a method": lambda s: Plain(s).__init__,  # type: ignore[misc]
    "a method of a list": lambda s: [s].append,
    "an iterator": lambda s: iter([s]),
    "map": lambda s: map(str, [s]),
    "a weak reference": _weak,
    "a mock": _mock,
    "UserString": collections.UserString,
    "UserList": lambda s: collections.UserList([s]),
    "a class": lambda s: type("Holder", (), {"token": s}),
    "an object of such a class": lambda s: type("Holder", (), {"token": s})(),
    "a signature": lambda s: inspect.signature(_default(s)),
    "a traceback in text": lambda s: traceback.TracebackException.from_exception(ValueError(s)),
    "cookies": lambda s: http.cookies.SimpleCookie({"a": s}),
    "an XML element": lambda s: ET.Element("a", {"b": s}),
    "a future": _future,
    "a queue": _queue,
    "a match": lambda s: re.search("x", f"{'-' * 80}x{s}"),
    "StringIO": io.StringIO,
    "BytesIO": lambda s: io.BytesIO(s.encode()),
    "an exception": ValueError,
    "an exception with a note": _noted,
    "an exception with a cause": _caused,
    "an exception in a context": _in_context,
    "an exception group": _group,
    "an exception with frames": _raised,
    "an exception in an object": lambda s: Plain(_caused(s)),
    "a lambda in an object": lambda s: Plain(lambda: s),
    "a lambda in a partial": lambda s: functools.partial(lambda x: s),
}

BYTES: dict[str, Callable[[str], Any]] = {
    "bytes": lambda s: s.encode(),
    "bytearray": lambda s: bytearray(s.encode()),
    "memoryview": lambda s: memoryview(s.encode()),
    "array of bytes": lambda s: array.array("B", s.encode()),
    "binary": lambda s: b"\x00\xff\xfe" + s.encode() + b"\x00",
    "UTF-16": lambda s: s.encode("utf-16"),
    "UTF-32": lambda s: s.encode("utf-32-be"),
}

FRAMES: dict[str, Callable[[str], Any]] = {
    "numpy str": np.str_,
    "numpy bytes": lambda s: np.bytes_(s.encode()),
    "numpy array of str": lambda s: np.array(["a", s]),
    "numpy array of bytes": lambda s: np.array([s.encode()]),
    "numpy array of objects": lambda s: np.array([{"a": s}, None], dtype=object),
    "numpy array of bytes as numbers": lambda s: np.frombuffer(s.encode(), dtype=np.uint8),
    "numpy record": lambda s: np.array([(1, s)], dtype=[("n", int), ("token", "U99")]),
    "numpy scalar record": lambda s: np.array([(1, s)], dtype=[("n", int), ("token", "U99")])[0],
    "numpy strided": lambda s: np.array([s, "x"] * 3)[::2],
    "pandas frame": lambda s: pd.DataFrame({"n": range(100), "token": [*["x"] * 99, s]}),
    "pandas objects": lambda s: pd.DataFrame({"token": [{"a": [s]}]}),
    "pandas column name": lambda s: pd.DataFrame({s: [1]}),
    "pandas index": lambda s: pd.DataFrame({"a": [1]}, index=[s]),
    "pandas attrs": lambda s: _with_attrs(pd.DataFrame({"a": [1]}), s),
    "pandas series": lambda s: pd.Series([s], name="x"),
    "pandas categories": lambda s: pd.Series([s], dtype="category"),
    "pandas in an object": lambda s: Plain(pd.Series([dt.datetime(2020, 1, 1), s])),
    "polars frame": lambda s: pl.DataFrame({"n": range(100), "token": [*["x"] * 99, s]}),
    "polars struct": lambda s: pl.DataFrame({"a": [{"token": s}]}),
    "polars series": lambda s: pl.Series([s]),
    "polars objects": lambda s: pl.Series([Plain(s)], dtype=pl.Object),
    "polars lazy": lambda s: pl.DataFrame({"token": [s]}).lazy(),
    "arrow table": lambda s: pa.table({"token": ["x", s]}),
    "arrow array": lambda s: pa.array([s]),
    "arrow scalar": pa.scalar,
    "arrow metadata": lambda s: pa.table({"a": [1]}).replace_schema_metadata({"token": s}),
}

ZOO = {**CONTAINERS, **OBJECTS, **BYTES, **FRAMES}
"""Name -> a function that makes a value with the given text in it, which a button can return."""

AWKWARD: dict[str, Callable[[str], Any]] = {"a generator": _generator, "a deep list": _deep}
"""The same for values that buttons and exports consume or cannot handle."""

FORMS: dict[str, Callable[[str], str]] = {
    "URL": lambda s: quote(s, safe=""),
    "URL in lower case": lambda s: re.sub("%..", lambda found: found[0].lower(), quote(s, safe="")),
    "URL path": quote,
    "form": quote_plus,
    "URL twice": lambda s: quote(quote(s)),
    "JSON": json.dumps,
    "JSON in JSON": lambda s: json.dumps(json.dumps({"a": s})),
    "JSON in Unicode": lambda s: json.dumps(s, ensure_ascii=False),
    "repr": repr,
    "repr of bytes": lambda s: repr(s.encode()),
    "ascii": ascii,
    "HTML": html.escape,
    "HTML by number": lambda s: "".join(c if c.isalnum() and c.isascii() else f"&#{ord(c)};" for c in s),
    "hexadecimal": lambda s: s.encode().hex(),
    "hexadecimal in capitals": lambda s: s.encode().hex().upper(),
    "base64": lambda s: base64.b64encode(s.encode()).decode(),
    "basic authorization": lambda s: base64.b64encode(f"user:{s}".encode()).decode(),
    "base64 after one": lambda s: base64.b64encode(f"u{s}:x".encode()).decode(),
    "base64 after two": lambda s: base64.b64encode(f"uu{s}xx".encode()).decode(),
    "base64 for URLs": lambda s: base64.urlsafe_b64encode(f"~?{s}".encode()).decode(),
    "cut": lambda s: f"{s[: len(s) * 3 // 4]}...",
    "cut in the middle": lambda s: f"'{s[: len(s) // 2 + 1]}…{s[-3:]}'",
    "cut at the beginning": lambda s: f"...{s[len(s) // 4 :]}",
    "wrong charset": lambda s: s.encode().decode("latin-1"),
}
"""Name -> a function that encodes the text in that form."""

HARMLESS: dict[str, Callable[[], Any]] = {
    "numbers": lambda: [1, 2.5, True, None, Decimal("1.5"), 3 + 4j, range(3), 10**5000],
    "times": lambda: [dt.datetime(2020, 1, 1), dt.date(2020, 1, 1), dt.timedelta(1)],
    "modules and functions": lambda: [json, json.dumps, len, str, Data],
    "a list that holds itself": lambda: _looped("x"),
    "many objects": lambda: [Data(str(n)) for n in range(50)],
    "a list shared 2**60 times": lambda: functools.reduce(lambda inner, _: [inner, inner], range(60), ["x"]),
}
"""Values that contain no secret."""
