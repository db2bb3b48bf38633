"""The slow loop as a process: what Alertmanager sends, to what a Kubernetes API is told."""

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.kubernetes_api import KubernetesApi, kubernetes_api, time_of
from tests.support.mesh import ROOT
from tests.support.slow_loop import TIMEOUT_S
from tests.support.slow_loop import slow_loop as running


@pytest.fixture
def api() -> Iterator[KubernetesApi]:
    with kubernetes_api() as api:
        yield api


def alert(pod: str = "", name: str = "VigentWorkerStalled", *, begun_s: float = 120, **labels: str) -> dict:
    """One alert; `begun_s`: how long it lasts."""
    named = {"pod": pod} if pod else {}
    return {
        "status": "firing",
        "labels": {"alertname": name, "namespace": "vigent", "severity": "critical", **named, **labels},
        "annotations": {"summary": "It makes no progress.", "runbook": "docs/runbooks/VigentWorkerStalled.md"},
        "startsAt": time_of(begun_s).replace("Z", ".123456789Z"),
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus:9090/graph?g0.expr=vigent_worker_active_requests",
        "fingerprint": "6e47f6e5d1c5f3a1",
    }


RESTART, DRY_RUN, REFUSED = "SlowLoopRestart", "SlowLoopDryRun", "SlowLoopRefused"


def test_an_alert_restarts_its_pod_and_says_so_twice(tmp_path: Path, api: KubernetesApi) -> None:
    sick = api.add("lipsync", 1, ready=False)
    api.add("lipsync", 2)
    with running(tmp_path, api) as loop:
        assert loop.done(alert(sick)) == [RESTART]
        (said,) = loop.audit()
    assert api.evicted == [sick]
    (event,) = api.events
    assert (event["reason"], event["involvedObject"]["name"]) == (RESTART, sick)
    assert "VigentWorkerStalled" in event["message"]
    assert (said["done"], said["pod"], said["alert"]) == (RESTART, sick, "VigentWorkerStalled")


def test_a_pod_is_found_by_its_address_too(tmp_path: Path, api: KubernetesApi) -> None:
    api.add("lipsync", 1)
    with running(tmp_path, api) as loop:
        assert loop.done(alert(instance="10.0.0.1:9152")) == [RESTART]
    assert api.evicted == ["lipsync-1"]


def test_of_many_alerts_one_pod_is_restarted(tmp_path: Path, api: KubernetesApi) -> None:
    pods = [api.add("lipsync", number) for number in range(1, 5)]
    with running(tmp_path, api) as loop:
        assert loop.done(*(alert(pod, begun_s=100 + number) for number, pod in enumerate(pods))) == [
            RESTART,
            *[REFUSED] * 3,
        ]
        with ThreadPoolExecutor(4) as threads:
            assert [done for dones in threads.map(lambda pod: loop.done(alert(pod)), pods) for done in dones] == [
                REFUSED
            ] * 4
    assert api.evicted == [pods[-1]]  # the one that lasts longest


def test_senders_at_the_same_time_get_one_restart(tmp_path: Path, api: KubernetesApi) -> None:
    pods = [api.add("lipsync", number) for number in range(1, 9)]
    with running(tmp_path, api) as loop, ThreadPoolExecutor(8) as threads:
        done = [done for dones in threads.map(lambda pod: loop.done(alert(pod)), pods) for done in dones]
    assert sorted(done) == [*[REFUSED] * 7, RESTART]
    assert len(api.evicted) == 1


@pytest.mark.parametrize(("ready", "done"), [(3, RESTART), (2, RESTART), (1, REFUSED), (0, REFUSED)])
def test_never_below_the_quorum_of_the_others(tmp_path: Path, api: KubernetesApi, ready: int, done: str) -> None:
    sick = api.add("lipsync", 1, ready=False)
    for number in range(3):
        api.add("lipsync", 2 + number, ready=number < ready)
    api.add("tts", 9)  # another service does not count
    with running(tmp_path, api) as loop:
        assert loop.done(alert(sick)) == [done]
    assert bool(api.evicted) is (done == RESTART)


def test_the_only_pod_of_a_service_may_be_restarted(tmp_path: Path, api: KubernetesApi) -> None:
    only = api.add("asr", 1, ready=False)
    with running(tmp_path, api) as loop:
        assert loop.done(alert(only)) == [RESTART]


def test_the_cooldown_outlives_the_process(tmp_path: Path, api: KubernetesApi) -> None:
    first, second = api.add("lipsync", 1), api.add("tts", 2)
    with running(tmp_path, api) as loop:
        assert loop.done(alert(first)) == [RESTART]
    with running(tmp_path, api) as loop:
        assert loop.done(alert(second)) == [REFUSED]
        assert "s ago" in loop.audit()[-1]["why"]
    with running(tmp_path, api, cooldown_s=0) as loop:
        assert loop.done(alert(second)) == [RESTART]


def test_a_dry_run_ends_nothing_and_tells_the_same(tmp_path: Path, api: KubernetesApi) -> None:
    first, second = api.add("lipsync", 1), api.add("lipsync", 2)
    with running(tmp_path, api, dry_run="true") as loop:
        assert loop.done(alert(first)) == [DRY_RUN]
        assert loop.done(alert(second)) == [REFUSED]  # a restart would have been just now
    assert not api.evicted
    assert [event["reason"] for event in api.events] == [DRY_RUN, REFUSED]


def test_dry_run_is_the_default(tmp_path: Path, api: KubernetesApi) -> None:
    sick = api.add("lipsync", 1)
    with running(tmp_path, api, dry_run=None) as loop:
        assert loop.done(alert(sick)) == [DRY_RUN]


@pytest.mark.parametrize(
    ("pod", "told", "why"),
    [
        ({"service": "lipsync"}, {"name": "VigentQueueGrowing"}, "no new pod mends"),
        ({"service": "lipsync"}, {"pod": "lipsync-77"}, "gone"),
        ({"service": "orchestrator"}, {}, "are not restarted"),
        ({"service": "lipsync", "age_s": 30}, {}, "begun after the alert"),
        ({"service": "lipsync", "ending": True}, {}, "just ending"),
    ],
)
def test_what_is_refused_and_why(tmp_path: Path, api: KubernetesApi, pod: dict, told: dict, why: str) -> None:
    name = api.add(number=1, **pod)
    with running(tmp_path, api) as loop:
        assert loop.done(alert(**{"pod": name, **told})) == [REFUSED]
        assert why in loop.audit()[-1]["why"]
    assert not api.evicted


def test_what_has_ended_is_no_reason(tmp_path: Path, api: KubernetesApi) -> None:
    sick = api.add("lipsync", 1)
    with running(tmp_path, api) as loop:
        assert loop.done(alert(sick) | {"status": "resolved"}) == []


def test_a_disruption_budget_is_obeyed(tmp_path: Path, api: KubernetesApi) -> None:
    sick = api.add("lipsync", 1)
    api.budget = True
    with running(tmp_path, api) as loop:
        assert loop.done(alert(sick)) == [REFUSED]


def test_without_the_api_alertmanager_is_told_to_come_again(tmp_path: Path, api: KubernetesApi) -> None:
    sick = api.add("lipsync", 1)
    api.broken = True
    with running(tmp_path, api) as loop:
        assert loop.send(alert(sick)).status_code == 503
        api.broken = False
        assert loop.done(alert(sick)) == [RESTART]


def test_who_has_no_token_gets_nothing(tmp_path: Path, api: KubernetesApi) -> None:
    sick = api.add("lipsync", 1)
    with running(tmp_path, api) as loop:
        assert loop.send(alert(sick), token="another").status_code == 401
        assert loop.post(b"{}") == 422
        assert loop.post(b"not json") == 422
        assert loop.post(b" " * (2**20 + 1)) == 413
    assert not api.evicted
    assert not api.events


def test_outside_of_a_cluster_it_says_what_to_do(tmp_path: Path) -> None:
    environment = {**os.environ, "VIGENT_SLOW_LOOP_TOKEN_FILE": str(tmp_path / "token")}
    command = (sys.executable, "-m", "gateway.slowloop")
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S)
    assert ended.returncode == 2
    assert "VIGENT_SLOW_LOOP_API" in ended.stderr
