"""Looks at videos, pictures and recordings from outside: decodes them whole, once, as the film will.

Runs only in a limited child (`sandbox.run_limited`).
"""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import cast

import numpy as np
from numpy import float32, uint8
from numpy.typing import NDArray
from PIL import Image

from services.media.clip import Clip, FootageLimits
from services.media.colours import BLACK, Rgb
from services.media.facts import FootageFacts, SoundFacts
from services.media.formats import sniff
from services.media.meter import SILENCE_LUFS, Meter
from services.media.picture import read_picture
from services.media.recording import Recording, audible, check_music_length
from services.media.sound import SOUND_RATE_HZ, Sound, rechunked
from services.media.source import decoding

FIELD = "file"
WAVEFORM_POINTS = 600
_POSTER_HEIGHT, _POSTER_QUALITY = 480, 85
_PEAKS_PER_S = 50


def inspect_footage(path: Path, longest_s: float, backdrop: Rgb = BLACK) -> FootageFacts:
    """Decodes every frame. Raises InvalidInputError (field "file") for what cannot be footage, as `conform` would."""
    limits = FootageLimits(longest_s)
    if sniff(path, "video", "image", field=FIELD).medium == "image":
        picture = read_picture(path, FIELD, limits.pixels, backdrop)
        height, width = picture.shape[:2]
        return FootageFacts(width, height, 1, 0.0, 0.0, _jpeg(picture))
    clip = Clip(path, FIELD, limits)
    frames = sum(1 for _ in clip.frames())
    width, height = (round(side) for side in clip.shown_size)
    rate_hz = clip.rate_hz or frames / max(clip.duration_s, 1e-3)
    return FootageFacts(
        width=width,
        height=height,
        frames=frames,
        frame_rate_hz=round(rate_hz, 3) if frames > 1 else 0.0,
        duration_s=round(clip.duration_s, 3),
        poster=_poster(clip, width, height, backdrop),
        notes=clip.notes(),
    )


def _poster(clip: Clip, width: int, height: int, backdrop: Rgb) -> bytes:
    rows = min(_POSTER_HEIGHT, height) // 2 * 2 or 2
    columns = round(width * rows / height) // 2 * 2 or 2
    with decoding(FIELD, "video"):
        picture = clip.scaler(columns, rows, backdrop=backdrop).scale(clip.first).to_ndarray(format="rgb24")
    return _jpeg(cast("NDArray[uint8]", picture))


def inspect_music(path: Path, longest_s: float) -> SoundFacts:
    """As `inspect_sound`; raises InvalidInputError (TOO_SHORT) for what a film cannot loop."""
    facts = inspect_sound(path, longest_s)
    check_music_length(facts.duration_s, FIELD)
    return facts


def inspect_sound(path: Path, longest_s: float) -> SoundFacts:
    """Decodes all sound and measures it as it is heard on two channels.

    Raises InvalidInputError (field "file") when it is broken, cut off, too long or silent.
    """
    recording, meter = Recording(path, FIELD), Meter(with_peak=True)
    samples, peaks = 0, [0.0]
    blocks = meter.passing(audible(recording.blocks_of(longest_s), FIELD))
    for block in rechunked(blocks, SOUND_RATE_HZ // _PEAKS_PER_S):
        samples += block.shape[1]
        peaks.append(_peak(block))
    loudness = meter.read()
    return SoundFacts(
        duration_s=round(samples / SOUND_RATE_HZ, 3),
        sample_rate_hz=recording.rate_hz,
        channels=recording.channels,
        loudness_lufs=round(max(loudness.integrated_lufs, SILENCE_LUFS), 2),
        true_peak_dbtp=round(max(loudness.true_peak_dbtp, 20 * math.log10(max(peaks))), 2),
        waveform=_waveform(np.array(peaks[1:], float32)),
        notes=recording.notes(),
    )


def _peak(block: Sound) -> float:
    return float(np.abs(block).max(initial=0.0))


def _waveform(peaks: NDArray[float32]) -> list[float]:
    parts = np.array_split(peaks, min(WAVEFORM_POINTS, peaks.size))
    return [round(min(1.0, float(part.max())), 3) for part in parts]


def _jpeg(rgb: NDArray[uint8]) -> bytes:
    file, picture = io.BytesIO(), Image.fromarray(rgb)
    picture.thumbnail((rgb.shape[1], _POSTER_HEIGHT))
    picture.save(file, "JPEG", quality=_POSTER_QUALITY)
    return file.getvalue()
