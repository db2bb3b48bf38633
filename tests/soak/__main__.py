"""The soak: `make soak MINUTES=3`.

After a storm (storm.py) every job must be done, once, its film whole, and equal in every piece to a twin that is made
in the calm after; and no process may hold more than after the first minute (footprint.py). The seed is printed; with
`--seed` the same faults come in the same order.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from pathlib import Path

from tests.soak.footprint import grown, table, temporary_folder
from tests.soak.storm import Storm
from tests.support.mesh import run_mesh
from tests.support.slow_films import slow_engines

_FIRST_MINUTES = 1.0
_MODEL_SERVICES = ("TTS", "LIPSYNC", "ASR", "OVERLAY")


async def _soak(folder: Path, minutes: float, seed: int) -> list[str]:
    """What has grown. Raises AssertionError for a job that was lost, or is not what it should be."""
    budgets = {f"VIGENT_{name}_STALL_BUDGET_S": "5" for name in _MODEL_SERVICES}
    limits = {f"VIGENT_{name}_RESTART_LIMIT": "1000" for name in _MODEL_SERVICES}
    own = lambda name: {"TMPDIR": str(temporary_folder(folder, name))}  # noqa: E731
    first_minutes = min(_FIRST_MINUTES, minutes / 3)
    with run_mesh(folder, slow_engines(folder) | budgets | limits, lipsync_replicas=2, own_settings=own) as mesh:
        storm = Storm(mesh, seed)
        await storm.rage(time.monotonic() + 60 * first_minutes)
        before = await storm.rest()
        await storm.rage(time.monotonic() + 60 * (minutes - first_minutes))
        after = await storm.rest()
        print(table(before, after), flush=True)
        await storm.check()
    return list(grown(before, after))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="vigent-soak-") as folder:
        told = asyncio.run(_soak(Path(folder), arguments.minutes, arguments.seed))
    print(*told, sep="\n")
    return 1 if told else 0


if __name__ == "__main__":
    sys.exit(main())
