"""How surely spoiled takes are told from right ones: `python -m tests.bench.retakes FOLDER` renews RETAKES.md here.

A hundred sentences in Chinese, in Chinese with Latin words, and in English are said by eight voices of Kokoro, each
take is spoiled in several ways, and Whisper hears them all. FOLDER keeps takes and what was heard: a run that was
stopped goes on. Half of the sentences choose the threshold, the other half tell what it is worth. Needs the starter
models, and 15 minutes of one core.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy import int16
from numpy.typing import NDArray

from orchestrator.making.judge import take_error_rate
from orchestrator.making.take import Take
from services.asr.engine import Listening
from services.asr.whisper.engine import WhisperEngine
from services.enginekit.progress import Progress
from services.enginekit.settings import EngineSettings
from services.text.sentences import Sentence
from services.text.words import words_of
from services.tts.engine import Speech, Synthesis
from services.tts.kokoro.engine import KokoroEngine
from services.tts.kokoro.network import SAMPLE_RATE_HZ
from tests.bench.quality import HERE, MODELS, lines
from vigent.asr.v1.asr_pb2 import TranscribedSegment
from vigent.media.v1.media_pb2 import Word

VOICES = {
    "zh": ("zf_xiaobei", "zm_yunxi", "zf_xiaoyi", "zm_yunjian"),
    "en": ("af_heart", "am_michael", "bf_emma", "bm_george"),
}
KINDS = {
    "cut": "cut",
    "repeated": "end said twice, spliced",
    "again": "end said twice by the voice",
    "other": "other words",
}
MOST_REFUSED = 0.01
THRESHOLDS = [0.08, 0.1, 0.12, 0.14, 0.16, 0.18, 0.2, 0.22, 0.25, 0.3]

_KEPT = 0.7  # of a take that is cut
_END = 0.6  # from here on a take is said twice, or other words follow


@dataclass(frozen=True)
class Line:
    """A sentence and who says it."""

    number: int
    text: str
    language: str
    voice: str


class Takes:
    """Takes of all lines, right and spoiled, and what is heard in them; kept in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def pcm(self, line: Line, kind: str) -> NDArray[int16]:
        """Samples of a take. `kind`: right, again (the voice is told to say the end twice), cut, repeated or other."""
        if kind in {"right", "again"}:
            return self._spoken(line, kind)
        right = self._spoken(line, "right")
        if kind == "cut":
            return right[: round(_KEPT * len(right))]
        end = right if kind == "repeated" else self._spoken(_other(line), "right")
        begin = right if kind == "repeated" else right[: round(_END * len(right))]
        return np.concatenate([begin, end[round(_END * len(end)) :]])

    def heard(self, line: Line, kind: str) -> list[TranscribedSegment]:
        """What is heard in a take, with its words."""
        kept = self._folder / f"{line.number:03d}.{kind}.json"
        if not kept.exists():
            request = Listening(SAMPLE_RATE_HZ, line.language, words=True)
            found = self._ears.transcribe(request, [self.pcm(line, kind)], Progress())
            kept.write_text(json.dumps([asdict(segment) for segment in found], ensure_ascii=False), encoding="utf-8")
        return [_segment(told) for told in json.loads(kept.read_text(encoding="utf-8"))]

    def error_rate(self, line: Line, kind: str) -> float:
        """How wrong the orchestrator finds a take."""
        take = Take(SAMPLE_RATE_HZ)
        take.append(self.pcm(line, kind).astype("<i2").tobytes())
        return take_error_rate(Sentence(line.text, 0, len(line.text)), take, self.heard(line, kind), line.language)

    def _spoken(self, line: Line, kind: str) -> NDArray[int16]:
        kept = self._folder / f"{line.number:03d}.{kind}.npy"
        if not kept.exists():
            text = said_again(line.text) if kind == "again" else line.text
            events = self._voice.synthesize(Synthesis(text, language=line.language, voice=line.voice), Progress())
            np.save(kept, np.concatenate([event.pcm for event in events if isinstance(event, Speech)]))
        samples: NDArray[int16] = np.load(kept)
        return samples

    @cached_property
    def _voice(self) -> KokoroEngine:
        return KokoroEngine(EngineSettings(checkpoint=MODELS / "kokoro-82m", options={"threads": "1"}))

    @cached_property
    def _ears(self) -> WhisperEngine:
        return WhisperEngine(
            EngineSettings("cpu", MODELS / "faster-whisper-base", options={"cpu_threads": "1", "verify": "false"})
        )


def said_again(text: str) -> str:
    """The text with its last words once more."""
    words = words_of(text)
    end, again = words[-1].end, words[round(_END * len(words))].start
    return text[:end] + (" " if text.isascii() else "") + text[again:]


def all_lines() -> list[Line]:
    """Forty Chinese sentences, twenty with Latin words, forty English ones; each voice has as many in both halves."""
    mixed = [line.split("\t")[0] for line in lines("mixed")[:20]]
    texts = [("zh", text) for text in [*lines("zh")[:40], *mixed]] + [("en", text) for text in lines("en")[:40]]
    return [Line(n, text, language, VOICES[language][n // 2 % 4]) for n, (language, text) in enumerate(texts)]


def _other(line: Line) -> Line:
    """Another sentence in the same voice."""
    same = [other for other in all_lines() if other.voice == line.voice]
    return same[(same.index(line) + 1) % len(same)]


def _segment(told: dict[str, Any]) -> TranscribedSegment:
    spans = {key: told[key] for key in ("start_sample", "end_sample")}
    words = [Word(start_sample=word["start_sample"], end_sample=word["end_sample"]) for word in told["words"]]
    return TranscribedSegment(text=told["text"], words=words, **spans)


Rates = dict[str, list[float]]
"""Error rates of takes by kind; "right" is one."""


def rates_of(takes: Takes, chosen: Iterable[Line]) -> Rates:
    """Of all takes of some lines."""
    sentences = list(chosen)
    return {kind: [takes.error_rate(line, kind) for line in sentences] for kind in ("right", *KINDS)}


def above(rates: Iterable[float], threshold: float) -> float:
    """Share of takes that are found wrong."""
    return float(np.mean([rate > threshold for rate in rates]))


def best_threshold(rates: Rates) -> float:
    """The least one that refuses at most MOST_REFUSED of the right takes."""
    return next(threshold for threshold in THRESHOLDS if above(rates["right"], threshold) <= MOST_REFUSED)


def row(name: str, rates: Rates, threshold: float) -> str:
    """A row of the table."""
    spoiled = [rate for kind in KINDS for rate in rates[kind]]
    shares = (above(found, threshold) for found in (rates["right"], *(rates[kind] for kind in KINDS), spoiled))
    return f"| {name} | {' | '.join(f'{share:.0%}' for share in shares)} |"


def main(folder: Path) -> None:
    """Speaks, spoils, listens, and keeps the table."""
    takes, everything = Takes(folder), all_lines()
    choosing, telling = (rates_of(takes, everything[half::2]) for half in (0, 1))
    both = {kind: choosing[kind] + telling[kind] for kind in choosing}
    chosen = best_threshold(choosing)
    sweep = [row(f"{threshold:.2f}", both, threshold) for threshold in THRESHOLDS]
    halves = [row("choosing half", choosing, chosen), row("**telling half**", telling, chosen)]
    page = _PAGE.format(
        threshold=chosen, halves="\n".join(halves), sweep="\n".join(sweep), kinds=" | ".join(KINDS.values())
    )
    (HERE / "RETAKES.md").write_text(page, encoding="utf-8")
    print(page)


_PAGE = """# What takes of a sentence are found wrong
"""


if __name__ == "__main__":
    main(Path(sys.argv[1]))
