"""What a mesh on this machine consists of: which processes, where each listens, on which GPU it computes."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic_settings import SettingsConfigDict

from gateway.mesh.addresses import GATEWAY, Addresses, service_of
from gateway.mesh.engines import EngineClass, engines_of
from gateway.mesh.gpus import assign, available_gpus, environment_of, gpu_users
from gateway.mesh.settings import MeshSettings
from gateway.settings import MODEL_SERVICES
from services.base.settings import ProcessSettings, ServerSettings

_STUDIO = "VIGENT_GATEWAY_STUDIO_TOKEN"
_DEFAULT_SEGMENTS = 2  # segments that the orchestrator makes at the same time by default


class _Orchestrator(ProcessSettings):
    """The one setting of the orchestrator that depends on the number of replicas."""

    model_config = SettingsConfigDict(extra="ignore")

    parallel_segments: int | None = None


@dataclass(frozen=True)
class MeshPlan:
    """The processes of a mesh.

    `gpus` maps those that compute on a GPU to it; `engines` has what the engine of each service can do, where that was
    asked.
    """

    addresses: Addresses
    gpus: Mapping[str, str]
    engines: Mapping[str, EngineClass]
    studio_token: str = field(default_factory=lambda: os.environ.get(_STUDIO) or secrets.token_urlsafe(24), repr=False)
    """What signs its user in to the studio, for as long as this mesh runs."""

    @classmethod
    def here(cls, port_base: int | None = None) -> MeshPlan:
        """The plan for this machine as settings and hardware have it; `port_base` as of `vigent up`.

        The engines are asked what they can do only where there is a GPU to give them. Raises InvalidInputError naming
        a wrong setting.
        """
        settings = MeshSettings.load()
        available = available_gpus(settings)
        engines = engines_of(MODEL_SERVICES, gpu=True) if available else {}
        gpus = assign(gpu_users(engines), available, settings.lipsync_replicas)
        replicas = settings.lipsync_replicas or max(1, sum(service_of(name) == "lipsync" for name in gpus))
        base = Addresses.configured(replicas) if port_base is None else Addresses.from_base(port_base, replicas)
        return cls(base, gpus, engines)

    @property
    def names(self) -> list[str]:
        """Every process."""
        return self.addresses.names

    def module(self, name: str) -> str:
        """What runs as this process."""
        service = service_of(name)
        return f"services.{service}" if service in MODEL_SERVICES else service

    def environment(self, name: str, data: Path) -> dict[str, str]:
        """What this process is told on top of its own settings."""
        told = {**self.addresses.environment(data), **self.addresses.own_environment(name)}
        if name in self.gpus:
            told |= environment_of(service_of(name), self.gpus[name])
        if name == GATEWAY:
            told[_STUDIO] = self.studio_token
        if name == "orchestrator":
            told |= self._window()
        return told

    def device(self, name: str) -> str:
        """Where this process computes, for people: "GPU 1", "cpu"; empty when it has no engine."""
        if name in self.gpus:
            return f"GPU {self.gpus[name]}"
        service = service_of(name)
        return ServerSettings.load(service).device if service in MODEL_SERVICES else ""

    def _window(self) -> dict[str, str]:
        """Enough segments at the same time to keep every replica of lip-sync at work."""
        replicas = len(self.addresses.replicas("lipsync"))
        if replicas <= _DEFAULT_SEGMENTS or _Orchestrator.load("orchestrator").parallel_segments is not None:
            return {}
        return {"VIGENT_ORCHESTRATOR_PARALLEL_SEGMENTS": str(replicas)}
