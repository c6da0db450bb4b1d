"""Fields of buttons besides the main ones: arguments, queues, and options of requests and scripts."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator

from drawer_ipy.definition.model_base import Model, NonNegativeInt, PositiveInt


class ArgSpec(Model):
    """An argument that a button declares; a bare name means a required string."""

    name: str = Field(min_length=1)
    type: Literal["string", "int", "float", "bool", "enum", "any"] = "string"
    required: bool = False
    description: str = ""
    values: list[Any] = []
    default: Any = None  # extension


class Queue(Model):
    """A pool of slots that all steps and drawers which name it share."""

    name: str = ""
    concurrency: NonNegativeInt = 0
    key: str = ""


class Auth(Model):
    """How requests are authenticated: exactly one of the four."""

    basic: list[Any] | None = None  # user and password
    digest: list[Any] | None = None  # user and password
    bearer: str = ""  # the token
    token: str | TokenPress = ""  # the button whose output is the token


class TokenPress(Model):
    """The button that returns a token, with its arguments."""

    button: str = ""
    args: dict[str, Any] = {}


class Follow(Model):
    """How the next page of an API is requested: by a cursor in the response, a page number or an offset."""

    cursor: str = ""  # where the response has the cursor of the next page: "json:meta.next"
    into: str = ""  # the argument, query parameter or field of the body that receives the cursor
    page: str = ""  # the parameter that counts the pages
    offset: str = ""  # the parameter that counts the items
    start: NonNegativeInt | None = None  # the first page or offset; default: 1 or 0
    by: PositiveInt | None = None  # the increment; default: 1, or the number of items of a page


class NewFields(Model):
    """Fields of a button that the original does not have; see ButtonSpec."""

    query: dict[str, Any] = {}  # query parameters: a list repeats the name, null omits it
    files: dict[str, Any] = {}  # files to upload as multipart/form-data
    body_file: str = ""  # a file whose bytes are the body
    auth: Auth | None = None
    ok_status: Any = None  # further codes that count as success: 404, "4xx", "400-499", "any", or a list
    follow: str | Follow = ""  # how to find the next page: a field, a selector, json:PATH, link, or a mapping
    items: str = ""  # where a response has its items: "json:data"
    stdin: str = ""  # the script's standard input: "{{page}}"
    backend: str = ""  # where its presses run

    @field_validator("query", "files", mode="before")
    @classmethod
    def _null_is_none(cls, value: Any) -> Any:
        return {} if value is None else value


Auth.model_rebuild()
