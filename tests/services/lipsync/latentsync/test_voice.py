import numpy as np
import pytest
import torch

from services.lipsync.latentsync.networks.whisper import WhisperEncoder
from services.lipsync.latentsync.voice import Voice
from services.lipsync.latentsync.windows import frame_windows
from tests.checkpoints.latentsync import TINY_AUDIO

CPU = torch.device("cpu")
CUTS = [[], [1], [7, 3000, 3001], list(range(800, 40000, 977))]


@pytest.fixture(scope="module")
def encoder():
    torch.manual_seed(3)
    return WhisperEncoder(TINY_AUDIO).eval()


def speech(samples, seed=0):
    return (np.random.default_rng(seed).standard_normal(samples) * 3000).astype(np.int16)


def heard(encoder, pcm, cuts, rate, look_ahead=25):
    """Tokens of every chunk, each asked for as soon as its window is there."""
    voice = Voice(rate, look_ahead)
    pieces = iter(np.split(pcm, cuts))
    tokens = []
    while True:
        while not voice.covers(16 * len(tokens) + 16):
            if (piece := next(pieces, None)) is None:
                voice.end()
            else:
                voice.feed(piece)
        if voice.ended and 16 * len(tokens) >= voice.frames:
            return voice.frames, tokens
        tokens.append(voice.tokens(encoder, 16 * len(tokens), 16, CPU))


@pytest.mark.parametrize("rate", [16000, 24000, 22050])
@pytest.mark.parametrize("cuts", CUTS)
def test_any_cutting_of_the_audio_is_heard_the_same(encoder, rate, cuts):
    pcm = speech(2 * rate + 123)
    frames, whole = heard(encoder, pcm, [], rate)
    assert frames == 51
    assert len(whole) == 4
    _, cut = heard(encoder, pcm, cuts, rate)
    assert all(torch.equal(a, b) for a, b in zip(whole, cut, strict=True))


def test_the_last_chunk_hears_what_published_code_hears(encoder):
    pcm = speech(16000 * 2)
    _, tokens = heard(encoder, pcm, [], 16000, look_ahead=0)
    silence = torch.zeros(64 * 640 - len(pcm))
    states = encoder.states(torch.cat((torch.from_numpy(pcm / np.float32(32768)), silence)))
    torch.testing.assert_close(tokens[3], frame_windows(states, range(48, 64)))


def test_chunks_hear_windows_that_overlap(encoder):
    """Across the border of 30 s, at which published code cuts the voice: each hears the 30 s that end 1 s behind it."""
    pcm, second = speech(16000 * 34), 16000
    _, tokens = heard(encoder, pcm, [], second)
    for chunk in (46, 47, 48):
        end = (chunk * 16 + 16 + 25) * 640
        window = torch.from_numpy(pcm[end - 30 * second : end] / np.float32(32768))
        first = chunk * 16 - (end - 30 * second) // 640
        torch.testing.assert_close(tokens[chunk], frame_windows(encoder.states(window), range(first, first + 16)))


def test_a_long_voice_is_forgotten(encoder):
    voice = Voice(16000, 25)
    for second in range(45):
        voice.feed(speech(16000, second))
        chunk = max(0, second - 2) * 25 // 16
        if voice.covers(16 * chunk + 16):
            assert voice.tokens(encoder, 16 * chunk, 16, CPU).shape == (16, 50, 8)
    assert len(voice._kept) < 34 * 16000


def test_resampling_keeps_the_tone(encoder):
    tone = (np.sin(2 * np.pi * 440 * np.arange(24000) / 24000) * 20000).astype(np.int16)
    same = (np.sin(2 * np.pi * 440 * np.arange(16000) / 16000) * 20000).astype(np.int16)
    _, resampled = heard(encoder, tone, [], 24000)
    _, plain = heard(encoder, same, [], 16000)
    assert torch.corrcoef(torch.stack((resampled[0].flatten(), plain[0].flatten())))[0, 1] > 0.99


def test_no_voice_is_no_frames(encoder):
    assert heard(encoder, speech(0), [], 24000) == (0, [])
