"""A composed segment shows the right footage frames, patches and overlays."""

import resource

import av
import numpy as np
import pytest

from orchestrator.film.compose import OverlayImage, PatchImage, SegmentComposer
from orchestrator.film.encode import EncoderSettings, has_nvenc
from services.enginekit.cores import usable_cores
from services.media.sandbox import run_limited
from services.media.timeline import footage_frame
from tests.support.pictures import number_in, numbered_picture, read_pictures, write_footage

FOOTAGE_FRAMES = 17


@pytest.fixture(scope="module")
def footage(tmp_path_factory):
    pictures = [numbered_picture(number) for number in range(FOOTAGE_FRAMES)]
    return write_footage(tmp_path_factory.mktemp("footage") / "footage.mp4", pictures)


def flat(colour, width=31, height=21):
    return np.full((height, width, len(colour)), colour, np.uint8)


def compose(footage, target, first, frames, **settings):
    with SegmentComposer(footage, target, first, EncoderSettings(**settings)) as composer:
        for _ in range(frames):
            composer.add_frame(None)
        return composer.finish()


@pytest.mark.parametrize("first", [0, 11, 40])
def test_film_frame_shows_its_footage_frame(footage, tmp_path, first):
    segment = compose(footage, tmp_path / "film.mp4", first, 50)
    shown = [number_in(picture) for picture in read_pictures(segment.path)]
    assert shown == [footage_frame(first + number, FOOTAGE_FRAMES) for number in range(50)]
    assert segment.frames == 50


def test_the_encoder_has_the_threads_of_the_cores_that_it_may_use(footage, tmp_path):
    """x264 writes into the stream how it was told to encode."""
    segment = compose(footage, tmp_path / "film.mp4", 0, 2)
    assert f" threads={usable_cores()} ".encode() in segment.path.read_bytes()


def test_patches_and_overlays_show_on_their_frames_only(footage, tmp_path):
    target = tmp_path / "film.mp4"
    with SegmentComposer(footage, target, 100, EncoderSettings(crf=8)) as composer:
        composer.add_overlay(OverlayImage(102, 3, 15, 5, flat((250, 20, 20, 255))))
        composer.add_overlay(OverlayImage(103, 1, 15, 5, flat((20, 20, 250, 255))))
        for number in range(8):
            composer.add_frame(PatchImage(101, 271, flat((20, 250, 20))) if number % 2 else None)
        composer.finish()
    pictures = read_pictures(target)
    corner, patch = ([picture[y, x] for picture in pictures] for y, x in ((15, 30), (281, 116)))
    assert [pixel.argmax() if np.ptp(pixel) > 150 else None for pixel in corner] == [*[None] * 2, 0, 2, 0, *[None] * 3]
    assert [bool(np.ptp(pixel) > 150) for pixel in patch] == [False, True] * 4


def test_still_picture_is_clean_again_after_a_patch(tmp_path):
    footage = write_footage(tmp_path / "still.mp4", [numbered_picture(5)])
    with SegmentComposer(footage, tmp_path / "film.mp4", 0) as composer:
        composer.add_frame(PatchImage(0, 0, flat((255, 0, 0), 192, 320)))
        composer.add_frame(None)
        composer.finish()
    assert number_in(read_pictures(tmp_path / "film.mp4")[1]) == 5


def test_streams_of_all_segments_fit_each_other(footage, tmp_path):
    headers = set()
    for frames in (1, 2, 3, 30, 78):
        segment = compose(footage, tmp_path / f"{frames}.mp4", frames, frames, threads=1 + frames % 2)
        with av.open(str(segment.path)) as container:
            context = container.streams.video[0].codec_context
            headers.add(bytes(context.extradata))
            assert (context.pix_fmt, context.colorspace, context.color_range) == ("yuv420p", 1, 1)
    assert len(headers) == 1


def test_unfinished_segment_leaves_no_file(footage, tmp_path):
    target = tmp_path / "film.mp4"
    with SegmentComposer(footage, target, 0) as composer:
        for _ in range(60):
            composer.add_frame(None)
        assert target.exists()
    assert not target.exists()


def peak_rss_mib(footage, target, frames):
    """Peak memory of a process that composes a segment, each frame with a patch and an overlay of its own."""
    with SegmentComposer(footage, target, 0) as composer:
        for number in range(frames):
            composer.add_overlay(OverlayImage(number, 1, 10, 10, flat((250, 20, 20, 128), 150, 90)))
            composer.add_frame(PatchImage(20, 120, flat((20, 250, 20), 150, 90)))
        composer.finish()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def test_memory_does_not_grow_with_length(footage, tmp_path):
    peaks = [
        run_limited(
            f"{__name__}:peak_rss_mib",
            footage,
            tmp_path / "film.mp4",
            frames,
            returns=float,
            reads=(footage,),
            writes=(tmp_path / "film.mp4",),
        )
        for frames in (100, 2000)
    ]
    print(f"peak memory of 100 and of 2000 frames: {peaks[0]:.0f} and {peaks[1]:.0f} MiB")
    assert peaks[1] <= 1.1 * peaks[0]


def test_nvenc_falls_back_where_there_is_none():
    codec = EncoderSettings(codec="h264_nvenc").resolved_codec()
    assert codec == ("h264_nvenc" if has_nvenc() else "libx264")
