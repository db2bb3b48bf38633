"""The model itself: tokens of letters and a voice's style in, samples out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
from numpy import float32
from numpy.typing import NDArray

from services.base.errors import InternalError
from services.enginekit.checkpoints import refused
from services.tts.kokoro.letters import vocabulary

SAMPLE_RATE_HZ = 24_000
MODEL = "kokoro-v1.0.int8.onnx"
_EDGE = 0  # token before the first letter and after the last


class Network:
    """The published int8 export. The same letters, style and speed give the same samples with any number of threads."""

    def __init__(self, folder: Path, threads: int) -> None:
        """Loads. Raises FailedPreconditionError (CHECKPOINT_MISSING, CHECKPOINT_INVALID)."""
        path = folder / MODEL
        if not path.is_file():
            raise refused("CHECKPOINT_MISSING", f"{path} is missing.", "Run `vigent models pull starter`.")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # it would take time from others
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's exceptions have no common class of their own
            problem = f"{path} is not a model that can be loaded: {type(error).__name__}."
            raise refused("CHECKPOINT_INVALID", problem, "Pull the checkpoint again.") from error

    def speak(self, letters: str, styles: NDArray[float32], speed: float) -> NDArray[float32]:
        """Samples (n,) at SAMPLE_RATE_HZ of at most 510 letters; `styles` (510, 256) has a row for each length.

        Raises InternalError when the samples are not finite.
        """
        tokens = [vocabulary()[letter] for letter in letters]
        inputs = {
            "tokens": np.array([[_EDGE, *tokens, _EDGE]], np.int64),
            "style": styles[len(tokens)][None],
            "speed": np.array([speed], float32),
        }
        wave: NDArray[float32] = self._session.run(None, inputs)[0].reshape(-1)
        if not np.isfinite(wave).all():
            raise InternalError("The voice computed invalid samples.", reason="INVALID_NUMBERS")
        return wave
