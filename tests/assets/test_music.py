"""The bundled music is what its manifest says, and loops without a seam."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

import orchestrator
from orchestrator.film.music import FIELD, music_blocks
from services.media.meter import measure_file
from services.media.recording import Recording
from tests.support.sounds import read_sound, rms_db

FOLDER = Path(orchestrator.__file__).parents[1] / "assets" / "music"
TRACKS = json.loads((FOLDER / "music.json").read_text(encoding="utf-8"))["music"]


@pytest.fixture(params=TRACKS, ids=lambda track: track["file"])
def track(request):
    return request.param


def test_manifest_tells_the_truth(track):
    path = FOLDER / track["file"]
    loudness = measure_file(path)
    print(f"{path.name}: {loudness.integrated_lufs:.2f} LUFS, {loudness.true_peak_dbtp:.2f} dBTP")
    assert track["id"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert path.stat().st_size < 600_000
    assert track["licence"] == "CC0-1.0"
    assert set(track["names"]) == {"en", "zh"}
    assert track["duration_s"] == pytest.approx(read_sound(path).shape[1] / 48_000, abs=0.001)
    assert 20 <= track["duration_s"] <= 40
    assert (track["loudness_lufs"], track["true_peak_dbtp"]) == pytest.approx(
        (loudness.integrated_lufs, loudness.true_peak_dbtp), abs=0.01
    )
    assert track["loudness_lufs"] == pytest.approx(-14, abs=0.3)
    assert track["true_peak_dbtp"] <= -1
    assert len(track["waveform"]) == 200
    assert max(track["waveform"]) == pytest.approx(np.abs(read_sound(path)).max(), abs=0.001)


def test_loop_has_no_seam(track):
    path = FOLDER / track["file"]
    once = read_sound(path)
    loop = once.shape[1] - 48_000
    assert np.corrcoef(once[0, :48_000], once[0, loop:])[0, 1] > 0.98
    seconds = 2 * once.shape[1] // 48_000
    twice = np.concatenate(list(music_blocks(Recording(path, FIELD), seconds * 48_000)), axis=1)
    again = twice[:, loop + 96_000 : loop + 144_000]
    np.testing.assert_allclose(again, twice[:, 96_000:144_000], atol=1e-3)  # the second pass is in time with the first
    difference = twice[:, loop : loop + 48_000] - once[:, :48_000]
    assert rms_db(difference) < rms_db(once) - 20


def test_it_is_music_and_not_a_tone(track):
    """No single pitch rules, it changes from second to second, and both sides differ."""
    sound = read_sound(FOLDER / track["file"])
    spectra = [np.abs(np.fft.rfft(sound[0, start : start + 48_000]))[30:8000] for start in range(0, 960_000, 48_000)]
    whole = np.mean(spectra, axis=0) ** 2
    assert whole.max() / whole.sum() < 0.25
    shapes = np.array([spectrum / np.linalg.norm(spectrum) for spectrum in spectra])
    assert np.median(shapes @ shapes.T) < 0.8
    assert np.corrcoef(sound)[0, 1] < 0.98
