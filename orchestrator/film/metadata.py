"""What the film says of itself: title, comment and the record of AI-made content."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class AiRecord:
    """The `AIGC` record (GB 45438-2025): who made it and which job."""

    content_producer: str
    produce_id: str
    content_propagator: str = ""
    propagate_id: str = ""


def film_metadata(title: str = "", ai_record: AiRecord | None = None) -> dict[str, str]:
    """Metadata of the film's MP4; an `ai_record` adds the `AIGC` key and a comment that says it in words."""
    raise NotImplementedError
