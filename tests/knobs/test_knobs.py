"""The test engines keep the contracts that they stand in for."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from services.asr.engine import Alignment, Listening
from services.base.errors import CancelledError
from services.enginekit.progress import Progress
from services.enginekit.settings import EngineSettings
from services.lipsync.engine import Footage, LipsyncSpec
from services.tts.engine import Finish, Speech, Synthesis, WordMark
from tests.knobs.asr import KnobsAsr
from tests.knobs.lipsync import KnobsLipsync
from tests.knobs.tts import KnobsTts


def settings(**options: object) -> EngineSettings:
    return EngineSettings(options={name: str(value) for name, value in options.items()})


def test_voice_marks_every_character_where_its_samples_start() -> None:
    events = list(KnobsTts(settings()).synthesize(Synthesis("ab", speed=2.0), Progress()))
    assert [type(event) for event in events] == [WordMark, Speech, WordMark, Speech, Finish]
    first, second = (event.pcm for event in events if isinstance(event, Speech))
    assert (first.dtype, len(first), len(second)) == (np.int16, 960, 960)
    assert [event.start_sample for event in events if isinstance(event, WordMark)] == [0, 960]


@pytest.mark.parametrize("chunks", [[1600], [1000, 600], [1] * 1600, [1280, 320]])
def test_lipsync_gives_a_patch_a_frame_however_the_audio_comes(chunks: list[int]) -> None:
    spec = LipsyncSpec(Footage(Path("x"), ""), 10, 16_000)
    audio = [np.zeros(count, np.int16) for count in chunks]
    patches = list(KnobsLipsync(settings(x=3, width=4, height=2)).lipsync(spec, audio, Progress()))
    assert [patch.film_frame for patch in patches] == [10, 11, 12]
    assert patches[0].x == 3
    assert patches[0].pixels is not None
    assert patches[0].pixels.shape == (2, 4, 3)
    assert patches[2].pixels is not None
    assert patches[2].pixels[0, 0, 0] == 12


def test_lipsync_reports_one_face() -> None:
    (report,) = KnobsLipsync(settings(units=3)).prepare(Footage(Path("x"), ""), Progress())
    assert (report.frames, report.mouth, report.problems) == (3, report.face, ())


def test_listener_spreads_the_words_over_the_audio() -> None:
    audio = [np.zeros(500, np.int16), np.zeros(700, np.int16)]
    words = list(KnobsAsr(settings()).align(Alignment("Say 你好, now", 16_000), audio, Progress()))
    assert [word.text for word in words] == ["Say", "你", "好", "now"]
    assert [(word.start_sample, word.end_sample) for word in words] == [(0, 300), (300, 600), (600, 900), (900, 1200)]
    assert [(word.char_start, word.char_end) for word in words] == [(0, 3), (4, 5), (5, 6), (8, 11)]
    (heard,) = KnobsAsr(settings(heard="good day")).transcribe(Listening(16_000, words=True), audio, Progress())
    assert (heard.text, heard.end_sample, len(heard.words)) == ("good day", 1200, 2)


def test_misbehaviour_comes_once_at_its_unit_and_only_where_told(tmp_path: Path) -> None:
    log_file = tmp_path / "log"
    knobs = settings(action="oom", at_unit=1, only_for="b", once_file=tmp_path / "once", log_file=log_file)
    engine = KnobsTts(knobs)
    list(engine.synthesize(Synthesis("aaa"), Progress()))
    with pytest.raises(MemoryError):
        list(engine.synthesize(Synthesis("bbb"), Progress()))
    list(engine.synthesize(Synthesis("bbb"), Progress()))
    assert log_file.read_text(encoding="utf-8").split("call\n")[1:] == [
        "unit 0\nunit 1\nunit 2\n",
        "unit 0\n",
        "unit 0\nunit 1\nunit 2\n",
    ]


def test_waiting_engine_obeys_a_cancel() -> None:
    cancelled = threading.Event()
    cancelled.set()
    progress = Progress(cancelled=cancelled)
    with pytest.raises(CancelledError):
        list(KnobsTts(settings(action="wait")).synthesize(Synthesis("a"), progress))
