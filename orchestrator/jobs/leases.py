"""Who of several orchestrators is alive: each holds a lease in PostgreSQL and renews it, by the database's clock alone.

In the durable engine each process has a name of its own, `orchestrator-0#1f2e3d4c`: what an earlier process of the same
orchestrator has begun is never taken for what this one does. Nobody judges others who has not held its own lease for as
long as a lease lasts: when the database was away everybody's lease has run out, and all get the time to renew theirs.
"""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from orchestrator.jobs.database import Database
from services.base.errors import UnavailableError

_METADATA = sa.MetaData()
_leases = sa.Table(
    "vigent_leases",
    _METADATA,
    sa.Column("executor_id", sa.String(240), primary_key=True),
    sa.Column("name", sa.String(200), nullable=False, index=True),
    sa.Column("version", sa.String(40), nullable=False),
    sa.Column("since_s", sa.Double, nullable=False),
    sa.Column("until_s", sa.Double, nullable=False),
)
"""Unix times. Held without a gap since `since_s`; run out at `until_s`."""

_NOW_S = sa.cast(sa.extract("epoch", sa.func.clock_timestamp()), sa.Double)
_RENEWALS = 3  # in the time of a lease
_OF_A_PROCESS = re.compile(r"(.*)#[0-9a-f]{8}")


@dataclass(frozen=True)
class Lease:
    """Of one process: its name as people know it, the version of its steps, since and until when (Unix times)."""

    name: str
    version: str
    since_s: float
    until_s: float


@dataclass(frozen=True)
class Peers:
    """All leases as the process `me` sees them at one moment of the database's clock."""

    me: str
    lease_s: float
    now_s: float
    leases: Mapping[str, Lease]

    @property
    def versions(self) -> set[str]:
        """Those that somebody alive runs."""
        return {lease.version for executor_id, lease in self.leases.items() if self.is_alive(executor_id)}

    def is_alive(self, executor_id: str) -> bool:
        """Whether its lease has not run out."""
        lease = self.leases.get(executor_id)
        return lease is not None and lease.until_s >= self.now_s

    def may_judge(self) -> bool:
        """Whether all others have had the time of a lease to renew theirs."""
        return self.is_alive(self.me) and self.now_s - self.leases[self.me].since_s >= self.lease_s

    def is_gone(self, executor_id: str) -> bool:
        """Whether what it has begun is to be taken over. Never so of versions that hold no lease."""
        return self.may_judge() and bool(_OF_A_PROCESS.fullmatch(executor_id)) and not self.is_alive(executor_id)

    def gone(self) -> set[str]:
        """Those whose lease has run out, and who have not been forgotten."""
        return {executor_id for executor_id in self.leases if self.is_gone(executor_id)}

    def obituary(self, executor_id: str) -> str:
        """Who is gone and since when, for people."""
        if (lease := self.leases.get(executor_id)) is None:
            return f"{name_of(executor_id)}, which has ended"
        return f"{lease.name}, not heard of since its lease ran out {self.now_s - lease.until_s:.1f} s ago"


class Leases:
    """The lease of this process, and a view of those of all others."""

    def __init__(self, database_url: str, name: str, lease_s: float, version: str) -> None:
        """Creates the table where it is missing. Raises what `Database` raises."""
        self.name, self.lease_s, self._version = name, lease_s, version
        self.executor_id = f"{name}#{uuid.uuid4().hex[:8]}"
        self._database = Database(_soon_given_up(database_url, lease_s), _METADATA, lease_s / _RENEWALS)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="lease")  # a renewal waits for nothing but the last one

    @property
    def renewal_s(self) -> float:
        """Time from one renewal to the next."""
        return self.lease_s / _RENEWALS

    async def renew(self) -> None:
        """Takes the lease, first of all before anything is begun under this name. Raises UnavailableError."""
        await self._run(self._renew)

    async def give_up(self) -> None:
        """Lets others go on at once with what this process has begun."""
        own = _leases.update().where(_leases.c.executor_id == self.executor_id).values(until_s=_NOW_S)
        with suppress(UnavailableError):
            await self._run(lambda db: _execute(db, own))

    async def look(self) -> Peers:
        """All leases. Raises UnavailableError."""
        return await self._database.run(self.peers)

    def peers(self, db: sa.Connection) -> Peers:
        """All leases, in a transaction of the caller."""
        rows = db.execute(sa.select(_leases, _NOW_S.label("now_s"))).all()
        leases = {row.executor_id: Lease(row.name, row.version, row.since_s, row.until_s) for row in rows}
        return Peers(self.executor_id, self.lease_s, max((row.now_s for row in rows), default=0.0), leases)

    async def forget(self, executor_ids: set[str]) -> None:
        """Removes those of these leases that have run out. Raises UnavailableError."""
        run_out = sa.and_(_leases.c.executor_id.in_(executor_ids), _leases.c.until_s < _NOW_S)
        await self._database.run(lambda db: _execute(db, _leases.delete().where(run_out)))

    async def forget_earlier_lives(self) -> None:
        """Removes the leases of earlier processes of this name, however long they last. Raises UnavailableError."""
        earlier = sa.and_(_leases.c.name == self.name, _leases.c.executor_id != self.executor_id)
        await self._database.run(lambda db: _execute(db, _leases.delete().where(earlier)))

    def close(self) -> None:
        """Closes the connections to the database."""
        self._thread.shutdown()
        self._database.close()

    async def _run(self, work: Callable[[sa.Connection], None]) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._database.transact, work)

    def _renew(self, db: sa.Connection) -> None:
        new = {"name": self.name, "version": self._version, "since_s": _NOW_S, "until_s": _NOW_S + self.lease_s}
        insert = postgresql.insert(_leases).values(executor_id=self.executor_id, **new)
        had_run_out = sa.or_(_leases.c.until_s < _NOW_S, _leases.c.since_s > _NOW_S)  # or the clock was set back
        since_s = sa.case((had_run_out, _NOW_S), else_=_leases.c.since_s)
        kept = {"since_s": since_s, "until_s": insert.excluded.until_s}
        db.execute(insert.on_conflict_do_update(index_elements=["executor_id"], set_=kept))


def name_of(executor_id: str) -> str:
    """The name that people gave it, without that of the process; versions that hold no lease have no other."""
    found = _OF_A_PROCESS.fullmatch(executor_id)
    return found[1] if found else executor_id


def _execute(db: sa.Connection, statement: sa.Executable) -> None:
    db.execute(statement)


def _soon_given_up(url: str, lease_s: float) -> str:
    """A renewal that goes nowhere is given up in time for another one."""
    patience_s = lease_s / _RENEWALS
    limits = {"connect_timeout": str(max(2, int(patience_s))), "tcp_user_timeout": str(int(1000 * patience_s))}
    return sa.make_url(url).update_query_dict(limits).render_as_string(hide_password=False)
