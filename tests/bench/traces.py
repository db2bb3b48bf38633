"""What traces cost: processor seconds of the same film on two meshes side by side, one of which traces.

`python -m tests.bench.traces [FILMS]`: films alternate between them, each with a seed of its own, so that none finds
the pieces of another. The mesh that traces sends to a collector in this process, which is not counted.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
from pathlib import Path

from services.base.tracing.spans import ENDPOINT
from tests.bench.processes import cpu_s
from tests.support.collector import collecting
from tests.support.films import made, spec_of
from tests.support.mesh import Mesh, run_mesh

_FILMS = 6
_SCRIPT = "大家好，我是主持人。It speaks English, too. 今天的进度是百分之九十五！"


def _film_s(mesh: Mesh, seed: int) -> float:
    """Processor seconds of a film."""
    pids = [server.process.pid for server in mesh.servers.values()]
    before = cpu_s(pids)
    asyncio.run(made(mesh, spec_of(mesh, _SCRIPT, seed=seed)))
    return cpu_s(pids) - before


def main(films: int) -> None:
    """Prints the figures."""
    with tempfile.TemporaryDirectory() as folder, collecting() as collector:
        with (
            run_mesh(Path(folder, "plain")) as plain,
            run_mesh(Path(folder, "traced"), {ENDPOINT: collector.url}) as traced,
        ):
            for mesh in (plain, traced):
                _film_s(mesh, 0)  # conforms the footage and warms up
            pairs = [(_film_s(plain, seed), _film_s(traced, seed)) for seed in range(1, films + 1)]
        spans = len(collector.spans) / (films + 1)
    without_s, with_s = (statistics.median(times) for times in zip(*pairs, strict=True))
    differences = ", ".join(f"{b - a:+.2f}" for a, b in pairs)
    print(f"{films} films each: {without_s:.2f} s without, {with_s:.2f} s with traces ({spans:.0f} spans a film)")
    print(f"median of the differences {statistics.median(b - a for a, b in pairs):+.2f} s; each: {differences}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else _FILMS)
