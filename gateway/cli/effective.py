"""Settings in effect, without secrets, and names that look like some and are none."""

from __future__ import annotations

import os
from collections.abc import Iterator

from pydantic import BaseModel
from pydantic_settings import BaseSettings

from gateway.mesh.settings import MeshSettings
from gateway.settings import MODEL_SERVICES, GatewaySettings
from orchestrator.settings import OrchestratorSettings
from services.base.secure.secrets import without_secrets
from services.base.setting_names import unread_variables
from services.base.settings import ServerSettings

_SECTIONS: dict[str, type[BaseSettings]] = {
    **dict.fromkeys(MODEL_SERVICES, ServerSettings),
    "gateway": GatewaySettings,
    "orchestrator": OrchestratorSettings,
}


def unread_settings() -> Iterator[str]:
    """A sentence for each name in the environment that looks like a setting and is none."""
    return unread_variables(_SECTIONS)


def effective_settings() -> Iterator[str]:
    """One line per setting: the gateway's, the model servers' non-defaults, the orchestrator's environment."""
    yield from _lines("mesh", MeshSettings.load())
    yield from _lines("gateway", GatewaySettings.load("gateway"))
    for service in MODEL_SERVICES:
        yield from _lines(service, ServerSettings.load(service), changed_only=True)
    for name in sorted(os.environ):
        if name.startswith("VIGENT_ORCHESTRATOR_"):
            yield f"{name} = {without_secrets(name, os.environ[name])} *"


def _lines(section: str, settings: BaseSettings, *, changed_only: bool = False) -> Iterator[str]:
    for name, field in type(settings).model_fields.items():
        value = getattr(settings, name)
        changed = not field.is_required() and value != field.get_default(call_default_factory=True)
        shown = not changed_only and not isinstance(value, BaseModel)  # a block of what hardly anybody changes
        if changed or shown or name == "port":
            yield f"{section}.{name} = {without_secrets(name, value)}{' *' if changed else ''}"
