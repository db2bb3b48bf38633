"""The database of the jobs, SQLite or PostgreSQL: opens it and turns its failures into our own errors."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

import sqlalchemy as sa

from services.base.deadline import time_left_s
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
DATABASE_AWAY = "DATABASE_AWAY"
AWAY_ERRORS = (sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.TimeoutError)
"""Out of reach, lost halfway, locked too long, out of connections, on a full disk: all of these pass."""

_TABLES_LOCK = 0x766967656E74  # "vigent", among the locks of whatever else uses the database
_PATIENCE_S = 30.0  # with a lock of another, where no caller waits
_TO_ANSWER_S = 0.5  # of a caller's time, so that it hears what became of its call


class Database:
    """Runs each transaction in a thread. Connections broken by a restart of the server are replaced.

    The deadline of the call that a transaction belongs to holds for it too: it waits no longer, and changes nothing
    after it.
    """

    def __init__(self, url: str, tables: sa.MetaData, patience_s: float = _PATIENCE_S) -> None:
        """Creates `tables` where they are missing. Raises SQLAlchemy's errors when that fails.

        `patience_s`: how long a statement may take where no caller has a deadline.
        """
        self._file = _file_of(url)
        self._engine = sa.create_engine(reached(url), pool_pre_ping=self._file is None)
        self._inode = self._file.stat().st_ino if self._file else 0
        if url.startswith("sqlite"):
            sa.event.listen(self._engine, "connect", _prepare_sqlite)
            sa.event.listen(self._engine, "begin", partial(_begin_immediately, patience_s=patience_s))
        else:
            sa.event.listen(self._engine, "begin", partial(_bound_statements, patience_s=patience_s))
        with self._engine.begin() as db:
            _let_one_make_tables(db)
            tables.create_all(db)

    async def run(self, work: Callable[[sa.Connection], _T]) -> _T:
        """What `work` returns in a transaction, which its errors roll back. Raises UnavailableError, DATABASE_AWAY."""
        return await asyncio.to_thread(self.transact, work)

    def transact(self, work: Callable[[sa.Connection], _T]) -> _T:
        """Like `run`, but on this thread."""
        self._require_file()
        try:
            with self._engine.begin() as connection:
                done = work(connection)
                _require_time()
                return done
        except AWAY_ERRORS as error:
            _LOG.warning("the database of the jobs does not answer: %s", str(error).partition("\n")[0])
            full = "disk is full" in str(error)
            raise away(
                f"The {'disk of the ' * full}database of the jobs {'is full' if full else 'does not answer'}."
            ) from error

    def _require_file(self) -> None:
        """What is written to a file that was removed is lost with its last reader."""
        if self._file is None:
            return
        try:
            if self._file.stat().st_ino == self._inode:
                return
            problem, remedy = f"The database of the jobs, {self._file}, was replaced.", "Restart the orchestrator."
        except OSError as error:
            problem = f"The database of the jobs, {self._file}, is away: {error.strerror}."
            remedy = "Put it back, or restart the orchestrator to begin with no jobs."
        raise away(problem, remedy)

    def close(self) -> None:
        """Closes all connections."""
        self._engine.dispose()


def away(problem: str, remedy: str = "Try again; nothing of a job is lost.") -> UnavailableError:
    """The error for a database that cannot be used now."""
    return UnavailableError(problem, remedy, "", DATABASE_AWAY, _RETRY_AFTER_S)


def reached(url: str) -> str:
    """The URL as engines are made with it: timeouts for PostgreSQL; for SQLite, one that does not make the file.

    It is made here, once: made anew when it has vanished, all jobs would be gone without a word. Raises OSError.
    """
    if (file := _file_of(url)) is None:
        return with_timeouts(url)
    file.touch(mode=0o600)
    with suppress(PermissionError):  # it is somebody else's, who lets us in
        file.chmod(0o600)
    query = {"mode": "rw", "uri": "true"}
    return sa.URL.create("sqlite", database=f"file:{quote(str(file.absolute()))}", query=query).render_as_string()


def _file_of(url: str) -> Path | None:
    """The file of an SQLite database; None for one in memory, and for servers."""
    parsed = sa.make_url(url)
    if parsed.get_backend_name() != "sqlite" or parsed.database in {None, "", ":memory:"} or parsed.query:
        return None
    return Path(str(parsed.database))


def is_postgresql(url: str) -> bool:
    """Whether several orchestrators can share it."""
    return sa.make_url(url).get_backend_name() == "postgresql"


def with_timeouts(url: str) -> str:
    """The URL of a PostgreSQL server with timeouts, so that no wait for it is endless; those already in it are kept."""
    if not is_postgresql(url):
        return url
    parsed = sa.make_url(url)
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


def _let_one_make_tables(db: sa.Connection) -> None:
    """Orchestrators that start at once would all find them missing."""
    if db.dialect.name == "postgresql":
        db.execute(sa.select(sa.func.pg_advisory_xact_lock(_TABLES_LOCK)))


def _prepare_sqlite(connection: sa.engine.interfaces.DBAPIConnection, _record: object) -> None:
    connection.isolation_level = None  # the driver's own BEGIN would come too late, see _begin_immediately
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_immediately(connection: sa.Connection, patience_s: float) -> None:
    """SQLite's plain BEGIN takes no lock, so two transactions that read before they write would both go ahead."""
    connection.exec_driver_sql(f"PRAGMA busy_timeout={_patience_ms(patience_s)}")
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _bound_statements(connection: sa.Connection, patience_s: float) -> None:
    """PostgreSQL: the wait for a lock is part of a statement's time."""
    connection.exec_driver_sql(f"SET LOCAL statement_timeout = {_patience_ms(patience_s)}")


def _patience_ms(most_s: float) -> int:
    left_s = time_left_s()
    return round(1000 * (most_s if left_s is None else max(0.001, min(most_s, left_s - _TO_ANSWER_S))))


def _require_time() -> None:
    """Raises UnavailableError when the caller is about to hear that its call has failed."""
    left_s = time_left_s()
    if left_s is not None and left_s < _TO_ANSWER_S / 2:
        raise away("The database of the jobs took too long.")
