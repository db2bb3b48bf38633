"""What the durable engine keeps is JSON: data alone, so that whoever writes the database runs no code here."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from dbos import Serializer
from dbos._serialization import DefaultSerializer

from services.base import errors
from services.base.errors import InternalError, VigentError

_ERROR = "vigent error"
_CLASSES = {
    kind.__name__: kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, VigentError)
}


class JsonSerializer(Serializer):
    """Plain data, and our own errors. Any other error becomes an InternalError that tells nothing of it."""

    def name(self) -> str:
        """As the rows say."""
        return "vigent_json"

    def serialize(self, data: object) -> str:
        """Raises TypeError for what is neither plain data nor an error."""
        return json.dumps(data, default=_plain)

    def deserialize(self, serialized_data: str) -> object:
        """What `serialize` was given, with lists for tuples."""
        return json.loads(serialized_data, object_hook=_restored)


def refuse_pickles() -> None:
    """Each row names its own serialiser, so one that says "pickle" would be unpickled whatever we chose."""
    DefaultSerializer.deserialize = _refuse  # type: ignore[method-assign, assignment]


def _refuse(_self: DefaultSerializer, _text: str) -> NoReturn:
    raise InternalError("The database of the jobs has a pickle.", "It is not read: it could run anything.")


def _plain(value: object) -> dict[str, Any]:
    if not isinstance(value, BaseException):
        raise TypeError(f"{type(value).__name__} is no plain data")
    error = value if isinstance(value, VigentError) else InternalError("A step failed.", "Retry the job; see the log.")
    _, arguments = error.__reduce__()
    return {_ERROR: type(error).__name__, "arguments": arguments}


def _restored(value: dict[str, Any]) -> object:
    kind = _CLASSES.get(value.get(_ERROR, ""))
    return value if kind is None else kind(*value["arguments"])
