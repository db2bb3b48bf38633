"""What the jobs need of the media store: each job's pieces in a table of their own, the rest by its record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from orchestrator.client import ENDED_STATES
from services.typography.fonts import is_content_hash
from vigent.jobs.v1 import jobs_pb2


@dataclass
class Needs:
    """Names of content that jobs need, and of the styles among it, whose fonts are needed too.

    `began_s` is when the oldest job began that has not ended (Unix time): what was used since then is its.
    """

    jobs: set[str] = field(default_factory=set)
    content: set[str] = field(default_factory=set)
    styles: set[str] = field(default_factory=set)
    began_s: float | None = None

    def add(self, job: jobs_pb2.Job, *, pieces: bool = True) -> None:
        """Adds what a job was ordered with and has made, with or without its pieces."""
        self.jobs.add(job.id)
        self.content.update(_ordered(job.spec), (output.sha256 for output in job.outputs.values()))
        self.styles.update(filter(is_content_hash, (job.spec.caption_style, job.spec.title_style)))
        if pieces:
            self.content.update(
                name for segment in job.segments for name in (segment.film.sha256, segment.voice.sha256)
            )
        if job.state not in ENDED_STATES and job.HasField("start_time"):
            self.began_s = min(self.began_s or float("inf"), job.start_time.ToNanoseconds() / 1e9)


def pieces_table(metadata: sa.MetaData) -> sa.Table:
    """What each job has made or found, apart from what its record names: keys of recipes, and names of content."""
    return sa.Table(
        "vigent_job_pieces",
        metadata,
        sa.Column("job_id", sa.String(40), primary_key=True),
        sa.Column("sha256", sa.String(64), primary_key=True),
    )


def keep_pieces(db: sa.Connection, pieces: sa.Table, job_id: str, names: Iterable[str]) -> None:
    """Adds to the pieces of a job; those it has already stay."""
    insert = postgresql.insert if db.dialect.name == "postgresql" else sqlite.insert
    rows = [{"job_id": job_id, "sha256": name} for name in names]
    db.execute(insert(pieces).on_conflict_do_nothing(), rows)


def needs_of(records: Iterable[bytes], pieces: Iterable[tuple[str, str]], *, of_finished: bool) -> Needs:
    """What jobs need, by their records and the names of their pieces; those of finished films only if `of_finished`."""
    needs, without = Needs(), set[str]()
    for record in records:
        job = jobs_pb2.Job.FromString(record)
        if not of_finished and job.state == jobs_pb2.JOB_STATE_DONE:
            without.add(job.id)
        needs.add(job, pieces=job.id not in without)
    needs.content.update(name for job_id, name in pieces if job_id not in without)
    return needs


def _ordered(spec: jobs_pb2.JobSpec) -> Iterator[str]:
    yield from (spec.footage.sha256, spec.music.sha256, spec.reference_audio.sha256)
    yield from filter(is_content_hash, (spec.caption_style, spec.title_style))
