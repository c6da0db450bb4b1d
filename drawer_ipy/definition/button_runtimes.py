"""What a button of each sort is made of and by: scripts, requests, prompts, and those of other distributions.

A specification is only read here, so its type is left open: its model asks this module for the further
fields that a runtime takes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from drawer_ipy.common.registry import Registry, imported
from drawer_ipy.definition.faults import Fault
from drawer_ipy.definition.model_base import Model

SCRIPT_WORDS = ("", "sh", "shell", "bash", "python", "python3", "node", "javascript", "js")
"""What ``runtime:`` may say of a script."""


class RuntimeFields(Model):
    """The fields that a button of one runtime has beside those of all buttons.

    A subclass declares them, explains them in ``key_texts``, and finds in :meth:`faults` what their types
    do not tell.
    """

    def faults(self, spec: Any) -> Iterator[Fault]:  # noqa: ARG002 - for subclasses
        """What is wrong with them in the button that `spec` describes."""
        return iter(())


@dataclass(frozen=True, slots=True)
class Setting:
    """What a button is made with, beside its specification.

    Attributes:
        fields: those of the runtime's own; ``None`` when it has none.
        folder: where a button of a workspace lives; ``None`` for one that was written in a cell.
        allowed_origins: the origins that a request may always go to.
    """

    fields: Any = None
    folder: Path | None = None
    allowed_origins: Callable[[], Collection[str]] = tuple


@dataclass(frozen=True, slots=True)
class ButtonRuntime:
    """One sort of button.

    Attributes:
        name: the word under ``runtime:``, and the ``kind`` of its buttons.
        make: makes the button of a specification and a :class:`Setting`; or ``"package.module:NAME"``.
        fields: the model of its own fields.
        words: says in a few words what a button does; its name when left out.
        lacks: finds what every press of a button would fail for, given the button, what is
            :class:`~drawer_ipy.definition.checking.unmet.Present`, and the allowed origins; or where it is.
        caches: whether results can be kept.
    """

    name: str
    make: Callable[[Any, Setting], Any] | str
    fields: type[RuntimeFields] | None = None
    words: Callable[[Any], str] | None = None
    lacks: Callable[[Any, Any, Any], Iterable[Any]] | str = ""
    caches: bool = False

    def button(self, spec: Any, setting: Setting) -> Any:
        """The button that `spec` describes. Raises what :attr:`make` raises, UsageError above all."""
        make = imported(self.make) if isinstance(self.make, str) else self.make
        return make(spec, setting)

    def lacking(self, button: Any, present: Any, allowed_origins: Callable[[], Any]) -> Iterable[Any]:
        """What :attr:`lacks` finds."""
        if not self.lacks:
            return ()
        lacks = imported(self.lacks) if isinstance(self.lacks, str) else self.lacks
        found: Iterable[Any] = lacks(button, present, allowed_origins)
        return found

    def faults(self, spec: Any) -> Iterator[Fault]:
        """What is wrong with its own fields in `spec`."""
        own = self.own(spec)
        if own is not None:
            yield from own.faults(spec)

    def own(self, spec: Any) -> RuntimeFields | None:
        """Its own fields in `spec`, ``None`` when it has none. Raises ValidationError."""
        return None if self.fields is None else self.fields.model_validate(spec.model_extra or {})


def _wrong_runtime(name: str, runtime: Any) -> str:
    fields: Any = getattr(runtime, "fields", None)
    if not isinstance(runtime, ButtonRuntime):
        return f"it is not a ButtonRuntime but a {type(runtime).__name__}"
    if runtime.name != name:
        return f"it calls itself {runtime.name!r}"
    if name != name.strip().lower() or not name:
        return "its name must be in small letters, without spaces around it"
    if name in (*SCRIPT_WORDS, "function"):
        return "the word has a meaning already"
    if not (callable(runtime.make) or ":" in str(runtime.make)):
        return "its make is neither something that can be called nor package.module:NAME"
    if fields is not None:
        if not (isinstance(fields, type) and issubclass(fields, RuntimeFields)):
            return "its fields are not a subclass of RuntimeFields"
        own = {info.alias or key for key, info in fields.model_fields.items()}
        taken = sorted(_taken_keys() & own)
        if taken:
            return f"every button has a field {taken[0]!r} already"
    return ""


def _taken_keys() -> set[str]:
    return set(imported("drawer_ipy.definition.models:ButtonSpec").model_fields)


_HERE = "drawer_ipy.definition.button_runtimes"
BUTTON_RUNTIMES: Registry[ButtonRuntime] = Registry(
    "button runtime",
    "drawer_ipy.buttons",
    {"http": f"{_HERE}:HTTP", "prompt": f"{_HERE}:PROMPT", "script": f"{_HERE}:SCRIPT"},
    _wrong_runtime,
)
"""Every sort of button by its name."""


def added_runtime(word: Any) -> ButtonRuntime | None:
    """The runtime that does not ship with the package and that ``runtime: word`` names, if it is one."""
    name = word.strip().lower() if isinstance(word, str) else ""
    if name in SCRIPT_WORDS or name in ("http", "prompt", "script"):
        return None
    return BUTTON_RUNTIMES.get(name)


def runtime_of(spec: Any) -> ButtonRuntime:
    """What makes the button that `spec` describes; what says nothing else is a script."""
    added = added_runtime(spec.runtime)
    if added is not None:
        return added
    if spec.url:
        return HTTP
    return PROMPT if spec.prompt or spec.runtime.strip().lower() == "prompt" else SCRIPT


def runtime_words() -> list[str]:
    """What ``runtime:`` may say."""
    added = [runtime.name for runtime in BUTTON_RUNTIMES.added()]
    return [*filter(None, SCRIPT_WORDS), "prompt", *added]


def in_words(spec: Any) -> str:
    """What sort of button `spec` describes: ``GET shop.example``, ``python script``."""
    runtime = runtime_of(spec)
    return runtime.name if runtime.words is None else runtime.words(spec)


def buttons_in_words(specs: Mapping[str, Any]) -> Callable[[str], str]:
    """What says of a button by its name what sort it is, ``""`` for one that is not among `specs`."""
    return lambda name: in_words(specs[name]) if name in specs else ""


def _request(spec: Any) -> str:
    host = urlsplit(spec.url.replace("{{", "").replace("}}", "")).netloc
    return f"{spec.sent_method} {host}"


HTTP = ButtonRuntime(
    "http",
    "drawer_ipy.buttons.factory:make_request",
    words=_request,
    lacks="drawer_ipy.buttons.lacking:of_request",
    caches=True,
)
PROMPT = ButtonRuntime(
    "prompt",
    "drawer_ipy.buttons.factory:make_prompt",
    lacks="drawer_ipy.buttons.lacking:of_prompt",
)
SCRIPT = ButtonRuntime(
    "script",
    "drawer_ipy.buttons.factory:make_script",
    words=lambda spec: f"{spec.runtime or 'sh'} script",
    lacks="drawer_ipy.buttons.lacking:of_script",
    caches=True,
)
