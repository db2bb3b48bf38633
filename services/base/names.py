"""Names that processes of the mesh know each other by."""

from __future__ import annotations

FULL_NAMES = {
    "orchestrator": "vigent.jobs.v1.JobService",
    "tts": "vigent.tts.v1.TtsService",
    "lipsync": "vigent.lipsync.v1.LipsyncService",
    "asr": "vigent.asr.v1.AsrService",
    "overlay": "vigent.overlay.v1.OverlayService",
}
"""Full names of the services in their contracts; health reports a server's readiness under its full name."""

LIVENESS = "liveness"
"""Name under which health reports whether a server's process is worth keeping."""

ENGINE_METADATA_KEY = "vigent-engine"
"""Initial metadata of every health check: the identity of the engine; ASCII."""

PROBLEM_METADATA_KEY = "vigent-problem"
"""Trailing metadata of every health check while the engine cannot be loaded: why, and what to do; ASCII."""

FALLBACK_METADATA_KEY = "vigent-fallback"
"""Trailing metadata of every health check while another engine stands in for the one asked for: why; ASCII."""


def engine_name(identity: str) -> str:
    """The first word of an identity; the rest are digests of everything that determines the engine's results."""
    return identity.partition(" ")[0]
