"""How near the engines come to what a machine can do, measured where there is no GPU: real shapes, random weights.

    python -m tests.bench.limits_measured            prints the section of docs/limits.md
    python -m tests.bench.limits_measured --write    puts it there

One core, and its own time as the clock: others may use the machine meanwhile, and waiting is not counted. Six minutes
of it, and 12 GB. It shows what the networks do beside their products, not how fast a GPU is. The ceiling is the faster
of a large product and a large convolution, as a processor's libraries for them differ, and for memory a large read.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import torch

from tests.bench import gpu_latentsync, gpu_qwen3
from tests.bench.gpu_latentsync import LipsBench
from tests.bench.gpu_machine import Machine
from tests.bench.gpu_qwen3 import VoiceBench
from tests.bench.limits_cost import Cost, header, main, row
from tests.bench.limits_qwen3 import codec_cost, frame_costs
from tests.checkpoints.qwen3_shapes import released_config

PATIENCE_S = 0.5  # for a ceiling and a case; what takes longer is called a second time and no oftener
LONG_S = 5.0  # least time of what is called only once

FULL, UNGUIDED = ("full step", "full step", 1.0), ("full step, one half of the guidance", "full step", 0.5)
SHORTER = (
    ("cached step", "cached step", 1.0),
    ("VAE encode, 4 pictures", "VAE encode", 1 / 8),
    ("VAE decode, 4 pictures", "VAE decode", 1 / 4),
)
Shares = tuple[tuple[str, str, float], ...]
"""What to call it, the stage, and how much of it."""


@dataclass(frozen=True)
class Yardsticks:
    """Sizes of what the ceilings are measured with."""

    product_side: int = 3072
    channels: int = 512
    picture_side: int = 64
    read_side: int = 16384


@dataclass(frozen=True)
class Case:
    """Something to time, and its least work."""

    name: str
    dtype: torch.dtype
    call: Callable[[], object]
    cost: Cost


def cases(machine: Machine) -> Iterator[Case]:
    """All of them; networks are made when their turn comes."""
    voice, lips = gpu_qwen3.REAL, gpu_latentsync.REAL
    small = replace(voice, model=released_config("0b6"))
    for dtype in (torch.float32, torch.bfloat16):
        yield from voice_cases(machine, replace(small, dtype=dtype), "Qwen3-TTS 0.6B")
        yield from voice_cases(machine, replace(voice, dtype=dtype), "Qwen3-TTS 1.7B")
    yield codec_case(machine, voice)
    yield from lips_cases(machine, replace(lips, dtype=torch.float32), (UNGUIDED, *SHORTER))
    yield from lips_cases(machine, replace(lips, dtype=torch.bfloat16), (FULL, UNGUIDED, *SHORTER))


def voice_cases(machine: Machine, size: gpu_qwen3.Size, name: str) -> Iterator[Case]:
    """A frame of one stream, talker and code predictor."""
    frame = VoiceBench(machine, size).speaking("sdpa", 1, 1, graphs=False)
    talker, predictor = frame_costs(size.model, 1)
    yield _case(f"{name}, a frame", size.dtype, frame, talker + predictor)


def codec_case(machine: Machine, size: gpu_qwen3.Size) -> Case:
    """The largest chunk of one stream."""
    chunk = VoiceBench(machine, replace(gpu_qwen3.tiny(), codec=size.codec)).decoding(8, 1)
    return _case("codec decoder, chunk of 8 frames", torch.float32, chunk, codec_cost(8, 1, size.codec))


def lips_cases(machine: Machine, size: gpu_latentsync.Size, shares: Shares) -> Iterator[Case]:
    """Parts of a chunk's stages, at the smallest resolution."""
    bench, resolution = LipsBench(machine, size), min(size.resolutions)
    for name, stage, share in shares:
        cost = bench.cost(resolution, stage)
        assert cost
        call = bench.call("off", resolution, stage, share)
        yield _case(f"LatentSync {resolution}, {name}", size.dtype, call, cost * share)


def _case(name: str, dtype: torch.dtype, call: Callable[[], object], cost: Cost) -> Case:
    return Case(name, dtype, call, replace(cost, bytes=cost.bytes * dtype.itemsize / 2))


def measured(machine: Machine, case: Case, sizes: Yardsticks = Yardsticks()) -> str:
    """The row of a case. Ceilings are means of before and after it."""
    before = _ceilings(machine, case.dtype, sizes)
    took_s = machine.once(case.call) if machine.least_s(case.cost) > LONG_S else machine.timed(case.call).median_s
    after = _ceilings(machine, case.dtype, sizes)
    machine.flops_per_s, machine.bytes_per_s = ((one + other) / 2 for one, other in zip(before, after, strict=True))
    least_s = machine.least_s(case.cost)
    bound, done, ceiling = "GFLOP/s", case.cost.flops, machine.flops_per_s
    if case.cost.bytes / machine.bytes_per_s == least_s:
        bound, done, ceiling = "GB/s", case.cost.bytes, machine.bytes_per_s
    rates = f"{done / took_s / 1e9:.1f} of {ceiling / 1e9:.1f} {bound}"
    number = str(case.dtype).removeprefix("torch.")
    return row(case.name, number, f"{took_s:.2f} s", f"{least_s:.2f} s", rates, f"{least_s / took_s:.0%}")


def _ceilings(machine: Machine, dtype: torch.dtype, sizes: Yardsticks) -> tuple[float, float]:
    machine.measure_product(sizes.product_side, dtype)
    machine.measure_convolution(sizes.channels, sizes.picture_side, dtype)
    machine.measure_read(sizes.read_side)
    return machine.flops_per_s, machine.bytes_per_s


def one_core() -> Machine:
    """The processor, on one thread, with its own time as the clock."""
    torch.set_num_threads(1)
    machine = Machine(torch.device("cpu"), time.process_time)
    machine.patience_s = PATIENCE_S
    return machine


def section() -> str:
    """The table of docs/limits.md."""
    machine = one_core()
    lines = header("one core", "numbers", "took", "least", "achieved, of the measured ceiling", "share")
    with torch.inference_mode():
        for case in cases(machine):
            lines.append(measured(machine, case))
            print(lines[-1], flush=True)
    return "\n".join([*lines, "", _conditions()])


def _conditions() -> str:
    """Of the run that ends now."""
    load = f"{os.getloadavg()[2]:.1f} on {os.cpu_count()} cores"
    return (
        f"torch {torch.__version__}, {torch.backends.cpu.get_cpu_capability()}; load of the machine meanwhile {load}."
    )


if __name__ == "__main__":
    main("measured", section)
