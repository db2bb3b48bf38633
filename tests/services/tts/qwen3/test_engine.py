import threading
import wave
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

from services.base.errors import CancelledError, FailedPreconditionError, InvalidInputError
from services.enginekit.progress import Progress
from services.enginekit.settings import EngineSettings
from services.media.recording import write_samples
from services.tts.engine import Finish, FinishReason, Speech, Synthesis
from services.tts.qwen3.engine import Qwen3Engine
from tests.golden.qwen3.make_golden import reference_audio
from tests.services.tts.qwen3.conftest import write_wav

TEXT = "你好，这是 hello。"
FRAME = 1920


def mono(path):
    write_samples(path, path.with_suffix(".raw"), "reference_audio", 24_000, 61)
    return np.fromfile(path.with_suffix(".raw"), np.float32)


def speak(engine, progress=None, **request) -> tuple[np.ndarray, FinishReason]:
    events = list(engine.synthesize(Synthesis(**{"text": TEXT, "seed": 3} | request), progress or Progress()))
    *speech, finish = events
    assert isinstance(finish, Finish)
    assert all(isinstance(event, Speech) and len(event.pcm) for event in speech)
    assert all(event.pcm.dtype == np.int16 for event in speech)
    return np.concatenate([np.zeros(0, np.int16), *(event.pcm for event in speech)]), finish.reason


@pytest.fixture(scope="module")
def engine(make_engine):
    return make_engine("custom_voice")


@pytest.fixture(scope="module")
def base(make_engine):
    return make_engine("base")


def test_streams_speech_in_growing_chunks_until_the_text_ends(engine):
    events = list(engine.synthesize(Synthesis(TEXT, seed=3), Progress()))
    frames = [len(event.pcm) // FRAME for event in events[:-1]]
    assert frames[:4] == [1, 2, 4, 8]
    assert events[-1] == Finish(FinishReason.END_OF_TEXT)
    assert np.abs(np.concatenate([event.pcm for event in events[:-1]])).mean() > 100


@pytest.mark.parametrize("schedule", ["1", "3,5", "8", "64", "1,2,4,8"])
def test_any_chunk_schedule_gives_the_pcm_of_one_piece(make_engine, engine, schedule):
    whole, _ = speak(make_engine("custom_voice", chunk_frames="100"))
    streamed, _ = speak(make_engine("custom_voice", chunk_frames=schedule))
    assert len(streamed) == len(whole) > 10 * FRAME
    assert np.abs(streamed.astype(int) - whole).max() <= 1  # the last bit may round the other way


def test_same_seed_same_pcm(engine):
    first, _ = speak(engine)
    again, _ = speak(engine)
    other, _ = speak(engine, seed=4)
    assert np.array_equal(first, again)
    assert not np.array_equal(first[: len(other)], other[: len(first)])


@pytest.mark.parametrize(
    ("written", "spelled"),
    [("涨了3.5%。", "涨了百分之三点五。"), ("It cost $5 in 2024.", "It cost five dollars in twenty twenty-four.")],
)
def test_says_numbers_in_words(engine, written, spelled):
    assert np.array_equal(speak(engine, text=written)[0], speak(engine, text=spelled)[0])
    assert not np.array_equal(speak(engine, text=written)[0], speak(engine, text=TEXT)[0])


def test_concurrent_takes_equal_single_ones(make_engine):
    engine = make_engine("custom_voice", streams="3")
    single = {seed: speak(engine, seed=seed)[0] for seed in range(3)}
    found: dict[int, np.ndarray] = {}

    def speak_into(seed):
        found[seed] = speak(engine, seed=seed)[0]

    threads = [threading.Thread(target=speak_into, args=(seed,)) for seed in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for seed in range(3):
        assert len(found[seed]) == len(single[seed])
        assert np.abs(found[seed].astype(int) - single[seed]).max() <= 1


def test_length_cap(make_engine):
    pcm, reason = speak(make_engine("talkative", silence_s="0"), text="hi")
    assert reason is FinishReason.LENGTH_CAP
    assert len(pcm) == 192 * FRAME


def test_the_cache_bounds_a_long_text(make_engine):
    pcm, reason = speak(make_engine("talkative", silence_s="0", max_positions="256"), text="hello " * 12)
    assert reason is FinishReason.LENGTH_CAP
    assert 100 * FRAME < len(pcm) < 256 * FRAME


def test_silence_stops_a_take_and_is_not_sent(make_engine):
    pcm, reason = speak(make_engine("talkative", silence_s="0.8", silence_dbfs="0"))
    assert reason is FinishReason.SILENCE
    assert len(pcm) == 0


def test_silence_before_sound_is_sent(make_engine, monkeypatch):
    engine = make_engine("talkative", silence_s="0.8")
    engine.warm_up(Progress())
    heard: list[int] = []

    def sounds(frame):
        heard.append(len(heard))
        return heard[-1] in (5, 12)  # ten silent frames follow

    monkeypatch.setattr(engine._model.speaker, "_sounds", sounds)
    pcm, reason = speak(engine)
    assert reason is FinishReason.SILENCE
    assert len(pcm) == 13 * FRAME


def test_cancel_within_one_frame(make_engine):
    engine = make_engine("talkative")
    engine.warm_up(Progress())
    cancelled, steps = threading.Event(), []
    run = engine._model.loop._run
    engine._model.loop._run = lambda rows: (steps.append(rows), run(rows))
    events = engine.synthesize(Synthesis(TEXT), Progress(cancelled=cancelled))
    next(events), next(events)
    before = len(steps)
    cancelled.set()
    with pytest.raises(CancelledError):
        next(events)
    assert len(steps) - before <= 1
    assert speak(engine, text="hi")[1] is FinishReason.LENGTH_CAP


def test_a_caller_that_closes_the_stream_frees_its_row(make_engine):
    engine = make_engine("talkative")
    for _ in range(3):
        events = engine.synthesize(Synthesis(TEXT), Progress())
        next(events)
        events.close()
    assert engine._model.loop._takes == []


@pytest.mark.parametrize("speed", [0.5, 0.8, 1.5, 2.0])
def test_speed_changes_the_length_only(engine, speed):
    normal, _ = speak(engine)
    changed, reason = speak(engine, speed=speed)
    assert reason is FinishReason.END_OF_TEXT
    assert len(changed) == round(len(normal) / speed)


def test_loading_counts_its_stages(make_engine):
    phases: dict[str, int] = {}

    class Record(Progress):
        def phase(self, name, total_units=0, stall_budget_s=None):
            phases[name] = total_units
            super().phase(name, total_units, stall_budget_s)

        def advance(self, units=1):
            super().advance(units)
            phases[self._phase] -= units

    engine = make_engine("base")
    engine.warm_up(Record())
    assert list(phases) == ["load-talker", "load-codec", "load-tokenizer", "warm-up"]
    assert set(phases.values()) == {0}
    assert engine.load_s > 0


class TestVoices:
    def test_custom_voice(self, engine):
        assert [voice.id for voice in engine.voices()] == ["vivian", "eric"]
        assert engine.voices()[0].languages == ("zh", "en")
        assert np.array_equal(speak(engine)[0], speak(engine, voice="Vivian")[0])
        assert not np.array_equal(speak(engine)[0][:9600], speak(engine, voice="eric")[0][:9600])

    def test_instructions_change_the_voice(self, make_engine, engine):
        plain = speak(engine, voice="eric")[0][:9600]
        assert not np.array_equal(plain, speak(engine, voice="eric: whispering")[0][:9600])
        design = make_engine("voice_design")
        assert [voice.id for voice in design.voices()] == ["narrator"]
        low = speak(design, voice=": a low voice")[0][:9600]
        assert not np.array_equal(low, speak(design, voice="")[0][:9600])

    def test_a_dialect_speaker_speaks_it_in_chinese_only(self, engine):
        chosen = [
            engine._voices.choose(Synthesis(TEXT, language, "eric")).language_id for language in ("", "cmn", "en")
        ]
        languages = engine._config.talker.codec_language_id
        assert chosen == [languages["sichuan_dialect"], languages["sichuan_dialect"], languages["english"]]

    @pytest.mark.parametrize(
        ("kind", "request_", "field", "reason"),
        [
            ("custom_voice", {"text": "。"}, "text", "NOTHING_TO_SAY"),
            ("custom_voice", {"text": "\U0001f600 ...\u200b"}, "text", "NOTHING_TO_SAY"),
            ("custom_voice", {"text": "好" * 1000}, "text", "TEXT_TOO_LONG"),
            ("custom_voice", {"text": "好", "voice": "eric: " + "low " * 900}, "text", "TEXT_TOO_LONG"),
            ("custom_voice", {"voice": "nobody"}, "voice", "UNKNOWN_VOICE"),
            ("custom_voice", {"language": "fi"}, "language", "UNKNOWN_LANGUAGE"),
            ("custom_voice", {"reference_audio": Path("x.wav")}, "reference_audio", "CANNOT_CLONE"),
            ("voice_design", {"voice": "vivian"}, "voice", "UNKNOWN_VOICE"),
            ("base", {"voice": "vivian"}, "voice", "UNKNOWN_VOICE"),
            ("base", {"voice": "vivian", "reference_audio": Path("x.wav")}, "voice", "UNKNOWN_VOICE"),
            ("base", {}, "reference_audio", "NO_REFERENCE"),
            ("base", {"voice": "reference: whispering"}, "voice", "NO_INSTRUCTIONS"),
        ],
    )
    def test_what_does_not_fit_is_refused(self, make_engine, kind, request_, field, reason):
        with pytest.raises(InvalidInputError) as refused:
            speak(make_engine(kind), **request_)
        assert (refused.value.field, refused.value.reason) == (field, reason)
        assert refused.value.remedy


class TestCloning:
    def test_transcript_and_timbre_alone_give_other_takes(self, base, recording):
        full, _ = speak(base, reference_audio=recording, reference_text="一二 three.")
        timbre, _ = speak(base, reference_audio=recording)
        assert len(full)
        assert not np.array_equal(full[:9600], timbre[:9600])

    def test_the_take_goes_on_in_the_references_sound(self, base, recording):
        """The codec decodes the reference first; its PCM is what one decode of reference and take would end with."""
        request = Synthesis(TEXT, seed=3, reference_audio=recording, reference_text="一二 three.")
        model = base._model
        voice = base._clones.get(recording, "一二 three.")
        prepared = base._prepared(TEXT, base._voices.choose(request))
        with model.loop.take(prepared.prompt, 3, prepared.max_frames, Progress()) as take:
            frames = torch.from_numpy(np.stack(list(take)))
        from services.tts.qwen3.networks.codec_layers import CodecState

        both = torch.cat((voice.reference.codes, frames))
        wave = model.codec.decoder.decode(both[None], CodecState())[0][len(voice.reference.codes) * FRAME :]
        pcm, _ = speak(base, reference_audio=recording, reference_text="一二 three.")
        assert np.abs(pcm - np.rint(wave.numpy() * 32767)).max() <= 1

    def test_a_voice_is_encoded_once(self, make_engine, recording, tmp_path):
        base = make_engine("base")
        base.warm_up(Progress())
        encoded: list[int] = []
        encode = base._clones._encode
        base._clones._encode = lambda samples, text: (encoded.append(len(samples)), encode(samples, text))[1]
        copy = tmp_path / "copy.wav"
        copy.write_bytes(recording.read_bytes())
        for path, text in ((recording, ""), (copy, ""), (recording, "words"), (copy, "words")):
            base._clones.get(path, text)
        assert encoded == [50_400, 50_400]

    def test_other_rates_and_channels_are_brought_to_24_khz_mono(self, tmp_path):
        write_wav(tmp_path / "slow.wav", reference_audio()[::2], 12_000)
        samples = mono(tmp_path / "slow.wav")
        assert abs(len(samples) - 50_400) <= 64
        assert np.corrcoef(samples[1000:40_000], reference_audio()[1000:40_000])[0, 1] > 0.9

    @pytest.mark.parametrize(("seconds", "problem"), [(0.5, "0.5 s"), (61, "more than 60.0 s")])
    def test_too_short_or_too_long(self, base, tmp_path, seconds, problem):
        write_wav(tmp_path / "voice.wav", np.zeros(int(seconds * 24_000), np.float32))
        with pytest.raises(InvalidInputError, match=problem) as refused:
            speak(base, reference_audio=tmp_path / "voice.wav")
        assert refused.value.field == "reference_audio"

    def test_silence_is_no_voice(self, base, tmp_path):
        write_wav(tmp_path / "voice.wav", np.full(48_000, 5e-4, np.float32))
        with pytest.raises(InvalidInputError, match="silent") as refused:
            speak(base, reference_audio=tmp_path / "voice.wav", reference_text="words")
        assert (refused.value.field, refused.value.reason) == ("reference_audio", "SILENT")

    def test_stereo_is_mixed(self, tmp_path):
        left = reference_audio()
        with wave.open(str(tmp_path / "stereo.wav"), "wb") as file:
            file.setparams((2, 2, 24_000, 0, "NONE", ""))
            both = np.stack([left, np.zeros_like(left)], axis=1)
            file.writeframes((both * 32767).astype("<i2").tobytes())
        samples = mono(tmp_path / "stereo.wav")
        assert len(samples) == len(left)
        assert np.corrcoef(samples, left)[0, 1] > 0.999

    def test_a_recording_that_is_replaced_is_another_voice(self, make_engine, recording, tmp_path):
        path = tmp_path / "anna.wav"
        path.write_bytes(recording.read_bytes())
        path.with_suffix(".txt").write_text("one two", encoding="utf-8")
        engine = make_engine("base", voices=str(tmp_path))
        before, _ = speak(engine)
        write_wav(path, reference_audio()[::-1])
        after, _ = speak(engine)
        path.write_bytes(recording.read_bytes())
        assert not np.array_equal(before[:9600], after[:9600])
        assert np.array_equal(before, speak(engine)[0])

    def test_callers_of_one_voice_at_once_encode_it_once(self, make_engine, recording):
        base = make_engine("base", streams="4")
        base.warm_up(Progress())
        encoded: list[int] = []
        encode = base._clones._encode
        base._clones._encode = lambda samples, text: (encoded.append(len(samples)), encode(samples, text))[1]
        with ThreadPoolExecutor(4) as pool:
            takes = list(pool.map(lambda _: speak(base, reference_audio=recording)[0], range(4)))
        assert len(encoded) == 1
        assert all(len(take) == len(takes[0]) for take in takes)
        assert all(np.abs(take.astype(int) - takes[0]).max() <= 1 for take in takes)

    def test_no_recording_at_all(self, base, tmp_path):
        (tmp_path / "voice.wav").write_bytes(b"RIFF, but not really")
        with pytest.raises(InvalidInputError, match="not accepted"):
            speak(base, reference_audio=tmp_path / "voice.wav")

    def test_folder_of_voices(self, make_engine, recording, tmp_path):
        (tmp_path / "anna.wav").write_bytes(recording.read_bytes())
        (tmp_path / "anna.txt").write_text("一二 three.\n", encoding="utf-8")
        (tmp_path / "notes.md").write_text("no voice", encoding="utf-8")
        engine = make_engine("base", voices=str(tmp_path))
        assert [voice.id for voice in engine.voices()] == ["anna", "reference"]
        named, _ = speak(engine, voice="anna")
        default, _ = speak(engine)
        sent, _ = speak(engine, reference_audio=recording, reference_text="一二 three.")
        assert np.array_equal(named, default)
        assert np.array_equal(named, sent)


@pytest.mark.parametrize("mark", ["<|im_end|>", "<tts_pad>", "<|im_<|im_end|>end|>"])
def test_marks_of_the_layout_are_no_text(model, mark):
    """A script that holds them ends no turn."""
    tokenizer = model.tokenizer
    plain = tokenizer.spoken("one")
    marks = set(plain[[0, -5]].tolist()) | set(tokenizer._ids("<tts_pad>").tolist())
    for ids in (tokenizer.spoken(f"one{mark}two")[3:-5], tokenizer.transcript(f"one{mark}two")):
        assert not marks & set(ids.tolist())
    assert not marks & set(tokenizer.instruction(f"one{mark}two")[1:-2].tolist())


class TestSettings:
    def test_no_checkpoint(self):
        with pytest.raises(FailedPreconditionError, match="VIGENT_TTS_CHECKPOINT"):
            Qwen3Engine(EngineSettings())

    @pytest.mark.parametrize(
        ("options", "field"),
        [
            ({"streams": "0"}, "options.streams"),
            ({"chunk_frames": "1,x"}, "options.chunk_frames"),
            ({"attention": "none"}, "options.attention"),
            ({"graphs": "on"}, "options.graphs"),
            ({"tempreature": "1"}, "options.tempreature"),
            ({"voices": "/nowhere"}, "options.voices"),
        ],
    )
    def test_wrong_options(self, make_engine, options, field):
        with pytest.raises(InvalidInputError) as refused:
            make_engine("base", **options).warm_up(Progress())
        assert refused.value.field == field

    def test_no_such_device(self, folders):
        with pytest.raises(FailedPreconditionError) as refused:
            Qwen3Engine(EngineSettings(device="cuda:7", checkpoint=folders["base"]))
        assert refused.value.reason == "DEVICE_MISSING"

    def test_a_device_without_room_is_not_called_missing(self, folders, monkeypatch):
        def full(*_, **__):
            raise torch.OutOfMemoryError("CUDA error: out of memory")

        monkeypatch.setattr(torch, "empty", full)
        with pytest.raises(torch.OutOfMemoryError):
            Qwen3Engine(EngineSettings(device="cuda", checkpoint=folders["base"]))

    def test_half_precision(self, make_engine):
        pcm, _ = speak(make_engine("custom_voice", dtype="bfloat16", codec_dtype="bfloat16"))
        assert np.abs(pcm).mean() > 100


def test_loading_leaves_no_kernel_that_rounds_to_ten_bits_or_plans_for_each_length(make_engine):
    torch.backends.cudnn.allow_tf32 = True
    torch.backends.cuda.enable_cudnn_sdp(True)
    make_engine("custom_voice").warm_up(Progress())
    assert not torch.backends.cudnn.allow_tf32
    assert not torch.backends.cuda.cudnn_sdp_enabled()
