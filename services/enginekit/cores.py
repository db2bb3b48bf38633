"""How many cores this process may use."""

from __future__ import annotations

import os
from pathlib import Path

_QUOTA = Path(
    "/sys/fs/cgroup/cpu.max"
)  # of cgroup 2, as a container sees its own: "max 100000" or microseconds of each


def usable_cores(quota: Path = _QUOTA) -> int:
    """Cores that the process may run on, and that the quota of its container pays for; at least 1."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        allowed_us, period_us = quota.read_text(encoding="ascii").split()
        return max(1, min(cores, int(allowed_us) // int(period_us)))
    except (OSError, ValueError):  # no container, or "max"
        return cores
