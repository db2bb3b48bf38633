"""What a caller learns of a worker's progress record."""

from __future__ import annotations

import time

from services.enginekit.progress import ProgressSnapshot
from vigent.media.v1 import media_pb2


def progress_message(snapshot: ProgressSnapshot) -> media_pb2.Progress:
    """The record as a message of vigent.media.v1."""
    return media_pb2.Progress(
        phase=snapshot.phase,
        units_done=snapshot.units_done,
        units_total=snapshot.units_total,
        age_ms=int(snapshot.age_s(time.monotonic_ns()) * 1000),
        stall_budget_ms=snapshot.budget_ns // 1_000_000,
    )
