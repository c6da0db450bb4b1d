"""What buttons are made of beside their main fields: arguments, queues, what requests and scripts take."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator

from drawer_ipy.definition.model_base import Model, NonNegativeInt, PositiveInt


class ArgSpec(Model):
    """An argument a button declares; a bare name means a required string."""

    name: str = Field(min_length=1)
    type: Literal["string", "int", "float", "bool", "enum", "any"] = "string"
    required: bool = False
    description: str = ""
    values: list[Any] = []
    default: Any = None  # ours


class Queue(Model):
    """A pool of slots shared by all steps and drawers that name it."""

    name: str = ""
    concurrency: NonNegativeInt = 0
    key: str = ""


class Auth(Model):
    """How requests show who sends them: exactly one of the four."""

    basic: list[Any] | None = None  # user and password
    digest: list[Any] | None = None  # user and password
    bearer: str = ""  # the token
    token: str | TokenPress = ""  # the button whose output is the token


class TokenPress(Model):
    """The button that gives a token, with its arguments."""

    button: str = ""
    args: dict[str, Any] = {}


class Follow(Model):
    """How the next page of an API is requested: by a cursor of the answer, a page number or an offset."""

    cursor: str = ""  # where the answer says what comes next: "json:meta.next"
    into: str = ""  # the argument, query parameter or field of the body that takes it
    page: str = ""  # the parameter that counts the pages
    offset: str = ""  # the parameter that counts the items
    start: NonNegativeInt | None = None  # the first page or offset; 1 or 0 when left out
    by: PositiveInt | None = None  # how much is added each time; 1, or the items of a page, when left out


class NewFields(Model):
    """Fields of a button that the original does not have; see ButtonSpec."""

    query: dict[str, Any] = {}  # query parameters: lists repeat, null leaves out
    files: dict[str, Any] = {}  # files to upload as multipart/form-data
    body_file: str = ""  # a file whose bytes are the body
    auth: Auth | None = None
    ok_status: Any = None  # further statuses that are no failure: 404, "4xx", "400-499", "any", or a list
    follow: str | Follow = ""  # what gives the next page: a field, a selector, json:PATH, link, or a mapping
    items: str = ""  # where an answer's items are: "json:data"
    stdin: str = ""  # what a script reads, "{{page}}"

    @field_validator("query", "files", mode="before")
    @classmethod
    def _null_is_none(cls, value: Any) -> Any:
        return {} if value is None else value


Auth.model_rebuild()
