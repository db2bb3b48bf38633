"""Joined segments are the film they were cut from, picture for picture and in step with the sound."""

from fractions import Fraction

import av
import numpy as np
import pytest

from orchestrator.film.compose import SegmentComposer
from orchestrator.film.encode import EncoderSettings
from orchestrator.film.join import FilmSegment, VoiceSegment, join_film
from orchestrator.film.metadata import AiRecord, film_metadata, read_metadata
from orchestrator.film.mix import mix_film
from orchestrator.film.preview_file import PreviewWriter, write_preview
from services.base.errors import InternalError
from tests.support.pictures import number_in, numbered_picture, rgb_of, write_footage
from tests.support.sounds import RATE_HZ, read_sound, write_voice

LENGTHS = (1, 78, 2, 3, 50, 1, 25, 40)
FRAMES = sum(LENGTHS)
FRAME_SAMPLES = RATE_HZ // 25


def voice_of(path, frames, first_frame):
    """Silence with a click where the first frame of each second of the film begins."""
    samples = np.zeros(frames * FRAME_SAMPLES)
    samples[[f * FRAME_SAMPLES for f in range(frames) if (first_frame + f) % 25 == 0]] = 0.9
    return VoiceSegment(write_voice(path, samples[: len(samples) - 100 * (frames > 1)]), frames)


@pytest.fixture(scope="module")
def pieces(tmp_path_factory):
    """200 numbered frames as eight segments, with their voices."""
    folder = tmp_path_factory.mktemp("pieces")
    footage = write_footage(folder / "footage.mp4", [numbered_picture(number) for number in range(FRAMES)])
    segments, voices, first = [], [], 0
    for index, frames in enumerate(LENGTHS):
        with SegmentComposer(
            footage, folder / f"{index}.mp4", first, EncoderSettings(threads=1 + index % 2)
        ) as composer:
            for _ in range(frames):
                composer.add_frame(None)
            segments.append(composer.finish())
        voices.append(voice_of(folder / f"{index}.wav", frames, first))
        first += frames
    return segments, voices


@pytest.fixture(scope="module")
def film(pieces, tmp_path_factory):
    segments, voices = pieces
    folder = tmp_path_factory.mktemp("film")
    mix_film(voices, folder / "sound.m4a", loudness_lufs=None)
    metadata = film_metadata("Ein Titel 标题", AiRecord("Vigent", "job-17"))
    assert join_film(segments, folder / "sound.m4a", folder / "film.mp4", metadata) == FRAMES
    return folder / "film.mp4"


def shown(path):
    """Number and time of every frame, as a player shows them."""
    with av.open(str(path)) as container:
        return [(number_in(rgb_of(frame)), frame.pts * frame.time_base) for frame in container.decode(video=0)]


def clicks(path):
    """Sample positions of the clicks."""
    sound = np.abs(read_sound(path)[0])
    loud = np.flatnonzero(sound > 0.3 * sound.max())
    return [int(group[0]) for group in np.split(loud, np.flatnonzero(np.diff(loud) > 1000) + 1)]


def test_every_picture_is_right_and_evenly_stamped(film):
    assert shown(film) == [(number, Fraction(number, 25)) for number in range(FRAMES)]


def test_nothing_was_encoded_again(film, pieces):
    def payload(path):
        with av.open(str(path)) as container:
            return b"".join(bytes(packet) for packet in container.demux(video=0))

    assert payload(film) == b"".join(payload(segment.path) for segment in pieces[0])


def test_sound_and_picture_go_together(film):
    with av.open(str(film)) as container:
        assert [stream.type for stream in container.streams] == ["video", "audio"]
        video, audio = container.streams
        assert (video.codec_context.pix_fmt, video.average_rate) == ("yuv420p", 25)
        assert (audio.codec_context.name, audio.rate, audio.layout.name) == ("aac", 48_000, "stereo")
        ends = [stream.duration * stream.time_base for stream in container.streams]
    assert abs(ends[0] - ends[1]) < Fraction(1, 25)
    assert read_sound(film).shape[1] == pytest.approx(FRAMES * 1920, abs=1920)
    assert clicks(film) == pytest.approx([48_000 * second for second in range(8)], abs=24)


def test_index_comes_first(film):
    content = film.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")


def test_ai_record_survives(film):
    tags = read_metadata(film)
    assert tags["title"] == "Ein Titel 标题"
    assert tags["AIGC"] == (
        '{"Label": "1", "ContentProducer": "Vigent", "ProduceID": "job-17", "ReservedCode1": "", '
        '"ContentPropagator": "", "PropagateID": "", "ReservedCode2": ""}'
    )
    assert "AI-generated" in tags["comment"]


def test_without_label_there_is_no_record(pieces, tmp_path):
    join_film(pieces[0][:2], None, tmp_path / "film.mp4", film_metadata("Title"))
    assert set(read_metadata(tmp_path / "film.mp4")) & {"AIGC", "comment"} == set()
    with av.open(str(tmp_path / "film.mp4")) as container:
        assert len(container.streams) == 1


def test_segments_of_other_settings_are_refused(pieces, tmp_path):
    footage = write_footage(tmp_path / "footage.mp4", [numbered_picture(0, 128, 256)])
    with SegmentComposer(footage, tmp_path / "other.mp4", 0) as composer:
        composer.add_frame(None)
        other = composer.finish()
    with pytest.raises(InternalError, match="other settings"):
        join_film([pieces[0][0], other], None, tmp_path / "film.mp4")


def test_segment_with_missing_frames_is_refused(pieces, tmp_path):
    short = FilmSegment(pieces[0][0].path, 2)
    with pytest.raises(InternalError, match="2 frames has 1 packets"):
        join_film([short], None, tmp_path / "film.mp4")


def test_preview_is_playable_after_each_segment(pieces, tmp_path):
    target, before, frames = tmp_path / "preview.mp4", b"", 0
    preview = PreviewWriter()
    with target.open("wb", buffering=0) as file:
        for segment, voice in zip(*pieces, strict=True):
            preview.add(segment, voice, file)
            frames += segment.frames
            assert preview.frames == frames
            content = target.read_bytes()
            assert content.startswith(before)
            before = content
            assert shown(target) == [(number, Fraction(number, 25)) for number in range(frames)]


def test_preview_has_the_voice_in_step(pieces, tmp_path):
    segments, voices = pieces
    assert write_preview(segments, voices, tmp_path / "preview.mp4") == FRAMES
    assert clicks(tmp_path / "preview.mp4") == pytest.approx([48_000 * second for second in range(8)], abs=24)
    assert read_sound(tmp_path / "preview.mp4").shape[1] >= FRAMES * 1920 - 3 * 1024


def test_preview_is_fragmented(pieces, tmp_path):
    write_preview(*pieces, tmp_path / "preview.mp4")
    content = (tmp_path / "preview.mp4").read_bytes()
    assert content[4:8] == b"ftyp"
    assert content.count(b"moof") >= len(LENGTHS)
    assert content.count(b"moov") == 1
    assert b"mvex" in content
