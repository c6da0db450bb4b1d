"""The base of all definition models, and the number types that their fields share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

PositiveInt = Annotated[int, Field(ge=1)]
NonNegativeInt = Annotated[int, Field(ge=0)]
NonNegativeFloat = Annotated[float, Field(ge=0)]


class Model(BaseModel):
    """Base of all definition models: strict types; unknown keys are kept for writing back."""

    model_config: ClassVar[ConfigDict] = ConfigDict(strict=True, extra="allow", populate_by_name=True)

    key_texts: ClassVar[Mapping[str, str]] = {}
    """Own key -> its description in one line."""

    @classmethod
    def beside(cls, tree: Mapping[str, Any]) -> type[Model] | None:  # noqa: ARG003 - for subclasses
        """The model of additional fields that a mapping has because of its values, or ``None``."""
        return None


FAULTY_EXTENSION = "faulty_extension"
"""The type of pydantic's error about a validator of another distribution that raised."""


def faulty_extension(message: str) -> PydanticCustomError:
    """Return the error that reports `message`, which names the extension, at the place of the value."""
    return PydanticCustomError(FAULTY_EXTENSION, "{message}", {"message": message})
