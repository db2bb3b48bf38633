"""How labels look: the style `label` at the height and in the corner that they ask for."""

from __future__ import annotations

import copy
from functools import cache
from typing import Any

from services.overlay.engine import Label, OverlaySpec
from services.typography.styles import load_style, safe_area_shares

_HAN_FACE_EM = 0.885
"""Height of 国 in Noto Sans SC in em: GB 45438 counts the height of the letters, not of the em."""


def label_style(label: Label, spec: OverlaySpec) -> dict[str, Any]:
    """The style of a label, with defaults filled: at its height, in its corner of its area."""
    vertical, alignment = label.corner.value.split("_")
    placed = copy.deepcopy(_style())
    placed["size"] = label.height_share / _HAN_FACE_EM
    placed["alignment"] = alignment
    bounds = label.bounds or safe_area_shares("safe", spec.width, spec.height)
    placed["position"] = {"area": "safe", "vertical": vertical, "bounds": list(bounds)}
    return placed


@cache
def _style() -> dict[str, Any]:
    return load_style("label")
