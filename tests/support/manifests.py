"""What kustomize makes of k8s/, and what the kubelet would do with it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import grpc
import yaml
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.support.servers import ROOT

K8S = ROOT / "k8s"
_KUBECTL = Path(sys.executable).with_name("kubectl")

Manifest = dict[str, Any]


@cache
def built(folder: Path) -> tuple[Manifest, ...]:
    """All manifests of a kustomization."""
    text = subprocess.run([_KUBECTL, "kustomize", folder], capture_output=True, text=True, check=True, timeout=60)
    return tuple(yaml.safe_load_all(text.stdout))


def built_with(folder: Path, *components: str) -> tuple[Manifest, ...]:
    """The base with these components, built in `folder`, which must be empty."""
    base = {"resources": [_relative(K8S / "base", folder)]}
    chosen = {"components": [_relative(K8S / "components" / name, folder) for name in components]}
    head = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "namespace": "vigent"}
    (folder / "kustomization.yaml").write_text(yaml.safe_dump({**head, **base, **chosen}), encoding="utf-8")
    return built(folder)


def pods(manifests: tuple[Manifest, ...]) -> Iterator[tuple[str, Manifest]]:
    """Name and pod template of every workload."""
    for manifest in manifests:
        if manifest["kind"] in {"Deployment", "StatefulSet", "Job"}:
            yield manifest["metadata"]["name"], manifest["spec"]["template"]


def container(manifests: tuple[Manifest, ...], name: str) -> Manifest:
    """The only container of a workload."""
    (found,) = [pod["spec"]["containers"] for named, pod in pods(manifests) if named == name]
    (only,) = found
    return only


def _relative(path: Path, start: Path) -> str:
    return os.path.relpath(path, start)  # kustomize takes no absolute path


@dataclass
class Probe:
    """A gRPC probe as the kubelet runs it (kubernetes/pkg/probe/grpc, kubernetes/pkg/kubelet/prober)."""

    service: str
    timeout_s: float
    period_s: float
    failure_threshold: int

    @classmethod
    def of(cls, manifest: Manifest) -> Probe:
        """Reads it, with Kubernetes' defaults."""
        return cls(
            manifest["grpc"].get("service", ""),
            manifest.get("timeoutSeconds", 1),
            manifest.get("periodSeconds", 10),
            manifest.get("failureThreshold", 3),
        )

    async def succeeds(self, address: str) -> bool:
        """One attempt: a new plaintext connection, one Check, all of it within the timeout."""
        async with grpc.aio.insecure_channel(address) as channel:
            request = health_pb2.HealthCheckRequest(service=self.service)
            try:
                response = await health_pb2_grpc.HealthStub(channel).Check(request, timeout=self.timeout_s)
            except grpc.aio.AioRpcError:
                return False
            return bool(response.status == health_pb2.HealthCheckResponse.SERVING)

    def restarts(self, answers: list[bool]) -> int:
        """How often the kubelet restarts the container for these answers, one a period."""
        failures = restarts = 0
        for succeeded in answers:
            failures = 0 if succeeded else failures + 1
            if failures == self.failure_threshold:
                failures, restarts = 0, restarts + 1
        return restarts
