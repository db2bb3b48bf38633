"""Settings of the slow loop: `VIGENT_SLOW_LOOP_*` in the environment."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.base.settings import LogLevel
from services.base.settings_file import wrong_setting

_PREFIX = "VIGENT_SLOW_LOOP_"


class SlowLoopSettings(BaseSettings):
    """When a pod may be restarted because of an alert. Make one with `load`."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, extra="forbid", frozen=True)

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8070, description="Port to listen on; 0 lets the system choose.", ge=0, le=65535)
    log_level: LogLevel = Field("INFO", description="Level of the standard library's logging.")
    namespace: str = Field("vigent", description="The only namespace whose pods it sees.")
    token_file: Path = Field(description="File with the token that Alertmanager sends as a bearer.")
    api: str = Field("", description="URL of a Kubernetes API, as that of `kubectl proxy`; its own cluster if empty.")
    alerts: str = Field(
        "VigentWorkerStalled,VigentWorkerBroken,VigentWrongResults",
        description="Alerts that a new pod may mend; others are only noted.",
    )
    services: str = Field("tts,lipsync,asr,overlay", description="Services whose pods may be restarted.")
    quorum: float = Field(0.5, description="Share of a service's other pods that must be ready.", ge=0, le=1)
    cooldown_s: float = Field(
        900.0, description="Least time between two restarts in the namespace, at most an hour.", ge=0, le=3600
    )
    dry_run: bool = Field(True, description="Whether it only says what it would do.")

    @classmethod
    def load(cls) -> Self:
        """Reads the settings. Raises InvalidInputError naming the setting at fault."""
        try:
            return cls()  # type: ignore[call-arg]
        except ValidationError as error:
            raise wrong_setting(error, cls, "slow_loop", _PREFIX) from error

    def token(self) -> str:
        """Read each time, as Secrets change. Raises OSError."""
        return self.token_file.read_text(encoding="utf-8").strip()
