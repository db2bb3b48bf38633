"""Between the runtime's plain data and the messages of vigent.media.v1."""

from __future__ import annotations

import time

from services.enginekit.progress import ProgressSnapshot
from services.media.store import StoredFile
from vigent.media.v1 import media_pb2


def progress_message(snapshot: ProgressSnapshot) -> media_pb2.Progress:
    """What a caller learns of a record."""
    return media_pb2.Progress(
        phase=snapshot.phase,
        units_done=snapshot.units_done,
        units_total=snapshot.units_total,
        age_ms=int(snapshot.age_s(time.monotonic_ns()) * 1000),
        stall_budget_ms=snapshot.budget_ns // 1_000_000,
    )


def media_ref(file: StoredFile) -> media_pb2.MediaRef:
    """The reference that names a file; its reader finds it in its own store."""
    return media_pb2.MediaRef(sha256=file.sha256, size_bytes=file.size_bytes, mime_type=file.mime_type)
