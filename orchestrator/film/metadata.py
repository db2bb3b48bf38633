"""What the film says of itself: title, comment and the record of AI-made content."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import av

AI_KEY = "AIGC"
AI_COMMENT = "AI-generated content. 本视频由人工智能生成。"


@dataclass(frozen=True)
class AiRecord:
    """The `AIGC` record (GB 45438-2025): who made the film in which job, who distributes it and under which id."""

    content_producer: str
    produce_id: str
    content_propagator: str = ""
    propagate_id: str = ""

    def to_json(self) -> str:
        """As it stands in the file. Label 1 says that the content is AI-made, not that it may be."""
        return json.dumps(
            {
                "Label": "1",
                "ContentProducer": self.content_producer,
                "ProduceID": self.produce_id,
                "ReservedCode1": "",
                "ContentPropagator": self.content_propagator,
                "PropagateID": self.propagate_id,
                "ReservedCode2": "",
            },
            ensure_ascii=False,
        )


def film_metadata(title: str = "", ai_record: AiRecord | None = None) -> dict[str, str]:
    """Metadata of the film's MP4; an `ai_record` adds the `AIGC` key and a comment that says it in words."""
    tags = {"title": title} if title else {}
    if ai_record is not None:
        tags |= {AI_KEY: ai_record.to_json(), "comment": AI_COMMENT}
    return tags


def read_metadata(film: Path) -> dict[str, str]:
    """The metadata of a film file."""
    with av.open(str(film), metadata_errors="replace") as container:
        return dict(container.metadata)
