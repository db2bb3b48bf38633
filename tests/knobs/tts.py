"""A voice whose behaviour the tests choose: a tone per character, the last of which fades."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from services.base.errors import InvalidInputError
from services.enginekit.capabilities import Capabilities
from services.enginekit.progress import Progress
from services.enginekit.settings import EngineSettings
from services.tts.engine import Finish, FinishReason, Speech, Synthesis, Voice, WordMark
from tests.knobs.knobs import Knobs

_SAMPLES_A_CHARACTER = 1920
_TONE_HZ = 220.0


class KnobsTts:
    """Knobs of `Knobs`, and those of the voice.

    unit_samples: with it a call yields `units` chunks of so many samples instead. wrong_seeds: with these seeds
    (separated by commas) the tones are an octave too high. mute_seeds: with these nothing is said. voices_delay_s (0):
    time it takes to list the voices. voice_name (Tone). instructed: with it the voice follows instructions, which are
    logged. wrong_file: while it is there, what is said cannot be heard.
    """

    capabilities = Capabilities(("en", "zh"), uses_gpu=True, streams=True)
    sample_rate_hz = 24_000

    def __init__(self, settings: EngineSettings) -> None:
        self._knobs = Knobs(settings.options)
        self._unit_samples = int(settings.options.get("unit_samples", "0"))
        self._unit = _tone(0, self._unit_samples, self.sample_rate_hz, _TONE_HZ)
        self._voices_delay_s = float(settings.options.get("voices_delay_s", "0"))
        self._voice_name = settings.options.get("voice_name", "Tone")
        self._wrong_seeds = settings.options.get("wrong_seeds", "").split(",")
        self._instructed = "instructed" in settings.options
        self.capabilities = replace(self.capabilities, follows_instructions=self._instructed)
        self._wrong_file = Path(settings.options.get("wrong_file", "/nonexistent"))
        self._mute_seeds = settings.options.get("mute_seeds", "").split(",")

    def voices(self) -> list[Voice]:
        """One voice."""
        time.sleep(self._voices_delay_s)
        return [Voice("tone", self._voice_name, ("en", "zh"))]

    def synthesize(self, request: Synthesis, progress: Progress) -> Iterator[Speech | WordMark | Finish]:
        """A unit is a character, with a word mark before it, or a chunk of `unit_samples`."""
        name, _, instruction = request.voice.partition(": ") if self._instructed else (request.voice, "", "")
        if name not in ("", "tone"):
            raise InvalidInputError(f"There is no voice {request.voice!r}.", 'Use "tone".', "voice")
        self._knobs.log(f"call, {instruction}" if instruction else "call")
        if request.reference_audio is not None:
            self._knobs.log(f"reference {request.reference_text!r}")
        if str(request.seed) in self._mute_seeds:
            yield Finish(FinishReason.SILENCE)
            return
        tone_hz = 2 * _TONE_HZ if str(request.seed) in self._wrong_seeds else _TONE_HZ
        units = self._knobs.units if self._unit_samples else len(request.text)
        progress.phase("synthesize", units, self._knobs.budget_s)
        samples = self._unit_samples or round(_SAMPLES_A_CHARACTER / request.speed)
        for number in range(units):
            self._knobs.unit(number, progress, request.text)
            if self._unit_samples:
                yield Speech(self._unit)
            else:
                yield WordMark(number, number + 1, number * samples)
                tone = _tone(number * samples, samples, self.sample_rate_hz, tone_hz)
                tone = _faded(tone) if number == units - 1 else tone
                yield Speech(tone * 0 if self._wrong_file.exists() else tone)
        yield Finish(FinishReason.END_OF_TEXT)
        self._knobs.end()


def _tone(start: int, samples: int, sample_rate_hz: int, tone_hz: float) -> NDArray[np.int16]:
    seconds = np.arange(start, start + samples, dtype=np.float32) / sample_rate_hz
    return (8000 * np.sin(2 * np.pi * tone_hz * seconds)).astype(np.int16)


def _faded(tone: NDArray[np.int16]) -> NDArray[np.int16]:
    """As speech ends: what stops at once was cut."""
    return (tone * np.linspace(1, 0, len(tone), dtype=np.float32) ** 2).astype(np.int16)
