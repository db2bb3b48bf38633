"""Frames as they are meant to be seen, at the film's size: rotation, pixel shape, colour and crop in one pass."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import cast

import av
import numpy as np
from av.filter import Graph
from av.sidedata.sidedata import SideData, Type
from numpy import uint8
from numpy.typing import NDArray

from services.media.colours import BLACK, Rgb
from services.media.framing.crop import Crop, CropPath, cover
from services.media.yuv import BT709, UNSPECIFIED, copy_planes, laid_over, new_frame, planes_of

_HDR_TRANSFERS = (16, 18)  # PQ and HLG in ISO/IEC 23091-2
_BT601 = 5
_FACES_SIDE = 960  # pixels of the longer side of a picture in which faces are looked for
_SD_SHORT_SIDE = 576  # untagged video up to this size counts as BT.601, larger as BT.709, as in players
_TRANSPOSE = {(-1, 1): "clock", (1, -1): "cclock", (1, 1): "cclock_flip", (-1, -1): "clock_flip"}

Matrix = NDArray[np.int_]
"""2 x 2, entries -1, 0 or 1: maps a point of the coded picture, from its middle, y downwards, to where it is shown."""
_AS_CODED = np.eye(2, dtype=int)


def orientation(frame: av.VideoFrame) -> Matrix:
    """How the frame must be turned or mirrored, by its display matrix; angles between quarter turns count as none."""
    attached = cast("Iterable[SideData]", frame.side_data)
    data = next((bytes(data)[:36] for data in attached if data.type == Type.DISPLAYMATRIX), None)
    if data is None:
        return _AS_CODED
    entries = np.frombuffer(data, "<i4").reshape(3, 3)[:2, :2].T
    matrix = np.sign(np.where(abs(entries) > abs(entries).max() / 2, entries, 0)).astype(int)
    return matrix if abs(np.linalg.det(matrix)) == 1 else _AS_CODED


def is_upright(frame: av.VideoFrame) -> bool:
    """Whether the frame is shown as it is coded."""
    return bool((orientation(frame) == _AS_CODED).all())


def shown_size(frame: av.VideoFrame, pixel_aspect: Fraction) -> tuple[float, float]:
    """Width and height as shown, in units of the coded picture's rows or columns."""
    width, height = frame.width * float(pixel_aspect), float(frame.height)
    return (width, height) if orientation(frame)[0, 0] else (height, width)


def luma_thumbnail(frame: av.VideoFrame) -> NDArray[uint8]:
    """Some of a frame's luma, uint8 (27, 48), as it is coded: enough to see a cut."""
    return np.asarray(frame.to_ndarray(format="gray", width=48, height=27, interpolation="POINT"), uint8)


def upright_rgb(frame: av.VideoFrame, longest_side: int = _FACES_SIDE) -> NDArray[uint8]:
    """A small uint8 RGB (height, width, 3) of the frame as it is shown, but for its pixel shape."""
    scale = min(1.0, longest_side / max(frame.width, frame.height))
    width, height = max(1, round(frame.width * scale)), max(1, round(frame.height * scale))
    rgb = frame.to_ndarray(format="rgb24", width=width, height=height)
    (right_x, down_x), (right_y, down_y) = orientation(frame)
    if not right_x:  # columns become rows
        rgb, right_x, down_y = rgb.transpose(1, 0, 2), down_x, right_y
    return np.ascontiguousarray(rgb[::down_y, ::right_x])


class Scaler:
    """Brings frames to yuv420p, BT.709 limited, `width` x `height`, upright, covering the canvas around `focus`.

    Both sides are even. What is transparent shows the `backdrop`.
    """

    def __init__(
        self, width: int, height: int, focus: tuple[float, float], pixel_aspect: Fraction, backdrop: Rgb = BLACK
    ) -> None:
        self._size, self._focus, self._pixel_aspect = (width, height), np.array(focus), float(pixel_aspect)
        self._backdrop = backdrop
        self._graph: Graph | None = None
        self._geometry: object = None
        self._last: tuple[av.VideoFrame | None, av.VideoFrame | None] = None, None

    def scale(self, frame: av.VideoFrame) -> av.VideoFrame:
        """The frame as the film shows it; the same object again for the same frame."""
        if frame is self._last[0] and self._last[1] is not None:
            return self._last[1]
        matrix = orientation(frame)
        geometry = frame.width, frame.height, frame.format.name, frame.colorspace, matrix.tobytes()
        if self._graph is None or geometry != self._geometry:  # some recorders change size in mid-file
            self._graph, self._geometry = self._build(frame, matrix), geometry
        self._graph.vpush(frame)
        scaled = self._graph.vpull()
        if _has_alpha(frame):
            scaled = laid_over(scaled, self._backdrop)
        self._last = frame, scaled
        return scaled

    def _build(self, frame: av.VideoFrame, matrix: Matrix) -> Graph:
        width, height = self._size if matrix[0, 0] else self._size[::-1]
        focus = matrix.T @ (self._focus - 0.5) + 0.5
        crop = cover(frame.width, frame.height, width / height / self._pixel_aspect, (focus[0], focus[1]))
        graph = Graph()
        nodes = [
            graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base)
        ]
        nodes += [graph.add(*step) for step in _steps(frame, matrix, crop, width, height)]
        graph.link_nodes(*nodes, graph.add("buffersink")).configure()
        return graph


class Camera:
    """Frames at the film's size, from a crop that goes along a path. The frame before is scaled as wide as it goes."""

    def __init__(
        self,
        width: int,
        height: int,
        path: CropPath,
        shown: tuple[float, float],
        pixel_aspect: Fraction,
        backdrop: Rgb = BLACK,
    ) -> None:
        """`shown` is the size of the upright frames, `width` and `height` that of the film, both even."""
        self._path, self._film, self._shown = path, (width, height), shown
        crops = [self._crop(path.at(picture)) for picture in range(len(path.places))]
        self._zoom = width / crops[0].width
        self._start = min(crop.x for crop in crops), min(crop.y for crop in crops)
        ends = max(crop.x for crop in crops) - self._start[0], max(crop.y for crop in crops) - self._start[1]
        self._room = round(ends[0] * self._zoom / 2) * 2, round(ends[1] * self._zoom / 2) * 2
        middle = (
            (self._start[0] + (ends[0] + crops[0].width) / 2) / shown[0],
            (self._start[1] + (ends[1] + crops[0].height) / 2) / shown[1],
        )
        self._scaler = Scaler(width + self._room[0], height + self._room[1], middle, pixel_aspect, backdrop)

    def film(self, picture: int, frame: av.VideoFrame) -> av.VideoFrame:
        """What the film shows of `frame`, the clip's frame number `picture`."""
        scaled = self._scaler.scale(frame)
        if self._room == (0, 0):
            return scaled
        crop = self._crop(self._path.at(picture))
        x, y = (
            min(most, max(0, round((place - start) * self._zoom / 2) * 2))
            for place, start, most in zip((crop.x, crop.y), self._start, self._room, strict=True)
        )
        window = new_frame(*self._film)
        copy_planes(scaled, planes_of(window), x, y)
        window.pts, window.time_base = frame.pts, frame.time_base
        return window

    def _crop(self, focus: tuple[float, float]) -> Crop:
        return cover(*self._shown, self._film[0] / self._film[1], focus)


def _steps(frame: av.VideoFrame, matrix: Matrix, crop: Crop, width: int, height: int) -> list[tuple[str, str]]:
    steps = []
    if frame.colorspace == UNSPECIFIED and not frame.format.is_rgb:
        steps.append(
            ("setparams", f"colorspace={BT709 if min(frame.width, frame.height) > _SD_SHORT_SIDE else _BT601}")
        )
    steps.append(("crop", f"{crop.width:.0f}:{crop.height:.0f}:{crop.x:.0f}:{crop.y:.0f}"))
    colours = f"out_color_matrix={BT709}:out_range=tv"
    if frame.color_trc in _HDR_TRANSFERS:
        colours += ":out_primaries=bt709:out_transfer=bt709"
    steps.append(("scale", f"{width}:{height}:flags=lanczos+accurate_rnd+full_chroma_int:{colours}"))
    return [*steps, ("format", "yuva420p" if _has_alpha(frame) else "yuv420p"), *_turn(matrix)]


def _has_alpha(frame: av.VideoFrame) -> bool:
    return frame.format.has_palette or any(component.is_alpha for component in frame.format.components)


def _turn(matrix: Matrix) -> list[tuple[str, str]]:
    if not matrix[0, 0]:
        return [("transpose", _TRANSPOSE[int(matrix[0, 1]), int(matrix[1, 0])])]
    mirrors = (("hflip", matrix[0, 0]), ("vflip", matrix[1, 1]))
    return [(name, "") for name, sign in mirrors if sign < 0]
