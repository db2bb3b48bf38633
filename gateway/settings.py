"""Settings of the gateway: `VIGENT_GATEWAY_*` in the environment, then `[gateway]` in vigent.toml, then defaults."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from services.base.settings import PORTS, ProcessSettings

MODEL_SERVICES = ("tts", "lipsync", "asr", "overlay")
SERVICES = ("orchestrator", *MODEL_SERVICES)

_BUNDLED_ASSETS = Path(__file__).parent.parent / "assets"


def _target(service: str) -> str:
    return f"127.0.0.1:{PORTS[service]}"


class WaitSettings(BaseModel):
    """How long the gateway waits for clients and services. The defaults serve everywhere; tests change them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    head_timeout_s: float = Field(
        default=10.0,
        description="Longest time until the head of a request is complete, or an idle connection sends one.",
        gt=0,
    )
    body_timeout_s: float = Field(
        default=30.0, description="Longest wait for a request's body, besides what body_rate_bytes_per_s adds.", gt=0
    )
    body_rate_bytes_per_s: float = Field(
        default=10_000.0, description="Slowest rate of a long body: each so many bytes add one second.", gt=0
    )
    write_timeout_s: float = Field(
        default=60.0, description="Longest time in which a client reads nothing of what is being sent to it.", gt=0
    )
    probe_timeout_s: float = Field(default=1.0, description="Longest wait for a service's health and status.", gt=0)
    call_timeout_s: float = Field(default=10.0, description="Longest wait for a short answer of a service.", gt=0)
    heartbeat_s: float = Field(default=15.0, description="Silence after which an event stream sends a comment.", gt=0)


class GatewaySettings(ProcessSettings):
    """What the gateway can be told, with several replicas of a service separated by commas.

    Make one with `GatewaySettings.load("gateway")`.
    """

    orchestrator: str = Field(_target("orchestrator"), description="Address of the orchestrators.")
    tts: str = Field(_target("tts"), description="Address of the voice servers.")
    lipsync: str = Field(_target("lipsync"), description="Address of the lip-sync servers.")
    asr: str = Field(_target("asr"), description="Address of the listening servers.")
    overlay: str = Field(_target("overlay"), description="Address of the overlay servers.")
    allowed_hosts: str = Field(
        "127.0.0.1,localhost,::1",
        description='Names under which the gateway answers, against DNS rebinding; "*" for any.',
    )
    keys_file: Path = Field(Path(".vigent/keys.json"), description="The keys that `vigent keys` makes, as hashes.")
    loopback_is_open: bool = Field(
        True,
        description="Whether whoever runs the gateway needs no key on this machine; off behind a proxy of that user.",
    )
    studio_token: str = Field(
        "", description="What signs in to the studio beside keys; `vigent up` makes one.", repr=False
    )
    tls_certificate: Path | None = Field(
        None, description="PEM file of the certificate chain to serve HTTPS with; read again when it changes."
    )
    tls_key: Path | None = Field(None, description="PEM file of the certificate's key, without a password.")
    assets_root: Path = Field(_BUNDLED_ASSETS, description="Folder of the bundled fonts, music, styles and demo.")
    upload_limit_bytes: int = Field(2 * 2**30, description="Largest upload.", gt=0)
    connections: int = Field(
        512,
        description="Connections at the same time: half of them for streams and downloads, a quarter for other "
        "requests, which get 503 beyond that; when all are used, the one that has been idle for longest is closed.",
        ge=4,
    )
    uploads_at_once: int = Field(4, description="Uploads that are taken at the same time.", ge=1)
    encoders_at_once: int = Field(16, description="Spoken answers (mp3, opus, aac, flac) encoded at a time.", ge=1)
    packs_at_once: int = Field(2, description="Covers and packs for platforms that are made at the same time.", ge=1)
    pack_limit_s: float = Field(900.0, description="Longest time for making a film smaller for a platform.", gt=0)
    footage_limit_s: float = Field(600.0, description="Longest footage.", gt=0)
    audio_limit_s: float = Field(1800.0, description="Longest music and longest recording to transcribe.", gt=0)
    inspect_limit_s: float = Field(120.0, description="Longest time for looking at an uploaded file.", gt=0)
    inspect_memory_bytes: int = Field(4 * 2**30, description="Memory for looking at an uploaded file.", gt=0)
    speech_timeout_s: float = Field(600.0, description="Longest time for speaking or listening to one request.", gt=0)
    writer_url: str = Field(
        "",
        pattern=r"^(https?://[^\s@]+)?$",
        description="OpenAI-compatible endpoint of a writing model, such as http://127.0.0.1:11434/v1; none if empty.",
    )
    writer_model: str = Field("", description="Name of the writing model at that endpoint.")
    writer_api_key: str = Field("", description="Key that the endpoint asks for; best in the environment.", repr=False)
    writer_prompts: Path = Field(_BUNDLED_ASSETS / "writer" / "prompts.toml", description="What the model is told.")
    writer_timeout_s: float = Field(60.0, description="Longest silence of the writing model.", gt=0)
    writer_at_once: int = Field(4, description="Texts that are written at the same time.", ge=1)
    public_url: str = Field(
        "", description="Address under which browsers reach the gateway; that of each request when empty."
    )
    youtube_client_id: str = Field("", description="OAuth client of a project at Google, to post to YouTube.")
    youtube_client_secret: str = Field("", description="Its secret; best in the environment.", repr=False)
    tiktok_client_key: str = Field("", description="Client key of an app at TikTok, to send drafts there.")
    tiktok_client_secret: str = Field("", description="Its secret; best in the environment.", repr=False)
    connectors_root: Path = Field(
        Path(".vigent/connectors"), description="Accounts at platforms, encrypted, and films on their way to them."
    )
    connectors_pause_s: float = Field(5.0, description="First pause before a platform is asked again.", gt=0)
    connectors_base_url: str = Field("", description="What stands for all platforms, such as a relay or a test.")
    waits: WaitSettings = Field(default_factory=WaitSettings, description="How long it waits for clients and services.")

    @property
    def scheme(self) -> str:
        """How clients speak to it."""
        return "http" if self.tls_certificate is None else "https"

    def targets(self, service: str) -> list[str]:
        """Addresses (gRPC) of the replicas of `service`, one of SERVICES."""
        return [target.removeprefix("ipv4:") for target in _parts(getattr(self, service))]


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
