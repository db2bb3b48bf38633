"""What is known about every job: its record and its events, in the database that the durable engine uses too.

A record is a `vigent.jobs.v1.Job`, kept as bytes beside the columns that are searched. Each change is one transaction
that also appends the event for it, so a watcher that resumes by event id misses nothing.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Collection
from weakref import WeakValueDictionary

import sqlalchemy as sa
from google.protobuf.timestamp_pb2 import Timestamp

from orchestrator.client import ENDED_STATES
from orchestrator.jobs import turns
from orchestrator.jobs.database import Database, keep_others_out
from orchestrator.jobs.needs import Needs, keep_pieces, needs_of, pieces_table
from orchestrator.jobs.turns import METADATA, NO_OWNER, Owner
from orchestrator.making.retry import RetryPolicy
from services.base.errors import AlreadyExistsError, ExhaustedError, FailedPreconditionError, NotFoundError
from vigent.jobs.v1 import jobs_pb2

_jobs = sa.Table(
    "vigent_jobs",
    METADATA,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("id", sa.String(40), unique=True, nullable=False),
    sa.Column("idempotency_key", sa.String(200), unique=True),
    sa.Column("state", sa.Integer, nullable=False, index=True),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("record", sa.LargeBinary, nullable=False),
)
_events = sa.Table(
    "vigent_job_events",
    METADATA,
    sa.Column("job_id", sa.String(40), primary_key=True),
    sa.Column("event_id", sa.Integer, primary_key=True),
    sa.Column("event", sa.LargeBinary, nullable=False),
)
_pieces = pieces_table(METADATA)

Edit = Callable[[jobs_pb2.Job], None]
"""Changes a job in place; if it raises, the transaction is rolled back."""
Guard = Callable[[sa.Connection], None]
"""Looks at the database in the transaction of a change; if it raises, nothing changes."""


class JobRecords:
    """Jobs and their events. Its coroutines are safe on the event loop; the database work runs in a thread.

    Every method raises UnavailableError (DATABASE_AWAY) while the database does not answer.
    """

    def __init__(self, database_url: str) -> None:
        """Opens the database and creates its tables. Raises what `Database` raises."""
        self._database = Database(database_url, METADATA)
        self._changed = WeakValueDictionary[str, asyncio.Event]()  # kept alive by whoever watches

    async def create(
        self, job: jobs_pb2.Job, idempotency_key: str, most_queued: int | None = None, owner: Owner = NO_OWNER
    ) -> tuple[jobs_pb2.Job, bool]:
        """Stores a new job and returns it and False; for a key used before, returns the job made then and True.

        A consent without a time counts as given when the job was. Raises AlreadyExistsError when the key was used for
        another spec, ExhaustedError when `most_queued` jobs are waiting already, or too many of this owner.
        """
        return await self._database.run(lambda db: _create(db, job, idempotency_key, most_queued, owner))

    async def turn(self, job_id: str) -> int:
        """When it is the job's turn: the lowest first; see `turns`."""
        return await self._database.run(lambda db: turns.turn_of(db, job_id))

    async def get(self, job_id: str) -> jobs_pb2.Job:
        """The job. Raises NotFoundError."""
        return (await self._database.run(lambda db: _read(db, job_id)))[0]

    async def attempt(self, job_id: str) -> int:
        """How many times the job has been retried. Raises NotFoundError."""
        return (await self._database.run(lambda db: _read(db, job_id)))[1]

    async def list_page(self, size: int, before: int | None, state: int) -> tuple[list[jobs_pb2.Job], int | None]:
        """At most `size` jobs, newest first, and the position for the next page (None at the end)."""
        return await self._database.run(lambda db: _page(db, size, before, state))

    async def list_all(self, state: int) -> list[jobs_pb2.Job]:
        """Every job in the state, oldest first."""
        query = sa.select(_jobs.c.record).where(_jobs.c.state == state).order_by(_jobs.c.number)
        rows = await self._database.run(lambda db: db.execute(query).scalars().all())
        return [jobs_pb2.Job.FromString(row) for row in rows]

    def count_by_state(self) -> dict[int, int]:
        """Jobs in each state; blocking, for a scraping thread."""
        query = sa.select(_jobs.c.state, sa.func.count()).group_by(_jobs.c.state)
        return self._database.transact(lambda db: {row[0]: row[1] for row in db.execute(query)})

    async def change(
        self,
        job_id: str,
        edit: Edit,
        *,
        new_attempt: bool = False,
        only_attempt: int | None = None,
        guard: Guard | None = None,
    ) -> tuple[jobs_pb2.Job, int]:
        """Applies `edit` to the job and appends the event for it, in one transaction.

        Returns the job and the number of its attempt, which `new_attempt` raises by one. Nothing changes when the job
        is at another attempt than `only_attempt`; an edit that changes nothing appends no event.
        """

        def work(db: sa.Connection) -> tuple[jobs_pb2.Job, int]:
            if guard is not None:
                guard(db)
            return _change(db, job_id, edit, new_attempt=new_attempt, only_attempt=only_attempt)

        changed = await self._database.run(work)
        self._wake(job_id)
        return changed

    def attempt_at(self, job_id: str, number: int) -> JobAttempt:
        """The records of one attempt at the job, for the code that makes the film."""
        return JobAttempt(self, job_id, number)

    async def needs(self, *, of_finished: bool = True) -> Needs:
        """What all jobs need of the media store; pieces of finished films only if `of_finished`."""
        records, pieces = await self._database.run(_all_needs)
        return await asyncio.to_thread(needs_of, records, pieces, of_finished=of_finished)

    async def keep_pieces(self, job_id: str, names: Collection[str]) -> None:
        """Notes that a job has made or found what these names and keys stand for."""
        if names:
            await self._database.run(lambda db: keep_pieces(db, _pieces, job_id, names))

    async def delete(self, job_id: str) -> set[str]:
        """Forgets an ended job and its events, and returns the names of the content that it needed.

        Raises NotFoundError; FailedPreconditionError before its end.
        """
        names = await self._database.run(lambda db: _delete(db, job_id))
        self._wake(job_id)
        return names

    async def events_after(self, job_id: str, event_id: int) -> list[jobs_pb2.JobEvent]:
        """Events of the job after `event_id`, oldest first."""
        return await self._database.run(lambda db: _events_after(db, job_id, event_id))

    def next_change(self, job_id: str) -> asyncio.Event:
        """An event set at the job's next change by this process. Get it before reading the job to miss nothing."""
        return self._changed.setdefault(job_id, asyncio.Event())

    def close(self) -> None:
        """Closes the connections to the database."""
        self._database.close()

    def _wake(self, job_id: str) -> None:
        if change := self._changed.pop(job_id, None):
            change.set()


class JobAttempt:
    """One attempt at a job. Once a later one has begun it is stale: it may finish, but can change nothing."""

    def __init__(self, records: JobRecords, job_id: str, number: int) -> None:
        self.job_id = job_id
        self._records, self._number = records, number

    async def change(self, edit: Edit) -> jobs_pb2.Job | None:
        """Like `JobRecords.change`; returns None and changes nothing when another attempt has begun.

        Waits as long as it takes for a database that is away, as the durable engine does: without it nothing can be
        recorded, not even that the job has failed.
        """
        job, present = await self._changed(edit)
        return job if present == self._number else None

    async def give_up(self, edit: Edit, guard: Guard | None = None) -> int | None:
        """Like `change`, and makes this attempt stale; the number of the one that follows, None when one has begun."""
        _, present = await self._changed(edit, new_attempt=True, guard=guard)
        return present if present == self._number + 1 else None

    async def keep_pieces(self, names: Collection[str]) -> None:
        """As `JobRecords.keep_pieces`; waits for the database as `change` does."""
        policy = RetryPolicy(attempts=sys.maxsize)
        await policy.retried(lambda: self._records.keep_pieces(self.job_id, names), "the database")

    async def _changed(
        self, edit: Edit, *, new_attempt: bool = False, guard: Guard | None = None
    ) -> tuple[jobs_pb2.Job, int]:
        policy = RetryPolicy(attempts=sys.maxsize)
        return await policy.retried(
            lambda: self._records.change(
                self.job_id, edit, new_attempt=new_attempt, only_attempt=self._number, guard=guard
            ),
            "the database",
        )


def timestamp_now() -> Timestamp:
    """The present wall-clock time."""
    now = Timestamp()
    now.GetCurrentTime()
    return now


def _create(
    db: sa.Connection, job: jobs_pb2.Job, key: str, most_queued: int | None, owner: Owner
) -> tuple[jobs_pb2.Job, bool]:
    keep_others_out(db, _jobs)
    if key:
        query = sa.select(_jobs.c.record).where(_jobs.c.idempotency_key == key)
        if (record := db.execute(query).scalar()) is not None:
            return _same_spec(jobs_pb2.Job.FromString(record), job, key), True
    _check_room(db, most_queued)
    job = _dated(job, job.create_time)
    record = job.SerializeToString()
    row = {"id": job.id, "idempotency_key": key or None, "state": job.state, "attempt": 0, "record": record}
    turns.take(db, _jobs, job.id, owner)
    db.execute(_jobs.insert().values(row))
    _append_event(db, job)
    return job, False


def _same_spec(existing: jobs_pb2.Job, job: jobs_pb2.Job, key: str) -> jobs_pb2.Job:
    if existing.spec != _dated(job, existing.create_time).spec:
        problem = f"The idempotency key {key!r} belongs to job {existing.id}, which was made from another spec."
        raise AlreadyExistsError(problem, "Use a new key for a new film.", "idempotency_key")
    return existing


def _dated(job: jobs_pb2.Job, time: Timestamp) -> jobs_pb2.Job:
    """The job with `time` in each of its consents that has none."""
    dated = jobs_pb2.Job()
    dated.CopyFrom(job)
    for consent in ("consent", "face_consent"):
        if dated.spec.HasField(consent) and not getattr(dated.spec, consent).HasField("given_time"):
            getattr(dated.spec, consent).given_time.CopyFrom(time)
    return dated


def _check_room(db: sa.Connection, most_queued: int | None) -> None:
    queued = sa.select(sa.func.count()).select_from(_jobs).where(_jobs.c.state == jobs_pb2.JOB_STATE_QUEUED)
    if most_queued is not None and _scalar(db, queued) >= most_queued:
        problem = f"{most_queued} jobs are waiting already."
        raise ExhaustedError(problem, "Submit again later.", "", "QUEUE_FULL", retry_after_s=10.0)


def _read(db: sa.Connection, job_id: str, *, to_change: bool = False) -> tuple[jobs_pb2.Job, int]:
    """The job and its attempt number; `to_change` keeps others from changing it until the end of the transaction."""
    query = sa.select(_jobs.c.record, _jobs.c.attempt).where(_jobs.c.id == job_id)
    if to_change:
        query = query.with_for_update()
    if (row := db.execute(query).first()) is None:
        raise NotFoundError(f"There is no job {job_id[:80]!r}.", "List the jobs to see their ids.", "id")
    return jobs_pb2.Job.FromString(row.record), row.attempt


def _page(db: sa.Connection, size: int, before: int | None, state: int) -> tuple[list[jobs_pb2.Job], int | None]:
    query = sa.select(_jobs.c.number, _jobs.c.record).order_by(_jobs.c.number.desc()).limit(size + 1)
    if before is not None:
        query = query.where(_jobs.c.number < before)
    if state:
        query = query.where(_jobs.c.state == state)
    rows = db.execute(query).all()
    following = rows[size - 1].number if len(rows) > size else None
    return [jobs_pb2.Job.FromString(row.record) for row in rows[:size]], following


def _change(
    db: sa.Connection, job_id: str, edit: Edit, *, new_attempt: bool, only_attempt: int | None
) -> tuple[jobs_pb2.Job, int]:
    job, attempt = _read(db, job_id, to_change=True)
    if only_attempt not in {None, attempt}:
        return job, attempt
    before = jobs_pb2.Job()
    before.CopyFrom(job)
    edit(job)
    if job == before and not new_attempt:
        return job, attempt
    attempt += new_attempt
    values = {"state": job.state, "record": job.SerializeToString(), "attempt": attempt}
    db.execute(_jobs.update().where(_jobs.c.id == job_id).values(values))
    _append_event(db, job)
    return job, attempt


def _append_event(db: sa.Connection, job: jobs_pb2.Job) -> None:
    last = _scalar(db, sa.select(sa.func.max(_events.c.event_id)).where(_events.c.job_id == job.id)) or 0
    event = jobs_pb2.JobEvent(id=last + 1, time=timestamp_now(), state=job.state, progress=job.progress)
    db.execute(_events.insert().values(job_id=job.id, event_id=event.id, event=event.SerializeToString()))


def _events_after(db: sa.Connection, job_id: str, event_id: int) -> list[jobs_pb2.JobEvent]:
    query = sa.select(_events.c.event).where(_events.c.job_id == job_id, _events.c.event_id > event_id)
    rows = db.execute(query.order_by(_events.c.event_id)).scalars()
    return [jobs_pb2.JobEvent.FromString(row) for row in rows]


def _delete(db: sa.Connection, job_id: str) -> set[str]:
    job, _ = _read(db, job_id, to_change=True)
    if job.state not in ENDED_STATES:
        raise FailedPreconditionError("The job is not ended.", "Cancel it first.", "id", "JOB_RUNNING")
    db.execute(_events.delete().where(_events.c.job_id == job_id))
    turns.forget(db, job_id)
    db.execute(_jobs.delete().where(_jobs.c.id == job_id))
    needs = Needs()
    needs.add(job)
    pieces = _pieces.c.job_id == job_id
    names = needs.content | set(db.execute(sa.select(_pieces.c.sha256).where(pieces)).scalars())
    db.execute(_pieces.delete().where(pieces))
    return names - {""}


def _all_needs(db: sa.Connection) -> tuple[list[bytes], list[tuple[str, str]]]:
    records = list(db.execute(sa.select(_jobs.c.record)).scalars())
    return records, [(row.job_id, row.sha256) for row in db.execute(sa.select(_pieces))]


def _scalar(db: sa.Connection, query: sa.Select[int]) -> int:
    return db.execute(query).scalar() or 0
