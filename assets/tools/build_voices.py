"""Makes assets/voices/kokoro.npz from npm's kokoro-js 1.2.1: python -m assets.tools.build_voices FOLDER/voices.

Each file is float32 (510, 1, 256), a style for each number of letters; float16 and deflated it is 200 kB instead of
522. The largest error is 5e-4, a thousandth of what two neighbouring rows differ by.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

VOICES = Path(__file__).resolve().parents[1] / "voices"


def build(source: Path, target: Path) -> None:
    """Writes the voices that kokoro.json lists."""
    listed = json.loads((VOICES / "kokoro.json").read_text(encoding="utf-8"))["voices"]
    styles = {entry["id"]: np.fromfile(source / f"{entry['id']}.bin", "<f4").reshape(510, 256) for entry in listed}
    np.savez_compressed(target, **{name: table.astype("<f2") for name, table in styles.items()})


if __name__ == "__main__":
    build(Path(sys.argv[1]), VOICES / "kokoro.npz")
