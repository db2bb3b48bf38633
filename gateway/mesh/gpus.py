"""Which process computes on which GPU. Nothing here loads a GPU library: the supervisor stays small."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Collection, Mapping, Sequence
from itertools import takewhile

from gateway.mesh.addresses import replica_names
from gateway.mesh.engines import EngineClass
from gateway.mesh.settings import MeshSettings, gpus_of, is_gpu
from services.base.settings import ServerSettings

_DETECTION_TIMEOUT_S = 10.0


def assign(users: Collection[str], gpus: Sequence[str], lipsync_replicas: int = 0) -> dict[str, str]:
    """The GPU of each process, for the services among `users`; empty without GPUs.

    The voice gets the first GPU. Lip-sync, the heaviest, gets a replica on each of the others (on all of them when no
    voice computes on a GPU), and shares the first when it is the only one; `lipsync_replicas`, when not 0, is how many
    replicas there are, spread over those GPUs. Listening is light and shares the first.
    """
    if not gpus:
        return {}
    placed = {name: gpus[0] for name in ("tts", "asr") if name in users}
    if "lipsync" in users:
        own = gpus[1:] if "tts" in users and len(gpus) > 1 else gpus
        names = replica_names("lipsync", lipsync_replicas or len(own))
        placed |= {name: own[index % len(own)] for index, name in enumerate(names)}
    return placed


def gpu_users(engines: Mapping[str, EngineClass]) -> set[str]:
    """Services whose engine uses a GPU and whose device is not fixed by a setting."""
    return {
        name
        for name, engine in engines.items()
        if engine.uses_gpu and "device" not in ServerSettings.load(name).model_fields_set
    }


def available_gpus(settings: MeshSettings) -> list[str]:
    """VIGENT_GPUS, else what CUDA_VISIBLE_DEVICES leaves visible, else all that nvidia-smi knows."""
    if settings.gpus is not None:
        return gpus_of(settings.gpus)
    if "CUDA_VISIBLE_DEVICES" in os.environ:
        return list(
            takewhile(is_gpu, gpus_of(os.environ["CUDA_VISIBLE_DEVICES"]))
        )  # CUDA stops at the first invalid one
    return [line.strip() for line in query("index") if line.strip().isdecimal()]  # nvidia-smi mixes in warnings


def query(*columns: str) -> list[str]:
    """What nvidia-smi says of each GPU, comma-separated; empty when it is missing, fails or hangs."""
    if (program := shutil.which("nvidia-smi")) is None:
        return []
    command = [program, f"--query-gpu={','.join(columns)}", "--format=csv,noheader"]
    try:
        answer = subprocess.run(command, capture_output=True, timeout=_DETECTION_TIMEOUT_S, check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    return answer.stdout.decode(errors="replace").splitlines()


def environment_of(service: str, gpu: str) -> dict[str, str]:
    """Environment in which a server of `service` sees that GPU alone."""
    return {
        "CUDA_VISIBLE_DEVICES": gpu,
        "CUDA_DEVICE_ORDER": os.environ.get("CUDA_DEVICE_ORDER", "PCI_BUS_ID"),  # the order of nvidia-smi
        f"VIGENT_{service.upper()}_DEVICE": "cuda",
    }
