"""Whose job is next: owners take turns, each by its weight, however many jobs one of them has waiting.

Start-time fair queueing: a job's turn is one step after the latest turn that has begun, or after the owner's own last
one; the step is the shorter the more an owner weighs. The durable queue takes the lowest turn, of equals the oldest.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from services.base.errors import ExhaustedError, InvalidInputError
from vigent.jobs.v1 import jobs_pb2

METADATA = sa.MetaData()
_turns = sa.Table(
    "vigent_job_turns",
    METADATA,
    sa.Column("job_id", sa.String(40), primary_key=True),
    sa.Column("owner", sa.String(80), nullable=False, index=True),
    sa.Column("turn", sa.Integer, nullable=False),
)

HEAVIEST, LONGEST_NAME = 100, 80
_STEP, _LAST = HEAVIEST, 2**31 - 1  # of the durable queue's priorities
_RETRY_AFTER_S = 10.0
_BEGUN = (jobs_pb2.JOB_STATE_RUNNING, jobs_pb2.JOB_STATE_DONE, jobs_pb2.JOB_STATE_FAILED)
_UNFINISHED = (jobs_pb2.JOB_STATE_QUEUED, jobs_pb2.JOB_STATE_RUNNING)


@dataclass(frozen=True)
class Owner:
    """Whose a job is: a name, a share among those who wait, and how many unfinished jobs are allowed (0: any)."""

    name: str = ""
    weight: int = 1
    most_unfinished: int = 0


NO_OWNER = Owner()


def owner_of(request: jobs_pb2.SubmitJobRequest) -> Owner:
    """Whose job is submitted. Raises InvalidInputError naming what is out of bounds."""
    if len(request.owner) > LONGEST_NAME:
        raise InvalidInputError("The owner's name is too long.", f"Use at most {LONGEST_NAME} characters.", "owner")
    if not 0 <= request.weight <= HEAVIEST:
        raise InvalidInputError(f"No owner weighs {request.weight}.", f"Give 1 to {HEAVIEST}.", "weight")
    if request.most_unfinished < 0:
        raise InvalidInputError("Fewer than no jobs cannot be allowed.", "Give 0 or more.", "most_unfinished")
    return Owner(request.owner, request.weight or 1, request.most_unfinished)


def take(db: sa.Connection, jobs: sa.Table, job_id: str, owner: Owner) -> None:
    """Gives a new job its turn. Raises ExhaustedError (JOBS_OF_KEY) when its owner has enough unfinished ones."""
    both = jobs.join(_turns, jobs.c.id == _turns.c.job_id)
    own = sa.and_(_turns.c.owner == owner.name, jobs.c.state.in_(_UNFINISHED))
    last, count = db.execute(sa.select(sa.func.max(_turns.c.turn), sa.func.count()).select_from(both).where(own)).one()
    if owner.most_unfinished and count >= owner.most_unfinished:
        problem = f"{count} jobs of this key are unfinished, which is as many as it may have."
        raise ExhaustedError(problem, "Submit again when one is done.", "", "JOBS_OF_KEY", retry_after_s=_RETRY_AFTER_S)
    begun = sa.select(sa.func.max(_turns.c.turn)).select_from(both).where(jobs.c.state.in_(_BEGUN))
    after = max(last or 0, db.execute(begun).scalar() or 0)
    turn = min(after + _STEP // owner.weight, _LAST)
    db.execute(_turns.insert().values(job_id=job_id, owner=owner.name, turn=turn))


def turn_of(db: sa.Connection, job_id: str) -> int:
    """The turn of a job; the first for one from before there were turns, or that is gone."""
    return db.execute(sa.select(_turns.c.turn).where(_turns.c.job_id == job_id)).scalar() or 1


def forget(db: sa.Connection, job_id: str) -> None:
    """Of a job that is deleted."""
    db.execute(_turns.delete().where(_turns.c.job_id == job_id))
