"""How much text fits: a caption style on a canvas, measured with the real font."""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from orchestrator.captions.safe_area import AvoidBox, text_band
from services.typography.fonts import Typeface, typeface
from services.typography.styles import Box, safe_area
from services.typography.typeset import line_width_px, padding_em

_CLEANED = re.compile(r"(?:[，,。、；;．]|(?<!\.)(?<![.\s][A-Za-z])\.)+(?=[\"'”’」』）)】》]*$)")


@dataclass(frozen=True)
class CaptionLayout:
    """A caption style with its place on a canvas.

    `style` is what the overlay service draws, with defaults filled in and position.bounds set. `bounds_px` are the
    edges of the band, `line_width_px` is how much of its width a line of text may take, and `safe_px` is the platform's
    safe area.
    """

    style: dict[str, Any]
    width: int
    height: int
    bounds_px: Box
    safe_px: Box
    font_px: float
    line_width_px: float
    typeface: Typeface

    @classmethod
    def of(
        cls,
        style: dict[str, Any],
        width: int,
        height: int,
        platform: str = "default",
        avoid: Sequence[AvoidBox] = (),
    ) -> Self:
        """Lays out `style` (from `load_style`) clear of `avoid`, the face, or else of its mouth; smaller if need be.

        Raises InvalidInputError for an unknown platform or font.
        """
        font_px = style["size"] * min(width, height)
        pad_x, pad_y = padding_em(style)
        lines = style["max_lines"] if style["position"]["area"] == "caption" else 1
        needed_px = ((lines - 1) * style["line_height"] + 1 + 2 * pad_y) * font_px
        bounds = text_band(style["position"]["area"], width, height, platform, avoid, needed_px)
        shrink = min(1.0, (bounds[3] - bounds[1]) / needed_px)
        font_px *= shrink
        placed = copy.deepcopy(style)
        placed["size"] *= shrink
        placed["position"]["bounds"] = [
            round(edge / side, 6) for edge, side in zip(bounds, (width, height, width, height), strict=True)
        ]
        return cls(
            style=placed,
            width=width,
            height=height,
            bounds_px=bounds,
            safe_px=safe_area("safe", width, height, platform),
            font_px=font_px,
            line_width_px=bounds[2] - bounds[0] - 2 * pad_x * font_px,
            typeface=typeface(style["font"]["id"], style["font"]["weight"]),
        )

    @property
    def max_lines(self) -> int:
        """Most lines in a cue, 1 or 2."""
        return min(2, int(self.style["max_lines"]))

    def width_px(self, text: str) -> float:
        """Width of a line in pixels, including kerning and letter spacing."""
        return line_width_px(text, self.style, self.typeface, self.font_px)

    @property
    def spacing_px(self) -> float:
        """Letter spacing of the style in pixels."""
        return float(self.style["letter_spacing"]) * self.font_px

    def shown(self, line: str) -> str:
        """What is shown of a line: without surrounding white space and, in clean styles, without a final comma or stop.

        Decimal points, ellipses, question and exclamation marks stay.
        """
        line = line.strip()
        if self.style["punctuation"] == "full" or not _CLEANED.search(line):
            return line
        return _CLEANED.sub("", line).rstrip() or line
