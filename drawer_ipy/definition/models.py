"""What a drawer, a step and a button are made of: pydantic models of drawer.json and button.json.

Field names and defaults are the original's (schema versions 1 and 2), so a file written by it loads
unchanged; what is ours is said beside the field. Models are strict: ``parallelism: "4"`` is an error,
not a 4. Keys that no model knows are kept (and written back) but reported by the loader.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, PrivateAttr, Tag, field_validator, model_validator

from drawer_ipy.definition.button_fields import ArgSpec as ArgSpec
from drawer_ipy.definition.button_fields import NewFields
from drawer_ipy.definition.button_fields import Queue as Queue
from drawer_ipy.definition.model_base import Model as Model
from drawer_ipy.definition.model_base import NonNegativeFloat, NonNegativeInt, PositiveInt
from drawer_ipy.definition.values import MOST, Parallelism


class InputSpec(Model):
    """An input a drawer declares. ``type`` ``any`` (ours) takes any Python object."""

    name: str = Field(min_length=1)
    type: Literal["string", "int", "float", "bool", "enum", "list", "object", "any"] = "any"
    required: bool = False
    description: str = ""
    values: list[Any] = []
    secret: bool = False
    default: Any = None  # ours: used when the input is not given


class BackoffSpec(Model):
    """How long to wait before attempt k+1, milliseconds."""

    strategy: Literal["fixed", "exponential"] = "exponential"
    initial_ms: NonNegativeFloat = 0
    factor: NonNegativeFloat = 0  # 0 means the default, 2
    max_ms: NonNegativeFloat = 0  # 0 means no cap
    jitter: bool | NonNegativeFloat = False  # true is full jitter; a number is the share that varies


class Policy(Model):
    """What a step does when it fails; a bare word stands for ``{action: word}``."""

    action: Literal["stop", "continue", "retry"] = "stop"
    max_attempts: NonNegativeInt = 0
    backoff: BackoffSpec | None = None
    retry_on: list[str] = []
    compensate_with: Any = None


def _policy(value: Any) -> Any:
    return {"action": value} if isinstance(value, str) else value


class StepBase(Model):
    """What steps of all kinds have."""

    id: str = Field(min_length=1)
    kind: str = "button"
    args: dict[str, Any] = {}
    on_failure: Policy | None = None
    timeout_seconds: NonNegativeFloat | None = None  # 0 and absent: the kind's own default
    bindings: Any = None  # legacy, ignored

    @field_validator("on_failure", mode="before")
    @classmethod
    def _short_policy(cls, value: Any) -> Any:
        return _policy(value)

    @field_validator("args", mode="before")
    @classmethod
    def _null_args(cls, value: Any) -> Any:
        return {} if value is None else value


class ButtonStep(StepBase):
    """Presses one button."""

    kind: Literal["button", ""] = "button"
    button: str = ""
    rate: str | None = None  # ours: starts per time, "5/s"
    stdin: Any = None  # ours: what the script reads, "${page.output}"


class DrawerStep(StepBase):
    """Presses another drawer; its ``return`` is the output."""

    kind: Literal["drawer"]
    drawer: str = ""


class ForEachStep(StepBase):
    """Runs ``steps`` once per entry of the list ``over``, at most ``parallelism`` at once."""

    kind: Literal["for_each"]
    over: Any = None
    as_: str = Field("item", alias="as")
    on_item_failure: Literal["stop", "continue"] = "stop"
    parallelism: Parallelism = 0  # 0 and 1: one after the other; "auto" is ours
    max_parallelism: PositiveInt = MOST  # ours: the bound of "auto"
    tolerated_failures: int | str | None = None  # ours: a count or "5%"
    rate: str | None = None  # ours: item starts per time
    steps: list[Step] = []

    @field_validator("as_", mode="before")
    @classmethod
    def _empty_as(cls, value: Any) -> Any:
        return value or "item"

    @field_validator("on_item_failure", mode="before")
    @classmethod
    def _empty_action(cls, value: Any) -> Any:
        return value or "stop"


class SwitchCase(Model):
    """One branch of a switch: taken when ``when`` is true and none before it was."""

    id: str = ""
    when: Any = None
    steps: list[Step] = []


class SwitchStep(StepBase):
    """Takes the first case whose ``when`` is true, else the default ``steps``."""

    kind: Literal["switch"]
    cases: list[SwitchCase] = []
    steps: list[Step] = []


class AggregateStep(StepBase):
    """Plucks one value from each entry of a list."""

    kind: Literal["aggregate"]
    from_: Any = Field(None, alias="from")
    pluck: Any = None


class WaitStep(StepBase):
    """Waits for a Go duration or until an RFC 3339 time."""

    kind: Literal["wait"]
    duration: str = ""
    until: str = ""


class TransformStep(StepBase):
    """Ours: the output is what an expression, or a mapping of expressions, gives; or what a page holds."""

    kind: Literal["transform"]
    expression: Any = None
    extract: Any = None  # what to take from a page instead, a mapping of names to selectors
    from_: Any = Field(None, alias="from")  # the page: its text, or the whole answer of a request
    url: Any = None  # where the page came from, for its links
    namespaces: dict[str, str] = {}  # prefix to namespace, for the selectors
    decimal: str = ""  # the decimal sign of numbers on the page, or a language


class SplitStep(StepBase):
    """Ours: named branches run side by side; output by name."""

    kind: Literal["split"]
    branches: dict[str, list[Step]] = {}


class MergeStep(StepBase):
    """Ours: merges objects deeply or concatenates lists."""

    kind: Literal["merge"]
    from_: Any = Field(None, alias="from")


class BatchStep(StepBase):
    """Ours: a for_each over chunks of ``size`` entries, the chunk bound to ``as``."""

    kind: Literal["batch"]
    over: Any = None
    size: NonNegativeInt = 0
    as_: str = Field("batch", alias="as")
    on_item_failure: Literal["stop", "continue"] = "stop"
    parallelism: Parallelism = 0
    max_parallelism: PositiveInt = MOST
    tolerated_failures: int | str | None = None
    rate: str | None = None
    steps: list[Step] = []


UNREAD = "?"
"""The kind of a step that could not be read; no definition can say it."""


class UnreadStep(StepBase):
    """Keeps the place and the id of a step that loading had to leave out, so that the rest is checked."""

    kind: Literal["?"]


STEP_MODELS: dict[str, type[StepBase]] = {
    "button": ButtonStep,
    "drawer": DrawerStep,
    "for_each": ForEachStep,
    "switch": SwitchStep,
    "aggregate": AggregateStep,
    "wait": WaitStep,
    "transform": TransformStep,
    "split": SplitStep,
    "merge": MergeStep,
    "batch": BatchStep,
}
"""Every step kind's model by its word; the one place where a kind is made known to the loader."""


def _kind_of(value: Any) -> str:
    kind = value.get("kind") if isinstance(value, dict) else getattr(value, "kind", None)
    return "button" if kind in (None, "") else str(kind)


Step = Annotated[
    Annotated[ButtonStep, Tag("button")]
    | Annotated[DrawerStep, Tag("drawer")]
    | Annotated[ForEachStep, Tag("for_each")]
    | Annotated[SwitchStep, Tag("switch")]
    | Annotated[AggregateStep, Tag("aggregate")]
    | Annotated[WaitStep, Tag("wait")]
    | Annotated[TransformStep, Tag("transform")]
    | Annotated[SplitStep, Tag("split")]
    | Annotated[MergeStep, Tag("merge")]
    | Annotated[BatchStep, Tag("batch")]
    | Annotated[UnreadStep, Tag(UNREAD)],
    Discriminator(_kind_of),
]


class OnError(Model):
    """The drawer pressed when this one fails, with what to overlay on its inputs."""

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
    # ours: full is {status, url, headers, elapsed, text|json|bytes}; text is text whatever the type says
    output: Literal["body", "full", "text"] = "body"
    save: str = ""  # ours: the file to put the body into, "pages/{{id}}.html"
    retries: NonNegativeInt = 0  # ours: further tries of what may be sent again
    per_host: NonNegativeInt = 0  # ours: most requests at once at one host; 0 for any number
    cookies: bool = False  # ours: whether the run's cookies are sent and kept
    robots: bool = False  # ours: whether robots.txt is obeyed
    proxy: str = ""  # ours: absent means the environment's; "none" means none
    verify: bool | str = True  # ours: false checks no certificates; a path names the authorities' file
    connect_timeout_seconds: NonNegativeFloat | None = None  # ours: 0 and absent: only the whole is bounded
    read_timeout_seconds: NonNegativeFloat | None = None  # ours: between two pieces of the answer
    allow_private_networks: bool = False
    allowed_host: str = ""
    output_schema: dict[str, Any] | None = None
    queue: Queue | None = None
    rate: str | None = None  # ours: starts per time, "5/s"
    extract: Any = None  # ours: what to take from the page, a mapping of names to selectors
    namespaces: dict[str, str] = {}  # ours: prefix to namespace, for the selectors; beside those of the pages
    decimal: str = ""  # ours: the decimal sign of numbers on the pages, "." or ","; or a language, "de"
    max_pages: NonNegativeInt = 0  # ours: most pages that are followed; 0 for the default, 1,000
    sitemap: bool | Literal["full"] = False  # ours: whether the output is what a site map lists
    meta_refresh: bool = False  # ours: whether the refresh of a page is followed like a redirect
    cache: Any = None  # ours: how long results are used again, "1h" or "forever"
    code: str = ""  # ours: the script's text; on disk it is main.sh, main.py or main.js
    prompt: str = ""  # ours: the prompt's text; on disk it is AGENTS.md
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
        """The button.json it was read from; ``None`` for one that was written in a cell."""
        return self._file

    def read_from(self, file: Path) -> ButtonSpec:
        """The same, read from `file`."""
        copy = self.model_copy()
        copy._file = file  # noqa: SLF001 - a copy of this very class
        return copy

    @property
    def sent_method(self) -> str:
        """The method of the request, in capitals: unless it says one, POST to upload files, else GET."""
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


class Drawer(Model):
    """A workflow: declared inputs, steps in order, what it returns and what happens when it fails."""

    schema_version: int = 2
    name: str = ""
    drawer_kind: str = ""
    description: str = ""
    version: Any = None
    inputs: list[InputSpec] = []
    steps: list[Step] = []
    flow: dict[str, Any] | None = None
    on_error: OnError | None = None
    output_schema: dict[str, Any] | None = None
    return_: dict[str, Any] | None = Field(None, alias="return")
    triggers: list[Trigger] = []
    created_at: Any = None
    updated_at: Any = None
    buttons: dict[str, ButtonSpec] = {}  # ours: buttons defined in place
    _origin: Any = PrivateAttr(None)  # how it was loaded, see loading.loaded_from

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
    def _name_buttons(self) -> Drawer:
        for name, spec in self.buttons.items():
            spec.name = spec.name or name
        return self


def nested_steps(step: StepBase) -> list[tuple[tuple[str | int, ...], list[Any]]]:
    """The lists of steps inside `step`, each with its path below the step (``("cases", 0, "steps")``)."""
    out: list[tuple[tuple[str | int, ...], list[Any]]] = []
    if isinstance(step, SwitchStep):
        out += [(("cases", i, "steps"), case.steps) for i, case in enumerate(step.cases)]
    if isinstance(step, SplitStep):
        out += [(("branches", name), steps) for name, steps in step.branches.items()]
    if isinstance(step, ForEachStep | BatchStep | SwitchStep):
        out.append((("steps",), step.steps))
    return out


for _model in (ForEachStep, SwitchCase, SwitchStep, SplitStep, BatchStep, Drawer):
    _model.model_rebuild()
