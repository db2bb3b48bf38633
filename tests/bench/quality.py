"""How well the starter voice is understood: `make quality` renews QUALITY.md beside this file.

The voice reads three lists of sentences, Whisper base listens, and what it heard is compared with what was written: by
syllable (pinyin with tones) in Chinese, where homophones are no error, and by word in English. Time is that of the
processor, one thread. Needs the starter models: `vigent models pull starter`.
"""

from __future__ import annotations

import os
import re
import resource
import sys
import time
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import soxr
from pypinyin import Style, lazy_pinyin
from rapidfuzz.distance import Levenshtein

from services.asr.whisper.written import written
from services.enginekit.progress import Progress
from services.enginekit.settings import EngineSettings
from services.runtime.worker.loading import load_class
from services.text.normalise import normalise
from services.tts.engine import Speech, Synthesis
from services.tts.servicer import SPEC
from tests.bench.recognised import by_letters, by_sounds

HERE = Path(__file__).parent
MODELS = Path(os.environ.get("VIGENT_MODELS_ROOT", ".vigent/models"))
VOICES = {"zh": ("zf_xiaobei", "zm_yunxi"), "en": ("af_heart", "am_michael")}
_HEARD_HZ = 16_000


@dataclass
class Heard:
    """Sums over the sentences of one voice."""

    errors: int = 0
    units: int = 0
    by_letters: int = 0
    speech_s: float = 0.0
    processor_s: float = 0.0
    first_s: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Errors for each unit that was written."""
        return self.errors / max(1, self.units)

    @property
    def cost(self) -> float:
        """Seconds of one core for a second of speech."""
        return self.processor_s / self.speech_s


class Listening:
    """The starter voice, and Whisper base, which hears it."""

    def __init__(self) -> None:
        from faster_whisper import WhisperModel

        engine = load_class(SPEC.engines["kokoro"])
        self._voice: Any = engine(EngineSettings(checkpoint=MODELS / "kokoro-82m", options={"threads": "1"}))
        self._voice.warm_up(Progress())
        self.voice_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        self._ears = WhisperModel(str(MODELS / "faster-whisper-base"), compute_type="int8", cpu_threads=1)

    def hear(self, text: str, language: str, voice: str, heard: Heard) -> str:
        """What is understood when `voice` says `text`."""
        samples = np.concatenate(list(self._spoken(Synthesis(text, language=language, voice=voice), heard)))
        heard.speech_s += len(samples) / self._voice.sample_rate_hz
        sound = soxr.resample(samples.astype(np.float32) / 32768, self._voice.sample_rate_hz, _HEARD_HZ)
        prompt = "以下是普通话的句子，夹杂 English 单词。" if language == "zh" else None
        segments, _ = self._ears.transcribe(sound, language=language, beam_size=5, initial_prompt=prompt)
        return "".join(segment.text for segment in segments)

    def _spoken(self, request: Synthesis, heard: Heard) -> Iterator[np.ndarray[Any, Any]]:
        began = time.process_time()
        first = True
        for event in self._voice.synthesize(request, Progress()):
            if isinstance(event, Speech):
                if first:
                    heard.first_s.append(time.process_time() - began)
                first = False
                yield event.pcm
        heard.processor_s += time.process_time() - began


def syllables(text: str) -> list[str]:
    """Chinese by sound: pinyin with tones; Latin words in small letters."""
    return lazy_pinyin(_letters(normalise(text, "zh")), style=Style.TONE3, tone_sandhi=True)


def words(text: str) -> list[str]:
    """English words in small letters, numbers in words."""
    return re.findall(r"[a-z']+", normalise(text, "en").lower().replace("’", "'"))


def _letters(text: str) -> str:
    return "".join(char for char in unicodedata.normalize("NFKC", text).lower() if char.isalnum())


def lines(name: str) -> list[str]:
    """Sentences of a list."""
    return (HERE / "scripts" / f"{name}.txt").read_text(encoding="utf-8").splitlines()


def errors_of(listening: Listening, language: str, voice: str, sentences: Iterable[str]) -> Heard:
    """Reads sentences to the listener and counts what was understood wrongly."""
    units = syllables if language == "zh" else words
    heard = Heard()
    for sentence in sentences:
        understood = listening.hear(sentence, language, voice, heard)
        said = units(sentence)
        wrong = Levenshtein.distance(said, units(understood))
        heard.errors, heard.units = heard.errors + wrong, heard.units + len(said)
        if wrong:
            heard.wrong.append(f"{wrong}: {sentence} -> {understood}")
    return heard


def missed_names(listening: Listening, voice: str) -> Heard:
    """Latin words inside Chinese that were not recognised; `by_letters` counts those that were written as they are."""
    heard = Heard()
    sentences = [(sentence, names.split("|")) for sentence, names in (line.split("\t") for line in lines("mixed"))]
    all_names = {name for _, names in sentences for name in names}
    for sentence, names in sentences:
        understood = written(listening.hear(sentence, "zh", voice, heard), "zh")
        spelled = [name for name in names if by_letters(name, understood)]
        missed = [
            name for name in names if name not in spelled and not by_sounds(name, sentence, understood, all_names)
        ]
        heard.errors, heard.units = heard.errors + len(missed), heard.units + len(names)
        heard.by_letters += len(spelled)
        if missed:
            heard.wrong.append(f"{missed}: {understood}")
    return heard


def main(arguments: Sequence[str]) -> None:
    """Prints the table and what was misunderstood, and keeps the table; arguments choose voices."""
    listening = Listening()
    rows: list[str] = []
    for language, voices in VOICES.items():
        for voice in [voice for voice in voices if not arguments or voice in arguments]:
            heard = errors_of(listening, language, voice, lines(language))
            names = missed_names(listening, voice) if language == "zh" else None
            print(voice, *heard.wrong, *(names.wrong if names else []), sep="\n  ", flush=True)
            rows.append(_row(voice, language, heard, names))
            print(rows[-1], flush=True)
    if not arguments:
        (HERE / "QUALITY.md").write_text(
            _PAGE.format(rows="\n".join(rows), voice_mib=listening.voice_mib), encoding="utf-8"
        )


def _row(voice: str, language: str, heard: Heard, names: Heard | None) -> str:
    recognised = f"{1 - names.rate:.0%}" if names else "-"
    by_letters = f"{names.by_letters / names.units:.0%}" if names else "-"
    first = sorted(heard.first_s)
    cells = (
        voice,
        language,
        f"{heard.rate:.1%}",
        recognised,
        by_letters,
        f"{heard.cost:.2f}",
        f"{first[len(first) // 2]:.2f}",
        f"{first[-1]:.2f}",
    )
    return f"| {' | '.join(cells)} |"


_PAGE = """# How well the starter voice is understood

50 Chinese and 50 English sentences, and 25 Chinese ones with Latin words, read by Kokoro-82M (int8) and heard by
Whisper base (int8, beam 5). Errors are syllables in Chinese (pinyin with tones: homophones are right) and words in
English. Cost is processor time of one thread for a second of speech; first sound is processor time from the request to
the first samples. A Latin word is recognised if it is written as it is, or if what is written in its place, as 派声 for
Python, sounds like it (at most 40 % of its sounds differ, and no other word of the list is as near; `recognised.py`).
`make quality` renews this page.

| voice | language | errors | Latin words recognised | written as they are | cost | first sound, median s | slowest s |
|---|---|---|---|---|---|---|---|
{rows}

Resident memory after loading the voice: {voice_mib:.0f} MiB.
"""


if __name__ == "__main__":
    main(sys.argv[1:])
