"""What a new worker process loads before its engine."""

from __future__ import annotations

import subprocess
import sys

HEAVY = {"pydantic", "grpc", "google.protobuf", "prometheus_client", "numpy", "cv2", "av", "torch", "orchestrator"}


def test_it_imports_nothing_heavy() -> None:
    code = f"import sys, services.runtime.worker.child; print(sorted({HEAVY!r} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", timeout=60, check=True)
    assert found.stdout.strip() == "[]"
