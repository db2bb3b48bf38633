"""What is kept of accounts and deliveries: one SQLite file, with every secret in it encrypted."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gateway.publishing.connectors.delivery import ENDED, Delivery
from gateway.publishing.connectors.provider import Tokens
from gateway.publishing.connectors.vault import Vault
from gateway.publishing.platforms import PlatformId
from services.base.errors import AlreadyExistsError, ExhaustedError, NotFoundError

_MOST_UNFINISHED = 500
_WAIT_S = 10.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS accounts (owner TEXT, platform TEXT, tokens TEXT NOT NULL, PRIMARY KEY (owner, platform));
CREATE TABLE IF NOT EXISTS deliveries (
    id TEXT PRIMARY KEY, job_id TEXT NOT NULL, owner TEXT NOT NULL, key TEXT, ended INTEGER NOT NULL, due REAL NOT NULL,
    content TEXT NOT NULL, UNIQUE (owner, key)
);
CREATE INDEX IF NOT EXISTS deliveries_of_job ON deliveries (job_id);
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (ended, due);
"""


class ConnectorRecords:
    """Accounts and deliveries. Everything here blocks; call it in a thread."""

    def __init__(self, root: Path) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self.vault, self._path = Vault(root / "key"), root / "connectors.db"
        with self._change() as database:
            database.executescript(_SCHEMA)
        self._path.chmod(0o600)

    def tokens(self, owner: str, platform: PlatformId) -> Tokens | None:
        """What an owner's account has allowed. Raises InternalError with another key than it was kept with."""
        asked = "SELECT tokens FROM accounts WHERE owner = ? AND platform = ?"
        rows = self._rows(asked, owner, platform)
        return Tokens.model_validate_json(self.vault.opened(rows[0][0])) if rows else None

    def keep_tokens(self, owner: str, platform: PlatformId, tokens: Tokens) -> None:
        """In place of those before."""
        row = (owner, platform, self.vault.locked(tokens.model_dump_json()))
        with self._change() as database:
            database.execute("INSERT OR REPLACE INTO accounts VALUES (?, ?, ?)", row)

    def forget_tokens(self, owner: str, platform: PlatformId) -> None:
        """Nothing is kept of the account any more."""
        with self._change() as database:
            database.execute("DELETE FROM accounts WHERE owner = ? AND platform = ?", (owner, platform))

    def add(self, delivery: Delivery) -> Delivery:
        """Keeps a new one; the same again, by its idempotency key, is the one that is there.

        Raises AlreadyExistsError for a key that came with another request, ExhaustedError beyond 500 unfinished ones.
        """
        with self._change() as database:
            known = database.execute(
                "SELECT content FROM deliveries WHERE owner = ? AND key = ?",
                (delivery.owner, delivery.idempotency_key or None),
            ).fetchone()
            if known:
                return _same(self._opened(known[0]), delivery)
            (unfinished,) = database.execute("SELECT count(*) FROM deliveries WHERE ended = 0").fetchone()
            if unfinished >= _MOST_UNFINISHED:
                raise ExhaustedError(f"{unfinished} films are on their way already.", "Cancel some.")
            database.execute("INSERT INTO deliveries VALUES (?, ?, ?, ?, ?, ?, ?)", self._row(delivery))
        return delivery

    def update(self, delivery: Delivery, *, unless_ended: bool = True) -> bool:
        """Keeps how far it is; returns whether it did: one that was cancelled meanwhile stays so."""
        *_, ended, due, content = self._row(delivery)
        condition = " AND ended = 0" if unless_ended else ""
        with self._change() as database:
            changed = database.execute(
                f"UPDATE deliveries SET ended = ?, due = ?, content = ? WHERE id = ?{condition}",  # noqa: S608
                (ended, due, content, delivery.id),
            )
            return changed.rowcount == 1

    def get(self, delivery_id: str, owner: str) -> Delivery:
        """One of the owner's. Raises NotFoundError."""
        rows = self._rows("SELECT content FROM deliveries WHERE id = ? AND owner = ?", delivery_id, owner)
        if not rows:
            raise NotFoundError(f"There is no delivery {delivery_id[:40]!r}.", "List those of the job.", "delivery_id")
        return self._opened(rows[0][0])

    def of_job(self, job_id: str, owner: str) -> list[Delivery]:
        """Newest first."""
        asked = "SELECT content FROM deliveries WHERE job_id = ? AND owner = ? ORDER BY rowid DESC LIMIT 100"
        return [self._opened(content) for (content,) in self._rows(asked, job_id, owner)]

    def due(self, most: int) -> list[Delivery]:
        """Unfinished ones whose time has come, longest first."""
        asked = "SELECT content FROM deliveries WHERE ended = 0 AND due <= ? ORDER BY due LIMIT ?"
        return [self._opened(content) for (content,) in self._rows(asked, _now(), most)]

    def next_due_s(self, besides: Collection[str]) -> float | None:
        """Seconds until the next one's time, `besides` these; None where there is none."""
        marks = ", ".join("?" * len(besides))
        asked = f"SELECT min(due) FROM deliveries WHERE ended = 0 AND id NOT IN ({marks})"  # noqa: S608
        ((due,),) = self._rows(asked, *besides)
        return None if due is None else max(0.0, due - _now())

    def forget_job(self, job_id: str) -> None:
        """Nothing is kept of a work's deliveries any more."""
        with self._change() as database:
            database.execute("DELETE FROM deliveries WHERE job_id = ?", (job_id,))

    def _row(self, delivery: Delivery) -> tuple[str, str, str, str | None, bool, float, str]:
        content = delivery.model_copy(deep=True)
        content.progress.session = self.vault.locked(content.progress.session)
        named = (delivery.id, delivery.job_id, delivery.owner, delivery.idempotency_key or None)
        return *named, delivery.state in ENDED, delivery.due.timestamp(), content.model_dump_json()

    def _opened(self, content: str) -> Delivery:
        delivery = Delivery.model_validate_json(content)
        delivery.progress.session = self.vault.opened(delivery.progress.session)
        return delivery

    def _rows(self, asked: str, *values: object) -> Sequence[tuple[Any, ...]]:
        with closing(self._database()) as database:
            return database.execute(asked, values).fetchall()

    @contextmanager
    def _change(self) -> Iterator[sqlite3.Connection]:
        with closing(self._database()) as database, database:
            database.execute("BEGIN IMMEDIATE")
            yield database

    def _database(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path, timeout=_WAIT_S, isolation_level=None)


def _same(known: Delivery, asked: Delivery) -> Delivery:
    if (known.job_id, known.asked) != (asked.job_id, asked.asked):
        problem = "Another request came with this Idempotency-Key."
        raise AlreadyExistsError(problem, "Take another key.", "Idempotency-Key")
    return known


def _now() -> float:
    return datetime.now(UTC).timestamp()
