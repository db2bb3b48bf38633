"""Files as people have them, uploaded: taken for what they are, or refused in words."""

from contextlib import suppress

import numpy as np
import pytest
from PIL import Image

from gateway.library.assets import Description, Footage, Music
from gateway.library.library import Library
from gateway.settings import GatewaySettings
from services.base.errors import InvalidInputError
from services.media.inspection import inspect_footage, inspect_music
from services.media.picture import read_picture
from services.media.store import MediaStore
from tests.support.cases import FOOTAGE, MUSIC, PICTURES, REFUSED_FOOTAGE, REFUSED_MUSIC
from tests.support.pictures import number_in, numbered_picture


@pytest.fixture
def library(tmp_path):
    return Library(GatewaySettings(media_root=tmp_path / "media"), MediaStore(tmp_path / "media"))


@pytest.mark.parametrize("name", FOOTAGE)
def test_footage_is_taken(tmp_path, name):
    case = FOOTAGE[name]
    facts = inspect_footage(case.make(tmp_path), 60)
    assert facts.duration_s == pytest.approx(case.duration_s, abs=0.02)
    assert case.told in " ".join(facts.notes)
    assert bool(case.told) == bool(facts.notes)
    assert facts.frames > 1
    assert facts.poster.startswith(b"\xff\xd8")


@pytest.mark.parametrize("name", MUSIC)
def test_music_is_taken(tmp_path, name):
    case = MUSIC[name]
    facts = inspect_music(case.make(tmp_path), 60)
    assert facts.duration_s == pytest.approx(case.duration_s, abs=0.08)
    assert case.told in " ".join(facts.notes)
    assert bool(case.told) == bool(facts.notes)


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_taken_whatever_it_says_of_itself(tmp_path, name):
    (tmp_path / "a").write_bytes(PICTURES[name])
    facts = inspect_footage(tmp_path / "a", 60)
    assert (facts.width, facts.height) == numbered_picture(5).shape[1::-1]
    assert number_in(read_picture(tmp_path / "a", "file", 10**6)) == 5


@pytest.mark.parametrize("name", REFUSED_FOOTAGE)
def test_footage_is_refused(tmp_path, name):
    make, reason, words = REFUSED_FOOTAGE[name]
    with pytest.raises(InvalidInputError, match=words) as refused:
        inspect_footage(make(tmp_path), 60)
    assert (refused.value.field, refused.value.reason) == ("file", reason)
    assert refused.value.remedy


@pytest.mark.parametrize("name", REFUSED_MUSIC)
def test_music_is_refused(tmp_path, name):
    make, reason, words = REFUSED_MUSIC[name]
    with pytest.raises(InvalidInputError, match=words) as refused:
        inspect_music(make(tmp_path), 60)
    assert (refused.value.field, refused.value.reason) == ("file", reason)


def damaged(content: bytes, seed: int) -> bytes:
    """A few bytes of it changed, a stretch put in or taken out, or a number in its head as large as can be."""
    random = np.random.default_rng(seed)
    place, length = int(random.integers(len(content))), int(random.integers(1, 5000))
    changed = bytearray(content)
    for each in random.integers(min(len(content), 4000), size=12):
        changed[each] = random.integers(256)
    number = min(place, 1000)
    return (
        bytes(changed),
        content[:place] + random.bytes(length) + content[place:],
        content[:place] + content[place + length :],
        content[:number] + b"\x7f\xff\xff\xff" + content[number + 4 :],
    )[seed % 4]


@pytest.mark.parametrize(
    "name", ["gbk title of mp4", "gbk title of mkv", "transport stream", "gif", "latin-1 title of avi"]
)
def test_footage_damaged_anywhere_is_taken_or_refused_in_words(tmp_path, name):
    content = FOOTAGE[name].make(tmp_path).read_bytes()
    for seed in range(16):
        (tmp_path / "upload").write_bytes(damaged(content, seed))
        with suppress(InvalidInputError):
            assert inspect_footage(tmp_path / "upload", 60).frames


@pytest.mark.parametrize("name", ["wav info in gbk", "gbk title of flac", "gbk title of m4a", "ape tag in gbk", "rf64"])
def test_music_damaged_anywhere_is_taken_or_refused_in_words(tmp_path, name):
    content = MUSIC[name].make(tmp_path).read_bytes()
    for seed in range(16):
        (tmp_path / "upload").write_bytes(damaged(content, seed))
        with suppress(InvalidInputError):
            assert inspect_music(tmp_path / "upload", 60).duration_s


def test_the_library_lists_what_was_passed_over(tmp_path, library):
    made = FOOTAGE["one broken packet"].make(tmp_path).read_bytes()
    (tmp_path / "upload").write_bytes(made)
    entry, _ = library.add("footage", tmp_path / "upload", "a.mp4", Description())
    assert isinstance(entry, Footage)
    assert entry.notes == ["Broken packets of the picture that were skipped: 1 of 120."]
    assert library.find("footage", entry.id) == entry


def test_the_library_takes_what_begins_with_junk(tmp_path, library):
    upload = MUSIC["zeros before an mp3"].make(tmp_path)
    entry, _ = library.add("music", upload, "a.mp3", Description())
    assert isinstance(entry, Music)
    assert entry.mime_type == "audio/mpeg"


def test_a_photograph_in_tiles_is_refused_with_a_remedy(tmp_path, library):
    upload = tmp_path / "upload"
    upload.write_bytes(REFUSED_FOOTAGE["a photograph in tiles"][0](tmp_path).read_bytes())
    with pytest.raises(InvalidInputError) as refused:
        library.add("footage", upload, "photo.heic", Description())
    assert "JPEG or PNG" in refused.value.remedy


def test_music_too_short_for_a_film_is_refused_at_the_upload(tmp_path, library):
    with pytest.raises(InvalidInputError) as refused:
        library.add("music", REFUSED_MUSIC["too short"][0](tmp_path), "a.flac", Description())
    assert refused.value.reason == "TOO_SHORT"


def test_a_poster_shows_the_backdrop(tmp_path):
    store = MediaStore(tmp_path / "media")
    Image.new("RGBA", (96, 160), (250, 0, 0, 0)).save(tmp_path / "clear.png")
    library = Library(GatewaySettings(media_root=store.root, backdrop="#00c828"), store)
    entry, _ = library.add("footage", tmp_path / "clear.png", "clear.png", Description())
    assert isinstance(entry, Footage)
    assert np.abs(np.asarray(Image.open(library.poster(entry.poster))).astype(int) - (0, 200, 40)).mean() < 4
