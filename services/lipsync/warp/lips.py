"""What the pixels of a mouth show: the line where closed lips meet, and how far down teeth show between open ones."""

from __future__ import annotations

import cv2
import numpy as np
from numpy import bool_, float32, float64
from numpy.typing import NDArray

from services.faces.mesh import cut_out
from services.faces.picture import Picture
from services.lipsync.warp.contour import Curve, Lips, Mouth, curve_at, fitted_curve

_SIDE = 192  # pixels of the upright picture of the mouth: the line between lips is one or two pixels of a film high
_ASIDE = 1.25  # units from its middle to its edges
_SEARCH = 0.16  # units above and below the mesh's line in which the line is sought
_VALLEY_ROWS = 7
_FAINTEST = 3.0  # L* of a dark line; a fainter one cannot be seen
_OPEN = 0.1  # units: lips less far apart count as closed
_PALE, _BRIGHT = 0.75, 0.75  # chroma and lightness of teeth relative to skin
_DARK = 0.4  # lightness of an open mouth, relative to skin
_BELOW = 0.12  # units below the mesh's opening to which it may go on
_SHOWING = 0.5  # share of the columns that must show an opening
_MIDDLE = 0.7  # u up to which it is looked at


def find_lips(picture: Picture, mouth: Mouth) -> Lips:
    """Looks at the mouth of which the mesh tells `mouth`."""
    lab = _chart(picture, mouth)
    u = np.linspace(-_ASIDE, _ASIDE, _SIDE, dtype=float32) * mouth.unit
    u = np.where(u < 0, u / mouth.left, u / mouth.right)
    if mouth.gap < _OPEN:
        return Lips(line=_line(lab[..., 0], u, mouth))
    return _opening(lab, u, mouth)


def _chart(picture: Picture, mouth: Mouth) -> NDArray[float32]:
    """CIE L*a*b* (_SIDE, _SIDE, 3) of the mouth, upright."""
    scale = 2 * _ASIDE * mouth.unit / (_SIDE - 1)
    cosine, sine = scale * np.cos(mouth.angle), scale * np.sin(mouth.angle)
    linear = np.array(((cosine, -sine), (sine, cosine)))
    matrix = np.column_stack((linear, (mouth.x, mouth.y) - linear @ np.full(2, (_SIDE - 1) / 2)))
    rgb = cut_out(picture, matrix, _SIDE).astype(float32) / 255
    return np.asarray(cv2.GaussianBlur(cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB), (0, 0), 1.0), float32)


def _rows(v: NDArray[float32]) -> NDArray[float32]:
    """Rows of the chart at heights."""
    return np.asarray((v / _ASIDE + 1) * (_SIDE - 1) / 2, float32)


def _line(light: NDArray[float32], u: NDArray[float32], mouth: Mouth) -> Curve | None:
    """How far the dark line between the lips lies below the mesh's; None where it cannot be seen."""
    light = np.ascontiguousarray(light)
    valley = cv2.morphologyEx(light, cv2.MORPH_CLOSE, np.ones((_VALLEY_ROWS, 1))) - light
    expected = _rows(curve_at(mouth.top, u))
    away = (np.arange(_SIDE)[:, None] - expected) * (2 * _ASIDE / (_SIDE - 1))
    likely = np.asarray(valley * np.exp(-0.5 * np.square(away / (_SEARCH / 1.5))) * (np.abs(away) < _SEARCH), float64)
    mass = likely.sum(axis=0)
    inside = np.flatnonzero((np.abs(u) < 0.9) & (mass > 1e-6))
    strength = likely.max(axis=0)[inside]
    if len(inside) < _SIDE // 4 or float(np.median(strength)) < _FAINTEST:
        return None
    sharp = np.square(likely[:, inside])
    found = (sharp * away[:, inside]).sum(axis=0) / sharp.sum(axis=0)
    return fitted_curve(u[inside].astype(float64), found, np.minimum(strength, 15.0))


def _opening(lab: NDArray[float32], u: NDArray[float32], mouth: Mouth) -> Lips:
    """Where an opening ends below, and how far down its upper part is pale."""
    light, chroma = lab[..., 0], np.hypot(lab[..., 1], lab[..., 2])
    skin = np.s_[-_SIDE // 8 :, _SIDE // 3 : -_SIDE // 3]
    skin_light, skin_chroma = float(np.median(light[skin])), float(np.median(chroma[skin]))
    pale = (chroma < _PALE * skin_chroma) & (light > _BRIGHT * skin_light)
    inside = pale | (light < _DARK * skin_light)
    top, bottom = _rows(curve_at(mouth.top, u)), _rows(curve_at(mouth.bottom, u))
    rows, row_units = np.arange(_SIDE)[:, None], 2 * _ASIDE / (_SIDE - 1)
    within = (rows >= np.floor(top) - 1) & (rows <= bottom + _BELOW / row_units)
    columns = np.flatnonzero(np.abs(u) < _MIDDLE)
    seen = columns[(inside & within)[:, columns].sum(axis=0) > 0.3 * (bottom - top)[columns]]
    if len(seen) < _SHOWING * len(columns):
        return Lips()
    end = _lowest(inside & within, seen)
    first, _, third = fitted_curve(u[seen].astype(float64), (end - 0.5 - bottom[seen]) * row_units)
    shares = (_lowest(pale & within, seen) - top[seen]) / np.maximum(1, end - top[seen])
    return Lips(floor=(first, 0.0, third), teeth=float(np.clip(np.median(shares), 0, 1)))


def _lowest(mask: NDArray[bool_], columns: NDArray[np.int_]) -> NDArray[np.int_]:
    """The row after the last one of `mask` in some columns; 0 where it has none."""
    return np.where(mask[:, columns].any(axis=0), _SIDE - mask[::-1, columns].argmax(axis=0), 0)
