"""What a decoder stumbles over is a fault of the file; what the machine lacks is not."""

import errno

import av
import pytest

from services.base.errors import InvalidInputError
from services.media.clip import Clip, FootageLimits
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
