"""Settings of the orchestrator: `VIGENT_ORCHESTRATOR_*` in the environment, then `[orchestrator]` in vigent.toml."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from services.base.settings import PORTS, GrpcSettings


class OrchestratorSettings(GrpcSettings):
    """What the orchestrator can be told. Addresses of several replicas of a service are separated by commas."""

    tts: str = Field(f"127.0.0.1:{PORTS['tts']}", description="Address of the voice servers.")
    lipsync: str = Field(f"127.0.0.1:{PORTS['lipsync']}", description="Address of the lip-sync servers.")
    asr: str = Field(f"127.0.0.1:{PORTS['asr']}", description="Address of the listening servers.")
    overlay: str = Field(f"127.0.0.1:{PORTS['overlay']}", description="Address of the overlay servers.")
    database_url: str = Field("sqlite:///.vigent/jobs.db", description="Database of the jobs: SQLite or PostgreSQL.")
    executor_id: str = Field(
        "orchestrator",
        description="Name of this orchestrator among those that share a database, under which it recovers its jobs.",
        min_length=1,
        max_length=200,
    )
    lease_s: float = Field(
        15.0,
        description="PostgreSQL: time without a sign of life after which others take its jobs over.",
        ge=1,
        le=3600,
    )
    max_running_jobs: int = Field(1, description="Jobs that run at the same time.", ge=1)
    least_free_bytes: int = Field(
        256 * 2**20,
        description="Free space on the disk of the media store below which jobs wait and new ones are refused.",
        ge=0,
    )
    clean_interval_s: float = Field(
        3600.0, description="Time between two removals of what no job needs any more; 0 for none by itself.", ge=0
    )
    clean_grace_s: float = Field(
        86400.0, description="How long a file that no job needs stays after its last use.", ge=0
    )
    clean_settle_s: float = Field(
        30.0, description="How long a caller may take from naming a file to the job that names it.", ge=0
    )
    max_queued_jobs: int = Field(100, description="Jobs that may wait; any more are refused.", ge=1)
    parallel_segments: int = Field(2, description="Segments of a job that are made at the same time.", ge=1)
    encoder: Literal["libx264", "h264_nvenc"] = Field("libx264", description="Video encoder; NVENC where there is one.")
    encoder_preset: str = Field("veryfast", description="Speed of libx264.")
    encoder_crf: int = Field(20, description="Constant rate factor of the encoder, 0 (best) to 51.", ge=0, le=51)
    attempts: int = Field(12, description="How often a step is tried when servers fail, with growing pauses.", ge=1)
    outage_s: float = Field(
        600.0,
        description="How long a sentence waits, beyond its attempts, for servers that are away, loading or full.",
        ge=0,
    )
    retry_share: float = Field(
        0.2,
        description="Retries of calls to a service, as a share of first calls; some, and one a second, are free.",
        ge=0,
        le=1,
    )
    sentence_pause_s: float = Field(0.24, description="Silence after each sentence.", ge=0, le=5)
    retakes: int = Field(
        1,
        description="Further takes, with other seeds, of a sentence that comes out wrong; 0 for none. Needs whisper.",
        ge=0,
        le=5,
    )
    retake_error_rate: float = Field(
        0.18,
        description="Share of wrong and of unwritten sounds above which a take is wrong (tests/bench/RETAKES.md).",
        ge=0,
    )
    platform: str = Field("default", description="Platform whose safe areas apply to films that name none.")
