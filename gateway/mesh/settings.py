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
)

from services.base.settings_file import read_settings_file, wrong_setting

_GPU = re.compile(r"\d+|(GPU|MIG)-[0-9A-Za-z/-]+")  # MIG-GPU-.../1/0 where the driver is old


class MeshSettings(BaseSettings):
    """What `vigent up` can be told of this machine. Make one with `load`."""

    model_config = SettingsConfigDict(env_prefix="VIGENT_", extra="forbid", frozen=True)

    gpus: str | None = Field(
        None, description='GPUs to use, as nvidia-smi numbers them: "0,1,2"; empty for none; all when left out.'
    )
    lipsync_replicas: int = Field(0, description="Number of lip-sync servers; 0 for one per GPU.", ge=0, le=64)

    @field_validator("gpus")
    @classmethod
    def _are_gpus(cls, value: str | None) -> str | None:
        if wrong := [gpu for gpu in gpus_of(value or "") if not is_gpu(gpu)]:
            told = "{gpu} is not a GPU; give numbers or UUIDs from nvidia-smi"
            raise PydanticCustomError("gpu", told, {"gpu": repr(wrong[0])})
        return value

    @classmethod
    def load(cls) -> Self:
        """Reads the settings. Raises InvalidInputError naming the setting at fault."""
        try:
            return cls()  # type: ignore[call-arg]
        except ValidationError as error:
            raise wrong_setting(error, cls, "mesh", "VIGENT_") from error

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
    return [part.strip() for part in text.split(",") if part.strip()]


def is_gpu(name: str) -> bool:
    """Whether CUDA_VISIBLE_DEVICES takes it for a GPU: a number of nvidia-smi or a UUID; -1 is not."""
    return _GPU.fullmatch(name) is not None
