import json
from pathlib import Path

import numpy as np
import pytest

from services.lipsync.latentsync.face.crop import crop_matrix, crop_size

GOLDEN = json.loads(Path("tests/golden/latentsync/crop_matrices.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("resolution", [256, 512])
def test_crop_size(resolution):
    assert list(crop_size(resolution)) == GOLDEN["crop_size_wh"][str(resolution)]


@pytest.mark.parametrize("resolution", [256, 512])
def test_published_matrices(resolution):
    cases = [case for case in GOLDEN["cases"] if case["resolution"] == resolution]
    assert cases
    for case in cases:
        matrix = crop_matrix(case["points"], resolution)
        np.testing.assert_allclose(matrix, case["matrix_unsmoothed"], rtol=1e-5, atol=1e-4)
        # The release smooths in normalised units but adds them to pixels, so leaving it out moves nothing visibly.
        np.testing.assert_allclose(matrix, case["matrix_reference_smoothing"], rtol=0, atol=0.25)
