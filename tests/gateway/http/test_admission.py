"""No key takes the places of all others."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gateway.access.keys import Key
from gateway.http.admission import Admission
from gateway.http.metrics import GatewayMetrics
from services.base.errors import ExhaustedError, UnavailableError

JOBS = "/api/v1/jobs"


def key(name: str, weight: int = 1) -> Key:
    return Key(id=name * 8, name=name, scopes=["read"], created=datetime.now(UTC), weight=weight, secrets=[])


@pytest.fixture
def admission() -> Admission:
    """Twelve places for requests."""
    return Admission(48, GatewayMetrics())


def taken(admission: Admission, of: Key | None) -> int:
    """How many places one gets before it is refused."""
    count = 0
    while True:
        try:
            admission.take("GET", JOBS, of)
        except (ExhaustedError, UnavailableError):
            return count
        count += 1


def test_a_key_alone_leaves_room_for_another(admission: Admission) -> None:
    assert taken(admission, key("a")) == 6
    assert taken(admission, key("b")) == 4
    assert taken(admission, None) == 2  # the machine's own user has no share, only what is left


def test_who_weighs_more_has_more(admission: Admission) -> None:
    admission.take("GET", JOBS, key("a"))
    assert taken(admission, key("b", weight=4)) == 8


def test_what_is_given_back_is_there_for_others(admission: Admission) -> None:
    held = [admission.take("GET", JOBS, key("a")) for _ in range(6)]
    with pytest.raises(ExhaustedError) as refused:
        admission.take("GET", JOBS, key("a"))
    assert (refused.value.reason, refused.value.retry_after_s) == ("SHARE_USED", 2.0)
    for places in held:
        places.note(key("a"), -1)
    assert taken(admission, key("b")) == 6
