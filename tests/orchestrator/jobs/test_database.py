"""A database that has vanished is given up in seconds, not after the hours that TCP takes; an old SQLite serves too."""

import subprocess
import sys

import sqlalchemy as sa

from orchestrator.jobs.database import with_timeouts


def test_a_postgresql_server_is_not_waited_for_without_end_unless_its_url_says_so() -> None:
    url = sa.make_url(with_timeouts("postgresql://anna:secret@db/vigent?connect_timeout=60&application_name=films"))
    assert (url.username, url.password, url.host, url.database) == ("anna", "secret", "db", "vigent")
    assert url.query["connect_timeout"] == "60"
    assert url.query["application_name"] == "films"
    assert 0 < int(url.query["tcp_user_timeout"]) <= 60_000
    assert 0 < int(url.query["keepalives_idle"]) <= 60


def test_sqlite_s_url_stays_as_it_is() -> None:
    assert with_timeouts("sqlite:///.vigent/jobs.db") == "sqlite:///.vigent/jobs.db"


AS_IN_PYTHON_3_12 = """
import sys, time
import sqlalchemy as sa
from orchestrator.jobs.database import teach_sqlite_milliseconds

teach_sqlite_milliseconds()
with sa.create_engine(sys.argv[1]).begin() as db:
    db.execute(sa.text("CREATE TABLE jobs (id TEXT, made_ms INTEGER NOT NULL DEFAULT (unixepoch('subsec') * 1000))"))
    before_ms = time.time() * 1000
    db.execute(sa.text("INSERT INTO jobs (id) VALUES ('a')"))
    made_ms = db.execute(sa.text("SELECT made_ms FROM jobs")).scalar_one()
    assert before_ms - 1 <= made_ms <= time.time() * 1000 + 1, made_ms
    assert db.execute(sa.text("SELECT unixepoch('now') > 1700000000, unixepoch('x')")).one() == (1, None)
"""


def test_any_sqlite_knows_the_time_as_dbos_asks_for_it(tmp_path) -> None:
    """In a process of its own: what it teaches holds for all engines."""
    subprocess.run([sys.executable, "-c", AS_IN_PYTHON_3_12, f"sqlite:///{tmp_path / 'jobs.db'}"], check=True)
