"""The shape of a mouth in one film frame: what the voice asks for and what is drawn."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class MouthShape:
    """`openness`: 0 at rest to 1 wide open; `width`: -1 rounded as in "oo" to 1 spread as in "ee", 0 at rest.

    `closure`: 0 to 1 pressed together as in "m"; it closes lips that the footage shows open.
    """

    openness: float
    width: float = 0.0
    closure: float = 0.0

    @property
    def at_rest(self) -> bool:
        """Whether the footage's mouth is left as it is."""
        return self.openness < 0.01 and abs(self.width) < 0.01 and self.closure < 0.01

    def scaled(self, amount: float) -> MouthShape:
        """The share `amount` of it, 0 to 1."""
        return MouthShape(amount * self.openness, amount * self.width, amount * self.closure)
