"""The database of the jobs, SQLite or PostgreSQL: opens it and turns its failures into our own errors."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable
from typing import TypeVar

import sqlalchemy as sa

from services.base.errors import UnavailableError

_LOG = logging.getLogger(__name__)
_T = TypeVar("_T")

_GIVEN_UP_AFTER = {
    "connect_timeout": "5",  # seconds, like all but the last
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",  # milliseconds
}
"""When libpq gives up on a server whose host has vanished; its own default is two hours."""

_SQLITE_WITH_SUBSEC = (3, 42)
_RETRY_AFTER_S = 1.0
_AWAY = (sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.TimeoutError)
"""Out of reach, lost halfway, locked too long, out of connections: all of these pass."""


class Database:
    """Runs each transaction in a thread. Connections broken by a restart of the server are replaced."""

    def __init__(self, url: str, tables: sa.MetaData) -> None:
        """Creates `tables` where they are missing. Raises SQLAlchemy's errors when that fails."""
        if url.startswith("sqlite"):
            self._engine = sa.create_engine(url)
            sa.event.listen(self._engine, "connect", _prepare_sqlite)
            sa.event.listen(self._engine, "begin", _begin_immediately)
        else:
            self._engine = sa.create_engine(with_timeouts(url), pool_pre_ping=True)
        tables.create_all(self._engine)

    async def run(self, work: Callable[[sa.Connection], _T]) -> _T:
        """What `work` returns in a transaction, which its errors roll back. Raises UnavailableError, DATABASE_AWAY."""
        return await asyncio.to_thread(self.transact, work)

    def transact(self, work: Callable[[sa.Connection], _T]) -> _T:
        """Like `run`, but on this thread."""
        try:
            with self._engine.begin() as connection:
                return work(connection)
        except _AWAY as error:
            _LOG.warning("the database of the jobs does not answer: %s", str(error).partition("\n")[0])
            problem, remedy = "The database of the jobs does not answer.", "Try again; nothing of a job is lost."
            raise UnavailableError(problem, remedy, "", "DATABASE_AWAY", _RETRY_AFTER_S) from error

    def close(self) -> None:
        """Closes all connections."""
        self._engine.dispose()


def with_timeouts(url: str) -> str:
    """The URL of a PostgreSQL server with timeouts, so that no wait for it is endless; those already in it are kept."""
    parsed = sa.make_url(url)
    if parsed.get_backend_name() != "postgresql":
        return url
    return parsed.set(query=_GIVEN_UP_AFTER | dict(parsed.query)).render_as_string(hide_password=False)


def teach_sqlite_milliseconds() -> None:
    """Gives SQLite before 3.42 the `unixepoch('subsec')` that DBOS asks of it in Python 3.12 and later.

    All engines of this process are meant, because DBOS makes its own: without it each of its rows lacks a time, and is
    refused.
    """
    if sqlite3.sqlite_version_info < _SQLITE_WITH_SUBSEC and not sa.event.contains(sa.Engine, "connect", _add_subsec):
        sa.event.listen(sa.Engine, "connect", _add_subsec)


def _add_subsec(connection: object, _record: object) -> None:
    if isinstance(connection, sqlite3.Connection):
        connection.create_function("unixepoch", 1, _unixepoch)


def _unixepoch(moment: str) -> float | None:
    """Seconds since 1970, of milliseconds with "subsec"; NULL for what nobody asks here."""
    now_s = round(time.time(), 3)
    return {"subsec": now_s, "subsecond": now_s, "now": int(now_s)}.get(moment)


def keep_others_out(db: sa.Connection, table: sa.Table) -> None:
    """Lets no other transaction write to `table` until this one ends; in SQLite, BEGIN IMMEDIATE already does that."""
    if db.dialect.name == "postgresql":
        db.execute(sa.text(f"LOCK TABLE {table.name} IN SHARE ROW EXCLUSIVE MODE"))


def _prepare_sqlite(connection: sa.engine.interfaces.DBAPIConnection, _record: object) -> None:
    connection.isolation_level = None  # the driver's own BEGIN would come too late, see _begin_immediately
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=30000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_immediately(connection: sa.Connection) -> None:
    """SQLite's plain BEGIN takes no lock, so two transactions that read before they write would both go ahead."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")
