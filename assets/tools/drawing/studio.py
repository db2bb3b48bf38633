"""The studio behind the presenter, out of focus: a wall in soft light, a shelf, a plant, a lamp."""

from __future__ import annotations

import numpy as np
from numpy import float32

from assets.tools.drawing.brush import HEIGHT, WIDTH, Picture, X, Y, blurred, bump, colour, filled, painted, ramp


def background() -> Picture:
    """The room."""
    wall = painted(
        np.broadcast_to(colour("#c9c2b8"), (HEIGHT, WIDTH, 3)), colour("#6f8088"), ramp(X + 0.25 * Y, 150, 1500)
    )
    wall = painted(wall, colour("#f4ead9"), 0.75 * bump(210, 420, 330, 420))
    wall = painted(wall, colour("#39474f"), 0.55 * ramp(Y, 900, 1900))
    wall = blurred(_with_shelf(wall), 16)
    wall = blurred(_with_plant(wall), 11)
    for x, y, size, strength in ((860, 300, 26, 0.55), (930, 470, 18, 0.4), (800, 520, 14, 0.3), (1000, 250, 20, 0.35)):
        wall = painted(wall, colour("#ffe2b0"), strength * _disc(x, y, size))
    vignette = 1 - 0.28 * ramp(np.hypot((X - 540) / 900, (Y - 880) / 1500), 0.45, 1.05)
    return np.asarray(wall * vignette[..., None], float32)


def _rectangle(left: float, top: float, right: float, bottom: float) -> Picture:
    return filled(np.array([(left, top), (right, top), (right, bottom), (left, bottom)], float32), 1.0)


def _disc(x: float, y: float, radius: float) -> Picture:
    return 1 - ramp(np.hypot(X - x, Y - y), radius - 5, radius + 3)


def _with_shelf(wall: Picture) -> Picture:
    for row, y in enumerate((640, 930)):
        wall = painted(wall, colour("#5c4638"), 0.9 * _rectangle(770, y, 1090, y + 22))
        random = np.random.default_rng(60 + row)
        x = 800.0
        while x < 1070:
            width, tall = random.uniform(16, 40), random.uniform(110, 190)
            shade = ("#7c4b3d", "#c9b08a", "#3f5a66", "#88927c", "#b7694a", "#d8cfc0")[int(random.integers(6))]
            wall = painted(wall, colour(shade), 0.85 * _rectangle(x, y - tall, x + width, y))
            x += width + random.uniform(2, 14)
    return wall


def _with_plant(wall: Picture) -> Picture:
    random = np.random.default_rng(70)
    for _ in range(26):
        angle, length = random.uniform(-2.7, -0.5), random.uniform(150, 330)
        base = np.array([70.0, 1180.0])
        tip = base + length * np.array([np.cos(angle), np.sin(angle)])
        side = np.array([-np.sin(angle), np.cos(angle)]) * random.uniform(16, 30)
        leaf = np.array([base, (base + tip) / 2 + side, tip, (base + tip) / 2 - side], float32)
        green = ("#4f6b4a", "#3c5540", "#6c8660")[int(random.integers(3))]
        wall = painted(wall, colour(green), 0.85 * filled(leaf, 2.0))
    return painted(wall, colour("#b49377"), 0.9 * _rectangle(0, 1170, 150, 1400))
