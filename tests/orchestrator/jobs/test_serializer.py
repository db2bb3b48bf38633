"""What the durable engine keeps comes back as it was, and holds nothing that runs."""

from __future__ import annotations

import pytest
from dbos._serialization import DBOSDefaultSerializer

from orchestrator.jobs.serializer import JsonSerializer, refuse_pickles
from services.base.errors import ExhaustedError, InternalError

JSON = JsonSerializer()


def test_plain_data_comes_back() -> None:
    data = {"args": ("job-1",), "kwargs": {}, "frames": [1, None, 0.5], "text": "说话"}
    assert JSON.deserialize(JSON.serialize(data)) == data | {"args": ["job-1"]}


def test_our_errors_come_back_whole() -> None:
    error = ExhaustedError("Full.", "Wait.", "spec.script", "QUEUE_FULL", 2.5)
    assert JSON.deserialize(JSON.serialize(error)) == error


def test_other_errors_tell_nothing() -> None:
    kept = JSON.serialize(KeyError("a secret"))
    assert "secret" not in kept
    assert isinstance(JSON.deserialize(kept), InternalError)


def test_what_is_no_plain_data_is_refused() -> None:
    with pytest.raises(TypeError):
        JSON.serialize(object())


def test_a_pickle_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    kind = type(DBOSDefaultSerializer)
    monkeypatch.setattr(kind, "deserialize", kind.deserialize)  # so that it is taken back
    kept = DBOSDefaultSerializer.serialize("data")
    refuse_pickles()
    with pytest.raises(InternalError, match="pickle"):
        DBOSDefaultSerializer.deserialize(kept)
