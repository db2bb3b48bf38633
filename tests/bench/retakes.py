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
KINDS = {"cut": "cut, found", "repeated": "repeated, found", "other": "other words, found"}
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
        """Samples of a take. `kind`: right, or one of KINDS."""
        right = self._spoken(line)
        match kind:
            case "cut":
                return right[: round(_KEPT * len(right))]
            case "repeated":
                return np.concatenate([right, right[round(_END * len(right)) :]])
            case "other":
                other = self._spoken(_other(line))
                return np.concatenate([right[: round(_END * len(right))], other[round(_END * len(other)) :]])
        return right

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

    def _spoken(self, line: Line) -> NDArray[int16]:
        kept = self._folder / f"{line.number:03d}.npy"
        if not kept.exists():
            events = self._voice.synthesize(Synthesis(line.text, language=line.language, voice=line.voice), Progress())
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


def all_lines() -> list[Line]:
    """Forty Chinese sentences, twenty with Latin words, forty English ones: the first of them are a sample of all."""
    mixed = [line.split("\t")[0] for line in lines("mixed")[:20]]
    texts = [("zh", text) for text in [*lines("zh")[:40], *mixed]] + [("en", text) for text in lines("en")[:40]]
    every = [Line(n, text, language, VOICES[language][n // 2 % 4]) for n, (language, text) in enumerate(texts)]
    return sorted(every, key=lambda line: (line.number * 7 % 20, line.number))


def _other(line: Line) -> Line:
    """Another sentence in the same voice."""
    same = sorted((other for other in all_lines() if other.voice == line.voice), key=lambda other: other.number)
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
    """Of those that refuse at most MOST_REFUSED of the right takes the one that finds most; the highest of several."""
    allowed = [threshold for threshold in THRESHOLDS if above(rates["right"], threshold) <= MOST_REFUSED]
    return max(allowed, key=lambda threshold: (above(_spoiled(rates), threshold), threshold))


def _spoiled(rates: Rates) -> list[float]:
    return [rate for kind in KINDS for rate in rates[kind]]


def row(name: str, rates: Rates, threshold: float) -> str:
    """A row of the table."""
    columns = (rates["right"], *(rates[kind] for kind in KINDS), _spoiled(rates))
    shares = (above(found, threshold) for found in columns)
    return f"| {name} | {' | '.join(f'{share:.0%}' for share in shares)} |"


def main(folder: Path, count: int) -> None:
    """Speaks, spoils, listens to the first `count` sentences, and keeps the table."""
    takes, everything = Takes(folder), all_lines()[:count]
    choosing, telling = (rates_of(takes, everything[half::2]) for half in (0, 1))
    both = {kind: choosing[kind] + telling[kind] for kind in choosing}
    chosen = best_threshold(choosing)
    page = _PAGE.format(
        count=len(everything),
        kinds=" | ".join(KINDS.values()),
        chosen=f"{chosen:.2f}",
        halves="\n".join((row("chooses", choosing, chosen), row("**tells**", telling, chosen))),
        sweep="\n".join(row(f"{threshold:.2f}", both, threshold) for threshold in THRESHOLDS),
        line="|".join(["---"] * (len(KINDS) + 3)),
    )
    (HERE / "RETAKES.md").write_text(page, encoding="utf-8")
    print(page)


_PAGE = """# What takes of a sentence are found wrong

{count} sentences, two in five Chinese, one in five Chinese with Latin words, two in five English, said by four voices
of Kokoro-82M each and heard by Whisper base (int8, beam 5, one thread). Each take is judged as it is, and spoiled: cut
after 70 % of its samples, its last 40 % said twice, its last 40 % replaced by those of another sentence in that voice.
The rate is that of `orchestrator/making/judge.py`: edits of sounds (pinyin without tones, numbers in words), the share
of the sound in which no word was heard, and a tenth for a take that ends in the middle of a sound.

One half of the sentences chooses the threshold, the best of those below that refuses at most 1 % of its right takes:
{chosen}.

| half | right takes refused | {kinds} | spoiled, found |
|{line}|
{halves}

All sentences, by threshold:

| threshold | right takes refused | {kinds} | spoiled, found |
|{line}|
{sweep}

`python -m tests.bench.retakes FOLDER` renews this page. A spliced take is not quite how a voice goes wrong.
"""


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 100)
