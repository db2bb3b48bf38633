"""Names of settings that nothing reads: a likely typo is reported, with the name that was meant."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping

from pydantic_settings import BaseSettings

from services.base.settings import PORTS, ServerSettings
from services.base.settings_file import did_you_mean

_LOG = logging.getLogger(__name__)
_SHARED = (
    "VIGENT_BACKDROP",
    "VIGENT_CONFIG",
    "VIGENT_GPUS",
    "VIGENT_HUB_TOKEN",
    "VIGENT_HUB_URL",
    "VIGENT_LIPSYNC_REPLICAS",
    "VIGENT_LOG_FORMAT",
    "VIGENT_MEDIA_CACHE_BYTES",
    "VIGENT_MEDIA_ROOT",
    "VIGENT_MESH_AUTHORITY",
    "VIGENT_MESH_CERTIFICATE",
    "VIGENT_MESH_KEY",
    "VIGENT_MODELS_ROOT",
    "VIGENT_OBJECT_STORAGE",
    "VIGENT_PRONUNCIATIONS",
    "VIGENT_UNWATCHED",
    "VIGENT_WATCH_INTERVAL_S",
    "VIGENT_WATCH_MEMORY_BYTES",
    "VIGENT_WATCH_MISSES",
    "VIGENT_WATCH_RESTARTS",
    "VIGENT_WATCH_TIMEOUT_S",
)
"""Names outside all sections; those of `vigent` itself are in the environment of its servers, too."""
_MODEL_SERVICES = ("tts", "lipsync", "asr", "overlay")


def unread_variables(own: Mapping[str, type[BaseSettings]]) -> Iterator[str]:
    """A sentence for each VIGENT_ name in the environment that is no setting of the sections in `own`.

    Names that begin with another section are left to the process that has its settings.
    """
    known = {name for section in _MODEL_SERVICES for name in _variables(section, ServerSettings)} | set(_SHARED)
    known |= {name for section, settings in own.items() for name in _variables(section, settings)}
    others = tuple(f"VIGENT_{section.upper()}_" for section in PORTS if section not in own)
    for name in sorted(name.upper() for name in os.environ):
        base = name.partition("__")[0]  # the mapping's own name, as in VIGENT_TTS_OPTIONS__UNITS
        if name.startswith("VIGENT_") and base not in known and not name.startswith(others):
            yield f"Nothing reads {name}, which is in the environment.{did_you_mean(base, known)}"


def warn_of_unread_variables(own: Mapping[str, type[BaseSettings]]) -> None:
    """Logs `unread_variables` when a server starts."""
    for sentence in unread_variables(own):
        _LOG.warning("%s", sentence)


def _variables(section: str, settings: type[BaseSettings]) -> Iterator[str]:
    for name, field in settings.model_fields.items():
        yield str(field.validation_alias or f"VIGENT_{section}_{name}").upper()
