"""What a file is by its first bytes."""

import numpy as np
import pytest

from services.base.errors import InvalidInputError
from services.media import formats
from services.media.formats import format_of, sniff
from services.media.mpeg import audio_kind, is_transport_stream

BOX = b"\0\0\0\x18"
MP3_FRAME = b"\xff\xfb\x90\x00" + bytes(413)  # layer III, 128 kbit/s, 44.1 kHz
LAYER_2_FRAME = b"\xff\xfd\xa4\x00" + bytes(572)  # 192 kbit/s, 48 kHz
MPEG_2_FRAME = b"\xff\xf3\x80\xc0" + bytes(204)  # layer III, 64 kbit/s, 22.05 kHz
ADTS_FRAME = b"\xff\xf1\x50\x80\x04\x1f\xfc" + bytes(25)
NOISE = np.random.default_rng(2).bytes(2000).replace(b"\xff", b"\xfe")


@pytest.mark.parametrize(
    ("head", "found"),
    [
        (BOX + b"ftypisom", formats.MP4),
        (BOX + b"ftypqt  ", formats.MP4),
        (BOX + b"moov", formats.MP4),
        (BOX + b"ftypM4A ", formats.M4A),
        (BOX + b"ftypheic", formats.HEIC),
        (BOX + b"ftypmif1", formats.HEIC),
        (BOX + b"ftypavif", formats.AVIF),
        (BOX + b"ftypavis", formats.AVIF),
        (b"RIFF\0\0\0\0WAVE", formats.WAV),
        (b"RF64\xff\xff\xff\xffWAVE", formats.WAV),
        (b"FORM\0\0\0\0AIFC", formats.AIFF),
        (b"GIF89a", formats.GIF),
        (b"FLV\x01\x05", formats.FLV),
        (b"\0\0\x01\xba\x44", formats.PROGRAM_STREAM),
        (MP3_FRAME * 3, formats.MP3),
        (LAYER_2_FRAME * 3, formats.MP3),
        (MPEG_2_FRAME * 3, formats.MP3),
        (ADTS_FRAME * 3, formats.AAC),
        (NOISE + MP3_FRAME * 4, formats.MP3),
        (b"ID3\x04\0\0\0\0\0\0" + ADTS_FRAME * 3, formats.AAC),
        (b"ID3\x04\0\0\0\0\0\0fLaC", formats.FLAC),
        (b"\xff\xfb\x90\x00 looks like a frame, but none follows" * 20, None),
        (b"#EXTM3U\nfile:///etc/passwd\n", None),
        (b"", None),
    ],
)
def test_first_bytes_tell(head, found):
    assert format_of(head) == found


@pytest.mark.parametrize("size", [188, 192, 204])
@pytest.mark.parametrize("junk", [b"", b"GGG", b"more than\0nothing" * 30])
def test_transport_streams_are_found_behind_junk(size, junk):
    assert is_transport_stream(junk + (b"\x47" + bytes(size - 1)) * 6)
    assert not is_transport_stream(junk + (b"\x47" + bytes(size - 2)) * 6)


def test_noise_is_no_sound():
    assert not any(audio_kind(np.random.default_rng(seed).bytes(1 << 16)) for seed in range(10))


def test_a_tag_of_any_size_is_passed_over(tmp_path):
    path = tmp_path / "upload"
    path.write_bytes(b"ID3\x04\0\0\0\x10\0\0" + bytes(0x10 << 14) + ADTS_FRAME * 3)
    assert sniff(path, "audio") == formats.AAC


def test_sound_of_a_clip_is_sound_but_a_gif_has_none(tmp_path):
    path = tmp_path / "upload"
    path.write_bytes(b"FLV\x01\x05")
    assert sniff(path, "audio").medium == "audio"
    path.write_bytes(b"GIF89a")
    with pytest.raises(InvalidInputError, match="image/gif"):
        sniff(path, "audio", field="music")
