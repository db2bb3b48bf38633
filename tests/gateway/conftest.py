"""Real gateways: one over a voice server alone, one over a whole mesh."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.support.commands import TIMEOUT_S
from tests.support.mesh import Mesh, Server, run_mesh, run_server

NOBODY = "127.0.0.1:1"
PATIENT = {f"VIGENT_GATEWAY_WAITS__{name}_TIMEOUT_S": "60" for name in ("PROBE", "CALL")}
"""A gateway that takes no server of a busy machine for one that is away; nobody's port refuses at once."""


@pytest.fixture(scope="package")
def voice_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A voice server."""
    with run_server("services.tts", tmp_path_factory.mktemp("voice")) as server:
        yield server


@pytest.fixture(scope="package")
def gateway(tmp_path_factory: pytest.TempPathFactory, voice_server: Server) -> Iterator[Server]:
    """A gateway whose only service is the voice; nobody answers at the other addresses."""
    environment = {
        "VIGENT_GATEWAY_TTS": voice_server.address,
        "VIGENT_GATEWAY_UPLOAD_LIMIT_BYTES": "5000000",
        **PATIENT,
        **{f"VIGENT_GATEWAY_{name}": NOBODY for name in ("ORCHESTRATOR", "LIPSYNC", "ASR", "OVERLAY")},
    }
    with run_server("gateway", tmp_path_factory.mktemp("gateway"), environment) as server:
        yield server


@pytest.fixture
def http(gateway: Server) -> Iterator[httpx.Client]:
    """A client of the gateway over the voice server."""
    with client_of(gateway) as client:
        yield client


@pytest.fixture(scope="package")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mesh]:
    """A whole mesh."""
    with run_mesh(tmp_path_factory.mktemp("mesh")) as running:
        yield running


@pytest.fixture(scope="package")
def film_gateway(mesh: Mesh) -> Iterator[Server]:
    """A gateway over the whole mesh, sharing its media."""
    services = {name: server for name, server in mesh.servers.items() if "-" not in name}
    targets = {f"VIGENT_GATEWAY_{name.upper()}": server.address for name, server in services.items()}
    environment = {**targets, **PATIENT, "VIGENT_GATEWAY_WAITS__HEARTBEAT_S": "0.2"}
    with run_server("gateway", mesh.data, environment) as server:
        yield server


@pytest.fixture
def films(film_gateway: Server) -> Iterator[httpx.Client]:
    """A client of the gateway over the whole mesh."""
    with client_of(film_gateway) as client:
        yield client


def client_of(server: Server) -> httpx.Client:
    """A client with a deadline."""
    return httpx.Client(base_url=f"http://{server.address}", timeout=TIMEOUT_S, trust_env=False)
