"""How many items of a loop run at once, as definitions write it: a number, or ``auto``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final, Literal

from pydantic import GetCoreSchemaHandler, GetPydanticSchema
from pydantic_core import core_schema

AUTO: Final = "auto"

MOST = 32
"""Most items at once of a loop that finds its width itself, unless ``max_parallelism`` says otherwise."""


def _number_or_auto(value: Any, number: Callable[[Any], Any]) -> Any:
    return value if value == AUTO else number(value)


def _schema(source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
    # No union, of which pydantic tells what is wrong with each member; with this, only what a number needs.
    return core_schema.no_info_wrap_validator_function(
        _number_or_auto,
        core_schema.int_schema(ge=0, strict=True),
        serialization=core_schema.plain_serializer_function_ser_schema(lambda value: value),
    )


Parallelism = Annotated[int | Literal["auto"], GetPydanticSchema(_schema)]
"""0 and 1 mean one after the other; ``auto`` as many as the other side bears."""


def width_words(parallelism: int | str, most: int) -> str:
    """For people: ``8 at once``; ``""`` for one after the other."""
    if isinstance(parallelism, str):
        return f"as many at once as it bears, {most} at most"
    return f"{parallelism} at once" if parallelism > 1 else ""
