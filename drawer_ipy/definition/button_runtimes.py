"""Runtimes of buttons: scripts, requests, prompts, and the runtimes of other distributions.

The type of a specification is left open here, since its model imports this module for the additional fields
of a runtime.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import ValidationError

from drawer_ipy.common.registry import Registry, imported
from drawer_ipy.common.tracebacks import describe
from drawer_ipy.definition.faults import Fault
from drawer_ipy.definition.model_base import Model, faulty_extension

SCRIPT_WORDS = ("", "sh", "shell", "bash", "python", "python3", "node", "javascript", "js")
"""The values of ``runtime:`` for a script."""


class RuntimeFields(Model):
    """The additional fields of the buttons of one runtime.

    A subclass declares them, describes them in ``key_texts``, and reports in :meth:`faults` the problems that
    their types cannot express.
    """

    def faults(self, spec: Any) -> Iterator[Fault]:  # noqa: ARG002 - for subclasses
        """The problems with these fields in the button that `spec` describes."""
        return iter(())


@dataclass(frozen=True, slots=True)
class Setting:
    """The things besides its specification that a button is made with.

    Attributes:
        fields: the runtime's own fields; ``None`` if it has none.
        folder: the folder of a button in a workspace; ``None`` for a button that was written in a cell.
        allowed_origins: the origins that requests may always be sent to.
    """

    fields: Any = None
    folder: Path | None = None
    allowed_origins: Callable[[], Collection[str]] = tuple


@dataclass(frozen=True, slots=True)
class ButtonRuntime:
    """One kind of button.

    Attributes:
        name: the value of ``runtime:``, and the ``kind`` of its buttons.
        make: makes a button from a specification and a :class:`Setting`; or its ``"package.module:NAME"``.
        fields: the model of the runtime's own fields.
        words: describes a button in a few words; the default is the runtime's name.
        lacks: finds missing requirements that make every press of a button fail, given the button, the
            :class:`~drawer_ipy.definition.checking.unmet.Present` things, and the allowed origins; or its
            ``"package.module:NAME"``.
        caches: whether results can be cached.
    """

    name: str
    make: Callable[[Any, Setting], Any] | str
    fields: type[RuntimeFields] | None = None
    words: Callable[[Any], str] | None = None
    lacks: Callable[[Any, Any, Any], Iterable[Any]] | str = ""
    caches: bool = False

    def button(self, spec: Any, setting: Setting) -> Any:
        """Make the button that `spec` describes. Raises the errors of :attr:`make`, usually UsageError."""
        make = imported(self.make) if isinstance(self.make, str) else self.make
        return make(spec, setting)

    def lacking(self, button: Any, present: Any, allowed_origins: Callable[[], Any]) -> Iterable[Any]:
        """The missing requirements that :attr:`lacks` finds."""
        if not self.lacks:
            return ()
        lacks = imported(self.lacks) if isinstance(self.lacks, str) else self.lacks
        return list(lacks(button, present, allowed_origins))

    def faults(self, spec: Any) -> Iterator[Fault]:
        """The problems with the runtime's own fields in `spec`."""
        own = self.own(spec)
        if own is not None:
            try:
                yield from list(own.faults(spec))
            except Exception as error:  # of another distribution
                yield Fault((), self.failing("faults", error), _TELL)
        try:
            self._described(spec)
        except Exception as error:
            yield Fault((), self.failing("words", error), _TELL, soft=True)

    def own(self, spec: Any) -> RuntimeFields | None:
        """The runtime's own fields in `spec`, or ``None`` if it has none. Raises ValidationError."""
        if self.fields is None:
            return None
        try:
            return self.fields.model_validate(spec.model_extra or {})
        except ValidationError:
            raise
        except Exception as error:  # of a validator of another distribution
            raise faulty_extension(self.failing("fields", error)) from error

    def in_words(self, spec: Any) -> str:
        """Describe in a few words the button that `spec` describes; the runtime's name if it cannot."""
        try:
            return self._described(spec)
        except Exception:  # of another distribution; reported as a fault of the button
            return self.name

    def _described(self, spec: Any) -> str:
        if self.words is None:
            return self.name
        found = self.words(spec)
        if not isinstance(found, str):
            raise TypeError(f"{type(found).__name__} is not text")
        return found

    def failing(self, part: str, error: BaseException) -> str:
        """The message that `error` was raised by one of the runtime's parts."""
        owner = BUTTON_RUNTIMES.owner(self.name) or f"the module {_module_of(self.make)}"
        return f"the button runtime {self.name!r} of {owner} is faulty: its {part} raised {describe(error)}"


_TELL = "report it to the authors of the runtime"


def _module_of(make: Callable[..., Any] | str) -> str:
    return make.partition(":")[0] if isinstance(make, str) else str(getattr(make, "__module__", "?"))


def _wrong_runtime(name: Any, runtime: Any) -> str:
    fields: Any = getattr(runtime, "fields", None)
    if not isinstance(runtime, ButtonRuntime):
        return f"it is a {type(runtime).__name__}, not a ButtonRuntime"
    if runtime.name != name:
        return f"its name is {runtime.name!r}"
    if not isinstance(name, str):
        return "its name must be text"
    if name != name.strip().lower() or not name:
        return "its name must be in lower case, without spaces around it"
    if name in (*SCRIPT_WORDS, "function"):
        return "the name is reserved"
    if not (callable(runtime.make) or ":" in str(runtime.make)):
        return "its make must be callable or package.module:NAME"
    if fields is not None:
        if not (isinstance(fields, type) and issubclass(fields, RuntimeFields)):
            return "its fields are not a subclass of RuntimeFields"
        own = {info.alias or key for key, info in fields.model_fields.items()}
        taken = sorted(_taken_keys() & own)
        if taken:
            return f"every button already has a field {taken[0]!r}"
    return ""


def _taken_keys() -> set[str]:
    return set(imported("drawer_ipy.definition.models:ButtonSpec").model_fields)


_HERE = "drawer_ipy.definition.button_runtimes"
BUTTON_RUNTIMES: Registry[ButtonRuntime] = Registry(
    "button runtime",
    "drawer_ipy.buttons",
    {"http": f"{_HERE}:HTTP", "prompt": f"{_HERE}:PROMPT", "script": f"{_HERE}:SCRIPT"},
    _wrong_runtime,
    (*SCRIPT_WORDS, "function"),
)
"""Every runtime by name."""


def added_runtime(word: Any) -> ButtonRuntime | None:
    """The runtime from another distribution that ``runtime: word`` names, or ``None``."""
    name = word.strip().lower() if isinstance(word, str) else ""
    if name in SCRIPT_WORDS or name in ("http", "prompt", "script"):
        return None
    return BUTTON_RUNTIMES.get(name)


def runtime_of(spec: Any) -> ButtonRuntime:
    """The runtime of the button that `spec` describes; the default is a script."""
    added = added_runtime(spec.runtime)
    if added is not None:
        return added
    if spec.url:
        return HTTP
    return PROMPT if spec.prompt or spec.runtime.strip().lower() == "prompt" else SCRIPT


def runtime_words() -> list[str]:
    """The valid values of ``runtime:``."""
    added = [runtime.name for runtime in BUTTON_RUNTIMES.added()]
    return [*filter(None, SCRIPT_WORDS), "prompt", *added]


def in_words(spec: Any) -> str:
    """A few words on the button that `spec` describes: ``GET shop.example``, ``python script``."""
    runtime = runtime_of(spec)
    return runtime.in_words(spec)


def buttons_in_words(specs: Mapping[str, Any]) -> Callable[[str], str]:
    """Return a function from a button's name to :func:`in_words` of it, ``""`` if it is not in `specs`."""
    return lambda name: in_words(specs[name]) if name in specs else ""


def _request(spec: Any) -> str:
    try:
        host = urlsplit(spec.url.replace("{{", "").replace("}}", "")).netloc
    except ValueError:  # reported as an error of the button
        return f"{spec.sent_method} request"
    return f"{spec.sent_method} {host}"


HTTP = ButtonRuntime(
    "http",
    "drawer_ipy.buttons.http.button:make_request",
    words=_request,
    lacks="drawer_ipy.buttons.http.request_lacks:of_request",
    caches=True,
)
PROMPT = ButtonRuntime(
    "prompt",
    "drawer_ipy.buttons.prompt:make_prompt",
    lacks="drawer_ipy.buttons.lacking:of_prompt",
)
SCRIPT = ButtonRuntime(
    "script",
    "drawer_ipy.buttons.factory:make_script",
    words=lambda spec: f"{spec.runtime or 'sh'} script",
    lacks="drawer_ipy.buttons.lacking:of_script",
    caches=True,
)
