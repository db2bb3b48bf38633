"""What is hidden in logs, in the doctor's report and in errors about settings."""

from __future__ import annotations

import logging

import pytest

from services.base.errors import InvalidInputError
from services.base.log import configure_logging
from services.base.secure.secrets import Redaction, secrets_of, without_secrets
from services.base.settings import ProcessSettings


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("s3_secret_key", "abc", "(hidden)"),
        ("AWS_ACCESS_KEY_ID", "abc", "(hidden)"),
        ("studio_token", "", ""),
        ("port", 80, "80"),
        ("keys_file", "a/keys.json", "a/keys.json"),
        ("database_url", "postgresql://user:p@ss:w@db/vigent", "postgresql://user:(hidden)@db/vigent"),
        ("database_url", "postgresql://:pass@db/vigent", "postgresql://:(hidden)@db/vigent"),
        (
            "database_url",
            "postgresql:///v?host=/run&password=pass&x=1",
            "postgresql:///v?host=/run&password=(hidden)&x=1",
        ),
        ("x", "http://host:8080/a@b", "http://host:8080/a@b"),
        ("x", "Authorization: Bearer vigent_0123_abc", "Authorization: Bearer (hidden)"),
    ],
)
def test_what_is_shown_of_a_setting(name: str, value: object, shown: str) -> None:
    assert without_secrets(name, value) == shown


def test_known_secrets_are_hidden_wherever_they_stand() -> None:
    known = secrets_of({"A_TOKEN": "tttttttt", "URL": "x://u:p%40ssw%3Ard@h", "SHORT_TOKEN": "1", "B": "plain-value"})
    assert set(known) == {"tttttttt", "p%40ssw%3Ard", "p@ssw:rd"}
    assert Redaction(known).hidden("a tttttttt b p@ssw:rd 1 plain-value") == "a (hidden) b (hidden) 1 plain-value"


def test_logs_hide_them_in_messages_and_tracebacks(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SOME_TOKEN", "a-very-secret-token")
    before = logging.getLogger().handlers[:], logging.getLogger().level
    try:
        configure_logging("debug", "test")
        try:
            raise ValueError("for a-very-secret-token")
        except ValueError:
            logging.getLogger("a.library").exception("sent %s", "a-very-secret-token")
    finally:
        logging.getLogger().handlers[:], _ = before
        logging.getLogger().setLevel(before[1])
    told = capsys.readouterr().err
    assert "a-very-secret-token" not in told
    assert told.count("(hidden)") >= 2
    assert "ValueError" in told


def test_a_setting_that_is_refused_is_told_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIGENT_OBJECT_STORAGE", "s3://someone:hunter2222@media")
    with pytest.raises(InvalidInputError) as refused:
        ProcessSettings.load("gateway")
    assert "hunter2222" not in str(refused.value)
    assert "someone" in str(refused.value)
