"""Dead proxies in every variable that anybody reads: the mesh does not notice."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from gateway.settings import SERVICES
from tests.gateway.conftest import PATIENT
from tests.support.commands import TIMEOUT_S, vigent
from tests.support.films import face_picture
from tests.support.mesh import Mesh, run_mesh, run_server
from tests.support.proxies import PROXIES


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mesh]:
    """A mesh whose processes have dead proxies."""
    with run_mesh(tmp_path_factory.mktemp("proxied"), PROXIES) as mesh:
        yield mesh


@pytest.fixture
def beside(proxied: Mesh) -> dict[str, str]:
    """The environment of somebody on whose machine it runs."""
    return {"VIGENT_GATEWAY_ORCHESTRATOR": proxied.jobs, "VIGENT_MEDIA_ROOT": str(proxied.media_root), **PROXIES}


def test_a_film_is_made_and_listed(tmp_path: Path, beside: dict[str, str]) -> None:
    (tmp_path / "script.txt").write_text("Hello there.", encoding="utf-8")
    (tmp_path / "face.png").write_bytes(face_picture())
    small = ["--width", "270", "--height", "480"]
    made = vigent("make", "script.txt", "--footage", "face.png", *small, cwd=tmp_path, environment=beside)
    assert made.returncode == 0, made.stderr
    assert "No mesh is running" not in made.stderr
    listed = vigent("jobs", "list", cwd=tmp_path, environment=beside)
    assert (listed.returncode, "done" in listed.stdout) == (0, True), listed.stderr


def test_a_server_is_probed(tmp_path: Path, proxied: Mesh) -> None:
    probed = vigent("probe", proxied.jobs, "--timeout", "60", cwd=tmp_path, environment=PROXIES)
    assert (probed.returncode, probed.stdout.strip()) == (0, "SERVING"), probed.stderr


def test_a_mesh_of_its_own_is_found(tmp_path: Path) -> None:
    asked = vigent("voices", "--data", "data", cwd=tmp_path, environment=PROXIES)
    assert asked.returncode == 0, asked.stderr
    assert "languages" in asked.stdout


def test_the_gateway_sees_every_service_and_its_figures(proxied: Mesh) -> None:
    targets = {f"VIGENT_GATEWAY_{name.upper()}": proxied.servers[name].address for name in SERVICES}
    with run_server("gateway", proxied.data, {**targets, **PATIENT, **PROXIES}) as gateway:
        url = f"http://{gateway.address}/api/v1/services"
        services = httpx.get(url, trust_env=False, timeout=TIMEOUT_S).json()["services"]
    assert {service["name"]: service["ok"] for service in services} == dict.fromkeys(SERVICES, True)
    assert all(service["replicas"][0]["resident_memory_bytes"] for service in services)
