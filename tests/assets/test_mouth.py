"""The network that hears lips is the one that its program makes."""

import hashlib
import json

import numpy as np
import pytest

from assets.tools.mouth import lessons as learned
from assets.tools.mouth.__main__ import RECIPE, recipe_sha256, written
from assets.tools.mouth.articulation import LABIALS, LIPS, PAUSE, Phone, heard_sounds, trajectory
from assets.tools.mouth.kokoro_speech import phones
from assets.tools.mouth.training import trained
from services.lipsync.warp.shape_model import WEIGHTS, WEIGHTS_SHA256, read_layers

LOUD_DB, QUIET_DB = -12.0, -60.0


def test_the_weights_are_those_of_the_recipe() -> None:
    """When this fails, the program or its words were changed: make the weights again, or take the change back."""
    facts = json.loads(WEIGHTS.with_suffix(".json").read_text(encoding="utf-8"))
    layers = read_layers(WEIGHTS.read_bytes())
    assert facts["sha256"] == WEIGHTS_SHA256 == hashlib.sha256(WEIGHTS.read_bytes()).hexdigest()
    assert facts["recipe"] == RECIPE
    assert facts["recipe_sha256"] == recipe_sha256()
    assert facts["weights"] == sum(array.size for layer in layers for array in layer) < 10_000


@pytest.fixture(scope="module")
def lessons() -> list[learned.Lesson]:
    return learned.lessons(list(learned.espeak_speech_of(6, 11)), 1, 11)


def test_the_same_seed_learns_the_same_weights(lessons: list[learned.Lesson]) -> None:
    assert written(trained(lessons, 5, 1)) == written(trained(lessons, 5, 1)) != written(trained(lessons, 5, 2))


def test_lessons_come_out_the_same_and_show_all_that_lips_do(lessons: list[learned.Lesson]) -> None:
    again = learned.lessons(list(learned.espeak_speech_of(6, 11)), 1, 11)
    assert all(np.array_equal(one.spectra, other.spectra) for one, other in zip(lessons, again, strict=True))
    lips = np.concatenate([lesson.lips for lesson in lessons])
    assert all(len(lesson.lips) == len(lesson.spectra) for lesson in lessons)
    assert lips[:, 0].max() > 0.8
    assert lips[:, 1].min() < -0.8
    assert lips[:, 1].max() > 0.7
    assert lips[:, 2].max() > 0.9


def test_lips_close_in_ama_and_round_in_oo() -> None:
    said = [
        Phone(name, start_s)
        for name, start_s in ((PAUSE, 0), ("a", 0.2), ("m", 0.4), ("a", 0.5), ("u", 0.7), (PAUSE, 0.9))
    ]
    levels_db = np.full(120, LOUD_DB)
    levels_db[:20] = levels_db[90:] = QUIET_DB
    openness, width, closure = trajectory(said, levels_db).T
    assert openness[:15].max() == openness[100:].max() == 0
    assert openness[25:35].min() > 0.8
    assert openness[41:46].max() < 0.1 < 0.9 < closure[41:46].min()
    assert closure[52:].max() == 0
    assert width[75:85].max() < -0.9


def test_a_stop_is_closed_while_it_is_silent() -> None:
    """espeak's event of p is its burst, Kokoro's token its closure: the silence tells."""
    levels_db = np.full(60, LOUD_DB)
    levels_db[24:30] = QUIET_DB
    for start_s in (0.25, 0.3):
        sounds = heard_sounds([Phone("a", 0), Phone("p", start_s), Phone("a", 0.34)], levels_db)
        assert [sound for sound in sounds if sound.name == "p"] == [("p", 24, 30)]


def test_marks_of_kokoro_are_no_sounds_of_their_own() -> None:
    frames = [10, 2, 2, 2, 4, 4, 2, 8]  # silence, p, stress, a, tone, space, o, silence
    assert [phone.name for phone in phones("pˈa→ o", frames)] == [PAUSE, "p", "a", "o", PAUSE]
    starts_s = [phone.start_s for phone in phones("pˈa→ o", frames)]
    assert starts_s == pytest.approx([0, 0.2, 0.25, 0.55, 0.6])  # a begins with its stress


def test_all_sounds_have_lips() -> None:
    assert {name for name, lips in LIPS.items() if lips.closure == 1} == LABIALS
    assert all(-1 <= (lips.width or 0) <= 1 and 0 <= (lips.openness or 0) <= 1 for lips in LIPS.values())
