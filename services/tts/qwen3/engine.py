"""The Qwen3-TTS engine: picks the voice that a request means and turns its text into samples."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from services.base.errors import InvalidInputError
from services.enginekit.capabilities import Capabilities
from services.enginekit.checkpoints import MANIFEST, read_manifest, refused, verify_once
from services.enginekit.device import is_out_of_memory, no_device
from services.enginekit.progress import Progress
from services.enginekit.settings import EngineSettings
from services.media.speech.stretch import TimeStretch
from services.text.normalise import read_aloud
from services.text.words import words_of
from services.tts.engine import Event, Finish, FinishReason, Speech, Synthesis, Voice
from services.tts.homophones import with_homophones
from services.tts.pauses import with_pauses
from services.tts.qwen3.config import read_config, read_speech_tokenizer_config
from services.tts.qwen3.loop import frame_cap
from services.tts.qwen3.model import LoadedModel, load_model
from services.tts.qwen3.networks.codec_layers import CodecState
from services.tts.qwen3.options import Qwen3Options
from services.tts.qwen3.prompt import Prompt, Request
from services.tts.qwen3.reference import ClonedVoice, ClonedVoices
from services.tts.qwen3.speak import Pcm
from services.tts.qwen3.voices import ChosenVoice, VoiceBook
from services.tts.qwen3.weights import check_folder

_LOG = logging.getLogger(__name__)

_PREPARE_BUDGET_S = 120.0  # encoding and prefilling a one-minute reference is one unit and takes this long on a CPU


@dataclass(frozen=True)
class _PreparedTake:
    """A request made ready: its prompt, its length cap, and the codec state that the take continues from."""

    prompt: Prompt
    max_frames: int
    past: CodecState


class Qwen3Engine:
    """Speaks with a Qwen3-TTS checkpoint: Base clones, CustomVoice has speakers, VoiceDesign takes descriptions."""

    capabilities = Capabilities(uses_gpu=True, streams=True, needs_checkpoint=True, reads_pinyin=True)

    def __init__(self, settings: EngineSettings) -> None:
        """Checks settings and folder; `warm_up` loads.

        Raises FailedPreconditionError (CHECKPOINT_..., DEVICE_MISSING) and InvalidInputError (options).
        """
        if settings.checkpoint is None:
            remedy = "Pull one with `vigent models pull` and set VIGENT_TTS_CHECKPOINT to its folder."
            raise refused("CHECKPOINT_MISSING", "Qwen3-TTS needs a checkpoint and none is set.", remedy)
        self._folder, self._cache_root = settings.checkpoint, settings.cache_root
        self._options = Qwen3Options.of(settings.options)
        self._device = _device(settings.device)
        check_folder(self._folder)
        self._config = read_config(self._folder)
        self._codec_config = read_speech_tokenizer_config(self._folder / "speech_tokenizer")
        self.sample_rate_hz = self._codec_config.sample_rate_hz
        self.load_s = 0.0
        self._voices = VoiceBook(self._config, self._options.voices)
        self.capabilities = replace(
            self.capabilities,
            languages=self._voices.languages,
            clones=self._voices.clones,
            follows_instructions=self._voices.follow_instructions,
        )
        self._clones = ClonedVoices(self._clone, self.sample_rate_hz)
        self._loaded: LoadedModel | None = None
        self._load_lock = threading.Lock()

    def warm_up(self, progress: Progress) -> None:
        """Verifies and loads the checkpoint and captures CUDA graphs; a unit is a hashed piece, a tensor or a graph.

        Raises FailedPreconditionError when the checkpoint is missing, truncated, corrupt or does not fit.
        """
        with self._load_lock:
            if self._loaded is None:
                self._loaded = self._load(progress)

    def voices(self) -> list[Voice]:
        """All voices, default first."""
        return self._voices.all()

    def synthesize(self, request: Synthesis, progress: Progress) -> Iterator[Event]:
        """Speaks one text; a unit is a frame of 80 ms. See `TtsEngine`.

        Raises InvalidInputError for a text without words (NOTHING_TO_SAY) and for a voice, language or reference that
        does not fit, CancelledError within a frame.
        """
        if not words_of(request.text):  # given only a punctuation mark, the model babbles up to the cap
            raise InvalidInputError("The text has no letter or digit to say.", "Write words.", "text", "NOTHING_TO_SAY")
        chosen = self._voices.choose(request)
        self.warm_up(progress)
        return with_pauses(request, self.sample_rate_hz, lambda part: self._stretch(part, chosen, progress))

    def _stretch(self, request: Synthesis, chosen: ChosenVoice, progress: Progress) -> Generator[Event]:
        progress.phase("prepare", stall_budget_s=_PREPARE_BUDGET_S)
        numbers = self._options.normalise
        reading = read_aloud(request.text, request.language, request.pronunciations, numbers=numbers)
        prepared = self._prepared(with_homophones(reading), chosen)
        progress.advance()
        stretch = TimeStretch(request.speed, self.sample_rate_hz) if request.speed != 1.0 else None
        with closing(self._speak(prepared, request.seed, progress)) as take:
            ending = _Ending(take)
            for pcm in ending:
                if len(ready := stretch.push(pcm) if stretch else pcm):
                    yield Speech(ready)
        if stretch and len(rest := stretch.flush()):
            yield Speech(rest)
        yield Finish(ending.reason)

    def _speak(self, prepared: _PreparedTake, seed: int, progress: Progress) -> Generator[Pcm, None, FinishReason]:
        model = self._model
        with model.loop.take(prepared.prompt, seed, prepared.max_frames, progress) as take:
            progress.phase("speak")
            return (yield from model.speaker.speak(take, prepared.past.copy()))

    def _prepared(self, text: str, chosen: ChosenVoice) -> _PreparedTake:
        model = self._model
        voice = self._clones.get(chosen.recording, chosen.transcript) if chosen.recording else None
        text_ids = model.tokenizer.spoken(text)
        instruction = model.tokenizer.instruction(chosen.instruction) if chosen.instruction else None
        reference = voice.reference if voice else None
        request = Request(text_ids, chosen.language_id, chosen.speaker_id, reference, instruction)
        switch = self._options.text_in_prefill
        prompt = model.prompts.build(
            request, text_in_prefill=self._config.kind != "base" if switch == "auto" else switch == "on"
        )
        max_frames = min(frame_cap(len(text_ids)), model.loop.frames_left(prompt))
        return _PreparedTake(prompt, max_frames, voice.codec_past if voice else CodecState())

    def _clone(self, samples: NDArray[np.float32], transcript: str) -> ClonedVoice:
        return self._model.clone(samples, transcript, self._options.reference_tail_s)

    @property
    def _model(self) -> LoadedModel:
        assert self._loaded is not None
        return self._loaded

    def _load(self, progress: Progress) -> LoadedModel:
        began = time.monotonic()
        if self._options.verify and (self._folder / MANIFEST).is_file():
            progress.phase("verify")
            manifest = read_manifest(self._folder / MANIFEST)
            if manifest.engine != "qwen3":
                problem = f"{self._folder / MANIFEST} describes a checkpoint for {manifest.engine}."
                raise refused("CHECKPOINT_INVALID", problem, "Use a Qwen3-TTS 12 Hz checkpoint.")
            verify_once(self._folder, manifest, self._cache_root, lambda _: progress.advance())
        loaded = load_model(self._folder, self._config, self._codec_config, self._options, self._device, progress)
        self.load_s = time.monotonic() - began
        _LOG.info(
            "loaded %s (%s) on %s in %.1f s, attention %s",
            self._folder.name,
            self._config.kind,
            self._device,
            self.load_s,
            loaded.attention,
        )
        return loaded


class _Ending:
    """Iterates over a take and keeps its return value."""

    def __init__(self, take: Generator[Pcm, None, FinishReason]) -> None:
        self._take = take
        self.reason = FinishReason.END_OF_TEXT

    def __iter__(self) -> Iterator[Pcm]:
        self.reason = yield from self._take


def _device(name: str) -> torch.device:
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        if is_out_of_memory(error):
            raise
        raise no_device(name) from error
    return device
