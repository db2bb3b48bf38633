"""What a worker is doing, as health and metrics tell it."""

from __future__ import annotations

from enum import Enum


class State(Enum):
    """State of a worker."""

    IDLE = "idle"
    PROGRESSING = "progressing"
    STALLED = "stalled"
    DRAINING = "draining"
    LOAD_FAILED = "load_failed"
    BROKEN = "broken"
