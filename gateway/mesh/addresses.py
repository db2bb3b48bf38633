"""Where the processes of a mesh listen, and the environment that tells them."""

from __future__ import annotations

import os
import random
import socket
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from urllib.parse import quote

from pydantic_settings import SettingsConfigDict

from gateway.settings import MODEL_SERVICES, SERVICES
from services.base.encoding import check_decoded
from services.base.errors import InvalidInputError
from services.base.settings import METRICS_PORTS, PORTS, GrpcSettings, ProcessSettings

GATEWAY = "gateway"
PROCESSES = (*MODEL_SERVICES, "orchestrator", GATEWAY)
DEFAULT_DATA = Path(".vigent")

_LAST_PORT = 65_535
_QUIET_PORTS = range(10_000, 32_768)  # below the ephemeral ports, so that no process is given one meanwhile
_REPLICA_STEP = 10  # ports between two replicas: no two services are that far apart


def replica_names(service: str, count: int) -> list[str]:
    """Names of the processes of a service: "lipsync", "lipsync-2", "lipsync-3"."""
    return [service, *(f"{service}-{number}" for number in range(2, count + 1))]


def service_of(name: str) -> str:
    """The service of a process: "lipsync" for "lipsync-2"."""
    return name.partition("-")[0]


class _AnyProcess(ProcessSettings):
    """The settings that all processes share, whatever else their sections say."""

    model_config = SettingsConfigDict(extra="ignore")


class _AnyServer(GrpcSettings):
    """The settings that all gRPC servers share."""

    model_config = SettingsConfigDict(extra="ignore")


class _Orchestrator(_AnyProcess):
    """Where the jobs are kept."""

    database_url: str = "sqlite"


def drain_s(name: str, told: Mapping[str, str]) -> float:
    """Seconds that a process may take to end once it is asked to; `told` is its environment on top of this one's.

    Raises InvalidInputError naming a wrong setting.
    """
    service = service_of(name)
    names = {field: f"VIGENT_{service.upper()}_{field.upper()}" for field in ("drain_delay_s", "drain_grace_s")}
    overrides = {field: told[variable] for field, variable in names.items() if variable in told}
    settings = _AnyProcess.load(service, port=0, **overrides)
    return settings.drain_delay_s + settings.drain_grace_s


@dataclass(frozen=True)
class Addresses:
    """Ports of every process on one host; the gateway's metrics are on its own port."""

    host: str
    ports: Mapping[str, int]
    metrics_ports: Mapping[str, int]

    @classmethod
    def configured(cls, lipsync_replicas: int = 1) -> Addresses:
        """As settings and defaults have them, a free one for each that is 0; each further replica ten ports on."""
        gateway, servers = _AnyProcess.load(GATEWAY), {name: _AnyServer.load(name) for name in SERVICES}
        ports = _chosen({name: servers.get(name, gateway).port for name in PROCESSES})
        metrics_ports = _chosen({name: server.metrics_port for name, server in servers.items()}, ports.values())
        for number, name in enumerate(replica_names("lipsync", lipsync_replicas)):
            ports[name] = _further(ports["lipsync"], number)
            metrics_ports[name] = _further(metrics_ports["lipsync"], number)
        return cls(gateway.host, ports, metrics_ports)

    @classmethod
    def from_base(cls, base: int, lipsync_replicas: int = 1) -> Addresses:
        """Consecutive ports from `base`; 0: any that are free."""
        further = replica_names("lipsync", lipsync_replicas)[1:]
        processes, served = [*PROCESSES, *further], [*SERVICES, *further]
        count = len(processes) + len(served)
        ports = free_ports(count) if base == 0 else list(range(base, base + count))
        if ports[-1] > _LAST_PORT:
            problem = f"The mesh needs {count} ports, but fewer are left from {base} on."
            raise InvalidInputError(problem, "Give a lower port.", "port_base")
        return cls(
            "127.0.0.1",
            dict(zip(processes, ports[: len(processes)], strict=True)),
            dict(zip(served, ports[len(processes) :], strict=True)),
        )

    @property
    def names(self) -> list[str]:
        """Every process, the replicas of a service side by side."""
        return [name for service in PROCESSES for name in self.replicas(service)]

    def replicas(self, service: str) -> list[str]:
        """The processes of a service."""
        return [name for name in self.ports if service_of(name) == service]

    def by_name(self) -> dict[str, str]:
        """host:port of every process."""
        return {name: self.address(name) for name in self.names}

    def address(self, name: str) -> str:
        """host:port of a process."""
        return f"{self.host}:{self.ports[name]}"

    def metrics_url(self, name: str) -> str:
        """Prometheus page of a process."""
        if name == GATEWAY:
            return f"http://{self.address(name)}/metrics"
        return f"http://{self.host}:{self.metrics_ports[name]}/metrics"

    def targets(self, service: str) -> str:
        """Addresses of all replicas of a service, as settings want them."""
        return ",".join(map(self.address, self.replicas(service)))

    def environment(self, data: Path) -> dict[str, str]:
        """Settings that make all processes find each other and the data folder.

        Defaults are left out, so that vigent.toml still counts; what the environment sets already stays.
        """
        told = _folders(data) if data != DEFAULT_DATA else {}
        told = {name: folder for name, folder in told.items() if name not in os.environ}
        for name in PROCESSES:
            if self.ports[name] != PORTS[name] or len(self.replicas(name)) > 1:
                told |= self._addresses_of(name)
        for name in SERVICES:
            if self.metrics_ports[name] != METRICS_PORTS[name] or len(self.replicas(name)) > 1:
                told[f"VIGENT_{name.upper()}_METRICS_PORT"] = str(self.metrics_ports[name])
        return told

    def own_environment(self, name: str) -> dict[str, str]:
        """Settings of one process alone: a replica's ports."""
        service = service_of(name)
        if name == service:
            return {}
        return {
            f"VIGENT_{service.upper()}_PORT": str(self.ports[name]),
            f"VIGENT_{service.upper()}_METRICS_PORT": str(self.metrics_ports[name]),
        }

    def _addresses_of(self, name: str) -> dict[str, str]:
        told = {f"VIGENT_{name.upper()}_PORT": str(self.ports[name])}
        if name in SERVICES:
            told[f"VIGENT_GATEWAY_{name.upper()}"] = self.targets(name)
        if name in MODEL_SERVICES:
            told[f"VIGENT_ORCHESTRATOR_{name.upper()}"] = self.targets(name)
        return told


def _folders(data: Path) -> dict[str, str]:
    data = data.absolute()
    check_decoded(str(data), "The data folder", "--data")
    caches = {f"VIGENT_{name.upper()}_CACHE_ROOT": str(data / "cache") for name in MODEL_SERVICES}
    database = {"VIGENT_ORCHESTRATOR_DATABASE_URL": f"sqlite:///{quote(str(data / 'jobs.db'))}"}
    if not _Orchestrator.load("orchestrator").database_url.startswith("sqlite"):
        database = {}  # a server's address is no file of any folder
    keys = {"VIGENT_GATEWAY_KEYS_FILE": str(data / "keys.json")}
    return {"VIGENT_MEDIA_ROOT": str(data / "media"), **keys, **database, **caches}


def apply_data_folder(data: Path) -> None:
    """Makes this process use the same folders as the mesh over `data`; what the environment sets already stays."""
    if data != DEFAULT_DATA:
        for name, value in _folders(data).items():
            os.environ.setdefault(name, value)


def _further(port: int, number: int) -> int:
    """The port of a service's replica number `number`. Raises InvalidInputError when there is none."""
    if (further := port + _REPLICA_STEP * number) > _LAST_PORT:
        remedy = "Lower VIGENT_LIPSYNC_PORT and VIGENT_LIPSYNC_METRICS_PORT."
        raise InvalidInputError(f"There is no port {further} for a replica.", remedy, "lipsync_replicas")
    return further


def _chosen(ports: Mapping[str, int], taken: Collection[int] = ()) -> dict[str, int]:
    """Everybody is told where the others listen, so what the system is to choose is chosen before they start."""
    unset = [name for name, port in ports.items() if not port]
    free = [port for port in free_ports(len(unset) + len(taken)) if port not in taken] if unset else []
    return {**ports, **dict(zip(unset, free, strict=False))}


def free_ports(count: int) -> list[int]:
    """`count` free ports of loopback, outside the range from which the system picks ports by itself."""
    shuffled = random.sample(_QUIET_PORTS, len(_QUIET_PORTS))
    return sorted(islice(filter(_is_free, shuffled), count))


def _is_free(port: int) -> bool:
    try:
        with socket.create_server(("127.0.0.1", port)):
            return True
    except OSError:
        return False
