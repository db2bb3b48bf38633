"""How a sentence is cut into pieces, and how they are joined."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from services.tts.kokoro.clauses import LONGEST, pieces_of
from services.tts.kokoro.joining import pcm_of, without_silence
from services.tts.kokoro.network import SAMPLE_RATE_HZ

WORDS = st.lists(st.text(alphabet="abdeiklmnou", min_size=1, max_size=200), min_size=1, max_size=40)


def test_the_first_clause_is_spoken_by_itself_and_the_others_together() -> None:
    letters = "abcdefghijkl, bcd, cde, def."
    assert [piece.letters for piece in pieces_of(letters)] == ["abcdefghijkl,", "bcd, cde, def."]


def test_a_first_clause_that_is_very_short_takes_the_next_with_it() -> None:
    assert [piece.letters for piece in pieces_of("ok, abcdefghijkl, bcd.")] == ["ok, abcdefghijkl,", "bcd."]


def test_punctuation_makes_the_pauses() -> None:
    pauses = [pieces_of(f"abcdefghijklm{mark}")[0].pause_s for mark in (",", ";", ".", "")]
    assert pauses == sorted(pauses[:3]) + pauses[3:]
    assert pauses[3] < pauses[0]


@given(WORDS, st.sampled_from([" ", ", ", ". "]))
def test_nothing_is_lost_and_no_piece_is_too_long(words: list[str], between: str) -> None:
    letters = between.join(words)
    pieces = [piece.letters for piece in pieces_of(letters)]
    assert "".join("".join(pieces).split()) == "".join(letters.split())
    assert all(0 < len(piece) <= LONGEST for piece in pieces)


def test_the_silence_of_the_model_goes_and_edges_are_faded() -> None:
    tone = 0.3 * np.sin(np.arange(SAMPLE_RATE_HZ) * 2 * np.pi * 440 / SAMPLE_RATE_HZ)
    silence = np.full(SAMPLE_RATE_HZ, 1e-5)
    kept = without_silence(np.concatenate((silence, tone, silence)).astype(np.float32))
    assert 1.0 < len(kept) / SAMPLE_RATE_HZ < 1.12
    pcm = pcm_of(kept, 0.25).astype(int)
    assert len(pcm) == len(kept) + SAMPLE_RATE_HZ // 4
    assert abs(pcm[0]) <= 1
    assert np.abs(np.diff(pcm)).max() <= 0.3 * 32768 * 2 * np.pi * 440 / SAMPLE_RATE_HZ * 1.05


def test_a_piece_without_any_sound_is_only_its_pause() -> None:
    assert len(pcm_of(without_silence(np.zeros(1000, np.float32)), 0.1)) == SAMPLE_RATE_HZ // 10
