"""vigent.toml, and errors about settings, which use the name that the setting was given under."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from services.base.errors import InvalidInputError
from services.base.secure.secrets import without_secrets

if TYPE_CHECKING:  # engines look for the store in vigent.toml; only servers check settings
    from pydantic import ValidationError
    from pydantic_settings import BaseSettings

_SECTIONS = ("gateway", "orchestrator", "tts", "lipsync", "asr", "overlay", "mesh")
SHARED_KEYS = (
    *("media_root", "object_storage", "media_cache_bytes", "backdrop", "pronunciations"),
    *("mesh_authority", "mesh_certificate", "mesh_key", "log_format"),
)
"""Keys at the top level, above all sections."""
_ALIAS = "VIGENT_"


def settings_file() -> Path:
    """Where vigent.toml is expected."""
    return Path(os.environ.get("VIGENT_CONFIG", "vigent.toml"))


def read_settings_file() -> dict[str, Any]:
    """The content of vigent.toml, {} without one. Raises InvalidInputError for invalid TOML and for unknown keys."""
    path = settings_file()
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8-sig")) if path.is_file() else {}
    except UnicodeDecodeError as error:
        raise InvalidInputError(f"{path} is not UTF-8 text.", "Save it as UTF-8.") from error
    except tomllib.TOMLDecodeError as error:
        raise InvalidInputError(f"{path} is not valid TOML: {error}.", "Correct that line.") from error
    except OSError as error:
        raise InvalidInputError(f"{path} cannot be read: {error.strerror}.", "Let it be read, or move it.") from error
    for key, value in data.items():
        if key not in (*_SECTIONS, *SHARED_KEYS):
            raise _unknown_key(key, (*_SECTIONS, *SHARED_KEYS), f"in {path}")
        if key in _SECTIONS and not isinstance(value, dict):
            raise InvalidInputError(f"{key} is a section.", f"Write [{key}] on a line of its own.", f"{key} in {path}")
    return data


def shared_setting(key: str) -> str:
    """One of `SHARED_KEYS` as text, from the environment, else from vigent.toml; "" for none.

    Raises what `read_settings_file` raises.
    """
    return os.environ.get(f"{_ALIAS}{key.upper()}") or str(read_settings_file().get(key, ""))


def wrong_setting(error: ValidationError, settings: type[BaseSettings], section: str, prefix: str) -> InvalidInputError:
    """The error for the first wrong setting of a section whose environment variables begin with `prefix`."""
    first = error.errors()[0]
    place = [str(part) for part in first["loc"]]
    shared = place[0].startswith(_ALIAS)  # its name has no section
    variable = "__".join(place).upper() if shared else f"{prefix}{'__'.join(place).upper()}"
    key = variable.removeprefix(_ALIAS).lower() if shared else ".".join(place)
    below = f"in {settings_file()}" if shared else f"below [{section}] in {settings_file()}"
    problem = f"{first['msg']}: {without_secrets(key, repr(first['input']))}."
    if not _is_in_environment(variable) and _is_in_file([key] if shared else [section, *place]):
        if first["type"] == "extra_forbidden":
            return _unknown_key(key, settings.model_fields, below)
        return InvalidInputError(problem, f"Correct {key} {below}.", f"{key} {below}")
    remedy = f"Set {variable}, or {key} {below}."
    return InvalidInputError(problem, remedy, key)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The question, after a space; "" if no known name is similar."""
    near = difflib.get_close_matches(name, sorted(known), 1, 0.8)
    return f" Did you mean {near[0]}?" if near else ""


def _unknown_key(key: str, known: Collection[str], below: str) -> InvalidInputError:
    remedy = did_you_mean(key, known).strip() or "Take it out."
    return InvalidInputError(f"There is no setting {key!r} {below}.", remedy, f"{key} {below}")


def _is_in_environment(variable: str) -> bool:
    """Whether it, or the mapping that it is part of, is set."""
    parts = variable.split("__")
    given = {name.upper() for name in os.environ}
    return any("__".join(parts[:count]) in given for count in range(1, len(parts) + 1))


def _is_in_file(place: Sequence[str]) -> bool:
    data: Any = read_settings_file()
    for key in place:
        if not isinstance(data, dict) or key not in data:
            return False
        data = data[key]
    return True
