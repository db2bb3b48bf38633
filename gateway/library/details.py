"""What only entries of one kind have: measured in a limited child, or told by the uploader."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gateway.fields import Consent
from gateway.library.assets import Description, Kind, StyleDescription, StyleRole, VoiceDescription
from gateway.settings import GatewaySettings
from services.base.errors import InvalidInputError
from services.media.colours import rgb_of_hex
from services.media.confinement.task import Limits
from services.media.facts import FootageFacts, SoundFacts
from services.media.sandbox import WRITE_SPEECH, run_limited
from services.media.store import MediaStore
from services.typography.inspection import FontFacts
from services.typography.styles import read_style

SPEECH_RATE_HZ = 16_000
"""Rate of the sound that `Inspector.speech` writes."""

_INSPECT_SOUND = "services.media.inspection:inspect_sound"
_INSPECT_MUSIC = "services.media.inspection:inspect_music"

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

    def details(self, kind: Kind, path: Path, description: Description) -> dict[str, Any]:
        """The entry's members. Raises InvalidInputError (field "file") for a file that cannot be used."""
        match kind:
            case "footage":
                return self._footage(path)
            case "music":
                return asdict(self._sound(_INSPECT_MUSIC, path, self._settings.audio_limit_s))
            case "voices":
                assert isinstance(description, VoiceDescription)
                return self._voice(path, description)
            case "fonts":
                return self._font(path)
            case "styles":
                assert isinstance(description, StyleDescription)
                return _style_details(path, description.role)

    def speech(self, path: Path, target: Path) -> float:
        """Writes the sound as 16 kHz mono int16 PCM to `target`; returns seconds."""
        limit_s = self._settings.audio_limit_s
        limits = replace(self._limits, written_bytes=round((limit_s + 1) * SPEECH_RATE_HZ * 2))
        return run_limited(
            WRITE_SPEECH,
            path,
            target,
            "file",
            SPEECH_RATE_HZ,
            limit_s,
            returns=float,
            reads=(path,),
            writes=(target,),
            limits=limits,
        )

    def _footage(self, path: Path) -> dict[str, Any]:
        function = "services.media.inspection:inspect_footage"
        arguments = (path, self._settings.footage_limit_s, rgb_of_hex(self._settings.backdrop))
        facts = run_limited(function, *arguments, returns=FootageFacts, reads=(path,), limits=self._limits)
        poster = self._store.put_bytes(facts.poster, "image/jpeg").sha256
        return {**asdict(facts), "poster": poster, "poster_url": f"/assets/posters/{poster}.jpg"}

    def _sound(self, inspect: str, path: Path, longest_s: float) -> SoundFacts:
        return run_limited(inspect, path, longest_s, returns=SoundFacts, reads=(path,), limits=self._limits)

    def _voice(self, path: Path, description: VoiceDescription) -> dict[str, Any]:
        facts = self._sound(_INSPECT_SOUND, path, LONGEST_VOICE_S)
        if facts.duration_s < SHORTEST_VOICE_S:
            problem = f"The recording is only {facts.duration_s:.1f} s long."
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
        inspect = "services.typography.inspection:inspect_font"
        return asdict(run_limited(inspect, path, returns=FontFacts, reads=(path,), limits=self._limits))


def _style_details(path: Path, role: StyleRole) -> dict[str, Any]:
    style = read_style(path, "file")
    return {"style": style, "names": style["names"], "role": role}
