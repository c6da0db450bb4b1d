"""Keep secrets out of everything that a run records: outputs, arguments, captured text, errors.

Steps use the real values in their scope. The record, and so every table, log and file made from it, contains
copies with a marker in place of each secret. Lists, mappings and other containers of known classes are copied
with their secrets replaced; any other object that contains a secret is replaced as a whole.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import fractions
import pathlib
import time
import uuid
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from drawer_ipy.definition.models import InputSpec
from drawer_ipy.engine.policy import asks_for_less
from drawer_ipy.engine.secrets.needles import REDACTED, Needles
from drawer_ipy.engine.secrets.objects import ObjectSearch
from drawer_ipy.engine.secrets.pickled import package_of
from drawer_ipy.errors import ErrorInfo
from drawer_ipy.record.loop import LoopEntries, LoopOutput
from drawer_ipy.record.step import StepResult, Try

__all__ = ["REDACTED", "Redactor", "recorded_inputs", "secrets_of"]

_DEEPEST = 100
"""Most levels of containers that are copied; a container nested deeper is replaced as a whole."""

_SLOW = 0.001
"""Seconds. A value without secrets that took longer to search is not searched twice in a row."""

_REMEMBERED = 32
_LAYOUTS = 1_000
"""Most tuples of keys that are remembered as free of secrets."""

_MAPPINGS = (dict, OrderedDict)
_LISTS = (list, tuple, set, frozenset, deque)
_SAID = (
    *(dt.datetime, dt.date, dt.time, dt.timedelta, dt.timezone),
    *(decimal.Decimal, fractions.Fraction, complex, uuid.UUID, range),
    *(pathlib.PosixPath, pathlib.PurePosixPath, pathlib.WindowsPath, pathlib.PureWindowsPath),
)
"""Classes whose string representation contains everything about their objects."""


class Redactor:
    """Replaces secrets in values and texts.

    Args:
        secrets: the values to hide: texts, bytes, numbers, objects that contain such values, or containers.

    Attributes:
        secrets: the argument.
        hides: whether there is anything to hide; also the truth value of this object.
    """

    def __init__(self, secrets: Iterable[Any] = ()) -> None:
        self.secrets: tuple[Any, ...] = tuple(secrets)
        self._texts = frozenset(text for secret in self.secrets for text in texts_of(secret))
        self.hides: bool = bool(self._texts)
        self._needles = Needles(self._texts)
        self._foreign = ObjectSearch(self._needles, self.holds)
        self._clean: OrderedDict[int, Any] = OrderedDict()
        self._keys: set[tuple[Any, ...]] = set()
        self._looks: dict[type, Callable[[Any], bool]] = {
            str: self._needles.in_text,
            bytes: self._needles.in_bytes,
            bytearray: self._needles.in_bytes,
            memoryview: self._foreign_bytes,
            bool: _never,
            type(None): _never,
            type(Ellipsis): _never,
            int: self._needles.in_number if self._needles.numeric else _never,
            float: self._needles.in_number if self._needles.numeric else _never,
            LoopOutput: lambda output: output.hidden is not None,
            LoopEntries: lambda entries: entries.hidden is not None,
            **dict.fromkeys(_SAID, self._said),
        }

    def __bool__(self) -> bool:
        return self.hides

    def also(self, secrets: Iterable[Any]) -> Redactor:
        """Return a redactor that hides `secrets` too."""
        more = tuple(secrets)
        known = all(text in self._texts for secret in more for text in texts_of(secret))
        return self if known else Redactor([*self.secrets, *more])

    def text(self, text: str) -> str:
        """Return `text` without secrets."""
        return self._needles.out_of(text) if self._texts else text

    def holds(self, value: Any) -> bool:
        """Whether `value` contains a secret, or is an object too large to search."""
        looks = self._looks
        pending, seen = [value], set()
        while pending:
            part = pending.pop()
            kind = type(part)
            look = looks.get(kind)
            if look is not None:
                if look(part):
                    return True
            elif kind in _MAPPINGS or kind in _LISTS:
                if id(part) not in seen:
                    seen.add(id(part))
                    if kind in _LISTS:
                        if (texts := _lines_in(part, kind)) is None:
                            pending += part
                        elif self._needles.in_texts(texts):
                            return True
                        continue
                    pending += part.values()
                    pending += self._new(tuple(part))
            elif self._foreign_holds(part, kind):
                return True
        return False

    def value(self, value: Any) -> Any:
        """Return `value` without secrets; the same object if it contains none."""
        if not self._texts or id(value) in self._clean:
            return value
        began = time.perf_counter()
        if self.holds(value):
            try:
                return self._copy(value, 0, {})
            except RecursionError:  # it was called near the recursion limit
                return REDACTED
        if time.perf_counter() - began > _SLOW:
            self._clean[id(value)] = value  # keeps the value alive, since ids are reused
            if len(self._clean) > _REMEMBERED:
                self._clean.popitem(last=False)
        return value

    def forget(self) -> None:
        """Forget which values are free of secrets, since they may have changed."""
        self._clean.clear()

    def error(self, error: ErrorInfo | None) -> ErrorInfo | None:
        """Return `error` with secrets removed from its message; an exception that contains one is dropped."""
        if error is None or not self._texts:
            return error
        message, remediation = self.text(error.message), self.text(error.remediation)
        exception = error.exception
        if exception is not None and self.holds(exception):
            exception = None
        return ErrorInfo(self.text(error.code), message, remediation, error.index, exception, error.status)

    def step(self, result: StepResult) -> None:
        """Redact everything in `result` except its arguments, which are redacted when they are set."""
        result.output = self.value(result.output)
        result.stdout = self.text(result.stdout)
        result.stderr = self.text(result.stderr)
        if result.about is not None:
            result.about = self.value(result.about)
        if result.error is not None or result.tries:
            # Only the exceptions show whether a server was overloaded.
            result.pushed_back = asks_for_less(result)
            result.error = self.error(result.error)
            result.tries = tuple(map(self._try, result.tries))

    def _try(self, tried: Try) -> Try:
        error = self.error(tried.error) or tried.error
        return replace(tried, error=error, stdout=self.text(tried.stdout), stderr=self.text(tried.stderr))

    # Searching

    def _new(self, keys: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return `keys` of a mapping, or none if they were searched before, as many mappings share keys."""
        if not all(type(key) is str for key in keys):
            return keys
        if keys in self._keys:
            return ()
        if self.holds(list(keys)):
            return keys
        if len(self._keys) < _LAYOUTS:
            self._keys.add(keys)
        return ()

    def _said(self, value: Any) -> bool:
        return self._needles.in_text(str(value)) or self._needles.in_text(repr(value))

    def _foreign_bytes(self, value: memoryview) -> bool:
        return self._needles.in_bytes(value.tobytes())

    def _foreign_holds(self, value: Any, kind: type) -> bool:
        if any(value is secret for secret in self.secrets):
            return True
        try:
            if package_of(kind) == "numpy" and hasattr(kind, "item") and not hasattr(kind, "__len__"):
                self._looks[kind] = self._said  # a number
                return self._said(value)
            return self._foreign.holds(value)
        except Exception:  # what cannot be searched is hidden; a class or its metaclass may raise anything
            return True

    # Copying

    def _copy(self, value: Any, depth: int, made: dict[int, Any]) -> Any:
        """Return a copy of `value` with markers; `made` maps ids of containers to their copies."""
        kind = type(value)
        if kind is str:
            return self.text(value)
        if kind in (bytes, bytearray):
            return self._bytes(value)
        if kind in (LoopOutput, LoopEntries):
            return value if value.hidden is None else kind(value.record)
        if not isinstance(value, (dict, Mapping, *_LISTS)):
            return self._marker(value) if self.holds(value) else value
        if id(value) in made:
            return made[id(value)]
        # Used until the copy exists: a container inside itself is hidden without a search.
        made[id(value)] = copy = REDACTED
        if depth <= _DEEPEST:
            try:
                copy = self._container(value, kind, depth + 1, made)
            except Exception:  # a container of an unknown class may raise anything
                copy = self._marker(value)
        made[id(value)] = copy
        return copy

    def _container(self, value: Any, kind: type, depth: int, made: dict[int, Any]) -> Any:
        if isinstance(value, Mapping):
            pairs = [(self._copy(k, depth, made), self._copy(v, depth, made)) for k, v in value.items()]
            if all(k is a and v is b for (k, v), (a, b) in zip(pairs, value.items(), strict=True)):
                return value if kind in _MAPPINGS else self._whole(value)
            return _mapping(pairs, OrderedDict if kind is OrderedDict else dict)
        parts = self._parts(value, kind, depth, made)
        if all(a is b for a, b in zip(parts, value, strict=True)):
            return value if kind in _LISTS else self._whole(value)
        if kind in _LISTS:
            return deque(parts, value.maxlen) if kind is deque else kind(parts)
        if isinstance(value, tuple) and hasattr(kind, "_make"):
            return kind._make(parts)
        return self._marker(value)

    def _parts(self, value: Any, kind: type, depth: int, made: dict[int, Any]) -> list[Any]:
        """Return copies of the entries of a container; lines of a text are redacted together."""
        if (texts := _lines_in(value, kind)) is not None:
            shown = self._needles.out_of_texts(texts)
            pairs = zip(value, texts, shown, strict=True)
            value = [part if old == new else _like(part, new) for part, old, new in pairs]
        return [self._copy(part, depth, made) for part in value]

    def _whole(self, value: Any) -> Any:
        """Handle a container of an unknown class whose entries contain no secret."""
        return self._marker(value) if self._foreign_holds(value, type(value)) else value

    def _bytes(self, value: bytes | bytearray) -> bytes | bytearray:
        """Redact text inside bytes; other bytes are replaced as a whole, since a part would be of no use."""
        if not self._needles.in_bytes(value):
            return value
        kind = type(value)
        for encoding in ("utf-8", "latin-1") if b"\0" not in value else ():
            try:
                return kind(self.text(value.decode(encoding)).encode(encoding))
            except UnicodeError:
                continue
        return kind(REDACTED.encode())

    def _marker(self, value: Any) -> str:
        """Return the marker that replaces an object; it names the object's class."""
        if isinstance(value, str):
            content = str.__str__(value)
            clean = self.text(content)
            return clean if clean != content else REDACTED
        if isinstance(value, int | float | memoryview):
            return REDACTED
        # Bypass a metaclass that defines its own __name__.
        name = type.__dict__["__name__"].__get__(type(value))
        return f"{REDACTED} ({self.text(name)})"


def recorded_inputs(
    specs: Iterable[InputSpec], inputs: Mapping[str, Any], redactor: Redactor
) -> dict[str, Any]:
    """Return `inputs` as records keep them."""
    secret = {spec.name for spec in specs if spec.secret}
    return {name: REDACTED if name in secret else redactor.value(value) for name, value in inputs.items()}


def secrets_of(specs: Iterable[InputSpec], inputs: Mapping[str, Any]) -> list[Any]:
    """Return the values of the inputs that are declared secret."""
    return [inputs[spec.name] for spec in specs if spec.secret and inputs.get(spec.name) is not None]


def texts_of(secret: Any, depth: int = 0) -> Iterator[str]:
    """Yield the texts that `secret` consists of."""
    if secret is None or isinstance(secret, bool) or depth > _DEEPEST:
        return
    parts: Iterable[Any] = ()
    if isinstance(secret, str | int | float | pathlib.PurePath):
        text = str.__str__(secret) if isinstance(secret, str) else str(secret)
        if text.strip():
            yield text
    elif isinstance(secret, bytes | bytearray):
        yield secret.decode("utf-8", errors="surrogateescape")
    elif callable(reveal := getattr(secret, "get_secret_value", None)):  # pydantic's SecretStr
        parts = [reveal()]
    elif isinstance(secret, Mapping):
        parts = secret.values()
    elif isinstance(secret, list | tuple | set | frozenset | deque):
        parts = secret
    elif dataclasses.is_dataclass(secret) and not isinstance(secret, type):
        parts = [getattr(secret, field.name) for field in dataclasses.fields(secret)]
    else:
        yield str(secret)
        parts = [part for part in getattr(secret, "__dict__", {}).values() if isinstance(part, str | bytes)]
    for part in parts:
        yield from texts_of(part, depth + 1)


def _lines_in(value: Any, kind: type) -> list[str] | None:
    """Return the entries of a list or tuple that may be lines of one text; ``None`` if they cannot."""
    if kind not in (list, tuple) or len(value) < 2:
        return None
    kinds = set(map(type, value))
    if kinds == {str}:
        return list(value)
    return [str(line, "latin-1") for line in value] if kinds == {bytes} else None


def _like(part: str | bytes, text: str) -> str | bytes:
    return text if isinstance(part, str) else text.encode("latin-1")


def _mapping(pairs: Iterable[tuple[Any, Any]], kind: type) -> Any:
    """Return a mapping of all `pairs`; keys that became equal are numbered."""
    made = kind()
    for key, value in pairs:
        one, number = key, 2
        while one in made:
            one, number = f"{key} ({number})", number + 1
        made[one] = value
    return made


def _never(_value: Any) -> bool:
    return False
