import pytest

from tests.bench import limits_cost, limits_latentsync, limits_qwen3


@pytest.mark.parametrize("bench", [limits_latentsync, limits_qwen3])
def test_the_tables_in_the_docs_are_true(bench):
    assert limits_cost.written(bench.__name__.rpartition("_")[2]) == bench.section()


@pytest.mark.parametrize(
    ("resolution", "full", "shallow"), [(256, 8.10, 0.53), (512, 35.25, 2.62)]
)  # TFLOP, counted on the published code
def test_the_unet_does_no_more_than_the_published_one(resolution, full, shallow):
    counted = limits_latentsync.unet_costs(resolution)
    assert [cost.flops / 1e12 for cost in counted] == pytest.approx([full, shallow], abs=0.01)
