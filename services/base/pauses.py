"""Pauses between retries that never give up."""

from __future__ import annotations

_MOST_DOUBLINGS = 64  # a float overflows after 1,023, which one night of failures reaches


def doubled_s(first_s: float, doublings: int, longest_s: float) -> float:
    """`first_s` seconds, doubled `doublings` times, but never more than `longest_s`."""
    return min(longest_s, first_s * 2.0 ** min(doublings, _MOST_DOUBLINGS))
