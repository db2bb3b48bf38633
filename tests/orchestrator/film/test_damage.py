"""Files damaged at random become a film or a typed error; nothing else comes out, and nothing crashes."""

import random

import numpy as np
import pytest
from PIL import Image

from orchestrator.film.conform import conform
from orchestrator.film.music import FIELD, music_blocks
from services.base.errors import InvalidInputError
from services.media.recording import Recording
from tests.support.pictures import numbered_picture, write_clip
from tests.support.sounds import write_music

DAMAGES = 40


def damaged(content, dice):
    """Bytes changed, cut out and put in, most often where the headers are."""
    content = bytearray(content)
    for _ in range(dice.choice([1, 3, 10, 40])):
        place = min(dice.randrange(len(content)), dice.randrange(len(content)))
        match dice.randrange(4):
            case 0:
                content[place] = dice.randrange(256)
            case 1:
                content[place : place + 4] = dice.choice([b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff"])
            case 2:
                del content[place : min(place + dice.randrange(1, 100), len(content) - 20)]
            case 3:
                content[place:place] = dice.randbytes(dice.randrange(1, 50))
    return bytes(content)


def outcomes(source, use):
    """How often a damaged file was taken and how often refused."""
    dice, content = random.Random(source.suffix), source.read_bytes()
    taken = refused = 0
    for _ in range(DAMAGES):
        source.write_bytes(damaged(content, dice))
        try:
            use(source)
            taken += 1
        except InvalidInputError:
            refused += 1
    return taken, refused


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "avi", "ts", "gif", "png", "jpg", "webp"])
def test_footage(tmp_path, suffix):
    source, pictures = tmp_path / f"footage.{suffix}", [numbered_picture(number, 96, 160) for number in range(12)]
    if suffix in ("mp4", "mkv", "avi", "ts"):
        write_clip(source, pictures, 25, sound=suffix == "mp4")
    else:
        Image.fromarray(pictures[0]).save(source)
    taken, refused = outcomes(source, lambda path: conform(path, tmp_path / "out.mp4", 96, 160))
    assert taken + refused == DAMAGES
    assert refused > 0


@pytest.mark.parametrize(("suffix", "codec"), [("flac", "flac"), ("m4a", "aac"), ("mp3", "mp3")])
def test_music(tmp_path, suffix, codec):
    sound = 0.1 * np.random.default_rng(1).normal(size=(2, 44_100 * 3))
    source = write_music(tmp_path / f"music.{suffix}", sound, codec=codec)
    taken, refused = outcomes(source, lambda path: list(music_blocks(Recording(path, FIELD), 48_000 * 9)))
    assert taken + refused == DAMAGES
