"""Says, before a server runs, what the configured engines can do: `python -m services.runtime.describe tts`.

A process of its own, because importing an engine's class imports its compute libraries too. Prints one JSON object:
for each service the engine's name, its `capabilities`, or null and the `problem` if its class cannot be had, and `why`
it is this engine.
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
from services.runtime.choice import choose
from services.runtime.server import ServiceSpec
from services.runtime.worker.loading import load_class

_GPU = "--gpu"


def describe(service: str, *, gpu: bool) -> dict[str, Any]:
    """Describes the engine that `service` will try first; `gpu`: there is one, for those whose device is not set."""
    spec: ServiceSpec = importlib.import_module(f"services.{service}.servicer").SPEC
    engine = ""
    try:
        settings = ServerSettings.load(service)
        engine = settings.engine
        choice = choose(spec, settings, gpu=None if "device" in settings.model_fields_set else gpu)
        engine = choice.first.engine
        capabilities = getattr(load_class(choice.first.path), "capabilities", Capabilities())
        return {"engine": engine, "capabilities": asdict(capabilities), "problem": "", "why": choice.first.why}
    except VigentError as error:
        problem = str(error)
    except Exception as error:  # whatever its module raises, the other engines must still be described
        problem = f"The engine {engine!r} cannot be imported: {error or type(error).__name__}."
    return {"engine": engine, "capabilities": None, "problem": problem, "why": ""}


def main(services: Sequence[str]) -> None:
    """Prints what is known of the engines of `services`; "--gpu" among them: this machine has a GPU for them."""
    with redirect_stdout(sys.stderr):  # some libraries print a banner
        told = {name: describe(name, gpu=_GPU in services) for name in services if name != _GPU}
    print(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1:])
