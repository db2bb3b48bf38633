"""The engine with its real weights."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import numpy as np
import pytest

from services.base.errors import CancelledError, FailedPreconditionError, InvalidInputError
from services.enginekit.progress import Progress
from services.enginekit.settings import EngineSettings
from services.text.pauses import Pause
from services.tts.engine import Finish, FinishReason, Speech, Synthesis
from services.tts.kokoro.engine import KokoroEngine
from services.tts.kokoro.network import MODEL, SAMPLE_RATE_HZ

SENTENCE = "大家好，我们今天聊聊 GPU。"


def spoken(engine: KokoroEngine, request: Synthesis) -> np.ndarray:
    events = list(engine.synthesize(request, Progress()))
    assert events[-1] == Finish(FinishReason.END_OF_TEXT)
    return np.concatenate([event.pcm for event in events if isinstance(event, Speech)])


def test_it_speaks_clause_by_clause(engine: KokoroEngine) -> None:
    events = list(engine.synthesize(Synthesis(SENTENCE), Progress()))
    pieces = [event.pcm for event in events if isinstance(event, Speech)]
    assert len(pieces) == 2
    for pcm in pieces:
        assert pcm.dtype == np.int16
        assert 0.02 < np.sqrt(np.mean((pcm / 32768) ** 2)) < 0.3
    assert 2.0 < sum(map(len, pieces)) / SAMPLE_RATE_HZ < 6.0


def test_the_same_request_gives_the_same_samples_with_any_number_of_threads(
    engine: KokoroEngine, checkpoint: Path
) -> None:
    other = KokoroEngine(EngineSettings(checkpoint=checkpoint, options={"threads": "1", "verify": "false"}))
    request = Synthesis(SENTENCE, voice="zm_yunxi", seed=5)
    assert (spoken(engine, request) == spoken(other, request)).all()


def test_voices_differ(engine: KokoroEngine) -> None:
    one, two = (spoken(engine, Synthesis("你好。", voice=voice)) for voice in ("zf_xiaobei", "zm_yunjian"))
    assert len(one) != len(two) or (one != two).any()


def test_speed_is_followed_over_its_whole_range(engine: KokoroEngine) -> None:
    normal = len(spoken(engine, Synthesis(SENTENCE)))
    for speed in (0.5, 0.8, 1.3, 2.0):
        length = len(spoken(engine, Synthesis(SENTENCE, speed=speed)))
        assert length == pytest.approx(normal / speed, rel=0.12)


def test_pauses_are_put_into_the_speech(engine: KokoroEngine) -> None:
    text = "你好，世界。"
    with_pause = spoken(engine, Synthesis(text, pauses=(Pause(3, 1.5),)))
    apart = sum(len(spoken(engine, Synthesis(part))) for part in ("你好，", "世界。"))
    assert len(with_pause) == apart + round(1.5 * SAMPLE_RATE_HZ)


def test_a_cancel_is_obeyed_after_the_piece(engine: KokoroEngine) -> None:
    cancelled = threading.Event()
    events = engine.synthesize(Synthesis(SENTENCE * 4), Progress(cancelled=cancelled))
    assert isinstance(next(iter(events)), Speech)
    cancelled.set()
    with pytest.raises(CancelledError):
        next(iter(events))


@pytest.mark.parametrize(
    ("request_", "field", "reason"),
    [
        (Synthesis("Привет, мир."), "language", "UNKNOWN_LANGUAGE"),
        (Synthesis("！？——"), "text", "NOTHING_TO_SAY"),
        (Synthesis("\u3402\u3403"), "text", "NOTHING_TO_SAY"),
        (Synthesis("你好", voice="af_heart"), "voice", "VOICE_OF_ANOTHER_LANGUAGE"),
        (Synthesis("你好", reference_audio=Path("me.wav")), "reference_audio", "CANNOT_CLONE"),
    ],
)
def test_what_it_cannot_say_is_refused(engine: KokoroEngine, request_: Synthesis, field: str, reason: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        list(engine.synthesize(request_, Progress()))
    assert (refused.value.field, refused.value.reason) == (field, reason)


def test_one_flipped_bit_is_found_before_it_speaks(checkpoint: Path, tmp_path: Path) -> None:
    for path in checkpoint.iterdir():
        if path.is_file() and path.name != MODEL:
            (tmp_path / path.name).write_bytes(path.read_bytes())
    content = bytearray((checkpoint / MODEL).read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / MODEL).write_bytes(content)
    with pytest.raises(FailedPreconditionError) as refused:
        KokoroEngine(EngineSettings(checkpoint=tmp_path, cache_root=tmp_path / "cache")).warm_up(Progress())
    assert refused.value.reason == "CHECKPOINT_CORRUPT"


@pytest.mark.parametrize(("content", "reason"), [(None, "CHECKPOINT_MISSING"), (b"no model", "CHECKPOINT_INVALID")])
def test_what_is_no_model_is_refused(tmp_path: Path, content: bytes | None, reason: str) -> None:
    if content:
        (tmp_path / MODEL).write_bytes(content)
    with pytest.raises(FailedPreconditionError) as refused:
        KokoroEngine(EngineSettings(checkpoint=tmp_path)).warm_up(Progress())
    assert refused.value.reason == reason


def test_threads_are_never_more_than_the_process_may_use(engine: KokoroEngine) -> None:
    allowed = len(os.sched_getaffinity(0))
    options = {"threads": "64", "verify": "false"}
    greedy = KokoroEngine(EngineSettings(checkpoint=engine.checkpoint, options=options))
    assert greedy.threads <= allowed
