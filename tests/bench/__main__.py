"""`make bench`: every ratio side by side in one run."""

from __future__ import annotations

import sys
from collections.abc import Callable

from tests.bench import (
    bench_compose,
    cost,
    idle,
    many_jobs,
    memory,
    overhead,
    overlay,
    peer,
    pipeline,
    recover,
    replicas,
)
from tests.bench.figures import Figure, keep, machine, table


def _compose() -> list[Figure]:
    conditions = "1080x1920, mouth patch of 400x400 and caption of 900x160 on every frame, libx264 veryfast"
    return [Figure("compose_vs_codec", bench_compose.compose_vs_codec(), ">= 0.85", conditions)]


BENCHES: dict[str, Callable[[], list[Figure]]] = {
    "compose": _compose,
    "peer": peer.figures,
    "pipeline": pipeline.figures,
    "replicas": replicas.figures,
    "overhead": overhead.figures,
    "recover": recover.figures,
    "memory": memory.figures,
    "cost": cost.figures,
    "idle": idle.figures,
    "overlay": overlay.figures,
    "many_jobs": many_jobs.figures,
}


def main(names: list[str]) -> None:
    """Runs the named benches, or all; only a whole run is kept."""
    figures: list[Figure] = []
    for name in names or BENCHES:
        print(f"{name} ...", file=sys.stderr, flush=True)
        measured = BENCHES[name]()
        print(*measured, sep="\n", file=sys.stderr, flush=True)
        figures += measured
    print(machine(), table(figures), sep="\n\n")
    if not names:
        keep(figures)


if __name__ == "__main__":
    main(sys.argv[1:])
