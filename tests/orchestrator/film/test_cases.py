"""Files as people have them, in a film: the same are taken and refused as at the upload, and the same is told."""

import io

import av
import numpy as np
import pytest
from PIL import Image

from orchestrator.film.conform import conform
from orchestrator.film.footage import FootageReader
from orchestrator.film.music import FIELD, music_blocks
from services.base.errors import InvalidInputError
from services.lipsync.footage import decoded, opened
from services.media.framing.following import focus_of
from services.media.inspection import inspect_footage
from services.media.recording import Recording
from tests.support.cases import CASES, FOOTAGE, GBK, MUSIC, REFUSED_FOOTAGE, REFUSED_MUSIC, titled_copy
from tests.support.pictures import number_in, read_pictures, rgb_of, write_clip

WIDTH, HEIGHT = 96, 160


@pytest.mark.parametrize("name", FOOTAGE)
def test_footage_is_conformed(tmp_path, name):
    case = FOOTAGE[name]
    made = conform(case.make(tmp_path), tmp_path / "out.mp4", WIDTH, HEIGHT)
    assert made.frames == pytest.approx(case.duration_s * 25, abs=1)
    assert case.told in " ".join(made.notes)
    assert bool(case.told) == bool(made.notes)
    recordings, other_frames = divmod(round(case.duration_s * 25), 30)
    if not other_frames:
        assert [number_in(picture) for picture in read_pictures(made.path)] == list(range(30)) * recordings


@pytest.mark.parametrize("name", MUSIC)
def test_music_is_played(tmp_path, name):
    case = MUSIC[name]
    music = Recording(case.make(tmp_path), FIELD)
    once = sum(block.shape[1] for block in music.blocks())
    assert once / 48_000 == pytest.approx(case.duration_s, abs=0.08)
    assert case.told in " ".join(music.notes())
    looped = list(music_blocks(music, once + 96_000))
    assert sum(block.shape[1] for block in looped) == once + 96_000
    assert {block.shape[0] for block in looped} == {2}


@pytest.mark.parametrize("name", REFUSED_FOOTAGE)
def test_footage_is_refused(tmp_path, name):
    make, reason, words = REFUSED_FOOTAGE[name]
    with pytest.raises(InvalidInputError, match=words) as refused:
        conform(make(tmp_path), tmp_path / "out.mp4", WIDTH, HEIGHT)
    assert (refused.value.field, refused.value.reason) == ("spec.footage", reason)


@pytest.mark.parametrize("name", REFUSED_MUSIC)
def test_music_is_refused(tmp_path, name):
    make, reason, words = REFUSED_MUSIC[name]
    with pytest.raises(InvalidInputError, match=words) as refused:
        list(music_blocks(Recording(make(tmp_path), FIELD), 48_000 * 9))
    assert (refused.value.field, refused.value.reason) == ("spec.music", reason)


def test_footage_that_is_ready_may_have_a_title_in_any_encoding(tmp_path):
    """Composing and lip-sync open it as it came."""
    ready = conform(FOOTAGE["webm"].make(tmp_path), tmp_path / "out.mp4", WIDTH, HEIGHT).path
    made = conform(titled_copy(ready, tmp_path / "titled.mp4", GBK), tmp_path / "again.mp4", WIDTH, HEIGHT)
    assert not made.changed
    with FootageReader(made.path) as reader:
        assert number_in(rgb_of(reader.frame(7))) == 7
    with opened(made.path) as container:
        assert sum(1 for _ in decoded(container)) == 30


def test_a_film_shows_the_presenter_beside_a_slide(tmp_path):
    made = conform(CASES / "lecturer.mp4", tmp_path / "out.mp4", 270, 480)
    places = [focus_of(picture, 270 / 480, None).at(0) for picture in read_pictures(made.path)[::10]]
    assert tuple(np.median(places, axis=0)) == pytest.approx((0.5, 0.54), abs=0.08)


# what is transparent


def half_clear(codec, pix_fmt, suffix):
    def make(folder):
        path = folder / f"clip.{suffix}"
        with av.open(str(path), "w") as container:
            stream = container.add_stream(codec, rate=25)
            stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, pix_fmt
            stream.metadata["alpha_mode"] = "1"  # WebM's word for it
            for number in range(3):
                frame = av.VideoFrame.from_ndarray(RGBA, format="rgba").reformat(format=pix_fmt)
                frame.pts = number
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        return path

    return make


def half_clear_picture(suffix, **settings):
    def make(folder):
        path = folder / f"picture.{suffix}"
        picture = Image.fromarray(RGBA)
        if suffix == "gif":
            picture.save(path, save_all=True, append_images=[picture], duration=200)
        else:
            picture.save(path, **settings)
        return path

    return make


RED, GREEN = (250, 0, 0), (0, 200, 40)
RGBA = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
RGBA[:] = (*RED, 0)
RGBA[: HEIGHT // 2, :, 3] = 255
TRANSPARENT = {
    "vp9": half_clear("libvpx-vp9", "yuva420p", "webm"),
    "prores": half_clear("prores_ks", "yuva444p10le", "mov"),
    "animation": half_clear("qtrle", "argb", "mov"),
    "gif": half_clear_picture("gif"),
    "png": half_clear_picture("png"),
    "webp": half_clear_picture("webp", lossless=True),
    "avif": half_clear_picture("avif", quality=90),
}


@pytest.mark.parametrize("name", TRANSPARENT)
def test_what_is_transparent_shows_one_colour_in_the_film_and_on_the_poster(tmp_path, name):
    source = TRANSPARENT[name](tmp_path)
    film = read_pictures(conform(source, tmp_path / "out.mp4", WIDTH, HEIGHT, backdrop=GREEN).path)[0]
    poster = np.asarray(Image.open(io.BytesIO(inspect_footage(source, 60, GREEN).poster)))
    for picture in (film, poster):
        assert np.abs(picture[20:60, 20:-20].astype(int) - RED).mean() < 8
        assert np.abs(picture[100:140, 20:-20].astype(int) - GREEN).mean() < 8


# what is turned


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "avif"])
def test_pictures_are_upright_in_the_film_and_on_the_poster(tmp_path, suffix, orientation):
    """AVIF says it in boxes of its own (irot, imir)."""
    upright = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    upright[: HEIGHT // 2, : WIDTH // 2] = RED
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"picture.{suffix}"
    Image.fromarray(STORED[orientation](upright)).save(path, exif=exif, quality=95)
    film = read_pictures(conform(path, tmp_path / "out.mp4", WIDTH, HEIGHT).path)[0]
    facts = inspect_footage(path, 60)
    poster = np.asarray(Image.open(io.BytesIO(facts.poster)))
    assert (facts.width, facts.height) == (WIDTH, HEIGHT)
    for picture in (film, poster):
        assert np.abs(picture.astype(int) - upright).mean() < 8


STORED = {  # how a picture of that EXIF orientation is stored
    1: lambda upright: upright,
    2: lambda upright: upright[:, ::-1],
    3: lambda upright: upright[::-1, ::-1],
    4: lambda upright: upright[::-1],
    5: lambda upright: upright.transpose(1, 0, 2),
    6: np.rot90,
    7: lambda upright: upright[::-1, ::-1].transpose(1, 0, 2),
    8: lambda upright: np.rot90(upright, -1),
}


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("degrees", [0, 90, 180, -90])
def test_posters_of_turned_clips_show_what_the_film_shows(tmp_path, degrees, mirrored):
    picture = np.full((160, 96, 3), 90, np.uint8)
    picture[:40, :24] = RED
    source = write_clip(tmp_path / "clip.mp4", [picture] * 3, rotation=(degrees, mirrored))
    facts = inspect_footage(source, 60)
    film = read_pictures(conform(source, tmp_path / "out.mp4", facts.width, facts.height).path)[0]
    poster = np.asarray(Image.open(io.BytesIO(facts.poster)))
    assert poster.shape == film.shape
    assert np.abs(poster.astype(int) - film).mean() < 8
