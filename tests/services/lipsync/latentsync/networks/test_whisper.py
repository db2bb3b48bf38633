import json
from pathlib import Path

import numpy as np
import pytest
import torch

from services.lipsync.latentsync.networks.whisper import AudioDims, WhisperEncoder, log_mel, mel_filters
from services.lipsync.latentsync.windows import frame_windows
from tests.golden.filled import fill

GOLDEN = np.load(Path("tests/golden/latentsync/audio_encoder_tiny.npz"))
DESCRIPTION = json.loads(Path("tests/golden/latentsync/audio_encoder_tiny.json").read_text(encoding="utf-8"))
SAMPLES = torch.from_numpy(GOLDEN["pcm_s16_2s"].astype(np.float32) / 32768)


@pytest.fixture(scope="module")
def encoder():
    return fill(WhisperEncoder(AudioDims.of(DESCRIPTION["dims"])))


def test_the_published_names_and_shapes(encoder):
    assert {name: list(tensor.shape) for name, tensor in encoder.state_dict().items()} == DESCRIPTION["keys"]


def test_log_mel():
    np.testing.assert_allclose(log_mel(SAMPLES).numpy(), GOLDEN["log_mel_2s"], atol=1e-4)


def test_log_mel_of_a_tone():
    tone = 0.1 * torch.sin(2 * torch.pi * 220 * torch.arange(16000) / 16000)
    mel = log_mel(tone)
    assert mel.shape == (80, 100)
    assert (mel.max(), mel.min()) == (pytest.approx(1.0633, abs=1e-4), pytest.approx(-0.9367, abs=1e-4))


def test_mel_filters_cover_speech():
    assert mel_filters().shape == (80, 201)
    assert (mel_filters().sum(axis=1) > 0).all()


def test_encoder_states(encoder):
    np.testing.assert_allclose(encoder.states(SAMPLES).numpy(), GOLDEN["encoder_states_2s"], atol=1e-4)


def test_frame_windows():
    windows = frame_windows(torch.from_numpy(GOLDEN["encoder_states_2s"]), range(50))
    np.testing.assert_array_equal(windows.numpy(), GOLDEN["frame_windows_2s"][:50])
