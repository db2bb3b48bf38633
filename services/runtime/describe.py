"""Says, before a server runs, what the configured engines can do: `python -m services.runtime.describe tts`.

A process of its own, because importing an engine's class imports its compute libraries too. Prints one JSON object:
for each service the engine's name and its `capabilities`, or null and the `problem` if its class cannot be had.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import asdict
from typing import Any

from services.base.errors import VigentError
from services.base.settings import ServerSettings
from services.enginekit.capabilities import Capabilities
from services.runtime.server import ServiceSpec, engine_path
from services.runtime.worker.loading import load_class


def describe(service: str) -> dict[str, Any]:
    """Describes the engine that the settings of `service` name."""
    spec: ServiceSpec = importlib.import_module(f"services.{service}.servicer").SPEC
    engine = ""
    try:
        engine = ServerSettings.load(service).engine or spec.default_engine
        capabilities = getattr(load_class(engine_path(spec, engine)), "capabilities", Capabilities())
        return {"engine": engine, "capabilities": asdict(capabilities), "problem": ""}
    except VigentError as error:
        problem = str(error)
    except Exception as error:  # whatever its module raises, the other engines must still be described
        problem = f"The engine {engine!r} cannot be imported: {error or type(error).__name__}."
    return {"engine": engine, "capabilities": None, "problem": problem}


def main(services: Sequence[str]) -> None:
    """Prints what is known of the engines of `services`."""
    with redirect_stdout(sys.stderr):  # some libraries print a banner
        told = {service: describe(service) for service in services}
    print(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1:])
