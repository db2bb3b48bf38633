"""A database that has vanished is given up in seconds, not after the hours that TCP takes."""

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
