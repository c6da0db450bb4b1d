"""Policies: what a step does when it fails."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal

from drawer_ipy.common.short_repr import shown
from drawer_ipy.definition.faults import Fault
from drawer_ipy.definition.model_base import Model, NonNegativeFloat, NonNegativeInt
from drawer_ipy.errors import CODES, did_you_mean

_CLASS_NAME = re.compile(r"(\w+\.)*[A-Z]\w*[a-z]\w*")


class BackoffSpec(Model):
    """How long to wait before attempt k+1, in milliseconds."""

    strategy: Literal["fixed", "exponential"] = "exponential"
    initial_ms: NonNegativeFloat = 0
    factor: NonNegativeFloat = 0  # 0 means the default, 2
    max_ms: NonNegativeFloat = 0  # 0 means no cap
    jitter: bool | NonNegativeFloat = False  # true: full jitter; a number: the share that varies

    key_texts: ClassVar[Mapping[str, str]] = {
        "strategy": "`fixed`, or `exponential`: each wait longer than the one before.",
        "initial_ms": "First wait, milliseconds.",
        "factor": "By how much each wait is multiplied. Default: 2.",
        "max_ms": "Longest wait, milliseconds; 0 for no limit.",
        "jitter": "Whether waits vary at random: true, or the share that varies.",
    }


class Policy(Model):
    """What a step does when it fails; a bare word means ``{action: word}``."""

    action: Literal["stop", "continue", "retry"] = "stop"
    max_attempts: NonNegativeInt = 0
    backoff: BackoffSpec | None = None
    retry_on: list[str] = []
    compensate_with: Any = None

    key_texts: ClassVar[Mapping[str, str]] = {
        "action": "`stop` the run, `continue` with the next step, or `retry`.",
        "max_attempts": "Most attempts in all, for `retry`.",
        "backoff": "How long to wait between attempts.",
        "retry_on": "Error codes, or names of Python exceptions, to retry on. Default: all.",
        "compensate_with": "What to press if the run fails after this step succeeded: "
        "a button, or drawer/NAME.",
    }

    def faults(self) -> Iterator[Fault]:
        """The problems with it, by path in the step."""
        for i, code in enumerate(self.retry_on):
            if code in CODES or _CLASS_NAME.fullmatch(code):
                continue
            hint = did_you_mean(code.upper(), CODES)
            message = f"retry_on: unknown error code {shown(code)}"
            yield Fault(("on_failure", "retry_on", i), message, hint, soft=True)
        if self.action == "retry" and self.max_attempts < 2:
            message = "`retry` with `max_attempts` below 2 never retries"
            yield Fault(("on_failure",), message, "set the number of attempts: `max_attempts: 3`", soft=True)

    def words(self) -> str:
        """The policy in a few words, ``""`` for a plain stop."""
        if self.action == "retry":
            return f"up to {self.max_attempts} attempts" if self.max_attempts else "retried on failure"
        return "continues after a failure" if self.action == "continue" else ""
