"""The component that restarts pods on alerts: its rights, its bounds, and what it is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.slowloop.settings import SlowLoopSettings
from tests.support.manifests import K8S, Manifest, built_with, container, pods


@pytest.fixture
def manifests(tmp_path: Path) -> tuple[Manifest, ...]:
    return built_with(tmp_path, "monitoring", "slow-loop")


@pytest.fixture
def settings(manifests: tuple[Manifest, ...], monkeypatch: pytest.MonkeyPatch) -> SlowLoopSettings:
    for variable in container(manifests, "slow-loop")["env"]:
        monkeypatch.setenv(variable["name"], variable.get("value", "vigent"))
    return SlowLoopSettings.load()


def only(manifests: tuple[Manifest, ...], kind: str) -> Manifest:
    (found,) = [each for each in manifests if each["kind"] == kind and each["metadata"]["name"] == "slow-loop"]
    return found


def test_it_may_do_no_more_than_it_does(manifests: tuple[Manifest, ...]) -> None:
    assert only(manifests, "Role")["rules"] == [
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]},
        {"apiGroups": [""], "resources": ["pods/eviction"], "verbs": ["create"]},
        {"apiGroups": [""], "resources": ["events"], "verbs": ["list", "create"]},
    ]
    assert [each["kind"] for each in manifests if each["kind"].startswith("ClusterRole")] == []


def test_its_pod_has_no_rights_on_its_node(manifests: tuple[Manifest, ...]) -> None:
    (spec,) = [pod["spec"] for name, pod in pods(manifests) if name == "slow-loop"]
    server = container(manifests, "slow-loop")
    assert spec["securityContext"]["runAsNonRoot"]
    assert server["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert set(server["resources"]["limits"]) == {"cpu", "memory", "ephemeral-storage"}
    assert server["image"].rpartition(":")[2] not in {"", "latest"}


def test_it_comes_as_a_dry_run_and_alone(manifests: tuple[Manifest, ...], settings: SlowLoopSettings) -> None:
    assert settings.dry_run
    assert only(manifests, "Deployment")["spec"]["replicas"] == 1
    assert only(manifests, "Deployment")["spec"]["strategy"] == {"type": "Recreate"}


def test_alertmanager_sends_what_it_acts_upon(manifests: tuple[Manifest, ...], settings: SlowLoopSettings) -> None:
    told: Any = only(manifests, "AlertmanagerConfig")["spec"]
    assert told["route"]["matchers"][0]["value"].split("|") == settings.alerts.split(",")
    (webhook,) = told["receivers"][0]["webhookConfigs"]
    port = only(manifests, "Service")["spec"]["ports"][0]["port"]
    assert webhook["url"] == f"http://slow-loop.vigent.svc:{port}/alerts"
    assert port == settings.port
    rules = yaml.safe_load((K8S / "components/monitoring/rules.yaml").read_text(encoding="utf-8"))["spec"]
    there = {rule.get("alert") for group in rules["groups"] for rule in group["rules"]}
    assert set(settings.alerts.split(",")) <= there
