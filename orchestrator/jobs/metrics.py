"""Prometheus metrics of the orchestrator: jobs by state and the disk, at each scrape; duration of stages, retakes."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from orchestrator.jobs.records import JobRecords
from services.base.errors import UnavailableError
from services.base.tracing.spans import present
from vigent.jobs.v1 import jobs_pb2

_STAGE_BUCKETS_S = (0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600)


class JobMetrics(Collector):
    """`vigent_jobs{state}`, `vigent_job_stage_seconds{stage}`; counts of retakes and of jobs taken over."""

    def __init__(self, registry: CollectorRegistry, records: JobRecords) -> None:
        self._records = records
        self._stage_s = Histogram(
            "vigent_job_stage_seconds", "Time a stage took.", ["stage"], registry=registry, buckets=_STAGE_BUCKETS_S
        )
        self._retakes = Counter(
            "vigent_retakes", "Sentences spoken again because the take said another thing.", registry=registry
        )
        self._taken_over = Counter(
            "vigent_jobs_taken_over", "Jobs begun again here because who made them was gone.", registry=registry
        )
        registry.register(self)

    def stage_ended(self, stage: str, seconds: float) -> None:
        """Records how long a stage of a job took."""
        self._stage_s.labels(stage).observe(seconds, present().ids or None)

    def retaken(self) -> None:
        """Counts one more take of a sentence."""
        self._retakes.inc()

    def taken_over(self) -> None:
        """Counts one more job of an orchestrator that is gone."""
        self._taken_over.inc()

    def collect(self) -> Iterable[Metric]:
        """Called by the registry at each scrape; leaves out the jobs while the database is away."""
        family = GaugeMetricFamily("vigent_jobs", "Jobs by state.", labels=["state"])
        try:
            counts = self._records.count_by_state()
        except UnavailableError:  # just then the other metrics matter most
            return
        for state in jobs_pb2.JobState.values():
            if state != jobs_pb2.JOB_STATE_UNSPECIFIED:
                family.add_metric([_word(state)], counts.get(state, 0))
        yield family


class DiskMetrics(Collector):
    """`vigent_media_free_bytes` and `vigent_media_size_bytes` of the disk of the media store, wherever that is."""

    def __init__(self, registry: CollectorRegistry, root: Path) -> None:
        self._root = root
        registry.register(self)

    def collect(self) -> Iterable[Metric]:
        """Called by the registry at each scrape; gives nothing while the disk is away."""
        try:
            disk = shutil.disk_usage(self._root)
        except OSError:
            return
        yield GaugeMetricFamily("vigent_media_free_bytes", "Free space for the media store.", disk.free)
        yield GaugeMetricFamily("vigent_media_size_bytes", "Size of the disk of the media store.", disk.total)


def _word(state: jobs_pb2.JobState.ValueType) -> str:
    return jobs_pb2.JobState.Name(state).removeprefix("JOB_STATE_").lower()
