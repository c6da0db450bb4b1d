"""Secrets kept out of everything a run leaves behind: outputs, arguments, captured text, errors.

Steps work with the real values (they are in scope); the record, and so every table, log and file made from
it, gets copies with a marker in their place.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote, quote_plus

from drawer_ipy.definition.models import InputSpec
from drawer_ipy.errors import ErrorInfo
from drawer_ipy.record import LoopOutput, StepResult, Try

REDACTED = "[redacted]"

_SHORTEST = 4
"""Characters: a shorter secret is only redacted where it is the whole value, or text would be unreadable."""

_DEEPEST = 100
"""Levels of lists and mappings that are looked into."""

_HEAD = 20
"""Characters: messages cut long values short, so the beginning of a long secret counts as the secret."""


class Redactor:
    """Replaces secrets in values and texts.

    Args:
        secrets: the values to hide: texts, numbers, or lists and mappings of them.
    """

    def __init__(self, secrets: Iterable[Any] = ()) -> None:
        texts = {text for secret in secrets for text in _texts(secret)}
        self._whole = frozenset(texts)
        needles = {form for text in texts if len(text) >= _SHORTEST for form in _forms(text)}
        # Longest first, so that a secret that begins with another is replaced as a whole.
        patterns = [_pattern(needle) for needle in sorted(needles, key=len, reverse=True)]
        self._pattern = re.compile("|".join(patterns)) if patterns else None

    def __bool__(self) -> bool:
        return bool(self._whole)

    def also(self, secrets: Iterable[Any]) -> Redactor:
        """One that hides `secrets` too."""
        more = {text for secret in secrets for text in _texts(secret)}
        return self if more <= self._whole else Redactor([*self._whole, *more])

    def text(self, text: str) -> str:
        """`text` without secrets."""
        if text in self._whole:
            return REDACTED
        return self._pattern.sub(REDACTED, text) if self._pattern is not None else text

    def value(self, value: Any, depth: int = 0) -> Any:
        """`value` without secrets; what holds none is returned as it is, the same object.

        What is nested deeper than anybody reads (it may hold itself) is hidden unseen.
        """
        if not self._whole:
            return value
        if depth > _DEEPEST:
            return REDACTED
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, bool) or value is None:
            return value
        if isinstance(value, int | float):
            return REDACTED if str(value) in self._whole else value
        if isinstance(value, LoopOutput):
            # Its columns were redacted entry by entry.
            return value if value.hidden is None else LoopOutput(value.record)
        if isinstance(value, bytes):
            return self._bytes(value)
        if isinstance(value, Mapping):
            below = depth + 1
            made = {self.text(k) if isinstance(k, str) else k: self.value(v, below) for k, v in value.items()}
            same = all(k in value and v is value[k] for k, v in made.items())
            return value if same else made
        if isinstance(value, list | tuple):
            parts = [self.value(v, depth + 1) for v in value]
            return value if all(a is b for a, b in zip(parts, value, strict=True)) else parts
        return value

    def error(self, error: ErrorInfo | None) -> ErrorInfo | None:
        """`error` with a message that tells no secret; its exception is dropped if its text would."""
        if error is None:
            return None
        message, remediation = self.text(error.message), self.text(error.remediation)
        exception = error.exception
        if exception is not None and self.text(str(exception)) != str(exception):
            exception = None
        return ErrorInfo(error.code, message, remediation, error.index, exception)

    def step(self, result: StepResult) -> None:
        """Redact everything `result` keeps."""
        result.output = self.value(result.output)
        result.args = self.value(result.args)
        result.stdout = self.text(result.stdout)
        result.stderr = self.text(result.stderr)
        result.error = self.error(result.error)
        if result.about is not None:
            result.about = self.value(result.about)
        result.tries = tuple(map(self._try, result.tries))

    def _try(self, tried: Try) -> Try:
        error = self.error(tried.error) or tried.error
        return replace(tried, error=error, stdout=self.text(tried.stdout), stderr=self.text(tried.stderr))

    def _bytes(self, value: bytes) -> bytes:
        text = value.decode("utf-8", errors="surrogateescape")
        clean = self.text(text)
        return value if clean == text else clean.encode("utf-8", errors="surrogateescape")


def recorded_inputs(
    specs: Iterable[InputSpec], inputs: Mapping[str, Any], redactor: Redactor
) -> dict[str, Any]:
    """`inputs` as records keep them."""
    secret = {spec.name for spec in specs if spec.secret}
    return {name: REDACTED if name in secret else redactor.value(value) for name, value in inputs.items()}


def secrets_of(specs: Iterable[InputSpec], inputs: Mapping[str, Any]) -> list[Any]:
    """Values of the inputs that are declared secret."""
    return [inputs[spec.name] for spec in specs if spec.secret and inputs.get(spec.name) is not None]


def _texts(secret: Any) -> Iterable[str]:
    if isinstance(secret, Mapping):
        for value in secret.values():
            yield from _texts(value)
    elif isinstance(secret, list | tuple | set):
        for value in secret:
            yield from _texts(value)
    elif isinstance(secret, bytes):
        yield secret.decode("utf-8", errors="surrogateescape")
    elif secret is not None and not isinstance(secret, bool) and str(secret).strip():
        yield str(secret)


def _forms(text: str) -> set[str]:
    """How a secret looks where it was quoted for JSON or put into a URL."""
    escaped = {json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1], repr(text)[1:-1]}
    return {text, text.strip(), quote(text, safe=""), quote_plus(text), *escaped}


def _pattern(needle: str) -> str:
    if len(needle) <= _HEAD:
        return re.escape(needle)
    head, rest = re.escape(needle[:_HEAD]), re.escape(needle[_HEAD:])
    return rf"{head}(?:{rest}|\S*)"
