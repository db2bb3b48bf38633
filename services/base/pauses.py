"""Pauses between tries that go on for as long as it takes."""

from __future__ import annotations

_MOST_DOUBLINGS = 64  # a float overflows after 1,023, which is a night of failures


def doubled_s(first_s: float, doublings: int, longest_s: float) -> float:
    """`first_s` seconds, doubled so many times, and never more than `longest_s`."""
    return min(longest_s, first_s * 2.0 ** min(doublings, _MOST_DOUBLINGS))
