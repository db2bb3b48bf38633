"""The capacity model: its tables in the docs are its own, and it counts what it says."""

from dataclasses import replace

import pytest

from tests.bench.capacity.model import Costs, Film, Limits, Plan, tables
from tests.support.mesh import ROOT


def test_the_tables_in_the_docs_are_true() -> None:
    page = (ROOT / "docs" / "scale.md").read_text(encoding="utf-8")
    assert page.partition("<!-- capacity -->\n")[2].partition("\n<!-- /capacity -->")[0] == tables()


@pytest.mark.parametrize("gpus", [1, 10, 1000])
def test_what_gpus_make_takes_all_of_their_time_and_no_more(gpus: int) -> None:
    plan = Plan(gpus)
    assert plan.films_h * plan.gpu_s == pytest.approx(gpus * 3600 * Costs().busy)


def test_a_film_that_takes_half_as_long_is_made_twice_as_often() -> None:
    costs = replace(Costs(), gpu_lipsync=Costs().gpu_lipsync / 2, gpu_voice=Costs().gpu_voice / 2)
    assert Plan(10, costs=costs).films_h == pytest.approx(2 * Plan(10).films_h)


def test_longer_films_are_fewer_and_cost_as_much_a_second() -> None:
    long, short = Plan(10, Film(600)), Plan(10, Film(60))
    assert long.films_h == pytest.approx(short.films_h / 10)
    assert (long.cores, long.network_bytes_s) == pytest.approx((short.cores, short.network_bytes_s))


def test_more_of_it_is_less_full() -> None:
    full = Plan(1000).fullness()
    roomy = Plan(1000, limits=replace(Limits(), orchestrator_cores=16, gateway_streams=2048)).fullness()
    changed = {part for part in full if roomy[part] < full[part]}
    assert changed == {"orchestrator: cores", "gateway: event streams", "database: polling"}
