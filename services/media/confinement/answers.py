"""What a limited child tells, a line of JSON each. Never a pickle: with one, who has taken it over would run code."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

from services.base import errors
from services.base.errors import InternalError, VigentError
from services.media.confinement.walls import Walls

_ERROR_FIELDS = tuple(field.name for field in fields(VigentError))


@dataclass(frozen=True)
class Outcome:
    """The last answer: JSON of the result, or the error."""

    value: str = ""
    error: VigentError | None = None


Answer = Walls | tuple[int, int] | Outcome
"""First what the child is walled in by, then how far it is, at last the outcome."""


def told(answer: Answer) -> bytes:
    """The line of an answer."""
    match answer:
        case Walls():
            data: Any = {"walls": asdict(answer)}
        case Outcome(error=None):
            data = {"value": answer.value}
        case Outcome(error=error):
            data = {"error": [type(error).__name__, *(getattr(error, name) for name in _ERROR_FIELDS)]}
        case progress:
            data = {"progress": progress}
    return json.dumps(data).encode() + b"\n"


def understood(line: bytes) -> Answer:
    """The answer of a line. Raises ValueError for one that is none."""
    try:
        ((kind, data),) = json.loads(line).items()
        return _answer(kind, data)
    except (AttributeError, KeyError, TypeError, RecursionError) as error:
        raise ValueError("the child does not say what was agreed") from error


def jsonable(value: object) -> str:
    """JSON of a result: scalars, paths, bytes (in hexadecimal), lists, dictionaries and dataclasses."""
    return json.dumps(value, default=_plain)


def _answer(kind: str, data: Any) -> Answer:  # noqa: ANN401 - JSON
    match kind:
        case "walls":
            return Walls(str(data["files"]), str(data["network"]), tuple(map(str, data["refusals"])))
        case "progress":
            done, total = map(int, data)
            return done, total
        case "value":
            return Outcome(str(data))
        case _:
            name, problem, remedy, field, reason, retry_after_s = data
            chosen = getattr(errors, name, None)
            known = chosen if isinstance(chosen, type) and issubclass(chosen, VigentError) else InternalError
            hint_s = None if retry_after_s is None else float(retry_after_s)
            return Outcome(error=known(str(problem), str(remedy), str(field), str(reason), hint_s))


def _plain(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"a limited child cannot give back a {type(value).__name__}")
