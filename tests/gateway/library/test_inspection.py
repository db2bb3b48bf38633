"""What the limited child finds in files from outside."""

import os

import numpy as np
import pytest

from gateway.library.assets import Description, Footage
from gateway.library.library import Library
from gateway.settings import GatewaySettings
from services.base.errors import InvalidInputError, NotFoundError
from services.media.formats import format_of, sniff
from services.media.inspection import WAVEFORM_POINTS, inspect_footage, inspect_sound
from services.media.recording import write_speech
from services.media.store import MediaStore
from services.typography.fonts import ASSETS
from services.typography.inspection import inspect_font
from tests.support.films import face_picture
from tests.support.gateway_media import write_picture_clip, write_sound


def test_clip_is_measured(tmp_path):
    path = write_picture_clip(tmp_path / "a.mp4", frames=45)
    facts = inspect_footage(path, 60)
    assert (facts.width, facts.height, facts.frames) == (160, 96, 45)
    assert facts.frame_rate_hz == 30
    assert facts.duration_s == pytest.approx(1.5, abs=0.01)
    assert format_of(facts.poster).mime_type == "image/jpeg"


def test_turned_clip_is_measured_upright(tmp_path):
    path = write_picture_clip(tmp_path / "a.mp4", rotation=(90, False))
    facts = inspect_footage(path, 60)
    assert (facts.width, facts.height) == (96, 160)


def test_picture_is_one_frame(tmp_path):
    path = tmp_path / "face"
    path.write_bytes(face_picture())
    facts = inspect_footage(path, 60)
    assert (facts.frames, facts.duration_s, facts.width) == (1, 0.0, 512)


@pytest.fixture(params=["one core", "every core"])
def _cores(request):
    """FFmpeg decodes with as many threads as there are cores, and tells of errors at other times then."""
    every = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(every)} if request.param == "one core" else every)
    yield
    os.sched_setaffinity(0, every)


@pytest.mark.usefixtures("_cores")
@pytest.mark.parametrize("behind", [b"long", face_picture()])
def test_what_stands_behind_a_picture_does_not_count(tmp_path, behind):
    path = tmp_path / "face"
    path.write_bytes(face_picture() + behind)
    facts = inspect_footage(path, 60)
    assert (facts.frames, facts.duration_s, facts.frame_rate_hz) == (1, 0.0, 0.0)


def test_loudness_is_as_the_standard_predicts(tmp_path):
    path = write_sound(tmp_path / "a.wav", amplitude=0.1)
    facts = inspect_sound(path, 60)
    assert facts.loudness_lufs == pytest.approx(-20, abs=0.1)
    assert facts.true_peak_dbtp == pytest.approx(-20, abs=0.1)
    assert (facts.duration_s, facts.sample_rate_hz, facts.channels) == (2.0, 44_100, 2)
    assert len(facts.waveform) <= WAVEFORM_POINTS
    assert facts.waveform == pytest.approx([0.1] * len(facts.waveform), abs=0.02)


def test_waveform_follows_the_sound(tmp_path):
    path = tmp_path / "a.wav"
    write_sound(path, amplitude=0.5, duration_s=1.0)
    loud = bytearray(path.read_bytes())
    loud[len(loud) // 2 & ~3 :] = bytes(len(loud) - (len(loud) // 2 & ~3))  # the second half is silent
    path.write_bytes(loud)
    waveform = inspect_sound(path, 60).waveform
    assert max(waveform[: len(waveform) // 2 - 1]) == pytest.approx(0.5, abs=0.02)
    assert max(waveform[len(waveform) // 2 + 2 :]) == pytest.approx(0, abs=0.01)


def test_speech_is_decoded_to_16_khz(tmp_path):
    path = write_sound(tmp_path / "a.wav", amplitude=0.5)
    assert write_speech(path, tmp_path / "pcm", "file", 16_000, 60) == pytest.approx(2.0, abs=0.01)
    pcm = np.fromfile(tmp_path / "pcm", "<i2")
    assert pcm.size == pytest.approx(32_000, abs=200)
    crossings = np.count_nonzero(np.diff(np.signbit(pcm)))
    assert crossings / 2 / 2.0 == pytest.approx(997, rel=0.01)


@pytest.mark.parametrize(
    ("file", "scripts"),
    [("NotoSansSC-Bold.otf", {"Hani", "Latn"}), ("NotoEmoji-Bold.ttf", {"Zsye"})],
)
def test_font_is_read(file, scripts):
    facts = inspect_font(ASSETS / "fonts" / file)
    assert facts.weight == 700
    assert scripts <= set(facts.scripts)
    assert "Open Font License" in facts.licence


def test_what_is_no_font_is_refused(tmp_path):
    path = tmp_path / "a.ttf"
    path.write_bytes(b"\x00\x01\x00\x00" + bytes(range(200)))
    with pytest.raises(InvalidInputError, match="cannot be read as a font"):
        inspect_font(path)


@pytest.mark.fault("decompression bomb")
@pytest.mark.parametrize(
    ("limits", "reasons"),
    [
        ({"inspect_limit_s": 0.01}, {"FILE_TOO_SLOW"}),
        ({"inspect_memory_bytes": 1}, {"FILE_TOO_LARGE", "FILE_BROKEN", "TOO_LARGE"}),
        ({"footage_limit_s": 0.1}, {"TOO_LONG"}),
    ],
)
def test_uploads_are_looked_at_within_limits(tmp_path, limits, reasons):
    store = MediaStore(tmp_path / "media")
    library = Library(GatewaySettings(media_root=store.root, **limits), store)
    with pytest.raises(InvalidInputError) as raised:
        library.add("footage", write_picture_clip(tmp_path / "a.mp4"), "a.mp4", Description())
    assert raised.value.reason in reasons
    assert raised.value.field == "file"
    assert not any((store.root / "content").rglob("?" * 64))


def test_clips_that_begin_alike_share_a_poster_until_the_last_is_removed(tmp_path):
    library = Library(GatewaySettings(media_root=tmp_path / "media"), MediaStore(tmp_path / "media"))
    clips = [write_picture_clip(tmp_path / f"{frames}.mp4", frames=frames) for frames in (30, 45)]
    first, second = (library.add("footage", clip, clip.name, Description())[0] for clip in clips)
    assert isinstance(first, Footage)
    assert isinstance(second, Footage)
    assert first.poster == second.poster
    library.remove("footage", first.id)
    assert library.poster(second.poster).is_file()
    library.remove("footage", second.id)
    with pytest.raises(NotFoundError):
        library.poster(second.poster)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "EMPTY_FILE"),
        (b"hello", "WRONG_FILE_TYPE"),
        (b"#EXTM3U\nfile:///etc/passwd\n", "WRONG_FILE_TYPE"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", "WRONG_FILE_TYPE"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", "WRONG_FILE_TYPE"),
    ],
)
def test_content_decides_not_the_name(tmp_path, content, reason):
    path = tmp_path / "film.mp4"
    path.write_bytes(content)
    with pytest.raises(InvalidInputError) as raised:
        sniff(path, "video", "image")
    assert raised.value.reason == reason
    assert raised.value.field == "file"


@pytest.mark.fault("broken, cut or odd media")
def test_cut_off_clip_is_refused(tmp_path):
    whole = write_picture_clip(tmp_path / "whole.mp4", frames=120, container_options={"movflags": "faststart"})
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 3])
    with pytest.raises(InvalidInputError) as raised:
        inspect_footage(cut, 60)
    assert raised.value.reason == "CUT_FILE"


@pytest.mark.fault("broken, cut or odd media")
def test_limits_of_length_hold(tmp_path):
    clip, sound = write_picture_clip(tmp_path / "a.mp4"), write_sound(tmp_path / "a.wav")
    with pytest.raises(InvalidInputError, match=r"longer than 0\.5 s"):
        inspect_footage(clip, 0.5)
    with pytest.raises(InvalidInputError, match="longer than 1 s"):
        inspect_sound(sound, 1)


def test_silence_and_missing_sound_are_named(tmp_path):
    silent = write_sound(tmp_path / "a.wav", amplitude=0)
    with pytest.raises(InvalidInputError, match="silent"):
        inspect_sound(silent, 60)
    mute = write_picture_clip(tmp_path / "a.mp4")
    with pytest.raises(InvalidInputError, match="no sound"):
        inspect_sound(mute, 60)


def test_sound_alone_is_no_footage(tmp_path):
    path = write_sound(tmp_path / "a.m4a", codec="aac")
    with pytest.raises(InvalidInputError) as raised:
        inspect_footage(path, 60)
    assert raised.value.reason == "WRONG_FILE_TYPE"
