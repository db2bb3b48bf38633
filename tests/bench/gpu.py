"""`make bench-gpu`: LatentSync and Qwen3-TTS of the released shapes with random weights, and one table at the end.

    python -m tests.bench.gpu                  on a GPU; without one it says so and runs toys on the CPU
    python -m tests.bench.gpu --tiny           the toys, wherever it runs
    python -m tests.bench.gpu --budget-s 200   what does not fit into so many seconds is left out, and said

Needs torch >= 2.11, numpy and OpenCV; diffusers, av and flash-attn are timed where they are installed. Nothing is
written to RESULTS.md by itself.
"""

from __future__ import annotations

import argparse
import time

import torch

from tests.bench import gpu_latentsync, gpu_overlap, gpu_qwen3
from tests.bench.gpu_machine import Machine
from tests.bench.gpu_report import Report

BUDGET_S = 450.0  # under eight minutes with the start of Python
NO_GPU = "No CUDA device here: toys run on the CPU, which shows that the bench works and nothing about speed."


def main() -> None:
    """Runs every case that the time allows; the table comes whatever happens."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tiny", action="store_true", help="toy networks")
    parser.add_argument("--budget-s", type=float, default=BUDGET_S, help="seconds for all of it")
    arguments = parser.parse_args()
    begun_s = time.perf_counter()
    cuda = torch.cuda.is_available()
    if not cuda:
        torch.set_num_threads(1)
        print(NO_GPU + "\n")
    machine, report = Machine(torch.device("cuda" if cuda else "cpu")), Report(arguments.budget_s)
    try:
        run(machine, report, toys=arguments.tiny or not cuda)
    finally:
        took_s = time.perf_counter() - begun_s
        print(f"\n# {machine.name}, torch {torch.__version__}, {took_s:.0f} s\n\n{report.table()}")
        print("" if cuda else f"\n{NO_GPU}")


def run(machine: Machine, report: Report, *, toys: bool) -> None:
    """All cases, the most wanted first; compiling comes last because nobody knows how long it takes."""
    voice_size = gpu_qwen3.tiny() if toys else gpu_qwen3.REAL
    lips_size = gpu_latentsync.TINY if toys else gpu_latentsync.REAL
    side = 256 if toys else 8192
    for dtype in dict.fromkeys((voice_size.dtype, lips_size.dtype)):
        report.case("Ceiling", f"matrix product, {dtype}", lambda d=dtype: machine.measure_product(side, d))
    report.case("Ceiling", "memory", lambda: machine.measure_copy(2**20 if toys else 2**28))
    if voice := report.make(gpu_qwen3.BENCH, lambda: gpu_qwen3.VoiceBench(machine, voice_size)):
        gpu_qwen3.cases(report, voice)
    if lips := report.make(gpu_latentsync.BENCH, lambda: gpu_latentsync.LipsBench(machine, lips_size)):
        gpu_latentsync.cases(report, lips)
    if voice and lips:
        gpu_overlap.cases(report, voice, lips)
    if lips:
        gpu_latentsync.accelerated_cases(report, lips)


if __name__ == "__main__":
    main()
