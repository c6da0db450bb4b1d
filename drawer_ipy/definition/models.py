"""Pydantic models of drawer.json and button.json.

Field names and defaults are the original's (schema versions 1 and 2), so a file written by it loads
unchanged; fields marked as extensions are not in the original. Models are strict: ``parallelism: "4"`` is an
error, not a 4. Unknown keys are kept (and written back), and the loader reports them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, PrivateAttr, field_validator, model_validator

from drawer_ipy.definition.button_fields import ArgSpec as ArgSpec
from drawer_ipy.definition.button_fields import NewFields
from drawer_ipy.definition.button_fields import Queue as Queue
from drawer_ipy.definition.button_runtimes import added_runtime
from drawer_ipy.definition.model_base import Model as Model
from drawer_ipy.definition.model_base import NonNegativeFloat, NonNegativeInt
from drawer_ipy.definition.rates import Rates
from drawer_ipy.definition.step_base import AnyStep
from drawer_ipy.definition.step_base import StepBase as StepBase
from drawer_ipy.definition.steps.button import ButtonStep as ButtonStep
from drawer_ipy.definition.steps.drawer import DrawerStep as DrawerStep


class InputSpec(Model):
    """An input that a drawer declares. ``type`` ``any`` (an extension) accepts any Python object."""

    name: str = Field(min_length=1)
    type: Literal["string", "int", "float", "bool", "enum", "list", "object", "any"] = "any"
    required: bool = False
    description: str = ""
    values: list[Any] = []
    secret: bool = False
    default: Any = None  # extension: used if the input is not given


class OnError(Model):
    """The drawer to press when this one fails, with inputs in addition to this drawer's."""

    drawer: str = ""
    with_: dict[str, Any] = Field({}, alias="with")


class Trigger(Model):
    """How a drawer is started from outside; stored and checked, not served here."""

    kind: str
    path: str = ""
    auth: dict[str, Any] | None = None


class ButtonSpec(NewFields):
    """A button as data: a script (``code``), an HTTP request (``url``) or a prompt.

    Written in a cell's ``buttons:`` block, by ``%%button`` or as button.json in a workspace folder.
    """

    name: str = ""
    schema_version: int = 1
    description: str = ""
    runtime: str = ""
    args: list[ArgSpec] = []
    env: dict[str, str] = {}
    timeout_seconds: NonNegativeFloat | None = None
    url: str = ""
    method: str = ""
    headers: dict[str, str] = {}
    body: Any = None
    max_response_bytes: NonNegativeInt = 0
    # extension: full is {status, url, headers, elapsed, text|json|bytes}; text is text for any content type
    output: Literal["body", "full", "text"] = "body"
    save: str = ""  # extension: the file for the body, "pages/{{id}}.html"
    retries: NonNegativeInt = 0  # extension: retries of requests that may be repeated
    per_host: NonNegativeInt = 0  # extension: most concurrent requests to one host; 0 for no limit
    cookies: bool = False  # extension: whether the run's cookies are sent and kept
    robots: bool = False  # extension: whether robots.txt is obeyed
    proxy: str = ""  # extension: the default is the environment's proxy; "none" disables it
    verify: bool | str = True  # extension: false disables the check; a path is a file of trusted authorities
    connect_timeout_seconds: NonNegativeFloat | None = (
        None  # extension: with 0 or without it, only the timeout of the whole request applies
    )
    read_timeout_seconds: NonNegativeFloat | None = None  # extension: between two parts of the response
    allow_private_networks: bool = False
    allowed_host: str = ""
    output_schema: dict[str, Any] | None = None
    queue: Queue | None = None
    rate: Rates = None  # extension: starts per time, "5/s"
    extract: Any = None  # extension: what to take from the page, a mapping of names to selectors
    namespaces: dict[
        str, str
    ] = {}  # extension: prefix -> namespace for the selectors, in addition to those of the pages
    decimal: str = ""  # extension: the decimal mark of numbers on the pages, "." or ","; or a language, "de"
    max_pages: NonNegativeInt = 0  # extension: most pages that are followed; 0 for the default, 1,000
    sitemap: bool | Literal["full"] = False  # extension: whether the output is the addresses of a site map
    meta_refresh: bool = False  # extension: whether the refresh of a page is followed like a redirect
    cache: Any = None  # extension: how long results are reused, "1h" or "forever"
    code: str = ""  # extension: the script's text; on disk it is main.sh, main.py or main.js
    prompt: str = ""  # extension: the prompt's text; on disk it is AGENTS.md
    mcp_enabled: bool = False
    tags: list[str] = []
    pinned: bool = False
    requires: Any = None
    requires_batteries: Any = None
    triggers: Any = None
    kind: Any = None
    serve: Any = None
    _file: Path | None = PrivateAttr(None)

    @property
    def file(self) -> Path | None:
        """The button.json that it was read from; ``None`` for a button that was written in a cell."""
        return self._file

    @classmethod
    def beside(cls, tree: Mapping[str, Any]) -> type[Model] | None:
        """The fields of the runtime that `tree` names, if it is not built in."""
        runtime = added_runtime(tree.get("runtime"))
        return None if runtime is None else runtime.fields

    @model_validator(mode="after")
    def _check_own_fields(self) -> ButtonSpec:
        runtime = added_runtime(self.runtime)
        if runtime is not None:
            runtime.own(self)
        return self

    def read_from(self, file: Path) -> ButtonSpec:
        """Return a copy with `file` as the file that it was read from."""
        copy = self.model_copy()
        copy._file = file  # noqa: SLF001 - a copy of this very class
        return copy

    @property
    def sent_method(self) -> str:
        """The request's method in upper case; the default is POST if it uploads files, and GET otherwise."""
        return self.method.strip().upper() or ("POST" if self.files or self.body_file else "GET")

    @field_validator("args", mode="before")
    @classmethod
    def _short_args(cls, value: Any) -> Any:
        if value is None:
            return []
        if isinstance(value, dict):
            value = [{"name": k, "type": v, "required": True} for k, v in value.items()]
        if not isinstance(value, list):
            return value
        return [{"name": v, "required": True} if isinstance(v, str) else v for v in value]

    @field_validator("env", "headers", "tags", "namespaces", mode="before")
    @classmethod
    def _null_is_empty(cls, value: Any, info: Any) -> Any:
        return ([] if info.field_name == "tags" else {}) if value is None else value


class DrawerModel(Model):
    """A workflow: declared inputs, steps in order, its output, and what happens when it fails."""

    schema_version: int = 2
    name: str = ""
    drawer_kind: str = ""
    description: str = ""
    version: Any = None
    inputs: list[InputSpec] = []
    steps: list[AnyStep] = []
    flow: dict[str, Any] | None = None
    on_error: OnError | None = None
    output_schema: dict[str, Any] | None = None
    return_: dict[str, Any] | None = Field(None, alias="return")
    triggers: list[Trigger] = []
    created_at: Any = None
    updated_at: Any = None
    buttons: dict[str, ButtonSpec] = {}  # extension: buttons defined in place
    _origin: Any = PrivateAttr(None)  # the Loaded it came from, see loading.loaded_from

    @field_validator("inputs", mode="before")
    @classmethod
    def _short_inputs(cls, value: Any) -> Any:
        if isinstance(value, dict):
            value = [
                {"name": k, **v} if isinstance(v, dict) else {"name": k, "type": v} for k, v in value.items()
            ]
        if not isinstance(value, list):
            return value or []
        return [{"name": v} if isinstance(v, str) else v for v in value]

    @field_validator("steps", "triggers", mode="before")
    @classmethod
    def _null_list(cls, value: Any) -> Any:
        return [] if value is None else value

    @model_validator(mode="after")
    def _name_buttons(self) -> DrawerModel:
        for name, spec in self.buttons.items():
            spec.name = spec.name or name
        return self
