"""What a step does when it fails."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal

from drawer_ipy.common.short_repr import shown
from drawer_ipy.definition.faults import Fault
from drawer_ipy.definition.model_base import Model, NonNegativeFloat, NonNegativeInt
from drawer_ipy.errors import Code, did_you_mean

_CODES = frozenset(value for name, value in vars(Code).items() if name.isupper())
_CLASS_NAME = re.compile(r"(\w+\.)*[A-Z]\w*[a-z]\w*")


class BackoffSpec(Model):
    """How long to wait before attempt k+1, milliseconds."""

    strategy: Literal["fixed", "exponential"] = "exponential"
    initial_ms: NonNegativeFloat = 0
    factor: NonNegativeFloat = 0  # 0 means the default, 2
    max_ms: NonNegativeFloat = 0  # 0 means no cap
    jitter: bool | NonNegativeFloat = False  # true is full jitter; a number is the share that varies

    key_texts: ClassVar[Mapping[str, str]] = {
        "strategy": "`fixed`, or `exponential`: each wait longer than the one before.",
        "initial_ms": "First wait, milliseconds.",
        "factor": "How much longer each wait is; 2 when left out.",
        "max_ms": "Longest wait, milliseconds; 0 for no bound.",
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
        "max_attempts": "How often to try in all, under `retry`.",
        "backoff": "How long to wait between attempts.",
        "retry_on": "Error codes, or names of Python exceptions, to retry on; all when left out.",
        "compensate_with": "What to press when the run fails after this step was done: "
        "a button, or drawer/NAME.",
    }

    def faults(self) -> Iterator[Fault]:
        """What is odd about it, below the step."""
        for i, code in enumerate(self.retry_on):
            if code in _CODES or _CLASS_NAME.fullmatch(code):
                continue
            hint = did_you_mean(code.upper(), _CODES)
            message = f"retry_on: there is no error code {shown(code)}"
            yield Fault(("on_failure", "retry_on", i), message, hint, soft=True)
        if self.action == "retry" and self.max_attempts < 2:
            message = "retry with fewer than 2 max_attempts never tries again"
            yield Fault(("on_failure",), message, "say how often: `max_attempts: 3`", soft=True)

    def words(self) -> str:
        """It in a few words, ``""`` for a plain stop."""
        if self.action == "retry":
            return f"up to {self.max_attempts} tries" if self.max_attempts else "tried again on failure"
        return "continues after a failure" if self.action == "continue" else ""
