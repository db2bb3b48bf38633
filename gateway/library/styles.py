"""Caption and title styles from outside: one JSON object that keeps to assets/styles/schema.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema

from services.runtime.errors import InvalidInputError

LARGEST_STYLE_BYTES = 64 * 1024


def read_style(path: Path, schema_file: Path) -> dict[str, Any]:
    """The style in `path`. Raises InvalidInputError naming the key at fault."""
    if path.stat().st_size > LARGEST_STYLE_BYTES:
        raise InvalidInputError("The style is larger than 64 KiB.", "Send one style.", "file", "FILE_TOO_LARGE")
    try:
        style = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        problem = f"The style is no JSON: {error}."
        raise InvalidInputError(problem, "Check it with a JSON editor.", "file", "NO_JSON") from error
    schema = json.loads(schema_file.read_text(encoding="utf-8"))
    errors = jsonschema.Draft202012Validator(schema).iter_errors(style)
    if (worst := jsonschema.exceptions.best_match(errors)) is not None:
        field = ".".join(["file", *map(str, worst.absolute_path)])
        problem = f"The style does not fit the schema: {worst.message[:200]}."
        raise InvalidInputError(problem, "See /assets/styles/schema.json.", field, "BAD_STYLE")
    assert isinstance(style, dict)
    return style
