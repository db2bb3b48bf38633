"""Says what the engines that the settings name can do, before a server runs: `python -m services.runtime.describe tts`.

A process of its own, because an engine's class comes with the libraries that it computes with. Prints one JSON object:
by service the engine's name, its `capabilities` (null when its class cannot be imported) and the `problem` then.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from services.base.errors import VigentError
from services.base.settings import ServerSettings
from services.enginekit.capabilities import Capabilities
from services.runtime.server import ServiceSpec, engine_path
from services.runtime.worker.loading import load_class


def describe(service: str) -> dict[str, Any]:
    """Of the engine that the settings of `service` name."""
    spec: ServiceSpec = importlib.import_module(f"services.{service}.servicer").SPEC
    engine = ServerSettings.load(service).engine or spec.default_engine
    try:
        capabilities = getattr(load_class(engine_path(spec, engine)), "capabilities", Capabilities())
    except VigentError as error:
        return {"engine": engine, "capabilities": None, "problem": str(error)}
    return {"engine": engine, "capabilities": asdict(capabilities), "problem": ""}


def main(services: Sequence[str]) -> None:
    """Prints what is known of the engines of `services`."""
    print(json.dumps({service: describe(service) for service in services}))


if __name__ == "__main__":
    main(sys.argv[1:])
