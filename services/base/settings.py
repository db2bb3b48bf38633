"""Settings of a process: `VIGENT_<SECTION>_*` in the environment, then `[<section>]` in vigent.toml, then defaults."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from services.base.errors import InvalidInputError
from services.base.settings_file import SHARED_KEYS, read_settings_file, wrong_setting

PORTS = {"gateway": 8080, "orchestrator": 8050, "tts": 8051, "lipsync": 8052, "asr": 8053, "overlay": 8054}
"""Below 32768, where Linux begins to give ports to whoever connects to anywhere."""
METRICS_PORTS = {"orchestrator": 9150, "tts": 9151, "lipsync": 9152, "asr": 9153, "overlay": 9154}

LogLevel = Annotated[
    Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"], BeforeValidator(lambda level: str(level).upper())
]
"""Upper or lower case."""


class ProcessSettings(BaseSettings):
    """Settings that every process of the mesh has. Make one with `load`."""

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, env_nested_delimiter="__", populate_by_name=True, coerce_numbers_to_str=True
    )

    host: str = Field("127.0.0.1", description="Address to listen on; loopback unless told otherwise.")
    port: int = Field(description="Port to listen on; 0 lets the system choose.", ge=0, le=65535)
    log_level: LogLevel = Field("INFO", description="Level of the standard library's logging.")
    log_format: Literal["text", "json"] = Field(
        "text",
        validation_alias="VIGENT_LOG_FORMAT",
        description="How log lines are written; json with the ids of traces (VIGENT_LOG_FORMAT).",
    )
    media_root: Path = Field(
        Path(".vigent/media"),
        validation_alias="VIGENT_MEDIA_ROOT",
        description="Folder of the media store, shared by all processes (VIGENT_MEDIA_ROOT).",
    )
    object_storage: str = Field(
        "",
        pattern=r"^(s3://[^@?#\s]+)?$",
        validation_alias="VIGENT_OBJECT_STORAGE",
        description="Where the media store is instead, s3://BUCKET/PREFIX; its folder is then a cache "
        "(VIGENT_OBJECT_STORAGE). Credentials and endpoint: AWS_* in the environment.",
    )
    media_cache_bytes: int = Field(
        20 << 30,
        validation_alias="VIGENT_MEDIA_CACHE_BYTES",
        description="How large that cache grows (VIGENT_MEDIA_CACHE_BYTES).",
        ge=1,
    )
    backdrop: str = Field(
        "#000000",
        pattern="^#[0-9a-fA-F]{6}$",
        validation_alias="VIGENT_BACKDROP",
        description="Colour behind transparent footage, #rrggbb, the same for all processes (VIGENT_BACKDROP).",
    )
    pronunciations: list[str] = Field(
        default_factory=list,
        validation_alias="VIGENT_PRONUNCIATIONS",
        description='How words are said, such as "重庆=chóng qìng", wherever they stand (VIGENT_PRONUNCIATIONS).',
    )
    mesh_authority: Path | None = Field(
        None,
        validation_alias="VIGENT_MESH_AUTHORITY",
        description="PEM file of the authority of the mesh's certificates (VIGENT_MESH_AUTHORITY).",
    )
    mesh_certificate: Path | None = Field(
        None,
        validation_alias="VIGENT_MESH_CERTIFICATE",
        description="PEM file that a process shows the others, for mesh.vigent (VIGENT_MESH_CERTIFICATE).",
    )
    mesh_key: Path | None = Field(
        None, validation_alias="VIGENT_MESH_KEY", description="PEM file of that certificate's key (VIGENT_MESH_KEY)."
    )
    drain_delay_s: float = Field(0.5, description="Pause between NOT_SERVING and refusing calls.", ge=0)
    drain_grace_s: float = Field(30.0, description="How long running calls may take to finish when draining.", ge=0)

    @classmethod
    def load(cls, section: str, **overrides: object) -> Self:
        """Reads the settings of `section`, such as "tts". Raises InvalidInputError naming the setting at fault."""
        prefix = f"VIGENT_{section.upper()}_"
        try:
            return cls(_env_prefix=prefix, **overrides)  # type: ignore[call-arg, arg-type]
        except ValidationError as error:
            raise wrong_setting(error, cls, section, prefix) from error
        except SettingsError as error:  # a mapping or a list that is not JSON
            raise InvalidInputError(f"{error}.", f"Write it as JSON; its name begins with {prefix}.") from error

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then environment, then the section of vigent.toml, then the ports of the section."""
        assert isinstance(env_settings, EnvSettingsSource)
        section = env_settings.env_prefix.removeprefix("VIGENT_").rstrip("_").lower()
        file = read_settings_file()
        shared = {name: file[name] for name in SHARED_KEYS if name in file}
        ports = {"port": PORTS.get(section, 0)}
        if "metrics_port" in settings_cls.model_fields:
            ports["metrics_port"] = METRICS_PORTS.get(section, 0)
        from_file = {**ports, **shared, **file.get(section, {})}
        return init_settings, env_settings, InitSettingsSource(settings_cls, init_kwargs=from_file)


class GrpcSettings(ProcessSettings):
    """Settings that every gRPC server of the mesh has. Make one with `load`."""

    metrics_port: int = Field(description="Prometheus port; 0 lets the system choose.", ge=0, le=65535)
    health_port: int | None = Field(
        None,
        description="Port for health checks alone, without TLS, for a kubelet; none if left out.",
        ge=0,
        le=65535,
    )
    max_message_bytes: int = Field(8 * 2**20, description="Largest request message; larger ones are refused.", gt=0)
    max_connection_age_s: float = Field(
        1800.0, description="Age at which a client is asked to reconnect and so finds new replicas.", gt=0
    )


class RecoverySettings(BaseModel):
    """How a worker that hangs, or whose engine cannot be loaded, is brought back. Nothing of it depends on the machine.

    The defaults serve everywhere; tests shorten them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    stall_ceiling_s: float = Field(
        default=300.0, description="Upper bound of the budget learned from slow units.", gt=0
    )
    reload_pause_s: float = Field(
        default=5.0, description="Pause before loading is tried again after it failed; doubles up to a minute.", gt=0
    )
    restart_window_s: float = Field(
        default=600.0, description="Time in which `restart_limit` workers may die; then it rests as long.", gt=0
    )
    watch_interval_s: float = Field(
        default=0.25, description="Time between two looks at a busy worker; at an idle one up to 2 s.", gt=0
    )
    cancel_grace_s: float = Field(default=2.0, description="Time a hung engine has to obey a cancel.", ge=0)
    kill_grace_s: float = Field(default=1.0, description="Time between dumping stacks, SIGTERM and SIGKILL.", ge=0)
    exit_budget_s: float = Field(default=30.0, description="Longest time a killed worker may take to be gone.", gt=0)


class ServerSettings(GrpcSettings):
    """Settings of a model server. They live here because the gateway, which plans the processes, reads them too."""

    engine: str = Field(
        "auto", description='Name of an engine, or "module:Class"; auto for the best one whose checkpoint is here.'
    )
    fallback_engine: str | None = Field(
        None, description="What stands in for an engine that is not installed here; empty for nothing."
    )
    slots: int = Field(1, description="Calls that the engine works on at the same time.", ge=1, le=64)
    queue_limit: int = Field(8, description="Calls that may wait for a slot; further ones are refused.", ge=0)
    device: str = Field("cpu", description='Where the engine computes: "cpu", "cuda:0".')
    checkpoint: Path | None = Field(None, description="Folder of the model's weights.")
    models_root: Path = Field(
        Path(".vigent/models"),
        validation_alias="VIGENT_MODELS_ROOT",
        description="Folder of the checkpoints that auto chooses from, that of `vigent models` (VIGENT_MODELS_ROOT).",
    )
    cache_root: Path = Field(Path(".vigent/cache"), description="Folder for files that engines can compute again.")
    options: dict[str, str] = Field(default_factory=dict, description="Further settings of the engine.")
    stall_budget_s: float = Field(10.0, description="Least time without a finished unit that counts as hung.", gt=0)
    recovery: RecoverySettings = Field(
        default_factory=RecoverySettings, description="Pace of recovering from a hung engine."
    )
    load_budget_s: float = Field(600.0, description="Longest time for loading the engine.", gt=0)
    warm_up_budget_s: float = Field(600.0, description="Longest time between two units of the warm-up.", gt=0)
    caller_budget_s: float = Field(120.0, description="How long a call waits for its caller to read or send.", gt=0)
    restart_limit: int = Field(5, description="Restarts of the worker in ten minutes, before it rests.", ge=0)
    memory_soft_bytes: int = Field(
        0, description="Resident memory at which the worker is replaced when idle; 0 for none.", ge=0
    )
    memory_hard_bytes: int = Field(0, description="Resident memory at which the worker is killed; 0 for none.", ge=0)
    canary_interval_s: float = Field(
        600.0,
        description="Time between two tries of an idle engine with a tiny call that is checked; 0 for none.",
        ge=0,
    )
    progress_interval_s: float = Field(1.0, description="Time between two progress messages of a call.", gt=0, le=2)
