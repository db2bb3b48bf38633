"""What each kind of process does not import before somebody asks for it: it would pay for that with every start."""

import subprocess
import sys

import pytest

RARELY_USED = ("jsonschema", "cn2an", "num2words")
OF_SERVERS = ("asyncio", "grpc", "google.protobuf", "pydantic_settings")

NOT_LOADED = {
    "gateway.__main__": ("numpy", "av", "cv2", *RARELY_USED),
    "orchestrator.server": RARELY_USED,
    "services.overlay.servicer": RARELY_USED,
    "services.runtime.worker.child": ("numpy", "pydantic", *OF_SERVERS),
    "services.overlay.plain.engine": ("pydantic", *OF_SERVERS, *RARELY_USED),
    "services.asr.dtw.engine": ("scipy", "pydantic", *OF_SERVERS),
    "services.tts.espeak": (*OF_SERVERS, *RARELY_USED),
    "services.lipsync.warp.engine": ("pydantic", *OF_SERVERS),
}


@pytest.mark.parametrize("module", NOT_LOADED)
def test_what_is_rarely_needed_is_imported_where_it_is_used(module: str) -> None:
    program = f"import sys, {module}; print([name for name in {NOT_LOADED[module]} if name in sys.modules])"
    told = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert told.stdout.strip() == "[]"
