"""`make bench-gpu`: LatentSync and Qwen3-TTS of the released shapes with random weights, and one table at the end.

    python -m tests.bench.gpu           on a GPU, under 8 minutes; without one it says so and runs toys on the CPU
    python -m tests.bench.gpu --tiny    the toys, wherever it runs

The table says what was measured; nothing is written to RESULTS.md by itself.
"""

from __future__ import annotations

import argparse
import io
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from typing import TextIO

import torch

from tests.bench import gpu_latentsync, gpu_qwen3

LATENTSYNC_BUDGET_S = 240.0
STREAMS, TOY_STREAMS = (1, 2, 4, 8, 16, 32, 64), (1, 2)
NO_GPU = "No CUDA device here: toys run on the CPU, which shows that the bench works and nothing about speed."

_ROWS = {
    "Qwen3-TTS": re.compile(r"\| (eager|sdpa|flash_attention_2|\d+ frames) \|"),
    "LatentSync": re.compile(r"\| (full step|cached step|Whisper|paste|VAE \w+|draft|standard|best|as published) \|"),
}
"""Lines of each bench that go into the table at the end."""


class Tee(io.TextIOBase):
    """Passes on what is printed, and keeps it."""

    def __init__(self, screen: TextIO) -> None:
        self._screen, self.kept = screen, io.StringIO()

    def write(self, text: str) -> int:
        """Writes to both."""
        self._screen.write(text)
        return self.kept.write(text)

    def flush(self) -> None:
        """Shows what was passed on."""
        self._screen.flush()


def printed(bench: Callable[[], None]) -> str:
    """What a bench prints, which is shown meanwhile."""
    tee = Tee(sys.stdout)
    with redirect_stdout(tee):
        bench()
    return tee.kept.getvalue()


def table(reports: dict[str, str]) -> str:
    """All measured lines of the reports: what, and its figures under the names of their columns."""
    rows = [row for bench, report in reports.items() for row in _rows(bench, report)]
    return "\n".join(["| bench | case | measured |", "|---|---|---|", *rows])


def _rows(bench: str, report: str) -> Iterator[str]:
    columns: list[str] = []
    section = ""
    for line in report.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("## "):
            section = line.removeprefix("## ").partition(" (")[0] + ", "
        elif _ROWS[bench].match(line):
            figures = ", ".join(f"{name} {cell}" for name, cell in zip(columns[1:], cells[1:], strict=True))
            yield f"| {bench} | {section}{columns[0]}: {cells[0]} | {figures} |"
        elif line.startswith("| "):
            columns = cells


def main() -> None:
    """Runs both benches, LatentSync last: what does not fit the time is left out there, and said."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tiny", action="store_true", help="toy networks on the CPU")
    cuda = torch.cuda.is_available()
    toys = parser.parse_args().tiny or not cuda
    if not cuda:
        torch.set_num_threads(1)
        print(NO_GPU + "\n")
    begun_s = time.perf_counter()
    reports = {
        "Qwen3-TTS": printed(lambda: qwen3(toys=toys)),
        "LatentSync": printed(lambda: latentsync(toys=toys)),
    }
    where = "CPU, toys" if toys else torch.cuda.get_device_name()
    took_s = time.perf_counter() - begun_s
    print(f"\n# {where}, torch {torch.__version__}, {took_s:.0f} s\n\n{table(reports)}")
    if not cuda:
        print(f"\n{NO_GPU}")


def qwen3(*, toys: bool) -> None:
    """The voice: milliseconds a frame, time to first audio, codec."""
    print("Qwen3-TTS 1.7B\n", flush=True)
    torch.manual_seed(0)
    with torch.inference_mode():
        size = gpu_qwen3.tiny(TOY_STREAMS) if toys else gpu_qwen3.real("1b7", STREAMS)
        gpu_qwen3.report(gpu_qwen3.Bench(size))


def latentsync(*, toys: bool) -> None:
    """The picture: stages and quality modes at both resolutions."""
    print("\nLatentSync\n", flush=True)
    if toys:
        gpu_latentsync.run(gpu_latentsync.TINY, ["off"], (1,), LATENTSYNC_BUDGET_S)
    else:
        gpu_latentsync.run(gpu_latentsync.REAL, ["off", "compile"], (1, 4), LATENTSYNC_BUDGET_S)


if __name__ == "__main__":
    main()
