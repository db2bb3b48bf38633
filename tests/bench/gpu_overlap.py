"""Voice and lip-sync on one card: how much of the time of one is hidden in the other's.

Each has a thread and a stream of its own in one process, as the networks are timed here without servers. Two servers
are two processes, whose kernels the driver lets run side by side only under MPS: without it they take turns.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import torch

from services.lipsync.engine import Quality
from services.lipsync.latentsync.face.quality import MODES
from tests.bench.gpu_latentsync import LipsBench
from tests.bench.gpu_machine import Machine
from tests.bench.gpu_qwen3 import VoiceBench
from tests.bench.gpu_report import Report

BENCH = "Both on one card"
ROUNDS = 3


def cases(report: Report, voice: VoiceBench, lips: LipsBench) -> None:
    """Speech with graphs beside the plain UNet, at every resolution."""
    for resolution in lips.size.resolutions:
        for streams in (1, voice.size.streams[-1] // 8 or 2):
            name = f"{streams} streams of speech, lip-sync at {resolution}"
            report.case(BENCH, name, lambda s=streams, r=resolution: overlap(voice, lips, s, r), needs_s=15.0)


def overlap(voice: VoiceBench, lips: LipsBench, streams: int, resolution: int) -> str:
    """Times alone over the time together, for about equally long pieces of both: 1 is taking turns, 2 is for free."""
    machine = voice.machine
    frame = voice.speaking("sdpa", streams, 1, graphs=True)
    chunk = lips.denoising("off", MODES[Quality.DRAFT], resolution, 1)
    frames = max(1, round(machine.timed(chunk, 3).median_s / machine.timed(frame).median_s))

    def speak() -> None:
        for _ in range(frames):
            frame()

    rounds = ROUNDS if machine.patience_s else 1
    alone_s = [min(together(machine, work) for _ in range(rounds)) for work in (speak, chunk)]
    both_s = min(together(machine, speak, chunk) for _ in range(rounds))
    return (
        f"ratio {sum(alone_s) / both_s:.2f}: {frames} frames of speech {alone_s[0]:.2f} s and a chunk of draft "
        f"{alone_s[1]:.2f} s alone, {both_s:.2f} s together"
    )


def together(machine: Machine, *works: Callable[[], object]) -> float:
    """Seconds until all of `works`, begun at once on a thread and a stream each, are done on the device."""
    ready = Barrier(len(works) + 1)

    def run(work: Callable[[], object]) -> None:
        with torch.inference_mode(), machine.stream():
            ready.wait(60)
            work()

    with ThreadPoolExecutor(len(works)) as threads:
        running = [threads.submit(run, work) for work in works]
        machine.wait()
        return machine.once(lambda: (ready.wait(60), [each.result(120) for each in running]))
