"""`idle_mesh_mb`, `idle_mesh_cpu`: what `vigent up` with the built-in engines takes while there is nothing to do."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from tests.bench.figures import Figure
from tests.bench.flat_memory import BUILT_IN
from tests.bench.processes import cpu_s, family, pss_mib
from tests.support.commands import running

_UP = r"Vigent is up: "
_SETTLE_S, _MEASURED_S = 15.0, 60.0


def figures() -> list[Figure]:
    """Both figures."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = ["--data", f"{folder}/data", "--port-base", "0"]
        with running("up", *arguments, cwd=Path(folder), environment=BUILT_IN) as mesh:
            mesh.until(_UP)
            time.sleep(_SETTLE_S)
            before_s = cpu_s([mesh.process.pid])
            time.sleep(_MEASURED_S)
            used_s = cpu_s([mesh.process.pid]) - before_s
            processes = family([mesh.process.pid])
            held_mib = sum(map(pss_mib, processes))
    conditions = f"{len(processes)} processes with the built-in engines, `vigent up` for {_SETTLE_S + _MEASURED_S:g} s"
    return [
        Figure("idle_mesh_mb", held_mib, "<= 350", f"MiB (PSS); {conditions}"),
        Figure("idle_mesh_cpu", used_s * 60 / _MEASURED_S, "<= 0.5", f"processor seconds a minute; {conditions}"),
    ]
