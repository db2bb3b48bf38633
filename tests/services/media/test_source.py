"""What a decoder stumbles over is a fault of the file; what the machine lacks is not."""

import errno

import av
import numpy as np
import pytest

from services.base.errors import InvalidInputError
from services.media.clip import Clip, FootageLimits
from services.media.recording import Recording
from services.media.source import Damage, checked_codec, decoding, open_source
from tests.support.cases import encoded


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"), "UNREADABLE_FILE"),
        (NotImplementedError("secret pixel format"), "UNREADABLE_FILE"),
        (ZeroDivisionError(), "UNREADABLE_FILE"),
        (av.error.InvalidDataError(errno.EINVAL, "Invalid data found"), "UNREADABLE_FILE"),
        (av.error.MemoryError(errno.ENOMEM, "Cannot allocate memory"), "TOO_LARGE"),
    ],
)
def test_errors_of_decoders_are_typed(error, reason):
    with pytest.raises(InvalidInputError) as raised, decoding("file", "audio"):
        raise error
    assert (raised.value.field, raised.value.reason) == ("file", reason)
    assert "secret" not in str(raised.value)
    assert raised.value.remedy


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "full"), MemoryError()])
def test_errors_of_the_machine_stay_what_they_are(error):
    with pytest.raises(type(error)), decoding("file", "audio"):
        raise error


def test_codecs_that_are_not_listed_are_refused_by_name(tmp_path):
    path = encoded(tmp_path / "clip.mkv", "jpeg2000")
    with pytest.raises(InvalidInputError, match="jpeg2000") as raised:
        Clip(path, "spec.footage", FootageLimits())
    assert (raised.value.field, raised.value.reason) == ("spec.footage", "UNREADABLE_FILE")


@pytest.mark.parametrize(
    "head", [b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", b"ffconcat version 1.0\nfile /etc/passwd\n"]
)
def test_playlists_are_not_opened(tmp_path, head):
    path = tmp_path / "list"
    path.write_bytes(head)
    with pytest.raises(InvalidInputError, match="cannot be read"):
        open_source(path, "file", "video")


def test_nothing_is_told_of_what_is_whole():
    assert Damage(packets=10).notes("the sound") == []


def test_codecs_of_pictures_in_mkv_are_taken(tmp_path):
    with open_source(encoded(tmp_path / "clip.mkv", "ffv1"), "file", "video") as container:
        checked_codec(container.streams.video[0], "file", "video")


@pytest.mark.parametrize("rate_hz", [48_000, 44_100])
def test_samples_that_are_no_numbers_are_silence(tmp_path, rate_hz):
    samples = np.full((1, rate_hz), 0.25, np.float32)
    samples[0, rate_hz // 2 : rate_hz // 2 + 3] = np.nan, np.inf, -np.inf
    with av.open(str(tmp_path / "odd.wav"), "w") as file:
        stream = file.add_stream("pcm_f32le", rate=rate_hz, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples, format="flt", layout="mono")
        frame.sample_rate = rate_hz
        file.mux([*stream.encode(frame), *stream.encode(None)])
    (heard,) = np.concatenate(list(Recording(tmp_path / "odd.wav", "music").blocks("mono")), axis=1)
    assert np.isfinite(heard).all()
    assert np.isclose(heard, 0.25, atol=0.05).mean() > 0.99
