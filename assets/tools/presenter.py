"""Draws the demo presenter and writes presenter.mp4: `python -m assets.tools.presenter [file.mp4]`.

Ten seconds, 1080 x 1920 at 25 frames per second: she looks into the camera, mouth closed, breathes, blinks and moves
her head a little. Everything is drawn by the code in `drawing`; it shows no real person.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import av
import cv2
import numpy as np
from numpy import float32, uint8
from numpy.typing import NDArray

from assets.tools.drawing import body, eyes, face, hair, studio
from assets.tools.drawing.brush import HEIGHT, WIDTH, Picture, X, Y, blurred, painted

FRAME_RATE_HZ = 25
FRAMES = 250
_GOP_FRAMES = 12  # short: footage is also shown backwards
_BLINKS = (38, 104, 171, 182, 236)
_LIDS = (0.0, 0.3, 0.75, 1.0, 0.8, 0.5, 0.25)  # closed, frame by frame of a blink
_NECK_PIVOT = (540.0, 1120.0)
_HEAD = np.s_[340:1290, 170:910]  # rows and columns that the head never leaves
_ALL = np.s_[:, :]
_AXIS_DEPTH = 60.0  # pixels in front of which the head turns one way and behind which the other
_BT709, _LIMITED = 1, 1


class _Pose(NamedTuple):
    """Head and chest in one frame: pixels and radians."""

    right: float
    down: float
    roll: float
    yaw: float
    chest: float
    lids: float


class _Moving(NamedTuple):
    """A layer ready to be moved: colours and cover in four channels, and how near it is."""

    rgba: Picture
    depth: Picture


def frames() -> Iterator[NDArray[uint8]]:
    """uint8 RGB (1920, 1080, 3), one after the other."""
    room, torso = studio.background(), body.body()
    heads = {lids: _head(lids) for lids in sorted(set(_LIDS))}
    hair_back = hair.back()
    behind = _Moving(_four_channels(hair_back.rgb, hair_back.alpha), np.full_like(X, -20))
    grain = np.random.default_rng(9).normal(0, 0.6 / 255, (HEIGHT, WIDTH, 1)).astype(float32)  # hides banding
    for number in range(FRAMES):
        pose = _pose(number)
        picture = room.copy()
        _lay(picture, _moved(behind, pose), _HEAD)
        _lay(picture, _shifted(torso, pose.chest), _ALL)
        _lay(picture, _moved(heads[pose.lids], pose), _HEAD)
        yield np.rint(np.clip(picture + grain, 0, 1) * 255).astype(uint8)


def _pose(number: int) -> _Pose:
    """Slow movements whose periods do not meet, so that ten seconds never look like a machine."""
    t = number / FRAME_RATE_HZ
    lids = next((_LIDS[number - start] for start in _BLINKS if 0 <= number - start < len(_LIDS)), 0.0)
    return _Pose(
        right=5.0 * np.sin(0.9 * t) + 2.0 * np.sin(2.3 * t + 1),
        down=3.0 * np.sin(1.3 * t + 0.5) + 1.6 * np.sin(2.9 * t),
        roll=0.011 * np.sin(0.8 * t + 2) + 0.004 * np.sin(2.1 * t),
        yaw=0.050 * np.sin(0.7 * t + 1) + 0.018 * np.sin(1.9 * t),
        chest=2.5 * np.sin(1.55 * t),
        lids=lids,
    )


def _head(lids: float) -> _Moving:
    """Face and front hair as one layer, with the shade of the hair on the face."""
    skin, strands = face.head(), hair.front()
    shade = np.clip(1.2 * np.roll(blurred(strands.alpha, 14), (16, 4), axis=(0, 1)), 0, 1)
    dark = np.array([0.42, 0.33, 0.30], float32)
    rgb = eyes.with_eyes(skin.rgb, lids)
    rgb = painted(painted(rgb, rgb * dark, 0.75 * shade), strands.rgb, strands.alpha)
    alpha = np.maximum(skin.alpha, strands.alpha)
    depth = painted(skin.depth[..., None], strands.depth[..., None], strands.alpha)[..., 0]
    return _Moving(_four_channels(rgb, alpha), blurred(np.where(alpha > 0.05, depth, 60).astype(float32), 7))


def _four_channels(rgb: Picture, alpha: Picture) -> Picture:
    """Colours multiplied by cover, then cover: the form in which layers can be moved without dark edges."""
    return np.dstack([rgb * alpha[..., None], alpha]).astype(float32)


def _moved(layer: _Moving, pose: _Pose) -> Picture:
    """The layer shifted, rolled around the neck, and turned: near points go sideways more than far ones."""
    x, y = X[_HEAD] - _NECK_PIVOT[0] - pose.right, Y[_HEAD] - _NECK_PIVOT[1] - pose.down
    cosine, sine = np.cos(pose.roll), np.sin(pose.roll)
    from_x = (cosine * x + sine * y + _NECK_PIVOT[0]).astype(float32)
    from_y = (cosine * y - sine * x + _NECK_PIVOT[1]).astype(float32)
    depth = cv2.remap(layer.depth, from_x, from_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    from_x = from_x - pose.yaw * (depth - _AXIS_DEPTH)
    return np.asarray(cv2.remap(layer.rgba, from_x.astype(float32), from_y, cv2.INTER_CUBIC), float32)


def _shifted(layer: face.Layer, down: float) -> Picture:
    matrix = np.array([[1, 0, 0], [0, 1, down]])
    rgba = _four_channels(layer.rgb, layer.alpha)
    return np.asarray(
        cv2.warpAffine(rgba, matrix, (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE), float32
    )


def _lay(picture: Picture, over: Picture, window: tuple[slice, slice]) -> None:
    """Lays `over`, which has the size of `window`, over that part of `picture`."""
    cover = np.clip(over[..., 3:], 0, 1)
    picture[window] = picture[window] * (1 - cover) + over[..., :3]


def write(path: Path) -> None:
    """Encodes the frames as H.264, BT.709, closed GOPs of 12 without B-frames, index in front."""
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=FRAME_RATE_HZ)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        context = stream.codec_context
        context.color_primaries = context.color_trc = context.colorspace = _BT709
        context.color_range = _LIMITED
        context.gop_size, context.max_b_frames = _GOP_FRAMES, 0
        context.options = {
            "preset": "slow",
            "crf": "23",
            "flags": "+cgop",
            "profile": "high",
            "x264-params": "aq-mode=3:keyint=12:min-keyint=12:scenecut=0",
        }
        for picture in frames():
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            container.mux(
                stream.encode(frame.reformat(format="yuv420p", dst_colorspace=_BT709, dst_color_range=_LIMITED))
            )
        container.mux(stream.encode())


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1] / "demo" / "presenter.mp4")
