"""Options of an engine: `VIGENT_<SERVICE>_OPTIONS__<NAME>`, or `[<service>.options]` in vigent.toml.

Apart from `settings.py`, which every worker loads, because this one needs pydantic: engines without options do not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError

from services.base.errors import InvalidInputError


class EngineOptions(BaseModel):
    """What an operator can set for an engine, given as text. Engines with options derive a class that names them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @classmethod
    def of(cls, options: Mapping[str, str]) -> Self:
        """Parses the text of the settings. Raises InvalidInputError naming the option at fault."""
        try:
            return cls.model_validate(dict(options))
        except ValidationError as error:
            first = error.errors()[0]
            name = ".".join(str(part) for part in first["loc"][:1])
            known = ", ".join(cls.model_fields)
            raise InvalidInputError(
                f"{first['msg']}: {first['input']!r}.", f"The options are {known}.", f"options.{name}"
            ) from error
