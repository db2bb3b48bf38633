"""Probes, figures and the view of the mesh, against a real voice server in good and bad states."""

import signal

import httpx
import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from gateway.http.replicas import figures_of, replica_of
from tests.gateway.conftest import client_of
from tests.support.commands import until
from tests.support.mesh import run_server


def metrics_of(http: httpx.Client) -> dict[tuple[str, str], float]:
    """Value by metric name and label values."""
    families = text_string_to_metric_families(http.get("/metrics").text)
    return {
        (sample.name, " ".join(sample.labels.values())): sample.value
        for family in families
        for sample in family.samples
    }


def test_alive_without_any_service(http):
    assert http.get("/livez").status_code == 200


def test_ready_only_with_an_orchestrator(http):
    response = http.get("/readyz")
    assert response.status_code == 503
    assert response.json()["replicas"][0]["health"] == "UNREACHABLE"


def test_a_good_service_is_probed_well(http):
    response = http.get("/probe/tts")
    assert response.status_code == 200
    replica = response.json()["replicas"][0]
    assert (replica["health"], replica["engine"], replica["state"]) == ("SERVING", "espeak", "idle")
    assert replica["resident_memory_bytes"] > 10_000_000
    assert replica["queue_depth"] == replica["active_requests"] == 0


def test_an_unknown_service_is_not_found(http):
    response = http.get("/probe/nothing")
    assert response.status_code == 404
    assert "tts" in response.json()["remedy"]


def test_the_mesh_lists_every_service(http):
    services = {service["name"]: service["ok"] for service in http.get("/api/v1/services").json()["services"]}
    assert services == {"orchestrator": False, "tts": True, "lipsync": False, "asr": False, "overlay": False}


def test_the_metrics_say_the_same_as_the_probes(http):
    http.get("/api/v1/footage/some-id")
    metrics = metrics_of(http)
    assert metrics["vigent_probe_success", "tts"] == 1
    assert metrics["vigent_probe_success", "asr"] == 0
    requests = [labels for name, labels in metrics if name == "vigent_requests_total"]
    assert any("footage" in labels for labels in requests) or any("other" in labels for labels in requests)
    assert not any("some-id" in labels for labels in requests)


def test_a_frozen_service_fails_its_probe_and_comes_back(tmp_path, gateway):
    """Health cannot be asked of a stopped process: no answer within the deadline is no success."""
    with run_server("services.tts", tmp_path / "voice") as voice:
        environment = {"VIGENT_GATEWAY_TTS": voice.address, "VIGENT_GATEWAY_TTS_METRICS": f"http://{voice.metrics}"}
        with run_server("gateway", tmp_path / "gateway", environment) as other, client_of(other) as http:
            assert until(lambda: http.get("/probe/tts").status_code == 200)  # it may be slow to answer a first time
            voice.process.send_signal(signal.SIGSTOP)
            assert until(lambda: http.get("/probe/tts").status_code == 503)
            assert http.get("/livez").status_code == 200
            voice.process.send_signal(signal.SIGCONT)
            assert until(lambda: http.get("/probe/tts").status_code == 200)


def test_a_dead_worker_shows_in_the_probe(tmp_path):
    """The engine's process dies; the server lives, says so, and replaces it."""
    with run_server("services.tts", tmp_path / "voice") as voice:
        environment = {
            "VIGENT_GATEWAY_TTS": voice.address,
            "VIGENT_GATEWAY_TTS_METRICS": f"http://{voice.metrics}/metrics",
        }
        with run_server("gateway", tmp_path / "gateway", environment) as other, client_of(other) as http:
            voice.worker().send_signal(signal.SIGKILL)
            assert until(lambda: http.get("/probe/tts").json()["replicas"][0]["restarts"] == 1)
            assert until(lambda: http.get("/probe/tts").status_code == 200)


PAGE = """
vigent_worker_state{service="tts",state="idle"} 0.0
vigent_worker_state{service="tts",state="progressing"} 1.0
vigent_worker_active_requests{service="tts"} %(active)s
vigent_worker_progress_timestamp_seconds{service="tts"} 1000.0
vigent_worker_stall_budget_seconds{service="tts"} 30.0
vigent_queue_depth{service="tts"} 2.0
vigent_worker_restarts_total{service="tts",reason="crash"} 1.0
vigent_worker_restarts_total{service="tts",reason="stall"} 2.0
process_resident_memory_bytes 5e7
"""


@pytest.mark.parametrize(
    ("active", "now_s", "stalled"),
    [(1, 1029.0, False), (1, 1031.0, True), (0, 9000.0, False), (3, 1031.0, True)],
)
def test_stalled_is_work_without_progress_beyond_its_budget(active, now_s, stalled):
    replica = replica_of("here:1", "SERVING", "espeak", figures_of(PAGE % {"active": active}), now_s)
    assert replica.stalled is stalled
    assert (replica.state, replica.queue_depth, replica.restarts) == ("progressing", 2, 3)
    assert replica.progress_age_s == pytest.approx(now_s - 1000)


def test_a_service_without_a_page_is_judged_by_its_health():
    replica = replica_of("here:1", "SERVING", "", figures_of(""), 1000.0)
    assert not replica.stalled
    assert replica.active_requests is None


def test_probing_leaves_no_connections_behind(gateway, http):
    process = psutil.Process(gateway.process.pid)
    for _ in range(3):
        http.get("/metrics")
    before = len(process.net_connections())
    for _ in range(10):
        http.get("/metrics")
    assert until(lambda: len(process.net_connections()) <= before + 2)  # one may just be tried
