"""The database of the jobs, SQLite or PostgreSQL: opened, and its failures in our own words."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TypeVar

import sqlalchemy as sa

from services.base.errors import UnavailableError

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

_GIVEN_UP_AFTER = {
    "connect_timeout": "5",  # seconds, as all but the last
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",  # milliseconds
}
"""When libpq counts a server as gone whose host has vanished; left to itself, after two hours."""

_RETRY_AFTER_S = 1.0
_AWAY = (sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.TimeoutError)
"""Not reached, gone in the middle, locked too long, no room left: all of it passes."""


class Database:
    """Transactions, each in a thread. Connections that a restart of the server has broken are replaced."""

    def __init__(self, url: str, tables: sa.MetaData) -> None:
        """Makes `tables` where they are missing. Raises SQLAlchemy's errors when that is not possible."""
        if url.startswith("sqlite"):
            self._engine = sa.create_engine(url)
            sa.event.listen(self._engine, "connect", _prepare_sqlite)
            sa.event.listen(self._engine, "begin", _begin_immediately)
        else:
            self._engine = sa.create_engine(with_timeouts(url), pool_pre_ping=True)
        tables.create_all(self._engine)

    async def run(self, work: Callable[[sa.Connection], _T]) -> _T:
        """What `work` gives in a transaction, which its errors undo. Raises UnavailableError (DATABASE_AWAY)."""
        return await asyncio.to_thread(self.transact, work)

    def transact(self, work: Callable[[sa.Connection], _T]) -> _T:
        """As `run`, on this thread."""
        try:
            with self._engine.begin() as connection:
                return work(connection)
        except _AWAY as error:
            _log.warning("the database of the jobs does not answer: %s", str(error).partition("\n")[0])
            problem, remedy = "The database of the jobs does not answer.", "Try again; nothing of a job is lost."
            raise UnavailableError(problem, remedy, "", "DATABASE_AWAY", _RETRY_AFTER_S) from error

    def close(self) -> None:
        """Closes all connections."""
        self._engine.dispose()


def with_timeouts(url: str) -> str:
    """The URL of a PostgreSQL server that is not waited for without end; what it names itself stays."""
    parsed = sa.make_url(url)
    if parsed.get_backend_name() != "postgresql":
        return url
    return parsed.set(query=_GIVEN_UP_AFTER | dict(parsed.query)).render_as_string(hide_password=False)


def keep_others_out(db: sa.Connection, table: sa.Table) -> None:
    """Lets no other transaction write to `table` until this one ends; in SQLite it has begun so."""
    if db.dialect.name == "postgresql":
        db.execute(sa.text(f"LOCK TABLE {table.name} IN SHARE ROW EXCLUSIVE MODE"))


def _prepare_sqlite(connection: sa.engine.interfaces.DBAPIConnection, _record: object) -> None:
    connection.isolation_level = None  # the driver's own BEGIN would come too late, see _begin_immediately
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=30000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_immediately(connection: sa.Connection) -> None:
    """SQLite's usual BEGIN takes no lock, so two transactions that read before they write would both go on."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")
