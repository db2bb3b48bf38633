"""The voices that are offered."""

from __future__ import annotations

import numpy as np
import pytest

from services.base.errors import InvalidInputError
from services.text.languages import primary_subtag
from services.tts.kokoro.letters import Accent
from services.tts.kokoro.voices import all_voices, choose, language_of


def speakers(language: str) -> list[str]:
    return [voice.id for voice in all_voices() if language in map(primary_subtag, voice.languages)]


def test_there_are_enough_of_both_sexes_each_with_name_and_licence() -> None:
    for language in ("zh", "en"):
        assert len(speakers(language)) >= 4
        assert {voice.sex for voice in all_voices() if voice.id in speakers(language)} == {"female", "male"}
    assert all(voice.name and voice.languages and voice.licence == "Apache-2.0" for voice in all_voices())


@pytest.mark.parametrize("voice", all_voices(), ids=lambda voice: voice.id)
def test_each_has_a_style_for_every_length(voice) -> None:
    styles = choose(voice.id, voice.languages[0]).styles
    assert (styles.shape, styles.dtype) == ((510, 256), np.float32)
    assert np.isfinite(styles).all()
    assert styles.std() > 0.05


def test_a_voice_is_chosen_by_language_and_region() -> None:
    assert choose("", "zh-CN").voice.id == speakers("zh")[0]
    assert choose("", "en").voice.id == speakers("en")[0]
    assert choose("", "en-GB").accent is Accent.BRITISH
    assert choose("", "en-US").accent is Accent.AMERICAN
    assert choose("", "zh").accent is Accent.CHINESE


@pytest.mark.parametrize(
    ("voice", "language", "field", "reason"),
    [
        ("nobody", "zh", "voice", "UNKNOWN_VOICE"),
        ("", "ru", "language", "UNKNOWN_LANGUAGE"),
        ("af_heart", "zh", "voice", "VOICE_OF_ANOTHER_LANGUAGE"),
        ("zf_xiaobei", "fr", "voice", "VOICE_OF_ANOTHER_LANGUAGE"),
    ],
)
def test_what_nobody_speaks_well_is_refused(voice: str, language: str, field: str, reason: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        choose(voice, language)
    assert (refused.value.field, refused.value.reason) == (field, reason)
    assert refused.value.remedy


def test_a_chinese_voice_reads_an_english_sentence_of_its_script() -> None:
    assert choose("zf_xiaobei", "en").voice.id == "zf_xiaobei"
    assert language_of("Hello there, everyone.", "zf_xiaobei") == "en"


def test_latin_letters_are_read_in_the_language_of_the_voice() -> None:
    assert language_of("Bonjour tout le monde", "ff_siwis") == "fr"
    assert language_of("Bonjour tout le monde", "") == "en"
