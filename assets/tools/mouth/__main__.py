"""Makes assets/mouth: `python -m assets.tools.mouth FOLDER`, where FOLDER holds Kokoro's model.

FOLDER: kokoro-v1.0.int8.onnx, vocab.json and voices/*.bin of Kokoro-82M v1.0. Needs torch and onnx. Some minutes on one
core; the same versions on the same processor give the same bytes.
"""

from __future__ import annotations

import hashlib
import io
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from assets.tools.mouth import lessons as learned
from assets.tools.mouth.training import trained
from services.lipsync.warp import shape_model, spectra
from services.lipsync.warp.shape_model import WEIGHTS, Layer

RECIPE = {
    "espeak": {"lines": 200, "copies": 2, "seed": 1},
    "kokoro": {"copies": 3, "seed": 2},
    "training": {"rounds": 7000, "seed": 3},
}


def main(folder: Path) -> None:
    espeak, kokoro, training = RECIPE["espeak"], RECIPE["kokoro"], RECIPE["training"]
    spoken = list(learned.espeak_speech_of(espeak["lines"], espeak["seed"]))
    everything = learned.lessons(spoken, espeak["copies"], espeak["seed"])
    everything += learned.lessons(list(learned.kokoro_speech(folder)), kokoro["copies"], kokoro["seed"])
    content = written(trained(everything, training["rounds"], training["seed"]))
    WEIGHTS.write_bytes(content)
    facts = {
        "sha256": hashlib.sha256(content).hexdigest(),
        "weights": sum(array.size for layer in shape_model.read_layers(content) for array in layer),
        "licence": "Apache-2.0",
        "recipe": RECIPE,
        "recipe_sha256": recipe_sha256(),
    }
    WEIGHTS.with_suffix(".json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    print(f"{WEIGHTS}: set WEIGHTS_SHA256 of shape_model.py to {facts['sha256']}")


def written(layers: Sequence[Layer]) -> bytes:
    """A file that shape_model.read_layers reads."""
    arrays = {f"{name}{n}": array for n, layer in enumerate(layers) for name, array in layer._asdict().items()}
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **arrays)
    return file.getvalue()


def recipe_sha256() -> str:
    """Of everything here and of what turns sound into spectra: what the weights follow from."""
    digest = hashlib.sha256()
    for path in [*sorted(Path(__file__).parent.glob("*.*")), Path(spectra.__file__)]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
