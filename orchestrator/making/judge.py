"""Whether a take says what it was to say: it is transcribed, and the sounds of both texts are compared.

A listener does not write down all that is said, nor only that: Whisper tends to write once what is said twice, and to
end a sentence that was cut. So the sound that lies in none of the words that were heard counts too, and a sound that
stops at once.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

import numpy as np
from rapidfuzz.distance import Levenshtein

from orchestrator.making.making import Making
from orchestrator.making.servers import LISTENER
from orchestrator.making.take import Take
from orchestrator.making.words import text_of, transcribe
from services.base.errors import InvalidInputError
from services.base.tracing.spans import span
from services.media.speech.completeness import ends_in_sound, unheard_share
from services.media.store import recipe_key
from services.text.normalise import read_aloud
from services.text.sentences import Sentence, language_of
from services.text.sounds import letters, sounds
from vigent.asr.v1.asr_pb2 import TranscribedSegment

_CUT = 0.1
"""What an end in the middle of a sound adds: it makes no take wrong by itself, as some voices may always end so."""


class Judge:
    """Has takes transcribed, and compares what is heard with what was to be said."""

    def __init__(self, making: Making) -> None:
        self._making, self._store, self._engine = making, making.store, making.plan.engines["asr"]

    @property
    def able(self) -> bool:
        """Whether takes are judged at all."""
        return self._making.settings.retakes > 0 and self._engine.judges_takes

    async def error_rate(self, sentence: Sentence, started: asyncio.Future[Take]) -> float | None:
        """How wrong a take is: transcribed while it is spoken, kept by what it is made of. None: nobody can tell."""
        take = await started
        if take.closed and (kept := await asyncio.to_thread(self._store.recall_bytes, self._key(sentence, take))):
            rate: float | None = json.loads(kept[1])
            return rate
        language = self._making.language_to_say(sentence.text) or language_of(sentence.text)
        heard = await self._heard(take, language)
        rate = None if heard is None else take_error_rate(sentence, take, heard, language)
        if rate is not None and take.cut:
            rate += 1.0
        await asyncio.to_thread(self._store.remember_bytes, self._key(sentence, take), json.dumps(rate).encode())
        return rate

    async def _heard(self, take: Take, language: str) -> list[TranscribedSegment] | None:
        """What the engine hears; None where it does not know the language."""

        async def attempt() -> list[TranscribedSegment]:
            with self._making.servers.asr.least_busy() as stub:
                return await transcribe(stub, take, language, words=True)

        try:
            with span("judging"):
                return await self._making.policy.retried(attempt, self._making.servers.asr.at(LISTENER))
        except InvalidInputError:
            return None

    def _key(self, sentence: Sentence, take: Take) -> str:
        asked = sentence.text, sentence.pronunciations, self._making.language_to_say(sentence.text)
        return recipe_key("take_error_rate", self._engine.identity, *asked, take.sha256())


def take_error_rate(sentence: Sentence, take: Take, heard: Sequence[TranscribedSegment], language: str) -> float:
    """The error rate of what was heard in a take of a sentence, and what its sound tells of more and of less."""
    spans = [(part.start_sample, part.end_sample) for segment in heard for part in segment.words or (segment,)]
    pcm = np.frombuffer(take.data(), "<i2")
    unheard = unheard_share(pcm, spans, take.sample_rate_hz)
    cut = _CUT * ends_in_sound(pcm, take.sample_rate_hz)
    return error_rate(sentence, text_of(heard), language) + unheard + cut


def error_rate(sentence: Sentence, heard: str, language: str) -> float:
    """Edits that turn the sounds of a sentence into those of what was heard, over the sounds of the sentence.

    If less, the same of what is written: "7.30" is not read as "7:30" is, but a listener may write either.
    """
    said = read_aloud(sentence.text, language, sentence.pronunciations)
    return min(
        _edits(sounds(said), sounds(read_aloud(heard, language))), _edits(letters(sentence.text), letters(heard))
    )


def _edits(wanted: str, got: str) -> float:
    return Levenshtein.distance(wanted, got) / len(wanted) if wanted else float(bool(got))
