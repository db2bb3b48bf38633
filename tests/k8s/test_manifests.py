"""What k8s/ builds: right for Kubernetes' own schemas, and true to the servers."""

from __future__ import annotations

import re
from pathlib import Path

import kubernetes_validate
import pytest

from gateway.settings import GatewaySettings
from orchestrator.settings import OrchestratorSettings
from services.base.names import FULL_NAMES, LIVENESS
from services.base.setting_names import unread_variables
from services.base.settings import METRICS_PORTS, PORTS, ServerSettings
from tests.support.manifests import K8S, Manifest, built, built_with, container, pods

OVERLAYS = ("one-node", "gpu-cluster")
COMPONENTS = (
    *("sqlite", "postgres", "gpu", "monitoring", "autoscaling", "network-policies", "ingress", "mesh-tls"),
    *("object-storage", "object-storage-egress", "slow-loop", "traces", "orchestrators"),
)
FOREIGN = ("monitoring.coreos.com/", "keda.sh/")
OLDEST, NEWEST = "1.29", "1.37"


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_an_overlay_is_right_by_the_schemas_of_kubernetes(overlay: str, version: str) -> None:
    for manifest in built(K8S / "overlays" / overlay):
        check(manifest, version)


@pytest.mark.parametrize("component", COMPONENTS)
def test_each_component_goes_with_the_base_alone(component: str, tmp_path: Path) -> None:
    for manifest in built_with(tmp_path, component):
        check(manifest, NEWEST)


def test_all_components_go_together(tmp_path: Path) -> None:
    both = built_with(tmp_path, *(name for name in COMPONENTS if name != "sqlite"), "mig")
    limits = container(both, "tts")["resources"]["limits"]
    assert (limits.get("nvidia.com/mig-2g.20gb"), limits.get("nvidia.com/gpu")) == (1, None)
    assert container(both, "lipsync")["resources"]["limits"]["nvidia.com/gpu"] == 1


def test_with_object_storage_every_pod_has_a_cache_and_no_volume_is_shared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifests = built_with(tmp_path, "postgres", "object-storage")
    claims = {found["metadata"]["name"] for found in manifests if found["kind"] == "PersistentVolumeClaim"}
    assert claims == {"models"}
    settings = settings_of(manifests)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    own = OrchestratorSettings.load("orchestrator")
    assert own.object_storage.startswith("s3://")
    for name, pod in pods(manifests):
        volumes = {volume["name"]: volume for volume in pod["spec"].get("volumes", [])}
        if "media" in volumes:
            room_gib = int(volumes["media"]["emptyDir"]["sizeLimit"].removesuffix("Gi"))
            assert own.media_cache_bytes < room_gib * 2**30
            assert "persistentVolumeClaim" not in volumes["media"]
        told = [
            source["secretRef"]["name"]
            for source in container(manifests, name).get("envFrom", [])
            if "secretRef" in source
        ]
        assert told == (["object-storage"] if name in PORTS else [])
    assert not {name for name in settings if "SECRET" in name or name.endswith("KEY")}


def test_several_orchestrators_share_a_database_by_names_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifests = built_with(tmp_path, "postgres", "orchestrators")
    (spec,) = [found["spec"] for found in manifests if workload(found) == ("StatefulSet", "orchestrator")]
    assert spec["replicas"] > 1
    assert {each["topologyKey"] for each in spec["template"]["spec"]["topologySpreadConstraints"]} == {
        "kubernetes.io/hostname"
    }
    told = {each["name"]: each["valueFrom"] for each in container(manifests, "orchestrator")["env"]}
    assert told["VIGENT_ORCHESTRATOR_EXECUTOR_ID"] == {"fieldRef": {"fieldPath": "metadata.name"}}
    assert told["VIGENT_ORCHESTRATOR_DATABASE_URL"]["secretKeyRef"] == {"name": "database", "key": "url"}
    assert "volumeClaimTemplates" not in spec  # a database of one pod's own could not be shared
    for name, value in settings_of(manifests).items():
        monkeypatch.setenv(name, value)
    assert OrchestratorSettings.load("orchestrator").lease_s == OrchestratorSettings().lease_s


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_no_pod_has_rights(overlay: str) -> None:
    """Pod security "restricted", and a root file system that cannot be written."""
    manifests = built(K8S / "overlays" / overlay)
    for name, pod in pods(manifests):
        spec, only = pod["spec"], container(manifests, name)
        assert spec["securityContext"]["runAsNonRoot"]
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert spec["automountServiceAccountToken"] is spec["enableServiceLinks"] is False
        assert spec["serviceAccountName"] == name
        rights = only["securityContext"]
        assert rights["capabilities"] == {"drop": ["ALL"]}
        assert (rights["allowPrivilegeEscalation"], rights["readOnlyRootFilesystem"]) == (False, True)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_container_has_bounds_and_a_pinned_image(overlay: str) -> None:
    manifests = built(K8S / "overlays" / overlay)
    for name, _ in pods(manifests):
        only = container(manifests, name)
        assert re.fullmatch(r"\S+:[0-9][\w.-]*", only["image"])
        for bound in ("requests", "limits"):
            assert {"cpu", "memory", "ephemeral-storage"} <= set(only["resources"][bound])


@pytest.mark.parametrize("overlay", OVERLAYS)
@pytest.mark.parametrize("name", ["orchestrator", "tts", "lipsync", "asr", "overlay"])
def test_probes_ask_for_names_and_ports_that_the_servers_have(overlay: str, name: str) -> None:
    only = container(built(K8S / "overlays" / overlay), name)
    asked = {probe: (only[probe]["grpc"]["service"], only[probe]["grpc"]["port"]) for probe in only if "Probe" in probe}
    assert asked == {
        "startupProbe": (LIVENESS, PORTS[name]),
        "livenessProbe": (LIVENESS, PORTS[name]),
        "readinessProbe": (FULL_NAMES[name], PORTS[name]),
    }
    ports = {port["name"]: port["containerPort"] for port in only["ports"]}
    assert ports == {"grpc": PORTS[name], "metrics": METRICS_PORTS[name]}


@pytest.mark.parametrize("name", ["orchestrator", "tts", "lipsync", "asr", "overlay"])
def test_with_tls_in_the_mesh_probes_ask_where_there_is_none(name: str, tmp_path: Path) -> None:
    manifests = built_with(tmp_path, "sqlite", "mesh-tls")
    told, only = settings_of(manifests), container(manifests, name)
    port = int(told[f"VIGENT_{name.upper()}_HEALTH_PORT"])
    assert {only[probe]["grpc"]["port"] for probe in only if "Probe" in probe} == {port}
    (folder,) = [mount["mountPath"] for mount in only["volumeMounts"] if mount["name"] == "mesh-tls"]
    assert all(told[f"VIGENT_MESH_{file}"].startswith(folder) for file in ("AUTHORITY", "CERTIFICATE", "KEY"))


def test_the_gateway_finds_its_keys() -> None:
    manifests = built(K8S / "overlays" / "one-node")
    folder = {each["name"]: each["mountPath"] for each in container(manifests, "gateway")["volumeMounts"]}["keys"]
    assert Path(settings_of(manifests)["VIGENT_GATEWAY_KEYS_FILE"]).parent == Path(folder)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_settings_are_read_by_somebody(overlay: str, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_of(built(K8S / "overlays" / overlay))
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    servers = dict.fromkeys(("tts", "lipsync", "asr", "overlay"), ServerSettings)
    everybody = {**servers, "orchestrator": OrchestratorSettings, "gateway": GatewaySettings}
    assert not list(unread_variables(everybody))
    assert OrchestratorSettings.load("orchestrator").tts == f"dns:///tts:{PORTS['tts']}"


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_server_may_take_as_long_to_end_as_it_was_told(overlay: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Time before SIGTERM counts too."""
    manifests = built(K8S / "overlays" / overlay)
    for name, value in settings_of(manifests).items():
        monkeypatch.setenv(name, value)
    for name, pod in pods(manifests):
        if name in PORTS:
            before_s = float(container(manifests, name)["lifecycle"]["preStop"]["exec"]["command"][1])
            settings = ServerSettings.load(name) if name in {"tts", "lipsync", "asr", "overlay"} else None
            own = settings or (GatewaySettings if name == "gateway" else OrchestratorSettings).load(name)
            assert before_s + own.drain_delay_s + own.drain_grace_s < pod["spec"]["terminationGracePeriodSeconds"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_disruption_is_allowed_one_at_a_time(overlay: str) -> None:
    manifests = built(K8S / "overlays" / overlay)
    budgets = {
        found["metadata"]["name"]: found["spec"] for found in manifests if found["kind"] == "PodDisruptionBudget"
    }
    assert set(budgets) == set(PORTS)
    assert {spec["maxUnavailable"] for spec in budgets.values()} == {1}


def test_every_address_in_the_settings_is_a_headless_service() -> None:
    manifests = built(K8S / "overlays" / "one-node")
    headless = {
        f"dns:///{found['metadata']['name']}:{port['port']}"
        for found in manifests
        if found["kind"] == "Service" and found["spec"].get("clusterIP") == "None"
        for port in found["spec"]["ports"]
    }
    told = {value for value in settings_of(manifests).values() if value.startswith("dns:")}
    assert told <= headless


def workload(manifest: Manifest) -> tuple[str, str]:
    return manifest["kind"], manifest["metadata"]["name"]


def settings_of(manifests: tuple[Manifest, ...]) -> dict[str, str]:
    (settings,) = [
        manifest["data"]
        for manifest in manifests
        if manifest["kind"] == "ConfigMap" and manifest["metadata"]["name"].startswith("vigent-settings")
    ]
    return dict(settings)


def check(manifest: Manifest, version: str) -> None:
    if not manifest["apiVersion"].startswith(FOREIGN):
        kubernetes_validate.validate(manifest, version, strict=True)
