"""Secrets kept out of everything a run leaves behind: outputs, arguments, captured text, errors.

Steps work with the real values, which are in scope. The record, and so every table, log and file made from
it, gets copies with a marker in place of each secret. Lists, mappings and other containers that are known
inside out are copied with the secrets in them replaced; any other object that holds a secret is replaced as a
whole.
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
"""Levels of containers that are copied; what is nested deeper is replaced with all that is in it."""

_SLOW = 0.001
"""Seconds: a value that took longer to look at, and held no secret, is not looked at twice in a row."""

_REMEMBERED = 32
_LAYOUTS = 1_000
"""Lists of keys that are remembered to hold no secret."""

_MAPPINGS = (dict, OrderedDict)
_LISTS = (list, tuple, set, frozenset, deque)
_SAID = (
    *(dt.datetime, dt.date, dt.time, dt.timedelta, dt.timezone),
    *(decimal.Decimal, fractions.Fraction, complex, uuid.UUID, range),
    *(pathlib.PosixPath, pathlib.PurePosixPath, pathlib.WindowsPath, pathlib.PureWindowsPath),
)
"""Classes whose objects are no more than what they say."""


class Redactor:
    """Replaces secrets in values and texts.

    Args:
        secrets: the values to hide: texts, bytes, numbers, objects that hold such, or containers of them.

    Attributes:
        secrets: as the argument.
        hides: whether there is anything to hide; it is also what this object is true for.
    """

    def __init__(self, secrets: Iterable[Any] = ()) -> None:
        self.secrets = tuple(secrets)
        self._texts = frozenset(text for secret in self.secrets for text in texts_of(secret))
        self.hides = bool(self._texts)
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
        """One that hides `secrets` too."""
        more = tuple(secrets)
        known = all(text in self._texts for secret in more for text in texts_of(secret))
        return self if known else Redactor([*self.secrets, *more])

    def text(self, text: str) -> str:
        """`text` without secrets."""
        return self._needles.out_of(text) if self._texts else text

    def holds(self, value: Any) -> bool:
        """Whether a secret is in `value`, or it is an object too large to tell."""
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
                        pending += part
                        continue
                    pending += part.values()
                    pending += self._new(tuple(part))
            elif self._foreign_holds(part, kind):
                return True
        return False

    def value(self, value: Any) -> Any:
        """`value` without secrets; what holds none is returned as it is, the same object."""
        if not self._texts or id(value) in self._clean:
            return value
        began = time.perf_counter()
        if self.holds(value):
            try:
                return self._copy(value, 0, {})
            except RecursionError:  # it was called near the end of the stack
                return REDACTED
        if time.perf_counter() - began > _SLOW:
            self._clean[id(value)] = value  # held on to, since ids are used again
            if len(self._clean) > _REMEMBERED:
                self._clean.popitem(last=False)
        return value

    def forget(self) -> None:
        """Look again at what held no secret when it was looked at: it may have changed."""
        self._clean.clear()

    def error(self, error: ErrorInfo | None) -> ErrorInfo | None:
        """`error` with a message that tells no secret; its exception is dropped if it holds one."""
        if error is None or not self._texts:
            return error
        message, remediation = self.text(error.message), self.text(error.remediation)
        exception = error.exception
        if exception is not None and self.holds(exception):
            exception = None
        return ErrorInfo(self.text(error.code), message, remediation, error.index, exception, error.status)

    def step(self, result: StepResult) -> None:
        """Redact everything that `result` keeps but its arguments, which are redacted as they are set."""
        result.output = self.value(result.output)
        result.stdout = self.text(result.stdout)
        result.stderr = self.text(result.stderr)
        if result.about is not None:
            result.about = self.value(result.about)
        if result.error is not None or result.tries:
            # Whether the other side has too much to do can be told by the exceptions only.
            result.pushed_back = asks_for_less(result)
            result.error = self.error(result.error)
            result.tries = tuple(map(self._try, result.tries))

    def _try(self, tried: Try) -> Try:
        error = self.error(tried.error) or tried.error
        return replace(tried, error=error, stdout=self.text(tried.stdout), stderr=self.text(tried.stderr))

    # Looking

    def _new(self, keys: tuple[Any, ...]) -> tuple[Any, ...]:
        """`keys` of a mapping, none if they were looked at before: many mappings have the same."""
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
        except Exception:  # what cannot be looked at is hidden; a class may do anything, its metaclass too
            return True

    # Copying

    def _copy(self, value: Any, depth: int, made: dict[int, Any]) -> Any:
        """`value` with markers in it; `made` has the copies of containers by id."""
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
        # Until it is made: a container within itself is hidden unseen.
        made[id(value)] = copy = REDACTED
        if depth <= _DEEPEST:
            try:
                copy = self._container(value, kind, depth + 1, made)
            except Exception:  # a container of an unknown class does what it likes
                copy = self._marker(value)
        made[id(value)] = copy
        return copy

    def _container(self, value: Any, kind: type, depth: int, made: dict[int, Any]) -> Any:
        if isinstance(value, Mapping):
            pairs = [(self._copy(k, depth, made), self._copy(v, depth, made)) for k, v in value.items()]
            if all(k is a and v is b for (k, v), (a, b) in zip(pairs, value.items(), strict=True)):
                return value if kind in _MAPPINGS else self._whole(value)
            return _mapping(pairs, OrderedDict if kind is OrderedDict else dict)
        parts = [self._copy(part, depth, made) for part in value]
        if all(a is b for a, b in zip(parts, value, strict=True)):
            return value if kind in _LISTS else self._whole(value)
        if kind in _LISTS:
            return deque(parts, value.maxlen) if kind is deque else kind(parts)
        if isinstance(value, tuple) and hasattr(kind, "_make"):
            return kind._make(parts)
        return self._marker(value)

    def _whole(self, value: Any) -> Any:
        """A container of an unknown class, in whose entries there is no secret."""
        return self._marker(value) if self._foreign_holds(value, type(value)) else value

    def _bytes(self, value: bytes | bytearray) -> bytes | bytearray:
        """Text is redacted within; of what is not text, a part would be of no use to anybody."""
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
        """What stands in the place of an object; it says of which class that was."""
        if isinstance(value, str):
            content = str.__str__(value)
            clean = self.text(content)
            return clean if clean != content else REDACTED
        if isinstance(value, int | float | memoryview):
            return REDACTED
        name = type.__dict__["__name__"].__get__(type(value))  # past a metaclass with a name of its own
        return f"{REDACTED} ({self.text(name)})"


def recorded_inputs(
    specs: Iterable[InputSpec], inputs: Mapping[str, Any], redactor: Redactor
) -> dict[str, Any]:
    """`inputs` as records keep them."""
    secret = {spec.name for spec in specs if spec.secret}
    return {name: REDACTED if name in secret else redactor.value(value) for name, value in inputs.items()}


def secrets_of(specs: Iterable[InputSpec], inputs: Mapping[str, Any]) -> list[Any]:
    """Values of the inputs that are declared secret."""
    return [inputs[spec.name] for spec in specs if spec.secret and inputs.get(spec.name) is not None]


def texts_of(secret: Any, depth: int = 0) -> Iterator[str]:
    """The texts that `secret` consists of."""
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


def _mapping(pairs: Iterable[tuple[Any, Any]], kind: type) -> Any:
    """A mapping of `pairs`, none of which is lost though their keys may have become alike."""
    made = kind()
    for key, value in pairs:
        one, number = key, 2
        while one in made:
            one, number = f"{key} ({number})", number + 1
        made[one] = value
    return made


def _never(_value: Any) -> bool:
    return False
