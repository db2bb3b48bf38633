"""A film whose making has a middle."""

import json
from pathlib import Path

SCRIPT = "".join(f"Sentence {word}. " for word in ("one", "two", "three", "four", "five"))
SENTENCES = 5


def slow_engines(folder: Path) -> dict[str, str]:
    """Engines that take their time, so that there is a middle of the job, and write down every call.

    They wait long over few frames: each has to be encoded, and composed, by somebody.
    """
    options = {"delay_s": "0.008", "log_file": str(folder / "tts.log")}
    lipsync = {"delay_s": "0.04", "log_file": str(folder / "lipsync.log")}
    return {
        "VIGENT_TTS_ENGINE": "tests.knobs.tts:KnobsTts",
        "VIGENT_TTS_OPTIONS": json.dumps(options),
        "VIGENT_LIPSYNC_ENGINE": "tests.knobs.lipsync:KnobsLipsync",
        "VIGENT_LIPSYNC_OPTIONS": json.dumps(lipsync),
        "VIGENT_ORCHESTRATOR_PARALLEL_SEGMENTS": "2",
    }
