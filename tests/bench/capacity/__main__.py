"""`python -m tests.bench.capacity`: the tables of docs/scale.md. With `--simulate MINUTES` the run that checks them."""

from __future__ import annotations

import argparse

from tests.bench.capacity.model import tables
from tests.bench.capacity.simulation import simulated


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--simulate", type=float, metavar="MINUTES", help="after about two minutes that fill the mesh")
    parser.add_argument("--frame-s", type=float, default=1.0, help="how long a lip-sync slot waits for each frame")
    asked = parser.parse_args()
    print(simulated(asked.simulate, asked.frame_s) if asked.simulate else tables())


if __name__ == "__main__":
    main()
