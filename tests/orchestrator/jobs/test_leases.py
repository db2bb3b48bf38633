"""Leases in a real PostgreSQL: who may say of whom that it is gone. Time passes by what is written in the rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import pytest

from orchestrator.jobs.leases import Leases, name_of
from tests.support.postgres import Postgres, run_postgres

LEASE_S = 60.0


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with run_postgres() as postgres:
        yield postgres


@pytest.fixture
def url(postgres: Postgres) -> str:
    return postgres.new_database()


@pytest.fixture
def passed(url: str) -> Callable[[float], None]:
    """Lets so many seconds pass since everything that was done."""

    def by(seconds: float) -> None:
        with psycopg.connect(url) as connection:
            connection.execute("UPDATE vigent_leases SET since_s = since_s - %s, until_s = until_s - %s", [seconds] * 2)

    return by


@pytest.fixture
def leases(url: str) -> Iterator[Callable[..., Leases]]:
    """Makes those of a process; gets its name, and the version of its steps."""
    made: list[Leases] = []

    def make(name: str, version: str = "films-v2") -> Leases:
        made.append(Leases(url, name, LEASE_S, version))
        return made[-1]

    yield make
    for each in made:
        each.close()


async def test_one_that_is_silent_is_gone_for_whoever_has_held_a_lease_all_the_time(
    leases: Callable[..., Leases], passed: Callable[[float], None]
) -> None:
    first, second = leases("first"), leases("second", "films-v1")
    await first.renew()
    await second.renew()
    assert (await first.look()).versions == {"films-v1", "films-v2"}
    for _ in range(2):
        passed(LEASE_S * 0.6)
        await first.renew()
    peers = await first.look()
    assert peers.is_gone(second.executor_id)
    assert not peers.is_gone(first.executor_id)
    assert (peers.gone(), peers.versions) == ({second.executor_id}, {"films-v2"})
    assert "second, not heard of since its lease ran out 12." in peers.obituary(second.executor_id)


async def test_after_an_outage_of_the_database_nobody_is_gone_until_all_had_the_time_to_come_back(
    leases: Callable[..., Leases], passed: Callable[[float], None]
) -> None:
    first, second = leases("first"), leases("second")
    await first.renew()
    await second.renew()
    passed(LEASE_S * 10)
    assert not (await first.look()).gone()
    await first.renew()
    assert not (await first.look()).gone()
    passed(LEASE_S * 0.9)
    await first.renew()
    assert not (await first.look()).gone()
    passed(LEASE_S * 0.2)
    assert (await first.look()).gone() == {second.executor_id}


async def test_one_that_has_just_come_says_nothing_of_others(
    leases: Callable[..., Leases], passed: Callable[[float], None]
) -> None:
    first, second = leases("first"), leases("second")
    await second.renew()
    passed(LEASE_S * 2)
    assert not (await first.look()).is_gone(second.executor_id)  # it has no lease at all
    await first.renew()
    assert not (await first.look()).is_gone(second.executor_id)


async def test_one_that_gives_up_is_gone_at_once_and_back_when_it_renews(
    leases: Callable[..., Leases], passed: Callable[[float], None]
) -> None:
    first, second = leases("first"), leases("second")
    await first.renew()
    passed(LEASE_S * 0.9)
    await first.renew()
    passed(LEASE_S * 0.2)
    await second.renew()
    await second.give_up()
    assert (await first.look()).gone() == {second.executor_id}
    await first.forget({first.executor_id, second.executor_id})
    peers = await first.look()
    assert peers.is_gone(second.executor_id)
    assert peers.leases.keys() == {first.executor_id}
    await second.renew()
    assert not (await first.look()).is_gone(second.executor_id)


async def test_a_clock_that_is_set_back_makes_nobody_judge_too_early_or_never(
    leases: Callable[..., Leases], passed: Callable[[float], None]
) -> None:
    first, second = leases("first"), leases("second")
    await first.renew()
    await second.renew()
    passed(-3600)
    await first.renew()
    passed(LEASE_S * 0.9)
    await first.renew()
    passed(LEASE_S * 0.2)
    peers = await first.look()
    assert peers.may_judge()
    assert not peers.gone()


async def test_a_new_process_of_a_name_takes_the_place_of_the_one_before(leases: Callable[..., Leases]) -> None:
    before, after, other = leases("first"), leases("first"), leases("other")
    for each in (before, other, after):
        await each.renew()
    await after.forget_earlier_lives()
    assert (await after.look()).leases.keys() == {after.executor_id, other.executor_id}
    assert name_of(before.executor_id) == name_of(after.executor_id) == name_of("first") == "first"


async def test_what_versions_without_leases_have_begun_is_left_to_them(
    leases: Callable[..., Leases], passed: Callable[[float], None]
) -> None:
    first = leases("first")
    await first.renew()
    passed(LEASE_S * 0.9)
    await first.renew()
    passed(LEASE_S * 0.2)
    peers = await first.look()
    assert peers.may_judge()
    assert not peers.is_gone("orchestrator-1")
    assert peers.is_gone("orchestrator-1#0a1b2c3d")
