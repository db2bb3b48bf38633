"""Alerts of jobs, of services and of the disk, by real faults of a real mesh, as a real Prometheus sees them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.support.commands import TIMEOUT_S, until
from tests.support.film_jobs import events, submitted
from tests.support.films import face_picture
from tests.support.mesh import Mesh, run_mesh, run_server
from tests.support.prometheus import Prometheus, hastened_rules, scraping
from tests.support.small_disk import small_disk

STUCK, FAILING, UNUSABLE = "VigentJobsStuck", "VigentJobsFailing", "VigentServiceUnusable"
FULL = "VigentMediaDiskFull"
LONG = "A long sentence of many frames, each of which takes its time."
LAST_FRAME = 30
"""Half a second each, so that it takes longer than the alert looks back."""


@dataclass(frozen=True)
class Watched:
    """A mesh, its gateway as a client sees it, and what Prometheus knows of both."""

    mesh: Mesh
    http: httpx.Client
    prometheus: Prometheus


def engines_with_faults(folder: Path) -> dict[str, str]:
    """A voice that fails where it is asked to, and lips that hold still at a frame; the voice is tried while idle."""
    voice = {"action": "error", "only_for": "fails"}
    held = {"action": "hold", "at_unit": str(LAST_FRAME), "hold_file": str(folder / "go on")}
    lips = {**held, "delay_s": "0.5", "units": "1", "log_file": str(folder / "lips.log")}
    return {
        "VIGENT_TTS_ENGINE": "tests.knobs.tts:KnobsTts",
        "VIGENT_TTS_OPTIONS": json.dumps(voice),
        "VIGENT_TTS_CANARY_INTERVAL_S": "0.5",
        "VIGENT_LIPSYNC_ENGINE": "tests.knobs.lipsync:KnobsLipsync",
        "VIGENT_LIPSYNC_OPTIONS": json.dumps(lips),
        "VIGENT_LIPSYNC_SLOTS": "8",  # other jobs get theirs meanwhile
        "VIGENT_LIPSYNC_STALL_BUDGET_S": "600",  # a hang would be mended
        "VIGENT_LIPSYNC_DRAIN_GRACE_S": "0",
        "VIGENT_ORCHESTRATOR_DRAIN_GRACE_S": "0",
        "VIGENT_ORCHESTRATOR_MAX_RUNNING_JOBS": "8",
        "VIGENT_ORCHESTRATOR_ATTEMPTS": "1",
    }


@contextmanager
def watching(folder: Path) -> Iterator[Watched]:
    """All services can be used, and no job was ever submitted."""
    with run_mesh(folder / "mesh", engines_with_faults(folder)) as mesh:
        told = {f"VIGENT_GATEWAY_{name.upper()}": server.address for name, server in mesh.servers.items()}
        with run_server("gateway", mesh.data, told) as gateway:
            targets = {**{name: server.metrics for name, server in mesh.servers.items()}, "gateway": gateway.address}
            with (
                httpx.Client(base_url=f"http://{gateway.address}", timeout=TIMEOUT_S, trust_env=False) as http,
                scraping(folder / "prometheus", targets, hastened_rules(STUCK)) as prometheus,
            ):
                prometheus.until("min(vigent_probe_success) == 1")
                prometheus.until('vigent_jobs{state="failed"} == 0')
                prometheus.watch()  # a gateway that starts first sees services that cannot be used yet
                yield Watched(mesh, http, prometheus)


def test_jobs_that_fail_or_get_nowhere_and_a_service_that_is_away_are_told(tmp_path: Path) -> None:
    with watching(tmp_path) as watched:
        files = {"file": ("face.png", face_picture())}
        footage = watched.http.post("/api/v1/footage", files=files).json()["id"]
        failing(watched, footage)
        standing_still(watched, footage, tmp_path)
        vanishing(watched, "overlay")


def failing(watched: Watched, footage: str) -> None:
    """Four jobs, for a reason that is told."""
    assert watched.prometheus.fired(FAILING) == []
    for number in range(4):
        job = submitted(watched.http, footage, script=f"Number {number} fails.")
        assert list(events(watched.http, job["id"]))[-1]["name"] == "end"
        ended = watched.http.get(f"/api/v1/jobs/{job['id']}").json()
        assert ended["state"] == "failed"
        assert ended["error"]
    watched.prometheus.until_fires(f'alertname="{FAILING}"')


def standing_still(watched: Watched, footage: str, folder: Path) -> None:
    """A long inference raises nothing; one that has come to its last frame for ever does, whatever canaries sing."""
    submitted(watched.http, footage, script=LONG)
    log = folder / "lips.log"
    assert until(lambda: f"unit {LAST_FRAME - 1}\n" in log.read_text(encoding="utf-8"))
    assert watched.prometheus.fired(STUCK) == []
    watched.prometheus.until_fires(f'alertname="{STUCK}"')
    (folder / "go on").touch()
    watched.prometheus.until(f'absent(ALERTS{{alertname="{STUCK}"}})')


def vanishing(watched: Watched, service: str) -> None:
    """Its only replica is killed."""
    assert watched.prometheus.fired(UNUSABLE) == []
    watched.mesh.servers[service].kill()
    watched.prometheus.until_fires(f'alertname="{UNUSABLE}",service="{service}"')


def test_a_disk_that_fills_up_is_told_before_jobs_wait(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 64) as disk:
        settings = {
            "VIGENT_MEDIA_ROOT": str(disk.path),
            "VIGENT_ORCHESTRATOR_LEAST_FREE_BYTES": str(2**20),
            "VIGENT_ORCHESTRATOR_DATABASE_URL": f"sqlite:///{tmp_path / 'jobs.db'}",
        }
        with run_server("orchestrator", tmp_path, settings) as orchestrator:
            targets = {"orchestrator": orchestrator.metrics}
            with scraping(tmp_path / "prometheus", targets, hastened_rules()) as prometheus:
                prometheus.until("vigent_media_free_bytes / vigent_media_size_bytes > 0.9")
                assert prometheus.fired(FULL) == []
                disk.fill(left_bytes=5 * 2**20)
                prometheus.until_fires(f'alertname="{FULL}"')
