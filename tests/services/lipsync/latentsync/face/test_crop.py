import json
from pathlib import Path

import numpy as np
import pytest

from services.lipsync.latentsync.face.crop import PublishedSmoothing, crop_matrix, crop_size

GOLDEN = json.loads(Path("tests/golden/latentsync/crop_matrices.json").read_text())


@pytest.mark.parametrize("resolution", [256, 512])
def test_crop_size(resolution):
    assert list(crop_size(resolution)) == GOLDEN["crop_size_wh"][str(resolution)]


@pytest.mark.parametrize("resolution", [256, 512])
def test_published_matrices(resolution):
    cases = [case for case in GOLDEN["cases"] if case["resolution"] == resolution]
    assert cases
    smoothing = PublishedSmoothing()
    for case in cases:
        plain, smoothed = crop_matrix(case["points"], resolution), smoothing.matrix(case["points"], resolution)
        np.testing.assert_allclose(plain, case["matrix_unsmoothed"], rtol=1e-5, atol=1e-4)
        np.testing.assert_allclose(smoothed, case["matrix_reference_smoothing"], rtol=1e-5, atol=1e-4)
