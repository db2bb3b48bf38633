"""All 64 bits of a seed count, and small seeds stay what they are."""

from services.enginekit.seeds import seed_of_noise


def test_small_seeds_are_themselves_and_large_ones_differ_in_their_lowest_bits() -> None:
    assert [seed_of_noise(seed) for seed in (0, 7, 2**32 - 1)] == [0, 7, 2**32 - 1]
    large = [seed_of_noise(seed) for seed in (2**32 + 7, 2**33 + 7, 2**64 - 1)]
    assert len({seed % 2**32 for seed in [7, *large]}) == 4
    assert all(0 <= seed < 2**63 for seed in large)
