"""Probes, figures and the view of the mesh, against a real voice server in good and bad states."""

import signal
import socket
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics

from tests.gateway.conftest import PATIENT, client_of
from tests.support.commands import TIMEOUT_S, until
from tests.support.mesh import run_server
from tests.support.scrapes import metrics_of


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


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("BREW{}", "/api/v1/jobs"),
        ("BREW{}", "/nowhere"),
        ("GET", "/nowhere/{}"),
        ("GET", "/probe/{}"),
        ("GET", "/api/v1/jobs/{}/film.mp4"),
        ("GET", "/api/v1/jobs/x/{}"),
        ("DELETE", "/api/v1/footage/{}"),
        ("POST", "/api/v1/{}"),
        ("GET", "/assets/fonts/{}"),
        ("GET", "/v1/models/{}"),
        ("GET", "/livez?{}"),
    ],
)
def test_what_somebody_made_up_makes_no_series(http, method, path):
    def series(*names: str) -> set[str]:
        for name in names:
            assert http.request(method.format(name), path.format(name)).status_code != 500
        return {labels for name, labels in metrics_of(http) if name == "vigent_requests_total"}

    metrics_of(http)  # whose own request is counted from then on
    assert series("invented1") == series("invented2", "invented3")
    assert "invented" not in http.get("/metrics").text


def test_what_is_no_http_is_counted_and_timed_too(http, gateway):
    def unreadable() -> list[float]:
        metrics = metrics_of(http)
        counted = metrics.get(("vigent_requests_total", "400 other other gateway"), 0.0)
        return [counted, metrics.get(("vigent_request_seconds_count", "other other gateway"), 0.0)]

    host, _, port = gateway.address.rpartition(":")
    before = unreadable()
    with socket.create_connection((host, int(port)), TIMEOUT_S) as connection:
        connection.sendall(b"\x16\x03\x01 is no HTTP\r\n\r\n")
        assert b" 400 " in connection.recv(100)
    assert unreadable() == [number + 1 for number in before]


def test_the_page_is_as_the_scraper_wants_it(http):
    plain = http.get("/metrics", headers={"Accept": "*/*", "Accept-Encoding": "identity"})
    assert plain.headers["content-type"].startswith("text/plain")
    assert "content-encoding" not in plain.headers
    assert "_created" not in plain.text
    accept = {"Accept": "application/openmetrics-text; version=1.0.0", "Accept-Encoding": "gzip"}
    modern = http.get("/metrics", headers=accept)
    assert modern.headers["content-type"].startswith("application/openmetrics-text")
    assert modern.headers["content-encoding"] == "gzip"
    assert modern.text.endswith("# EOF\n")
    assert "_created" not in modern.text
    assert list(open_metrics(modern.text))


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics", "/probe/tts", "/probe/asr"])
def test_probes_may_be_asked_for_their_heads(http, path):
    head, whole = http.head(path), http.get(path)
    assert (head.status_code, head.content) == (whole.status_code, b"")
    assert head.headers["content-type"] == whole.headers["content-type"]


def test_a_frozen_service_fails_its_probe_and_comes_back(tmp_path, gateway):
    """Health cannot be asked of a stopped process: no answer within the deadline is no success."""
    with run_server("services.tts", tmp_path / "voice") as voice:
        environment = {"VIGENT_GATEWAY_TTS": voice.address}
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
        environment = {"VIGENT_GATEWAY_TTS": voice.address}
        with run_server("gateway", tmp_path / "gateway", environment) as other, client_of(other) as http:
            voice.worker().send_signal(signal.SIGKILL)
            assert until(lambda: http.get("/probe/tts").json()["replicas"][0]["restarts"] == 1)
            assert until(lambda: http.get("/probe/tts").status_code == 200)


def test_what_the_engine_can_do_is_told(http):
    replica = http.get("/probe/tts").json()["replicas"][0]
    assert replica["capabilities"]["streams"] is True
    assert {"en", "cmn"} & set(replica["capabilities"]["languages"])
    assert replica["device"] == "cpu"


def test_an_engine_that_a_setting_adds_appears_with_what_it_can_do(tmp_path):
    knobs = {"VIGENT_TTS_ENGINE": "tests.knobs.tts:KnobsTts"}
    with run_server("services.tts", tmp_path / "voice", knobs) as voice:
        environment = {"VIGENT_GATEWAY_TTS": voice.address, **PATIENT}
        with run_server("gateway", tmp_path / "gateway", environment) as other, client_of(other) as http:
            (replica,) = http.get("/probe/tts").json()["replicas"]
    assert replica["engine"] == "tests.knobs.tts:KnobsTts"
    assert replica["capabilities"]["languages"] == ["en", "zh"]


def test_a_hung_engine_is_stalled_and_fails_its_probe(tmp_path):
    """The port answers; the work makes no progress."""
    options = {"ACTION": "hang", "AT_UNIT": "1", "BUDGET_S": "1"}
    knobs = {
        "VIGENT_TTS_ENGINE": "tests.knobs.tts:KnobsTts",
        "VIGENT_TTS_CANCEL_GRACE_S": "60",
        **{f"VIGENT_TTS_OPTIONS__{name}": value for name, value in options.items()},
    }
    with run_server("services.tts", tmp_path / "voice", knobs) as voice:
        environment = {"VIGENT_GATEWAY_TTS": voice.address, **PATIENT}
        with run_server("gateway", tmp_path / "gateway", environment) as other, client_of(other) as http:
            assert http.get("/probe/tts").status_code == 200
            with ThreadPoolExecutor() as caller:
                caller.submit(http.post, "/v1/audio/speech", json={"model": "tts", "input": "Hello there."})
                assert until(lambda: http.get("/probe/tts").status_code == 503)


def test_probing_leaves_no_connections_behind(gateway, http):
    process = psutil.Process(gateway.process.pid)
    for _ in range(3):
        http.get("/metrics")
    before = len(process.net_connections())
    for _ in range(10):
        http.get("/metrics")
    assert until(lambda: len(process.net_connections()) <= before + 2)  # one may just be tried
