"""A sentence in letters cut into pieces that are spoken one by one: the first short, the others as the model likes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

LONGEST = 120
"""Letters of a piece, about ten seconds. The model takes 510, but its memory grows with them (350 MB at 120, 1 GB at
400), and a cancel waits for the end of a piece."""
_SHORTEST = 12
"""Letters of the first piece; fewer sound hurried, and each call of the model computes a second of silence too."""
_CLAUSE = re.compile(r"[^,.!?;:…—]+[,.!?;:…—\"”)\s]*|[,.!?;:…—\"”)\s]+")

_PAUSES_S = {",": 0.18, ";": 0.28, ":": 0.28, "—": 0.25, ".": 0.4, "!": 0.4, "?": 0.4}
"""At the end of a piece; an ellipsis has its own pause from the request."""
_BETWEEN_WORDS_S = 0.03


@dataclass(frozen=True)
class Piece:
    """What one call of the model speaks, and the pause after it at speed 1."""

    letters: str
    pause_s: float


def pieces_of(letters: str) -> list[Piece]:
    """Pieces of at most LONGEST letters: the first clause as soon as it may be, then as many clauses as fit."""
    clauses = [part for clause in _CLAUSE.findall(letters) for part in _short_enough(clause.strip()) if part]
    pieces: list[str] = []
    for clause in clauses:
        joined = f"{pieces[-1]} {clause}" if pieces else clause
        begun = len(pieces) == 1 and len(pieces[0]) >= _SHORTEST
        if pieces and not begun and len(joined) <= LONGEST:
            pieces[-1] = joined
        else:
            pieces.append(clause)
    return [Piece(piece, _pause_s(piece)) for piece in pieces]


def _short_enough(clause: str) -> Iterator[str]:
    """A clause, or parts of about the same length that end between words; a word that is too long is cut itself."""
    parts = -(-len(clause) // LONGEST)
    while parts > 1:
        goal = min(LONGEST, -(-len(clause) // parts))
        cut = clause.rfind(" ", goal // 2, goal + 1)
        cut = goal if cut < 0 else cut
        yield clause[:cut].strip()
        clause = clause[cut:].strip()
        parts = -(-len(clause) // LONGEST)
    yield clause


def _pause_s(piece: str) -> float:
    return next((_PAUSES_S[char] for char in reversed(piece[-3:]) if char in _PAUSES_S), _BETWEEN_WORDS_S)
