"""Malformed inputs at random, by the thousand: `make fuzz COUNT=100000 SEED=`. Exit code 1 if one was taken amiss."""

from __future__ import annotations

import argparse
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from tests.fuzz.run import fuzz


def seed_of_the_day() -> int:
    """Another one each day, the same for all who try on that day: 20240305."""
    return int(datetime.now(UTC).strftime("%Y%m%d"))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=seed_of_the_day())
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="vigent-fuzz-") as folder:
        findings = fuzz(Path(folder), arguments.count, arguments.seed)
    print(findings.report())
    return int(bool(findings.wrong))


if __name__ == "__main__":
    sys.exit(main())
