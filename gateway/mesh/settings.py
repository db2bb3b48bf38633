"""Settings of the mesh on this machine: `VIGENT_*` in the environment, then `[mesh]` in vigent.toml, then defaults."""

from __future__ import annotations

import re
from typing import Self

from pydantic import Field, ValidationError, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from gateway.mesh.policy import WatchdogPolicy
from gateway.settings import SERVICES
from services.base.errors import InvalidInputError
from services.base.settings_file import read_settings_file, wrong_setting

_GPU = re.compile(r"\d+|(GPU|MIG)-[0-9A-Za-z/-]+")  # MIG-GPU-.../1/0 where the driver is old

_SERVICES = (*SERVICES, "gateway")


class MeshSettings(BaseSettings):
    """What `vigent up` can be told of this machine. Make one with `load`."""

    model_config = SettingsConfigDict(env_prefix="VIGENT_", extra="forbid", frozen=True)

    gpus: str | None = Field(
        None, description='GPUs to use, as nvidia-smi numbers them: "0,1,2"; empty for none; all when left out.'
    )
    lipsync_replicas: int = Field(0, description="Number of lip-sync servers; 0 for one per GPU.", ge=0, le=64)
    watch_interval_s: float = Field(5.0, description="Time between two looks at a process.", gt=0)
    watch_timeout_s: float = Field(3.0, description="Longest wait for its answer.", gt=0)
    watch_misses: int = Field(3, description="Looks in a row that must be amiss before it is restarted.", ge=1)
    watch_restarts: int = Field(
        5, description="Restarts in ten minutes; with more it is called a crash loop, and the pauses grow.", ge=0
    )
    unwatched: str = Field(
        "", description='Services that are restarted only when they have ended by themselves: "asr,overlay".'
    )
    watch_memory_bytes: dict[str, int] = Field(
        default_factory=dict,
        description="Memory of a service, engine included, at which it is restarted after its calls, such as "
        '{"tts": 8000000000}.',
    )

    @field_validator("gpus")
    @classmethod
    def _are_gpus(cls, value: str | None) -> str | None:
        if wrong := [gpu for gpu in gpus_of(value or "") if not is_gpu(gpu)]:
            told = "{gpu} is not a GPU; give numbers or UUIDs from nvidia-smi"
            raise PydanticCustomError("gpu", told, {"gpu": repr(wrong[0])})
        return value

    @field_validator("unwatched", "watch_memory_bytes")
    @classmethod
    def _are_services(cls, value: str | dict[str, int]) -> str | dict[str, int]:
        names = value if isinstance(value, dict) else parts_of(value)
        if wrong := [name for name in names if name not in _SERVICES]:
            told = "{name} is no service; name some of {known}"
            raise PydanticCustomError("service", told, {"name": repr(wrong[0]), "known": ", ".join(_SERVICES)})
        return value

    def policy(self, service: str) -> WatchdogPolicy:
        """How a process of `service` is watched."""
        return WatchdogPolicy(
            interval_s=self.watch_interval_s,
            timeout_s=self.watch_timeout_s,
            misses=self.watch_misses,
            restarts=self.watch_restarts,
            watched=service not in parts_of(self.unwatched),
            memory_bytes=self.watch_memory_bytes.get(service, 0),
        )

    @classmethod
    def load(cls) -> Self:
        """Reads the settings. Raises InvalidInputError naming the setting at fault."""
        try:
            return cls()  # type: ignore[call-arg]
        except ValidationError as error:
            raise wrong_setting(error, cls, "mesh", "VIGENT_") from error
        except SettingsError as error:  # a mapping that is not JSON
            raise InvalidInputError(f"{error}.", 'Write it as JSON, such as {"tts": 8000000000}.') from error

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then environment, then `[mesh]` of vigent.toml."""
        section = InitSettingsSource(settings_cls, init_kwargs=read_settings_file().get("mesh", {}))
        return init_settings, env_settings, section


def gpus_of(text: str) -> list[str]:
    """The GPUs in a comma-separated list."""
    return parts_of(text)


def parts_of(text: str) -> list[str]:
    """What a comma-separated list names."""
    return [part.strip() for part in text.split(",") if part.strip()]


def is_gpu(name: str) -> bool:
    """Whether CUDA_VISIBLE_DEVICES takes it for a GPU: a number of nvidia-smi or a UUID; -1 is not."""
    return _GPU.fullmatch(name) is not None
