"""What the mesh says of footage and music has Chinese words in the studio; the English sentence is the key."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from services.lipsync.findings import FaceFindings
from services.media.framing.crop import OUTSIDE
from services.media.source import Damage

_SAID = json.loads((Path(__file__).parents[3] / "gateway/studio/src/i18n/said.zh.json").read_text(encoding="utf-8"))
_FRAMES = 250
_ROWS = {"yaw": 0, "width": 1, "light": 2, "sharpness": 3, "covered": 4}
_FINE = (0.0, 400.0, 120.0, 0.5, 0.0)
_NO_FACE, _ALONE = (np.nan,) * 5, np.zeros(_FRAMES, bool)


def in_chinese(sentence: str, used: set[str] | None = None) -> str:
    """As the page does it; `used` gains the keys that were found."""
    for found, instead in _SAID.items():
        if re.search(found, sentence):
            sentence = re.sub(found, re.sub(r"\$(\d)", r"\\g<\1>", instead), sentence)
            (used if used is not None else set()).add(found)
    return sentence


def findings() -> Iterator[str]:
    """All that can be said of faces: for a while, often, throughout, and of a picture."""
    for name, value in (("yaw", 70), ("yaw", 40), ("covered", 1), ("light", 10), ("light", 250), ("sharpness", 0.01)):
        for frames in (slice(0, 50), slice(0, None)):
            rows = np.tile(_FINE, (_FRAMES, 1))
            rows[frames, _ROWS[name]] = value
            yield from FaceFindings(rows).problems(_ALONE, 25, 1080)
        often = np.tile(_FINE, (_FRAMES, 1))
        often[np.arange(_FRAMES) % 50 < 20, _ROWS[name]] = value
        yield from FaceFindings(often).problems(_ALONE, 25, 1080)
        yield from FaceFindings(often[:1]).problems(_ALONE[:1], 25, 1080)
    rows = np.tile(_FINE, (_FRAMES, 1))
    rows[:, 1], rows[:9] = 50, _NO_FACE
    yield from FaceFindings(rows).problems(np.arange(_FRAMES) > 200, 29.97, 1080)


def notes() -> Iterator[str]:
    """All that can be said of files."""
    yield "The file lasts 12.0 s, its picture 10.5 s; the picture counts."
    yield from Damage(100, 3).notes("the picture")
    yield from Damage(100, 3).notes("the sound")
    yield "It is silent for as long as the film lasts."
    for when in ("", " from 0.0 to 1.2 s, 3.0 to 4.0 s and 2 times more"):
        yield f"{OUTSIDE}{when}; set where it looks with `focus`, or film with more room around."


@pytest.mark.parametrize("sentence", sorted({*findings(), *notes()}))
def test_each_sentence_has_chinese_words(sentence: str) -> None:
    assert re.findall("[A-Za-z]{2,}", in_chinese(sentence).replace("“focus”", "")) == []


def test_no_words_are_of_no_sentence() -> None:
    used: set[str] = set()
    for sentence in (*findings(), *notes()):
        in_chinese(sentence, used)
    assert used == set(_SAID)


def test_stretches_read_well() -> None:
    said = "From 0.0 to 1.2 s, 3.0 to 4.0 s and 2 times more the face is dark; light from the front helps."
    assert in_chinese(said) == "0.0–1.2 秒、3.0–4.0 秒，另有 2 处：脸部偏暗，从正面打光会更好。"
