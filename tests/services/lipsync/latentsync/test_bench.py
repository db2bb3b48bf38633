import pytest

from tests.bench import gpu_latentsync, limits_latentsync


@pytest.mark.parametrize(
    ("resolution", "full", "shallow"), [(256, 8.10, 0.53), (512, 35.25, 2.62)]
)  # TFLOP, counted on the published code
def test_the_unet_does_no_more_than_the_published_one(resolution, full, shallow):
    counted = limits_latentsync.unet_costs(resolution)
    assert [cost.flops / 1e12 for cost in counted] == pytest.approx([full, shallow], abs=0.01)


def test_the_table_in_the_docs_is_true():
    document = limits_latentsync.DOCUMENT.read_text()
    written = document.split(limits_latentsync.BEGIN)[1].split(limits_latentsync.END)[0].strip()
    assert written == limits_latentsync.section()


def test_the_bench_runs_without_a_gpu(capsys):
    gpu_latentsync.run(gpu_latentsync.TINY, ["off"], (1,), 60)
    printed = capsys.readouterr().out
    assert "## 64, off" in printed
    assert all(f"| {name} | 1 |" in printed for name in ("draft", "standard", "best", "as published"))
