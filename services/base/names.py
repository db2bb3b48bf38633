"""Names that processes of the mesh know each other by."""

from __future__ import annotations

FULL_NAMES = {
    "orchestrator": "vigent.jobs.v1.JobService",
    "tts": "vigent.tts.v1.TtsService",
    "lipsync": "vigent.lipsync.v1.LipsyncService",
    "asr": "vigent.asr.v1.AsrService",
    "overlay": "vigent.overlay.v1.OverlayService",
}
"""Of the services, as their contracts have them; health tells the readiness of a server under its full name."""

LIVENESS = "liveness"
"""Name under which a server's health tells whether its process is worth keeping."""

ENGINE_METADATA_KEY = "vigent-engine"
"""Initial metadata of every health check: the identity of the engine; ASCII."""

PROBLEM_METADATA_KEY = "vigent-problem"
"""Trailing metadata of every health check while the engine cannot be loaded: why, and what to do; ASCII."""


def engine_name(identity: str) -> str:
    """The first word of an identity, which goes on with digests of all that makes the engine's results."""
    return identity.partition(" ")[0]
