"""Where the processes of a mesh listen, and the environment that tells them."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from pydantic_settings import SettingsConfigDict

from gateway.settings import MODEL_SERVICES, SERVICES
from services.runtime.errors import InvalidInputError
from services.runtime.settings import METRICS_PORTS, PORTS, ProcessSettings

GATEWAY = "gateway"
PROCESSES = (*MODEL_SERVICES, "orchestrator", GATEWAY)
DEFAULT_DATA = Path(".vigent")


class _AnyProcess(ProcessSettings):
    """What any process is told, whatever else its section says."""

    model_config = SettingsConfigDict(extra="ignore")


@dataclass(frozen=True)
class Addresses:
    """Ports of every process on one host; the gateway's metrics are on its own port."""

    host: str
    ports: Mapping[str, int]
    metrics_ports: Mapping[str, int]

    @classmethod
    def configured(cls) -> Addresses:
        """As settings and defaults have them."""
        settings = {name: _AnyProcess.load(name) for name in PROCESSES}
        return cls(
            settings[GATEWAY].host,
            {name: settings[name].port for name in PROCESSES},
            {name: settings[name].metrics_port for name in SERVICES},
        )

    @classmethod
    def from_base(cls, base: int) -> Addresses:
        """Consecutive ports from `base`; 0: any that are free."""
        names = [*PROCESSES, *(f"{name} metrics" for name in SERVICES)]
        ports = _free_ports(len(names)) if base == 0 else list(range(base, base + len(names)))
        if ports[-1] > 65_535:
            raise InvalidInputError(f"There are not {len(names)} ports from {base}.", "Give a lower one.", "port_base")
        by_name = dict(zip(names, ports, strict=True))
        return cls(
            "127.0.0.1",
            {name: by_name[name] for name in PROCESSES},
            {name: by_name[f"{name} metrics"] for name in SERVICES},
        )

    def address(self, name: str) -> str:
        """host:port of a process."""
        return f"{self.host}:{self.ports[name]}"

    def environment(self, data: Path) -> dict[str, str]:
        """Settings that make all processes find each other and the data folder.

        What equals the default is left unsaid, so that vigent.toml keeps its word.
        """
        told = _folders(data) if data != DEFAULT_DATA else {}
        for name in PROCESSES:
            if self.ports[name] != PORTS[name]:
                told |= self._told(name)
        for name in SERVICES:
            if self.metrics_ports[name] != METRICS_PORTS[name]:
                port = self.metrics_ports[name]
                told[f"VIGENT_{name.upper()}_METRICS_PORT"] = str(port)
                told[f"VIGENT_GATEWAY_{name.upper()}_METRICS"] = f"http://{self.host}:{port}/metrics"
        return told

    def _told(self, name: str) -> dict[str, str]:
        told = {f"VIGENT_{name.upper()}_PORT": str(self.ports[name])}
        if name in SERVICES:
            told[f"VIGENT_GATEWAY_{name.upper()}"] = self.address(name)
        if name in MODEL_SERVICES:
            told[f"VIGENT_ORCHESTRATOR_{name.upper()}"] = self.address(name)
        return told


def _folders(data: Path) -> dict[str, str]:
    data = data.absolute()
    caches = {f"VIGENT_{name.upper()}_CACHE_ROOT": str(data / "cache") for name in MODEL_SERVICES}
    database = {"VIGENT_ORCHESTRATOR_DATABASE_URL": f"sqlite:///{data / 'jobs.db'}"}
    return {"VIGENT_MEDIA_ROOT": str(data / "media"), **database, **caches}


def apply_data_folder(data: Path) -> None:
    """Makes this process use the same folders as the mesh over `data`; what the environment says stays."""
    if data != DEFAULT_DATA:
        for name, value in _folders(data).items():
            os.environ.setdefault(name, value)


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return sorted(opened.getsockname()[1] for opened in sockets)
