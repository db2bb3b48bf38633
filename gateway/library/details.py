"""What an entry of each kind has besides what all have: measured in a limited child, or told by the uploader."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gateway.films.view import Consent
from gateway.library.assets import Description, Kind, StyleDescription, StyleRole, VoiceDescription
from gateway.library.child import call
from gateway.library.facts import FontFacts, FootageFacts, SoundFacts
from gateway.library.sniff import Format
from gateway.settings import GatewaySettings
from services.base.errors import InvalidInputError
from services.media.sandbox import Limits, run_limited
from services.media.store import MediaStore
from services.typography.styles import read_style

SPEECH_RATE_HZ = 16_000
"""Rate of the sound that `Inspector.speech` writes."""

SHORTEST_VOICE_S, LONGEST_VOICE_S = 1.0, 60.0


class Inspector:
    """Looks at files of every kind."""

    def __init__(self, settings: GatewaySettings, store: MediaStore) -> None:
        self._settings, self._store = settings, store
        self._limits = Limits(
            wall_s=settings.inspect_limit_s,
            cpu_s=round(settings.inspect_limit_s * 4),
            memory_bytes=settings.inspect_memory_bytes,
            written_bytes=0,
        )

    def details(self, kind: Kind, path: Path, found: Format, description: Description) -> dict[str, Any]:
        """The members of the entry. Raises InvalidInputError (field "file") for what cannot be used."""
        match kind:
            case "footage":
                return self._footage(path, found)
            case "music":
                return asdict(self._sound(path, found, self._settings.audio_limit_s))
            case "voices":
                assert isinstance(description, VoiceDescription)
                return self._voice(path, found, description)
            case "fonts":
                return self._font(path)
            case "styles":
                assert isinstance(description, StyleDescription)
                return _style_details(path, description.role)

    def speech(self, path: Path, found: Format, target: Path) -> float:
        """Writes the sound as 16 kHz mono int16 PCM to `target`; returns seconds."""
        limit_s = self._settings.audio_limit_s
        limits = replace(self._limits, written_bytes=round((limit_s + 1) * SPEECH_RATE_HZ * 2))
        duration_s = self._run("inspect_media:decode_speech", path, found, limit_s, target, limits=limits)
        assert isinstance(duration_s, float)
        return duration_s

    def _footage(self, path: Path, found: Format) -> dict[str, Any]:
        facts = self._run("inspect_media:inspect_footage", path, found, self._settings.footage_limit_s)
        assert isinstance(facts, FootageFacts)
        poster = self._store.put_bytes(facts.poster, "image/jpeg").sha256
        return {**asdict(facts), "poster": poster, "poster_url": f"/assets/posters/{poster}.jpg"}

    def _sound(self, path: Path, found: Format, limit_s: float) -> SoundFacts:
        facts = self._run("inspect_media:inspect_sound", path, found, limit_s)
        assert isinstance(facts, SoundFacts)
        return facts

    def _voice(self, path: Path, found: Format, description: VoiceDescription) -> dict[str, Any]:
        facts = self._sound(path, found, LONGEST_VOICE_S)
        if facts.duration_s < SHORTEST_VOICE_S:
            problem = f"The recording has only {facts.duration_s:.1f} s."
            raise InvalidInputError(problem, "Record 6 to 20 seconds of clear speech.", "file", "RECORDING_TOO_SHORT")
        given_time = description.given_time or datetime.now(UTC)
        consent = Consent(person=description.person, statement=description.statement, given_time=given_time)
        languages = [part.strip() for part in description.languages.split(",") if part.strip()]
        return {
            **asdict(facts),
            "languages": languages,
            "reference_text": description.reference_text,
            "consent": consent,
        }

    def _font(self, path: Path) -> dict[str, Any]:
        facts = self._run("inspect_font:inspect_font", path)
        assert isinstance(facts, FontFacts)
        return asdict(facts)

    def _run(self, function: str, *args: object, limits: Limits | None = None) -> object:
        return run_limited(call, f"gateway.library.{function}", *args, limits=limits or self._limits)


def _style_details(path: Path, role: StyleRole) -> dict[str, Any]:
    style = read_style(path, "file")
    return {"style": style, "names": style["names"], "role": role}
