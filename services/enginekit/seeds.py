"""Seeds of 64 bits for generators that look at 32 of them."""

from __future__ import annotations

import hashlib


def seed_of_noise(seed: int) -> int:
    """The seed for `torch.Generator`, 0 to 2^63 - 1: a large one hashed, since on a processor only 32 bits count."""
    if seed < 2**32:
        return seed
    return int.from_bytes(hashlib.sha256(str(seed).encode()).digest()[:8], "big") >> 1
