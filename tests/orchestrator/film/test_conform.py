"""Any footage comes out as the film needs it, shows what it showed, and bad files are refused in words."""

import io
import resource
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest
from PIL import Image
from skimage import data

from orchestrator.film.conform import ConformedFootage, conform
from orchestrator.film.footage import FootageReader
from services.base.errors import InvalidInputError
from services.media.clip import FootageLimits
from services.media.sandbox import run_limited
from tests.support.pictures import (
    add_tone,
    number_in,
    numbered_picture,
    read_pictures,
    write_clip,
    write_footage,
    write_tone,
)

WIDTH, HEIGHT = 192, 320
CONFORM = "orchestrator.film.conform:conform"
RED, GREEN, BLUE = (200, 30, 30), (30, 200, 30), (30, 30, 200)


def numbered(frames, width=WIDTH, height=HEIGHT):
    return [numbered_picture(number, width, height) for number in range(frames)]


def conformed(source, width=WIDTH, height=HEIGHT, **settings):
    made = conform(source, source.parent / "conformed.mp4", width, height, **settings)
    pictures = read_pictures(made.path)
    assert made.changed
    assert (made.width, made.height, made.frames) == (width, height, len(pictures))
    assert pictures[0].shape == (height, width, 3)
    return pictures


def numbers(pictures):
    return [number_in(picture) for picture in pictures]


def thirds(width, height, colours=(RED, GREEN, BLUE), axis=1):
    """Three fields side by side (axis 1) or above each other (axis 0)."""
    fields = np.array(colours, np.uint8)[:, None] if axis == 0 else np.array(colours, np.uint8)[None]
    return cv2.resize(fields, (width, height), interpolation=cv2.INTER_NEAREST)


def assert_colour(picture, colour, tolerance=8):
    assert np.abs(picture.astype(int) - colour).mean() < tolerance


# what comes out


def test_stream_is_as_the_reader_needs_it(tmp_path):
    source = write_clip(tmp_path / "clip.mp4", numbered(40), 30, sound=True)
    made = conform(source, tmp_path / "out.mp4", WIDTH, HEIGHT)
    with av.open(str(made.path)) as container:
        (stream,) = container.streams
        context = stream.codec_context
        assert (context.name, context.pix_fmt) == ("h264", "yuv420p")
        assert (context.colorspace, context.color_primaries, context.color_trc, context.color_range) == (1, 1, 1, 1)
        packets = [packet for packet in container.demux(stream) if packet.size]
    keys = [number for number, packet in enumerate(packets) if packet.is_keyframe]
    assert keys[0] == 0
    assert np.diff([*keys, len(packets)]).max() <= 12
    assert [packet.pts * packet.time_base for packet in packets] == [Fraction(n, 25) for n in range(len(packets))]
    assert all(packet.pts == packet.dts for packet in packets)
    assert made.path.read_bytes().find(b"moov") < made.path.read_bytes().find(b"mdat")


def test_what_is_right_passes_unchanged(tmp_path):
    right = conform(write_clip(tmp_path / "clip.mp4", numbered(40), 30), tmp_path / "right.mp4", WIDTH, HEIGHT).path
    again = conform(right, tmp_path / "again.mp4", WIDTH, HEIGHT)
    assert (again.path, again.frames, again.changed) == (right, 33, False)
    assert not (tmp_path / "again.mp4").exists()
    with FootageReader(again.path) as reader:
        assert reader.frames == again.frames


@pytest.mark.parametrize(
    "options",
    [
        {"x264-params": "keyint=12:bframes=2:b-adapt=0"},
        {"x264-params": "keyint=30:bframes=0"},
        {"x264-params": "keyint=12:bframes=0", "crf": "0"},  # no fault but the untagged colours
    ],
)
def test_what_is_nearly_right_is_made_anew(tmp_path, options):
    assert numbers(conformed(write_clip(tmp_path / "clip.mp4", numbered(35), 25, options=options))) == list(range(35))


def test_damaged_clip_does_not_pass_unchanged(tmp_path):
    path = write_footage(tmp_path / "clip.mp4", numbered(36))
    with av.open(str(path)) as container:
        packets = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]
    content = bytearray(path.read_bytes())
    position, size = packets[20]
    content[position : position + size] = bytes(size)
    path.write_bytes(content)
    with FootageReader(conform(path, tmp_path / "out.mp4", WIDTH, HEIGHT).path) as reader:
        for number in range(reader.frames):
            reader.frame(number)


# time


@pytest.mark.parametrize(
    ("rate", "frames", "shown"),
    [
        (50, 40, list(range(0, 40, 2))),
        (Fraction(25, 2), 10, [number // 2 for number in range(1, 21)]),
        (100, 40, list(range(1, 41, 4))),
    ],
)
def test_rates_that_divide(tmp_path, rate, frames, shown):
    made = numbers(conformed(write_clip(tmp_path / "clip.mp4", numbered(frames), rate)))
    assert len(made) == len(shown)
    assert all(abs(number - expected) <= 1 for number, expected in zip(made, shown, strict=True))
    steps = np.diff(made)
    assert steps.max() - steps.min() <= (1 if rate < 25 else 0)


@pytest.mark.parametrize("rate", [24, 30, Fraction(30_000, 1001), 60])
def test_each_frame_shows_its_moment(tmp_path, rate):
    made = numbers(conformed(write_clip(tmp_path / "clip.mp4", numbered(60), rate)))
    assert len(made) == pytest.approx(60 * 25 / rate, abs=1)
    for number, shown in enumerate(made):
        assert abs(shown / rate - number / 25) <= 0.5 / min(rate, 25) + 1e-3


@pytest.mark.fault("broken, cut or odd media")
def test_variable_rate(tmp_path):
    times_s = [0.5, 0.54, 0.58, 1.3, 1.34, 1.35, 1.36, 1.42]
    made = numbers(conformed(write_clip(tmp_path / "clip.mp4", numbered(8), 25, times_s=times_s)))
    expected = [0, 1, *[2] * 18, 3, 5, 6, 7, 7]
    assert made[:3] == [0, 1, 2]
    assert len(made) == pytest.approx(len(expected), abs=1)
    assert made.count(2) == 18
    assert made[-1] == 7


def test_gap_longer_than_the_limit_is_refused(tmp_path):
    source = write_clip(tmp_path / "clip.mkv", numbered(3), 25, times_s=[0, 0.04, 4000])
    with pytest.raises(InvalidInputError) as caught:
        conform(source, tmp_path / "out.mp4", WIDTH, HEIGHT)
    assert caught.value.reason == "TOO_LONG"


# place


def test_wide_clip_is_cropped_to_its_middle(tmp_path):
    pictures = conformed(write_clip(tmp_path / "clip.mp4", [thirds(640, 360)] * 5), 120, 240)
    assert_colour(pictures[2][:, 4:-4], GREEN)


@pytest.mark.parametrize(("focus", "colour"), [((0.1, 0.5), RED), ((0.5, 0.2), GREEN), ((0.95, 0.5), BLUE)])
def test_focus_stays_in_the_crop(tmp_path, focus, colour):
    source = write_clip(tmp_path / "clip.mp4", [thirds(640, 360)] * 3)
    assert_colour(conformed(source, 100, 200, focus=focus)[1][:, 8:-8], colour)


def test_tall_clip_on_a_wide_canvas(tmp_path):
    pictures = conformed(write_clip(tmp_path / "clip.mp4", [thirds(180, 320, axis=0)] * 3), 320, 100)
    assert_colour(pictures[1][6:-6], GREEN)


def test_keeps_shape(tmp_path):
    """A circle stays a circle."""
    circle = cv2.circle(np.zeros((360, 640, 3), np.uint8), (320, 180), 100, (255, 255, 255), -1)
    made = conformed(write_clip(tmp_path / "clip.mp4", [circle] * 3), 216, 384)[1].max(axis=2) > 128
    assert made.any(axis=0).sum() == pytest.approx(made.any(axis=1).sum(), abs=3)
    assert made.any(axis=1).sum() == pytest.approx(200 * 384 / 360, abs=3)


def test_pixels_that_are_not_square(tmp_path):
    path = tmp_path / "clip.mp4"
    squeezed = cv2.circle(np.zeros((288, 360, 3), np.uint8), (180, 144), 100, (255, 255, 255), -1)
    write_clip(path, [squeezed] * 3, options={"x264-params": "sar=2/1"})
    made = conformed(path, 640, 288)[1].max(axis=2) > 128
    assert made.any(axis=0).sum() == pytest.approx(2 * made.any(axis=1).sum(), rel=0.05)


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("degrees", [0, 90, 180, -90])
def test_rotation_is_undone(tmp_path, degrees, mirrored):
    """Against what FFmpeg says of its matrix: it turns the coded picture counter-clockwise, then mirrors it."""
    upright = thirds(WIDTH, HEIGHT, axis=0)
    upright[:, : WIDTH // 4] = 255
    coded = np.rot90(upright[:, ::-1] if mirrored else upright, -degrees // 90)
    source = write_clip(tmp_path / "clip.mp4", [coded] * 3, rotation=(degrees, mirrored))
    assert_colour(conformed(source)[1], upright)


def test_rotated_clip_is_cropped_where_it_is_seen(tmp_path):
    upright = thirds(640, 360)
    source = write_clip(tmp_path / "clip.mp4", [np.rot90(upright, 1)] * 3, rotation=(-90, False))
    assert_colour(conformed(source, 100, 200, focus=(0.95, 0.5))[1][:, 8:-8], BLUE)


def test_crop_keeps_the_face(tmp_path):
    astronaut = data.astronaut()[:360, 60:400]
    scene = np.full((360, 900, 3), 90, np.uint8)
    scene[:, 560:] = astronaut
    picture, clip = tmp_path / "picture.png", tmp_path / "clip.mp4"
    Image.fromarray(scene).save(picture)
    write_clip(clip, [scene] * 10)
    for source in (picture, clip):
        made = conformed(source, 180, 320)[0].astype(int)
        expected = cv2.resize(scene[:, 620:823], (180, 320), interpolation=cv2.INTER_AREA)
        columns = [np.abs(np.roll(expected, shift, axis=1) - made)[:, 30:-30].mean() for shift in range(-30, 31)]
        assert min(columns) < 14


# colour


@pytest.mark.parametrize("colours", [(1, 1), (5, 1), (1, 2), (5, 2)])
@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv422p10le", "yuv444p"])
def test_colours_stay(tmp_path, colours, pix_fmt):
    picture = thirds(WIDTH, HEIGHT, axis=0)
    source = write_clip(tmp_path / "clip.mp4", [picture] * 3, colours=colours, pix_fmt=pix_fmt, options={"crf": "4"})
    made = conformed(source)[1]
    for top, colour in ((0, RED), (110, GREEN), (220, BLUE)):
        assert_colour(made[top + 10 : top + 90], colour, 4)


def test_hdr_becomes_sdr(tmp_path):
    """HLG at 75 % is diffuse white (ITU-R BT.2408); taken for SDR it would be a dull grey."""
    source = tmp_path / "clip.mp4"
    with av.open(str(source), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "4", "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p10le"
        context = stream.codec_context
        context.color_primaries, context.color_trc, context.colorspace, context.color_range = 9, 18, 9, 1
        frame = av.VideoFrame(64, 64, "yuv420p10le")
        for plane, level in zip(frame.planes, (64 + round(0.75 * 876), 512, 512), strict=True):
            np.frombuffer(plane, np.uint16)[:] = level
        container.mux([*stream.encode(frame), *stream.encode(None)])
    assert_colour(conformed(source, 64, 64)[0], (253, 253, 253), 6)


# pictures


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp"])
def test_picture_is_one_frame(tmp_path, suffix):
    source = tmp_path / f"picture.{suffix}"
    Image.fromarray(numbered_picture(1234, 600, 1000)).save(source)
    (picture,) = conformed(source)
    assert number_in(picture) == 1234


def test_picture_is_turned_by_its_exif(tmp_path):
    source = tmp_path / "picture.jpg"
    exif = Image.Exif()
    exif[274] = 6  # turn clockwise
    Image.fromarray(np.rot90(numbered_picture(77, 300, 500), 1)).save(source, exif=exif, quality=95)
    assert numbers(conformed(source)) == [77]


def test_transparency_is_black(tmp_path):
    source = tmp_path / "picture.png"
    Image.new("RGBA", (300, 500), (255, 255, 255, 0)).save(source)
    assert_colour(conformed(source)[0], (0, 0, 0), 2)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "CMYK", "I;16"])
def test_kinds_of_pictures(tmp_path, mode):
    grey = np.full((500, 300), 200, np.uint8)
    source = tmp_path / ("picture.jpg" if mode == "CMYK" else "picture.png")
    picture = Image.fromarray(grey.astype(np.uint16) << 8) if mode == "I;16" else Image.fromarray(grey).convert(mode)
    picture.save(source)
    assert_colour(conformed(source)[0], (200, 200, 200), 60 if mode == "1" else 4)


@pytest.mark.parametrize("suffix", ["png", "webp"])
def test_moving_picture_is_its_first_frame(tmp_path, suffix):
    first, second = (Image.fromarray(numbered_picture(number, 300, 500)) for number in (5, 6))
    first.save(tmp_path / f"picture.{suffix}", save_all=True, append_images=[second])
    assert numbers(conformed(tmp_path / f"picture.{suffix}")) == [5]


def test_gif_is_a_clip(tmp_path):
    first, second = (Image.fromarray(numbered_picture(number, 300, 500)) for number in (5, 6))
    first.save(tmp_path / "clip.gif", save_all=True, append_images=[second], duration=200)
    assert numbers(conformed(tmp_path / "clip.gif")) == [5] * 5 + [6] * 5


# what is refused


def clip_bytes(tmp_path, **settings):
    return write_clip(tmp_path / "whole.mp4", numbered(50), **settings).read_bytes()


def sound_alone(tmp_path):
    with av.open(str(tmp_path / "sound.mp4"), "w") as container:
        write_tone(container, add_tone(container), 1.0)
    return (tmp_path / "sound.mp4").read_bytes()


def cut_picture():
    content = io.BytesIO()
    Image.fromarray(numbered_picture(3, 600, 900)).save(content, "PNG")
    return content.getvalue()[:1500]


BAD_FILES = {
    "empty": (lambda _: b"", "EMPTY_FILE", "0 bytes"),
    "text": (lambda _: b"Once upon a time there was a film.\n" * 50, "WRONG_FILE_TYPE", "not accepted"),
    "playlist": (lambda _: b"#EXTM3U\n#EXTINF:1,\n/etc/passwd\n", "WRONG_FILE_TYPE", "not accepted"),
    "noise": (lambda _: np.random.default_rng(1).bytes(5000), "WRONG_FILE_TYPE", "not accepted"),
    "cut before the index": (lambda folder: clip_bytes(folder)[:3000], "CUT_FILE", "its data ends after 3000 of"),
    "index missing": (lambda folder: without_index(clip_bytes(folder)), "CUT_FILE", "index (moov) is missing"),
    "cut behind the index": (
        lambda folder: clip_bytes(folder, container_options={"movflags": "faststart"})[:-2000],
        "CUT_FILE",
        "its data ends after",
    ),
    "sound alone": (sound_alone, "NO_PICTURE", "no picture"),
    "cut picture": (lambda _: cut_picture(), "UNREADABLE_FILE", "broken or cut off"),
}


def without_index(content):
    return content[: content.rindex(b"moov") - 4]


@pytest.mark.fault("broken, cut or odd media")
@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_file_is_refused(tmp_path, name):
    make, reason, words = BAD_FILES[name]
    source = tmp_path / "footage.mp4"
    source.write_bytes(make(tmp_path))
    with pytest.raises(InvalidInputError) as caught:
        conform(source, tmp_path / "out.mp4", WIDTH, HEIGHT)
    error = caught.value
    assert (error.field, error.reason) == ("spec.footage", reason)
    assert words in error.problem
    assert error.remedy
    assert str(tmp_path) not in str(error)


@pytest.mark.fault("broken, cut or odd media")
@pytest.mark.parametrize(
    ("limits", "reason"), [(FootageLimits(duration_s=1), "TOO_LONG"), (FootageLimits(pixels=10_000), "TOO_LARGE")]
)
def test_limits(tmp_path, limits, reason):
    clip, picture = write_clip(tmp_path / "clip.mp4", numbered(40)), tmp_path / "picture.png"
    Image.fromarray(numbered_picture(1)).save(picture)
    for source in (clip, picture) if reason == "TOO_LARGE" else (clip,):
        with pytest.raises(InvalidInputError) as caught:
            conform(source, tmp_path / "out.mp4", WIDTH, HEIGHT, limits=limits)
        assert caught.value.reason == reason


# in a limited child


def peak_rss_mib(source, target, width, height):
    """Peak memory of a process that conforms a file."""
    conform(source, target, width, height)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def test_memory_does_not_grow_with_length(tmp_path):
    picture = numbered_picture(1, 640, 360)
    peaks = []
    for frames in (60, 1200):
        source = write_clip(tmp_path / f"{frames}.mp4", (picture for _ in range(frames)), 30)
        target = tmp_path / "out.mp4"
        peaks.append(
            run_limited(
                f"{__name__}:peak_rss_mib", source, target, 180, 320, returns=float, reads=(source,), writes=(target,)
            )
        )
    print(f"peak memory of 60 and of 1200 frames: {peaks[0]:.0f} and {peaks[1]:.0f} MiB")
    assert peaks[1] <= 1.1 * peaks[0]


def test_in_a_limited_child_with_progress(tmp_path):
    source = write_clip(tmp_path / "clip.mp4", numbered(50), 50)
    seen = []
    made = run_limited(
        CONFORM,
        source,
        tmp_path / "out.mp4",
        WIDTH,
        HEIGHT,
        returns=ConformedFootage,
        reads=(source,),
        writes=(tmp_path / "out.mp4",),
        progress=lambda done, total: seen.append((done, total)),
    )
    assert made.frames == 25
    assert seen == [(done, 25) for done in range(1, 26)]


def test_error_comes_out_of_the_limited_child(tmp_path):
    source = tmp_path / "text.mp4"
    source.write_text("not a film", encoding="utf-8")
    with pytest.raises(InvalidInputError, match=r"spec\.footage"):
        run_limited(
            CONFORM,
            source,
            tmp_path / "out.mp4",
            WIDTH,
            HEIGHT,
            returns=ConformedFootage,
            reads=(source,),
            writes=(tmp_path / "out.mp4",),
            field="spec.footage",
        )
