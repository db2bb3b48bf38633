"""Every query of every dashboard, asked of a real Prometheus while a real mesh makes a film."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import httpx
import pytest

from tests.support.film_jobs import SCRIPT, TITLE, events, submitted
from tests.support.films import face_picture
from tests.support.manifests import K8S
from tests.support.mesh import run_mesh, run_server
from tests.support.prometheus import Prometheus, scraping

TIMEOUT_S = 240.0


def dashboards() -> ModuleType:
    spec = importlib.util.spec_from_file_location("dashboards", K8S / "dashboards.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["dashboards"] = module
    spec.loader.exec_module(module)
    return module


MADE = dashboards()


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Prometheus, dict[str, str]]]:
    """A Prometheus that has seen a film being made, and the address of each service's metrics."""
    folder = tmp_path_factory.mktemp("watched")
    with run_mesh(folder / "mesh") as mesh:
        told = {f"VIGENT_GATEWAY_{name.upper()}": server.address for name, server in mesh.servers.items()}
        with run_server("gateway", mesh.data, told) as gateway:
            metrics = {**{name: server.metrics for name, server in mesh.servers.items()}, "gateway": gateway.address}
            with scraping(folder / "prometheus", metrics) as prometheus:
                make_a_film(gateway.address, SCRIPT)
                prometheus.until('vigent_jobs{state="done"} == 1')
                make_a_film(gateway.address, f"And again. {SCRIPT}")  # a rate is a change of what was seen before
                prometheus.until("min(rate(vigent_job_stage_seconds_count[1m])) > 0")
                yield prometheus, metrics


def make_a_film(address: str, script: str) -> None:
    with httpx.Client(base_url=f"http://{address}", timeout=TIMEOUT_S, trust_env=False) as client:
        footage = client.post("/api/v1/footage", files={"file": ("face.png", face_picture())}).json()["id"]
        job = submitted(client, footage, script=script, title=TITLE)
        assert list(events(client, job["id"]))[-1]["name"] == "end"


@pytest.mark.parametrize(
    ("query", "page"),
    [
        pytest.param(query, page, id=f"{page.name}: {panel.title}, {legend}")
        for page in MADE.PAGES
        for panel in page.panels
        for query, legend in panel.queries
    ],
)
def test_no_panel_is_empty(watched: tuple[Prometheus, dict[str, str]], query: str, page) -> None:
    """Those that show only what happens now are asked without that."""
    prometheus, metrics = watched
    chosen = query.replace("$service", "lipsync").replace("$instance", metrics["lipsync"])
    series = prometheus.ask(chosen.replace(" and vigent_worker_active_requests > 0", ""))
    assert [one for one in series if one["value"][1] != "NaN"]


@pytest.mark.parametrize("page", MADE.PAGES, ids=lambda page: page.name)
def test_what_is_committed_is_what_the_program_makes(page) -> None:
    committed = (MADE.FOLDER / f"{page.name}.json").read_text(encoding="utf-8")
    assert committed == MADE.rendered(page)
    assert json.loads(committed)["uid"] == f"vigent-{page.name}"


def test_kustomize_hands_them_to_grafana() -> None:
    pages = {path.name for path in Path(MADE.FOLDER).glob("*.json")}
    component = (K8S / "components/monitoring/kustomization.yaml").read_text(encoding="utf-8")
    assert {name for name in pages if f"dashboards/{name}" in component} == pages
