from itertools import count

import pytest
import torch

from tests.bench import gpu_latentsync, gpu_qwen3, limits_cost, limits_latentsync, limits_measured, limits_qwen3
from tests.bench.gpu_machine import Machine
from tests.bench.limits_cost import Cost
from tests.bench.limits_measured import Case, Yardsticks

SMALL = Yardsticks(product_side=64, channels=4, picture_side=4, read_side=32)
PRODUCT_FLOP, READ_BYTES = 2 * 64**3, 4 * 32**2


@pytest.mark.parametrize("bench", [limits_latentsync, limits_qwen3])
def test_the_tables_in_the_docs_are_true(bench):
    assert limits_cost.written(bench.__name__.rpartition("_")[2]) == bench.section()


@pytest.mark.parametrize(
    ("resolution", "full", "shallow"), [(256, 8.10, 0.53), (512, 35.25, 2.62)]
)  # TFLOP, counted on the published code
def test_the_unet_does_no_more_than_the_published_one(resolution, full, shallow):
    counted = limits_latentsync.unet_costs(resolution)
    assert [cost.flops / 1e12 for cost in counted] == pytest.approx([full, shallow], abs=0.01)


def cells(machine, case, sizes=SMALL) -> list[str]:
    with torch.inference_mode():
        return limits_measured.measured(machine, case, sizes).strip("| ").split(" | ")


@pytest.mark.parametrize(
    ("cost", "sizes", "least", "unit", "share"),
    [
        (Cost(PRODUCT_FLOP / 4, READ_BYTES / 2), SMALL, "0.50 s", "GB/s", "50%"),
        (Cost(PRODUCT_FLOP / 4, READ_BYTES / 8), SMALL, "0.25 s", "GFLOP/s", "25%"),
        (Cost(2 * 2 * 16**2 * 9 * 16**2 / 2), Yardsticks(64, 16, 16, 32), "0.50 s", "GFLOP/s", "50%"),
    ],
    ids=["memory", "products", "convolutions are faster"],
)
def test_the_share_is_the_least_time_at_the_ceilings_over_the_time_taken(cost, sizes, least, unit, share):
    machine = Machine(torch.device("cpu"), count(0.0, 1.0).__next__)  # whatever it does takes a second
    found = cells(machine, Case("name", torch.float32, lambda: None, cost), sizes)
    assert found[:4] == ["name", "float32", "1.00 s", least]
    assert (found[4].endswith(unit), found[5]) == (True, share)


def test_networks_are_measured_part_by_part():
    machine, toy = Machine(torch.device("cpu")), gpu_qwen3.tiny()
    parts = (limits_measured.FULL, limits_measured.UNGUIDED, *limits_measured.SHORTER)
    with torch.inference_mode():
        cases = [
            *limits_measured.voice_cases(machine, toy, "toy"),
            limits_measured.codec_case(machine, toy),
            *limits_measured.lips_cases(machine, gpu_latentsync.TINY, parts),
        ]
    for case in cases:
        assert cells(machine, case)[0] == case.name
    whole, half = (case.cost for case in cases[2:4])
    assert whole == half * 2
    assert whole.bytes == 2 * limits_latentsync.unet_costs(64, gpu_latentsync.TINY.unet)[0].bytes  # float32
