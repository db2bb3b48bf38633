"""What an idle engine of a service is tried with: a tiny call, and what is right for an answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Canary:
    """A call of the engine's `method` and how to judge it.

    `request(attributes, try)` is what is asked, another thing at each try where a model may have a bad take;
    `wrong(events)` says in words what is wrong with what the engine yielded, or nothing. `inputs` are those of a call
    that streams.
    """

    method: str
    request: Callable[[Mapping[str, Any], int], object]
    wrong: Callable[[Sequence[object]], str]
    inputs: Callable[[], Sequence[object]] | None = None
