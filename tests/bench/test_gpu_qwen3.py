import torch

from tests.bench.gpu_qwen3 import Bench, report, tiny


def test_every_line_of_the_bench_runs_on_a_cpu(capsys):
    with torch.inference_mode():
        report(Bench(tiny((1, 2))))
    lines = capsys.readouterr().out.splitlines()
    for line in ("| eager | plain | 1 |", "| sdpa | plain | 2 |", "| 4 frames |", "| 8 frames | 8 |"):
        assert any(found.startswith(line) for found in lines)
