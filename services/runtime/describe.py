"""Says what the engines that the settings name can do, before a server runs: `python -m services.runtime.describe tts`.

A process of its own, because an engine's class comes with the libraries that it computes with. Prints one JSON object:
by service the engine's name, its `capabilities` (null when its class cannot be had) and the `problem` then.
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
    """Of the engine that the settings of `service` name."""
    spec: ServiceSpec = importlib.import_module(f"services.{service}.servicer").SPEC
    engine = ""
    try:
        engine = ServerSettings.load(service).engine or spec.default_engine
        capabilities = getattr(load_class(engine_path(spec, engine)), "capabilities", Capabilities())
        return {"engine": engine, "capabilities": asdict(capabilities), "problem": ""}
    except VigentError as error:
        problem = str(error)
    except Exception as error:  # whatever its module does: the other engines are to be known all the same
        problem = f"The engine {engine!r} cannot be imported: {error or type(error).__name__}."
    return {"engine": engine, "capabilities": None, "problem": problem}


def main(services: Sequence[str]) -> None:
    """Prints what is known of the engines of `services`."""
    with redirect_stdout(sys.stderr):  # some libraries greet
        told = {service: describe(service) for service in services}
    print(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1:])
