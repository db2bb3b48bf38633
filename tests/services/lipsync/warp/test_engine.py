import threading

import numpy as np
import psutil
import pytest

from services.base.errors import CancelledError, InvalidInputError
from services.enginekit.progress import Progress
from services.enginekit.settings import EngineSettings
from services.espeak.library import SAMPLE_RATE_HZ
from services.espeak.narration import narrate
from services.faces.picture import RgbPicture
from services.faces.tracking import FaceTracker
from services.lipsync.engine import LipsyncSpec
from services.lipsync.warp.engine import WarpEngine
from services.media.pcm import resampled_pcm
from services.media.timeline import frames_of, samples_per_frame
from tests.support.faces import (
    PRESENTER,
    RATE_HZ,
    dark_of_mouth,
    empty_room,
    footage,
    lipsynced,
    loudness_per_frame,
    portrait,
    rests_of,
    syllables,
    write_mp4,
)


def report_of(engine, path):
    (report,) = engine.prepare(footage(path), Progress())
    return report


def openings(patches, path):
    """Pixels of the dark of the mouth in every patch."""
    rests = rests_of(patches, path)
    return np.array([dark_of_mouth(patch, rest).sum() for patch, rest in zip(patches, rests, strict=True)])


def best_lag(opening, loudness, furthest=3):
    """(frames that the mouth is late, correlation there)."""
    lags = range(-furthest, furthest + 1)
    middle = slice(furthest, len(loudness) - furthest)
    found = {lag: np.corrcoef(loudness[middle], np.roll(opening, -lag)[middle])[0, 1] for lag in lags}
    return max(found.items(), key=lambda item: item[1])


def same(left, right):
    return len(left) == len(right) and all(
        (a.film_frame, a.x, a.y) == (b.film_frame, b.x, b.y) and np.array_equal(a.pixels, b.pixels)
        for a, b in zip(left, right, strict=True)
    )


def test_finds_the_presenter_in_every_frame(engine):
    report = report_of(engine, PRESENTER)
    assert (report.width, report.height, report.frame_rate_hz, report.frames) == (1080, 1920, 25, 250)
    assert (report.frames_without_face, report.frames_with_several_faces, report.problems) == (0, 0, ())
    assert report.face.x < report.mouth.x < report.mouth.x + report.mouth.width < report.face.x + report.face.width
    assert report.mouth.y < 930 < report.mouth.y + report.mouth.height  # where the drawing has it


def test_finds_a_real_face_in_a_picture(engine, tmp_path):
    report = report_of(engine, write_mp4(tmp_path / "picture.mp4", [portrait()]))
    assert (report.frames, report.frames_without_face, report.problems) == (1, 0, ())
    assert report.turned_degrees < 15
    middle = report.mouth.x + report.mouth.width / 2
    assert report.face.x + 0.3 * report.face.width < middle < report.face.x + 0.7 * report.face.width
    assert report.mouth.y > report.face.y + report.face.height / 2


@pytest.mark.parametrize("name", ["presenter", "astronaut"])
def test_the_mouth_follows_the_voice_and_rests_in_pauses(engine, talking_head, name):
    path = PRESENTER if name == "presenter" else talking_head
    said = [part for part in narrate("大家好，欢迎来到 Vigent。") if isinstance(part, np.ndarray)]
    pause = np.zeros(SAMPLE_RATE_HZ, np.int16)
    voice = np.concatenate(list(resampled_pcm([*said, pause, *said], SAMPLE_RATE_HZ, RATE_HZ)))
    patches = list(lipsynced(engine, path, [voice]))
    loudness = loudness_per_frame(voice)
    assert len(patches) == len(loudness)
    opening = openings(patches, path)
    lag, correlation = best_lag(opening, loudness)
    assert abs(lag) <= 1
    assert correlation >= 0.6
    loud = np.convolve(loudness > 0.02 * loudness.max(), np.ones(5), "same") > 0  # smoothing reaches two frames
    assert (~loud).sum() >= 10
    for patch, rest, heard in zip(patches, rests_of(patches, path), loud, strict=True):
        assert heard or np.array_equal(patch.pixels, rest)


def test_the_mouth_follows_spoken_language(engine, talking_head):
    pcm = np.concatenate([part for part in narrate("大家好，欢迎来到 Vigent。") if isinstance(part, np.ndarray)])
    spec = LipsyncSpec(footage(talking_head), 0, SAMPLE_RATE_HZ)
    patches = list(engine.lipsync(spec, [pcm], Progress()))
    samples = samples_per_frame(SAMPLE_RATE_HZ)
    squares = np.square(np.pad(pcm.astype(float), (0, -len(pcm) % samples)).reshape(-1, samples))
    lag, correlation = best_lag(openings(patches, talking_head), np.sqrt(squares.mean(axis=1)))
    assert abs(lag) <= 1
    assert correlation >= 0.6


def test_oo_rounds_the_mouth_and_ee_widens_it(engine, tmp_path):
    path = write_mp4(tmp_path / "picture.mp4", [portrait()])
    widths = []
    for said in ("doo doo doo doo", "dee dee dee dee"):
        pcm = np.concatenate([part for part in narrate(said, language="en-us") if isinstance(part, np.ndarray)])
        patches = engine.lipsync(LipsyncSpec(footage(path), 0, SAMPLE_RATE_HZ), [pcm], Progress())
        widths.append([width_of_mouth(pasted(portrait(), patch)) for patch in patches])
    rest = width_of_mouth(portrait())
    assert min(widths[0]) < 0.95 * rest
    assert max(widths[1]) > 1.01 * rest


def pasted(picture, patch):
    height, width = patch.pixels.shape[:2]
    picture[patch.y : patch.y + height, patch.x : patch.x + width] = patch.pixels
    return picture


def width_of_mouth(picture):
    """From corner to corner, as the mesh sees it."""
    faces = FaceTracker()
    faces.look(RgbPicture(picture))
    return np.linalg.norm(np.subtract(*faces.seen[0].last.points[[61, 291], :2]))


@pytest.mark.parametrize("name", ["presenter", "astronaut"])
def test_the_border_of_a_patch_is_the_footage(engine, talking_head, name):
    path = PRESENTER if name == "presenter" else talking_head
    patches = list(lipsynced(engine, path, [syllables(1.5)]))
    assert openings(patches, path).max() > 50
    for patch, rest in zip(patches, rests_of(patches, path), strict=True):
        inside = np.zeros(rest.shape[:2], bool)
        inside[2:-2, 2:-2] = True
        assert np.array_equal(patch.pixels[~inside], rest[~inside])


@pytest.mark.parametrize("cuts", [1, 997, 960, 12_345])
def test_the_result_does_not_depend_on_how_the_audio_comes(engine, talking_head, cuts):
    voice = syllables(1.2)[:-500]  # the last frame is not whole
    whole = list(lipsynced(engine, talking_head, [voice]))
    assert len(whole) == frames_of(len(voice), RATE_HZ)
    step = max(cuts, 64)
    chunks = [voice[:cuts], *(voice[start : start + step] for start in range(cuts, len(voice), step)), voice[:0]]
    assert same(whole, list(lipsynced(engine, talking_head, chunks)))


def test_patches_come_while_the_voice_is_still_speaking(engine, talking_head):
    voice, frame = syllables(2.0), samples_per_frame(RATE_HZ)
    heard = 0

    def live():
        nonlocal heard
        for start in range(0, len(voice), frame):
            heard += 1
            yield voice[start : start + frame]

    for number, patch in enumerate(lipsynced(engine, talking_head, live())):
        assert patch.film_frame == number
        assert heard <= number + 3


def test_no_voice_gives_no_patch(engine, talking_head):
    assert list(lipsynced(engine, talking_head, [])) == []


def test_footage_runs_forwards_and_backwards(engine, tmp_path):
    """Long GOPs with B-frames, as cameras write them; silence shows the footage itself."""
    path = write_mp4(tmp_path / "camera.mp4", (portrait(n) for n in range(30)), gop=250, b_frames=3)
    silence = np.zeros(70 * samples_per_frame(RATE_HZ), np.int16)
    patches = list(lipsynced(engine, path, [silence], first_film_frame=17))
    assert len(patches) == 70
    for patch, rest in zip(patches, rests_of(patches, path), strict=True):
        assert np.array_equal(patch.pixels, rest)


def test_frames_without_a_face_pass_through(engine, tmp_path):
    shots = [*(portrait(n) for n in range(14)), *([empty_room()] * 13), *(portrait(n) for n in range(9))]
    path = write_mp4(tmp_path / "cutaway.mp4", shots)
    report = report_of(engine, path)
    assert (report.frames, report.frames_without_face) == (36, 13)
    assert report.problems == ("13 of 36 frames show no face; they stay as they are.",)
    patches = list(lipsynced(engine, path, [syllables(36 / 25)]))
    assert [patch.film_frame for patch in patches if patch.pixels is None] == list(range(14, 27))


def test_tells_how_light_a_face_is(engine, tmp_path):
    bright = report_of(engine, write_mp4(tmp_path / "bright.mp4", [portrait()])).face_luma
    dark = report_of(engine, write_mp4(tmp_path / "dark.mp4", [portrait() // 2])).face_luma
    assert dark == pytest.approx(bright / 2, rel=0.1)


def test_of_several_faces_the_largest_speaks(engine, tmp_path):
    small = portrait(0, 360, 640, 0.9)
    pictures = [np.hstack([small, portrait(n)]) for n in range(10)]
    report = report_of(engine, write_mp4(tmp_path / "two.mp4", pictures))
    assert report.frames_with_several_faces == 10
    assert any("several faces" in problem for problem in report.problems)
    assert report.mouth.x > 360


def test_a_picture_without_a_face_is_refused(engine, tmp_path):
    path = write_mp4(tmp_path / "room.mp4", [empty_room()])
    for attempt in (lambda: report_of(engine, path), lambda: list(lipsynced(engine, path, [syllables(1)]))):
        with pytest.raises(InvalidInputError) as refused:
            attempt()
        assert (refused.value.field, refused.value.reason) == ("spec.footage", "NO_FACE")
        assert refused.value.remedy


def truncated(path, whole):
    path.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])


def text(path, whole):
    path.write_text("not a film " * 500, encoding="utf-8")


def empty(path, whole):
    path.touch()


def playlist(path, whole):
    path.write_text(f"ffconcat version 1.0\nfile '{whole}'\n", encoding="utf-8")


def sound_only(path, whole):
    import av

    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=RATE_HZ, layout="mono")
        frame = av.AudioFrame.from_ndarray(syllables(1)[None], format="s16", layout="mono")
        frame.sample_rate = RATE_HZ
        container.mux([*stream.encode(frame), *stream.encode()])


@pytest.mark.parametrize("broken", [truncated, text, empty, playlist, sound_only], ids=lambda f: f.__name__)
def test_what_cannot_be_decoded_is_refused(engine, tmp_path, talking_head, broken):
    path = tmp_path / "footage.mp4"
    broken(path, talking_head)
    with pytest.raises(InvalidInputError) as refused:
        report_of(engine, path)
    assert (refused.value.field, refused.value.reason) == ("spec.footage", "UNREADABLE_FOOTAGE")
    assert str(tmp_path) not in str(refused.value)


def cancelled_after(units):
    event = threading.Event()

    class Counting(Progress):
        def advance(self, units_=1):
            if self.units_done == units - 1:
                event.set()
            super().advance(units_)

    return Counting(cancelled=event)


def test_cancelling_stops_the_look_at_the_footage_within_a_frame(tmp_path, talking_head):
    progress = cancelled_after(3)
    with pytest.raises(CancelledError):
        next(WarpEngine(EngineSettings(cache_root=tmp_path)).prepare(footage(talking_head), progress))
    assert progress.units_done == 3
    assert not list(tmp_path.rglob("*.npz"))


def test_cancelling_stops_the_lips_within_a_frame(engine, talking_head):
    report_of(engine, talking_head)
    progress = cancelled_after(5)
    patches = []
    with pytest.raises(CancelledError):
        patches.extend(lipsynced(engine, talking_head, [syllables(2)], progress=progress))
    assert progress.units_done == 5


def test_another_process_finds_the_track(engine, cache_root, talking_head):
    """What one replica found, the next one does not look for again: it counts no frame of the phase "faces"."""
    report = report_of(engine, talking_head)
    progress = Progress()
    assert next(WarpEngine(EngineSettings(cache_root=cache_root)).prepare(footage(talking_head), progress)) == report
    assert progress.units_done == 0


def test_a_damaged_or_unwritable_cache_costs_time_only(tmp_path, engine, talking_head):
    report = report_of(engine, talking_head)
    other = WarpEngine(EngineSettings(cache_root=tmp_path))
    assert report_of(other, talking_head) == report
    (kept,) = tmp_path.rglob("*.npz")
    kept.write_bytes(kept.read_bytes()[:100])
    assert report_of(other, talking_head) == report
    (tmp_path / "file").touch()
    assert report_of(WarpEngine(EngineSettings(cache_root=tmp_path / "file")), talking_head) == report


def test_memory_stays_flat_on_a_long_voice(engine, talking_head):
    process, resident = psutil.Process(), []
    for number, _ in enumerate(lipsynced(engine, talking_head, (syllables(2, seed) for seed in range(40)))):
        if number % 100 == 0:
            resident.append(process.memory_info().rss)
    assert number + 1 == 2000
    assert max(resident) - resident[5] < 24 << 20
