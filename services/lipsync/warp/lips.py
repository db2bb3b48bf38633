"""Finding the line between the lips in a picture of the lower face.

Works on an upright picture ("chart") in which the eyes lie EYE_DISTANCE pixels apart, so every constant is a share of
the face. Closed lips meet in a dark line; where teeth show, the line is the lower edge of the teeth.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy import float32, float64, uint8
from numpy.typing import NDArray

EYE_DISTANCE = 64
WIDTH, HEIGHT = 128, 96
EYE_LINE = -32  # row of the line through the eyes: half an eye distance above the chart
_CENTRE = WIDTH / 2

# Anthropometry in eye distances: mouth 1.1 below the eyes, 0.9 wide (Farkas 1994: stomion and cheilion).
_USUAL_DROP, _DROP_SPREAD = 1.08, 0.14
_USUAL_HALF_WIDTH = 0.45
_HALF_WIDTHS = (0.36, 0.54)
_SEARCH = slice(20, 68)  # rows in which the line is sought: 0.8 to 1.55 eye distances below the eyes
_STEEPEST = 1  # rows a column that the line may rise or fall
_VALLEY_ROWS = 9
_PALE, _BRIGHT, _DARK = 0.75, 0.8, 0.35  # relative to skin: chroma and lightness of teeth, lightness of an open mouth
_DEEPEST, _THINNEST, _SHOWING = 0.5, 3, 0.3  # eye distances; rows; share of the columns
_FAINTEST = 3.0  # L* of a dark line; a fainter one cannot be seen


@dataclass(frozen=True)
class Lips:
    """The line between the lips, in eye distances from the point midway between the eyes (x right, y down).

    y(x) = y + slope (x - x0) + bend (x - x0)^2 for |x - x0| <= half_width. `teeth`: share of the width that shows
    teeth, 0 to 1. `certainty`: 0 (nothing seen, all values are the usual ones) to 1.
    """

    x: float = 0.0
    y: float = _USUAL_DROP
    half_width: float = _USUAL_HALF_WIDTH
    slope: float = 0.0
    bend: float = 0.0
    teeth: float = 0.0
    certainty: float = 0.0

    def as_row(self) -> tuple[float, ...]:
        """All values but the certainty."""
        return self.x, self.y, self.half_width, self.slope, self.bend, self.teeth


def chart_matrix(eyes: NDArray[float64]) -> NDArray[float64]:
    """Similarity (2, 3) from chart pixels to picture pixels for eye centres (2, 2)."""
    along = (eyes[1] - eyes[0]) / EYE_DISTANCE
    linear = np.column_stack([along, (-along[1], along[0])])
    return np.column_stack([linear, eyes.mean(axis=0) - linear @ (_CENTRE, EYE_LINE)])


def find_lips(chart: NDArray[uint8]) -> Lips:
    """Finds the line in a chart, uint8 RGB (HEIGHT, WIDTH, 3)."""
    lab = np.asarray(
        cv2.GaussianBlur(cv2.cvtColor(chart.astype(float32) / 255, cv2.COLOR_RGB2LAB), (0, 0), 1.0), float32
    )
    light = np.ascontiguousarray(lab[..., 0])
    valley = cv2.morphologyEx(light, cv2.MORPH_CLOSE, np.ones((_VALLEY_ROWS, 1))) - light
    line = _darkest_path(valley.astype(float64))
    strength = valley[line, np.arange(WIDTH)].astype(float64)
    left, right = _corners(strength)
    clear = float(np.median(strength[left : right + 1]))
    if clear < _FAINTEST:
        return Lips()
    inside = _mouth_below(lab, line, left, right)
    teeth = float(np.mean(inside[left : right + 1] > 0))
    return _fitted(line + inside, strength, left, right, teeth, min(1.0, clear / 10))


def _darkest_path(valley: NDArray[float64]) -> NDArray[np.int_]:
    """Row of the line in every column: the path of greatest darkness near the usual height, by dynamic programming."""
    rows = np.arange(HEIGHT)
    usual = (rows - EYE_LINE) / EYE_DISTANCE
    likely = np.exp(-0.5 * ((usual - _USUAL_DROP) / _DROP_SPREAD) ** 2)
    gain = (np.minimum(valley, 20) * likely[:, None])[_SEARCH]
    height = gain.shape[0]
    best = gain[:, 0].copy()
    came_from = np.zeros((WIDTH, height), int)
    for column in range(1, WIDTH):
        padded = np.pad(best, _STEEPEST, constant_values=-np.inf)
        steps = np.stack([padded[step : step + height] for step in range(2 * _STEEPEST + 1)])
        steps[_STEEPEST] += 0.1  # on level ground go straight
        choice = steps.argmax(axis=0)
        came_from[column] = np.arange(height) + choice - _STEEPEST
        best = steps.max(axis=0) + gain[:, column]
    path = np.empty(WIDTH, int)
    path[-1] = best.argmax()
    for column in range(WIDTH - 1, 0, -1):
        path[column - 1] = came_from[column, path[column]]
    return path + _SEARCH.start


def _corners(strength: NDArray[float64]) -> tuple[int, int]:
    """First and last column of the mouth: where the dark line fades, kept to a human width."""
    smooth = np.convolve(strength, np.ones(5) / 5, "same")
    core = slice(int(_CENTRE - 0.25 * EYE_DISTANCE), int(_CENTRE + 0.25 * EYE_DISTANCE))
    faint = 0.35 * np.median(smooth[core])
    least, most = (int(share * EYE_DISTANCE) for share in _HALF_WIDTHS)
    spans = []
    for step in (-1, 1):
        span = least
        while span < most and smooth[int(_CENTRE) + step * span] > faint:
            span += 1
        spans.append(span)
    return int(_CENTRE) - spans[0], int(_CENTRE) + spans[1]


def _mouth_below(lab: NDArray[float32], line: NDArray[np.int_], left: int, right: int) -> NDArray[np.int_]:
    """Rows of teeth and dark under the line in every column; 0 everywhere when the mouth is closed."""
    light, chroma = lab[..., 0], np.hypot(lab[..., 1], lab[..., 2])
    cheeks = np.r_[12:60, 12:60], np.r_[16:28, 100:112]
    skin_light, skin_chroma = (float(np.median(plane[np.ix_(*cheeks)])) for plane in (light, chroma))
    pale = (chroma < _PALE * skin_chroma) & (light > _BRIGHT * skin_light)
    inside = pale | (light < _DARK * skin_light)
    rows = np.zeros(WIDTH, int)
    for column in range(left + 3, right - 2):
        below = inside[line[column] : line[column] + int(_DEEPEST * EYE_DISTANCE), column]
        first = int(below[:6].argmax())
        if below[first]:
            lips = np.flatnonzero(~below[first:])
            rows[column] = first + int(lips[0]) if len(lips) else 0
    showing = (rows[left : right + 1] > _THINNEST).mean() > _SHOWING
    return cv2.medianBlur(rows.astype(uint8)[None], 5)[0].astype(int) if showing else np.zeros(WIDTH, int)


def _fitted(
    edge: NDArray[np.int_], strength: NDArray[float64], left: int, right: int, teeth: float, certainty: float
) -> Lips:
    """A parabola through the line, weighted by how clearly it is seen."""
    middle = (left + right) / 2
    columns = np.arange(left, right + 1)
    x = (columns - middle) / EYE_DISTANCE
    y = (edge[columns] - EYE_LINE) / EYE_DISTANCE
    bend, slope, height = np.polyfit(x, y, 2, w=np.sqrt(strength[columns] + 1))
    return Lips(
        x=(middle - _CENTRE) / EYE_DISTANCE,
        y=float(height),
        half_width=(right - left) / 2 / EYE_DISTANCE,
        slope=float(np.clip(slope, -0.25, 0.25)),
        bend=float(np.clip(bend, -0.8, 0.8)),
        teeth=teeth,
        certainty=certainty,
    )
