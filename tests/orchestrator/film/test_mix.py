"""The mix keeps the voice, ducks the music, meets loudness and peaks. `pytest -rP` shows the figures."""

import contextlib
import math
import resource

import av
import numpy as np
import pytest

from orchestrator.film.join import VoiceSegment
from orchestrator.film.limiter import Limiter, true_peaks
from orchestrator.film.mix import gain_db_of_slider, mix_film
from orchestrator.film.music import FIELD, MusicBed, music_blocks
from orchestrator.film.voice_track import voice_blocks
from services.base.errors import InternalError, InvalidInputError
from services.media.meter import measure, measure_file
from services.media.recording import Recording
from services.media.sandbox import run_limited
from tests.support.pictures import numbered_picture, write_clip
from tests.support.sounds import (
    RATE_HZ,
    film_sample,
    frames_of_samples,
    read_sound,
    rms_db,
    speech,
    write_music,
    write_voice,
)

PAUSE_S = 1.6


def make_voices(folder, sentences=3, sentence_s=3.0, pause_s=PAUSE_S, rate_hz=RATE_HZ, level=0.1):
    """Sentences of even length, each followed by a pause that belongs to its segment."""
    voices = []
    for index in range(sentences):
        said = speech(sentence_s, rate_hz, level, seed=index)
        samples = np.concatenate([said, np.zeros(int(pause_s * rate_hz))])
        path = write_voice(folder / f"{rate_hz}-{index}.wav", samples, rate_hz)
        voices.append(VoiceSegment(path, frames_of_samples(len(samples), rate_hz)))
    return voices


def noise(duration_s, rate_hz=44_100, level=0.1, seed=9):
    """Even noise below 6 kHz, which AAC keeps."""
    white = np.random.default_rng(seed).normal(size=(2, int(duration_s * rate_hz)))
    soft = np.stack([np.convolve(channel, np.hanning(16) / 2.4, "same") for channel in white])
    return level * soft


def voice_alone(voices):
    return np.concatenate(list(voice_blocks(voices)), axis=1)[0]


def voice_gain_db(mixed, voice):
    """Level of the voice in a mix against the voice itself: what of the mix is correlated with it."""
    length = min(mixed.shape[1], len(voice))
    voice = voice[:length].astype(float)
    return 20 * math.log10(float(mixed[0, :length] @ voice / (voice @ voice)))


@pytest.fixture
def voices(tmp_path):
    return make_voices(tmp_path)


@pytest.fixture
def music(tmp_path):
    return write_music(tmp_path / "music.flac", noise(8))


@pytest.fixture(autouse=True)
def figures(tmp_path):
    """Prints what FFmpeg's EBU R 128 meter says of every mix that a test leaves."""
    yield
    for path in sorted(tmp_path.glob("*.m4a")):
        with contextlib.suppress(av.error.FFmpegError):
            found = measure_file(path)
            print(
                f"ebur128 {path.name}: {found.integrated_lufs:.2f} LUFS, {found.true_peak_dbtp:.2f} dBTP, "
                f"range {found.range_lu:.1f} LU"
            )


# level, loudness, peaks


@pytest.mark.parametrize(
    ("position", "gain_db"), [(0, -math.inf), (25, -30), (50, -18), (100, -6), (75, -6 + 12 * math.log2(0.75))]
)
def test_slider(position, gain_db):
    assert gain_db_of_slider(position) == pytest.approx(gain_db)


@pytest.mark.parametrize(
    ("target", "gain_db"), [(-14.0, -24), (-14.0, -18), (-14.0, -6), (-16.0, -12), (-23.0, -18), (-23.0, -6)]
)
def test_loudness_and_peak(tmp_path, music, target, gain_db):
    voices = make_voices(tmp_path, pause_s=0.6)
    report = mix_film(voices, tmp_path / "mix.m4a", music=MusicBed(music, gain_db), loudness_lufs=target)
    measured = measure_file(report.path)
    print(
        f"target {target} LUFS, music {gain_db} dB: {measured.integrated_lufs:.2f} LUFS, "
        f"{measured.true_peak_dbtp:.2f} dBTP, range {measured.range_lu:.1f} LU"
    )
    assert measured.integrated_lufs == pytest.approx(target, abs=0.5)
    assert measured.true_peak_dbtp <= -1
    assert report.integrated_lufs == pytest.approx(measured.integrated_lufs, abs=0.02)
    assert report.true_peak_dbtp == pytest.approx(measured.true_peak_dbtp, abs=0.05)


def test_peaks_are_limited_and_loudness_is_met_all_the_same(tmp_path):
    """A voice with clicks 24 dB above its level cannot reach the target by gain alone."""
    said = speech(8.0, level=0.03)
    said[:: RATE_HZ // 3] = 0.9
    voices = [VoiceSegment(write_voice(tmp_path / "clicks.wav", said), frames_of_samples(len(said)))]
    report = mix_film(voices, tmp_path / "mix.m4a")
    print(f"clicks: {report.integrated_lufs:.2f} LUFS, {report.true_peak_dbtp:.2f} dBTP, gain {report.gain_db:.1f} dB")
    assert report.integrated_lufs == pytest.approx(-14, abs=0.5)
    assert report.true_peak_dbtp <= -1


@pytest.mark.parametrize("gain_db", [-18, -6])
@pytest.mark.parametrize("target", [-14.0, None])
def test_music_does_not_change_the_voice(tmp_path, voices, music, target, gain_db):
    voice = voice_alone(voices)
    levels = []
    for bed in (None, MusicBed(music, gain_db)):
        mix_film(voices, tmp_path / "mix.m4a", music=bed, loudness_lufs=target)
        levels.append(voice_gain_db(read_sound(tmp_path / "mix.m4a"), voice))
    print(f"target {target}, music {gain_db} dB: voice {levels[0]:+.3f} dB alone, {levels[1]:+.3f} dB with music")
    assert abs(levels[0] - levels[1]) < 0.2
    if target is None:
        assert abs(levels[0]) < 0.1


def test_silence_stays_silent(tmp_path):
    voices = [VoiceSegment(write_voice(tmp_path / "silence.wav", np.zeros(RATE_HZ)), 25)]
    report = mix_film(voices, tmp_path / "mix.m4a")
    assert report.gain_db == 0
    assert np.abs(read_sound(report.path)).max() < 1e-4


def test_music_at_minus_infinity_is_no_music(tmp_path, voices, music):
    mix_film(voices, tmp_path / "without.m4a")
    mix_film(voices, tmp_path / "with.m4a", music=MusicBed(music, gain_db_of_slider(0)))
    assert (tmp_path / "with.m4a").read_bytes() == (tmp_path / "without.m4a").read_bytes()


def test_limiter_keeps_the_ceiling_and_what_is_below_it():
    random = np.random.default_rng(1)
    sound = (noise(2, 48_000, 0.2) * (1 + 4 * (random.random(96_000) > 0.9995))).astype(np.float32)
    peaks = true_peaks([sound])
    for gain in (0.2, 1.0, 3.0):
        limited = Limiter(peaks, gain, 0.5).apply(sound, 0)
        assert measure([limited], with_peak=True).true_peak_dbtp <= 20 * math.log10(0.5) + 0.1
    np.testing.assert_allclose(Limiter(peaks, 0.2, 4.0).apply(sound, 0), 0.2 * sound, rtol=1e-5)


def test_limiter_does_not_depend_on_blocks():
    sound = np.random.default_rng(2).normal(size=(2, 10_000)).astype(np.float32)
    limiter = Limiter(true_peaks([sound]), 1.0, 0.5)
    pieces = [limiter.apply(sound[:, start : start + 777], start) for start in range(0, 10_000, 777)]
    np.testing.assert_allclose(np.concatenate(pieces, axis=1), limiter.apply(sound, 0), rtol=1e-5)


def test_where_encoding_added_too_much_the_limiter_leaves_more_room():
    sound = noise(2, 48_000, 0.2).astype(np.float32)
    excess = np.ones(len(true_peaks([sound])), np.float32)
    excess[1000:1010] = 1.25
    before, after = (Limiter(true_peaks([sound]), 1.0, 0.5, more).apply(sound, 0) for more in (None, excess))
    changed = np.flatnonzero(np.any(before != after, axis=0))
    assert 48 * 940 <= changed[0] < 48 * 1000
    assert 48 * 1010 < changed[-1] <= 48 * 1070
    assert true_peaks([after])[1000:1010].max() <= 0.5 / 1.25 * 1.01


def test_true_peak_lies_between_samples():
    """A sine at a quarter of the rate, sampled 45 degrees off its peaks, is 3 dB higher than its samples."""
    sine = np.sin(np.pi / 2 * np.arange(4800) + np.pi / 4).astype(np.float32)[None]
    assert true_peaks([sine])[50] == pytest.approx(1.0, abs=0.03)


@pytest.mark.parametrize("target", [-16.0, -23.0, None])
def test_music_is_under_the_voice_by_the_same_at_every_loudness(tmp_path, voices, music, target):
    def pause_under_voice_db(loudness):
        mix_film(voices, tmp_path / "mix.m4a", music=MusicBed(music, -12), loudness_lufs=loudness)
        mixed, voice = read_sound(tmp_path / "mix.m4a"), voice_alone(voices)
        return voice_gain_db(mixed, voice) - rms_db(mixed[:, film_sample(3.6) : film_sample(4.3)])

    assert pause_under_voice_db(target) == pytest.approx(pause_under_voice_db(-14.0), abs=0.2)


@pytest.mark.parametrize("target", [-10.0, -9.0])
def test_what_limiting_takes_is_made_up_for(tmp_path, target):
    """Worked out beforehand, and found when the finished sound is measured."""
    report = mix_film(make_voices(tmp_path, pause_s=0.6), tmp_path / "mix.m4a", loudness_lufs=target)
    print(f"target {target} LUFS: {report.integrated_lufs:.2f} LUFS with {report.gain_db:.1f} dB")
    assert report.integrated_lufs == pytest.approx(target, abs=0.1)
    assert measure_file(report.path).true_peak_dbtp <= -1


# ducking


def music_alone(voices, bed, target):
    """What is left of a mix at -14 LUFS without the voice."""
    mix_film(voices, target, music=bed)
    mixed, voice = read_sound(target), voice_alone(voices)
    gain = 10 ** (voice_gain_db(mixed, voice) / 20)
    return mixed[:, : len(voice)] - gain * voice[: mixed.shape[1]]


@pytest.mark.parametrize("depth_db", [6.0, 8.0, 10.0])
def test_music_steps_back_under_speech_and_returns(tmp_path, voices, music, depth_db):
    played = music_alone(voices, MusicBed(music, -6, depth_db), tmp_path / "mix.m4a")
    segment_s = voices[0].frames / 25

    def level(segment, start_s, end_s):
        start = segment * segment_s
        return rms_db(played[:, film_sample(start + start_s) : film_sample(start + end_s)])

    # Where the voice has just ended and where it is about to begin the music is still and already down, and alone.
    pause, after, before = level(1, 3.6, 4.3), level(1, 3.0, 3.08), level(1, segment_s - 0.04, segment_s)
    alone = rms_db(noise(8)) - 6
    print(
        f"ducking {depth_db} dB: {alone:.2f} dB alone, {pause:.2f} in a pause, {before:.2f} and {after:.2f} at speech"
    )
    in_pause, under_speech = (
        measure([np.ascontiguousarray(played[:, film_sample(segment_s + start_s) : film_sample(segment_s + end_s)])])
        for start_s, end_s in ((3.6, 4.3), (0.5, 2.5))
    )
    print(
        f"ebur128 of the music: {in_pause.integrated_lufs:.1f} LUFS in a pause, "
        f"{under_speech.integrated_lufs:.1f} under speech, what AAC added to the voice included"
    )
    assert pause == pytest.approx(alone, abs=0.5)
    for under in (before, after):
        assert pause - under == pytest.approx(depth_db, abs=0.7)


def test_short_pauses_do_not_pump(tmp_path, music):
    voices = make_voices(tmp_path, 3, 2.0, 0.4)
    pause = music_alone(voices, MusicBed(music, -6), tmp_path / "mix.m4a")[:, film_sample(2.1) : film_sample(2.35)]
    assert rms_db(pause) == pytest.approx(rms_db(noise(8)) - 6 - 8, abs=0.5)


def test_a_noisy_voice_is_ducked_by_speech_not_by_its_noise(tmp_path, music):
    said = np.concatenate([np.zeros(2 * RATE_HZ), speech(3), np.zeros(RATE_HZ)])
    said += 0.001 * np.random.default_rng(3).normal(size=len(said))
    voices = [VoiceSegment(write_voice(tmp_path / "noisy.wav", said), frames_of_samples(len(said)))]
    before = music_alone(voices, MusicBed(music, -6), tmp_path / "mix.m4a")[:, film_sample(0.9) : film_sample(1.6)]
    assert rms_db(before) == pytest.approx(rms_db(noise(8)) - 6, abs=0.5)


# music as long as the film


def played(path, seconds, start_s=0.0):
    return np.concatenate(list(music_blocks(Recording(path, FIELD), 48_000 * seconds, start_s)), axis=1)


@pytest.mark.parametrize("start_s", [0.5, 3.0, 20.0])
def test_music_begins_where_it_is_asked_to(music, start_s):
    """Also behind its end, where it is repeated, as under a long film."""
    sound, whole = played(music, 6, start_s), played(music, 40)[:, int(start_s * 48_000) :]
    middle = slice(48_000, 3 * 48_000)  # without what fades in and out
    np.testing.assert_allclose(sound[:, middle], whole[:, middle], atol=1e-6)


def test_the_mix_has_the_music_from_there_on(tmp_path, voices):
    time_s = np.arange(20 * RATE_HZ) / RATE_HZ
    tones = 0.3 * np.sin(2 * np.pi * np.where(time_s < 10, 330, 660) * time_s)
    music = write_music(tmp_path / "tones.flac", tones[None], RATE_HZ)
    alone = music_alone(voices, MusicBed(music, -6, start_s=10), tmp_path / "mix.m4a")
    pause = alone[0, film_sample(3.6) : film_sample(4.3)]
    assert np.abs(np.fft.rfft(pause)).argmax() / (len(pause) / 48_000) == pytest.approx(660, abs=2)


def test_long_music_is_cut_and_fades(music):
    sound = played(music, 6)
    assert sound.shape == (2, 288_000)
    whole = rms_db(sound[:, 96_000:144_000])
    start, end = rms_db(sound[:, :4800]), rms_db(sound[:, -4800:])
    assert start < whole - 12
    assert end < whole - 25
    assert rms_db(sound[:, 38_400:43_200]) == pytest.approx(whole, abs=0.3)  # in after 0.8 s
    assert rms_db(sound[:, -129_600:-124_800]) == pytest.approx(whole, abs=0.3)  # out from 2.5 s before the end
    assert rms_db(sound[:, -72_000:-67_200]) < whole - 1


def test_short_music_is_looped_at_constant_power(music):
    """Eight seconds of noise for thirty seconds: no dip and no bump where it starts again."""
    sound = played(music, 30)
    levels = [rms_db(sound[:, start : start + 9600]) for start in range(48_000, 26 * 48_000, 9600)]
    assert max(levels) - min(levels) < 0.6


def test_loop_of_music_that_repeats_is_seamless(tmp_path):
    """Chords of one second, the last second the same as the first: the loop goes on as if it had no seam."""
    time = np.arange(48_000 * 40) / 48_000
    endless = 0.3 * np.sin(2 * np.pi * (220 + 110 * (time.astype(int) % 4)) * time)
    path = write_music(tmp_path / "loop.flac", endless[None, : 5 * 48_000], 48_000)
    sound = played(path, 20)[:, 48_000 : 17 * 48_000]
    expected = endless[48_000 : 17 * 48_000]
    assert np.abs(sound - expected).max() < 0.002


def test_mono_music_keeps_its_level(tmp_path):
    path = write_music(tmp_path / "mono.flac", noise(4)[:1])
    sound = played(path, 8)[:, 96_000:144_000]
    np.testing.assert_array_equal(sound[0], sound[1])
    assert rms_db(sound) == pytest.approx(rms_db(noise(4)[:1]), abs=0.5)


@pytest.mark.parametrize("codec", [("m4a", "aac"), ("mp3", "mp3"), ("ogg", "libopus"), ("wav", "pcm_s16le")])
def test_kinds_of_music(tmp_path, codec):
    path = write_music(tmp_path / f"music.{codec[0]}", noise(5, 48_000), 48_000, codec[1])
    assert rms_db(played(path, 12)[:, 96_000:400_000]) == pytest.approx(rms_db(noise(5, 48_000)), abs=1.5)


BAD_MUSIC = {
    "empty": (lambda _: b"", "EMPTY_FILE"),
    "text": (lambda _: b"la la la " * 300, "WRONG_FILE_TYPE"),
    "cut": (lambda folder: write_music(folder / "a.m4a", noise(3), codec="aac").read_bytes()[:9000], "CUT_FILE"),
    "too short": (lambda folder: write_music(folder / "a.flac", noise(1.5)).read_bytes(), "TOO_SHORT"),
    "pictures": (lambda folder: write_clip(folder / "a.mp4", [numbered_picture(1)] * 3).read_bytes(), "NO_SOUND"),
}


@pytest.mark.parametrize("name", BAD_MUSIC)
def test_bad_music_is_refused(tmp_path, voices, name):
    make, reason = BAD_MUSIC[name]
    music = tmp_path / "music"
    music.write_bytes(make(tmp_path))
    with pytest.raises(InvalidInputError) as caught:
        mix_film(voices, tmp_path / "mix.m4a", music=MusicBed(music))
    assert (caught.value.field, caught.value.reason) == ("spec.music", reason)
    assert caught.value.remedy


def test_music_that_is_silent_under_the_whole_film_is_told(tmp_path, voices):
    """Though it is louder later."""
    seconds = sum(voice.frames for voice in voices) / 25
    silence = np.zeros((2, round((seconds + 1) * 44_100)))
    path = write_music(tmp_path / "late.flac", np.concatenate([silence, noise(3)], axis=1))
    told = ("It is silent for as long as the film lasts.",)
    assert mix_film(voices, tmp_path / "mix.m4a", music=MusicBed(path)).music_notes == told
    assert mix_film(voices, tmp_path / "mix.m4a", music=MusicBed(path, start_s=seconds)).music_notes == ()


# voice


@pytest.mark.parametrize("rate_hz", [16_000, 22_050, 24_000, 44_100, 48_000])
def test_sound_is_as_long_as_the_film_and_in_its_place(tmp_path, rate_hz):
    voices = []
    for index, frames in enumerate((30, 1, 44)):
        samples = np.zeros(frames * rate_hz // 25 - 7)
        samples[10 * rate_hz // 25 if frames > 10 else 0] = 0.9
        voices.append(VoiceSegment(write_voice(tmp_path / f"{index}.wav", samples, rate_hz), frames))
    report = mix_film(voices, tmp_path / "mix.m4a", loudness_lufs=None)
    sound = read_sound(report.path)
    assert report.frames == 75
    with av.open(str(report.path)) as container:
        assert container.streams.audio[0].duration == 75 * 1920  # what is decoded ends with a whole AAC frame
    loud = np.flatnonzero(np.abs(sound[0]) > 0.4 * np.abs(sound[0]).max())
    clicks = [int(group[0]) for group in np.split(loud, np.flatnonzero(np.diff(loud) > 1000) + 1)]
    assert clicks == pytest.approx([1920 * frame for frame in (10, 30, 41)], abs=30)


def test_voices_of_two_rates_are_refused(tmp_path):
    voices = make_voices(tmp_path, 1) + make_voices(tmp_path, 1, rate_hz=16_000)
    with pytest.raises(InternalError, match="24000 Hz"):
        mix_film(voices, tmp_path / "mix.m4a")


def test_voice_longer_than_its_frames_is_refused(tmp_path):
    (voice,) = make_voices(tmp_path, 1)
    with pytest.raises(InternalError, match="longer than its 10 frames"):
        mix_film([VoiceSegment(voice.path, 10)], tmp_path / "mix.m4a")


def test_progress_rises_to_the_end(tmp_path, voices, music):
    seen = []
    mix_film(
        voices, tmp_path / "mix.m4a", music=MusicBed(music), progress=lambda done, total: seen.append((done, total))
    )
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    total = sum(voice.frames for voice in voices)
    assert seen[-1] == (total, total)


# memory


def peak_rss_mib(folder, sentences):
    """Peak memory of a process that mixes a film of the same sentence again and again."""
    (voice,) = make_voices(folder, 1)
    music = write_music(folder / "music.flac", noise(8))
    mix_film([voice] * sentences, folder / "mix.m4a", music=MusicBed(music))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def test_memory_does_not_grow_with_length(tmp_path):
    peaks = [
        run_limited(
            f"{__name__}:peak_rss_mib", tmp_path, sentences, returns=float, reads=(tmp_path,), writes=(tmp_path,)
        )
        for sentences in (4, 40)
    ]
    print(f"peak memory of a mix of 18 s and of 184 s: {peaks[0]:.0f} and {peaks[1]:.0f} MiB")
    assert peaks[1] <= 1.1 * peaks[0]
