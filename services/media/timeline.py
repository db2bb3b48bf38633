"""Frames and samples: which footage frame a film frame shows, and how long a voice is in frames."""

from __future__ import annotations

FRAME_RATE_HZ = 25
"""Frames per second of every film; LatentSync works at this rate and footage is brought to it."""


def samples_per_frame(sample_rate_hz: int) -> int:
    """Samples of one film frame (40 ms). Raises ValueError when the rate does not divide evenly."""
    samples, rest = divmod(sample_rate_hz, FRAME_RATE_HZ)
    if rest:
        raise ValueError(f"{sample_rate_hz} Hz is not a whole number of samples per frame at {FRAME_RATE_HZ} fps")
    return samples


def frames_of(samples: int, sample_rate_hz: int) -> int:
    """Film frames that hold `samples`, the last one padded with silence."""
    return -(-samples // samples_per_frame(sample_rate_hz))


def footage_frame(film_frame: int, footage_frames: int) -> int:
    """Footage frame shown at `film_frame`, 0-based: forwards, then backwards, then forwards again (ping-pong).

    The turning frames are shown once: 0 1 2 3 2 1 0 1 ... for four frames of footage.
    """
    if footage_frames == 1:
        return 0
    position = film_frame % (2 * footage_frames - 2)
    return min(position, 2 * footage_frames - 2 - position)
