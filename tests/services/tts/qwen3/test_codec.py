from itertools import chain, repeat

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from services.tts.qwen3.networks.codec_layers import CodecState
from tests.golden.qwen3.make_golden import codec_frames

FRAMES = 90  # beyond the transformer's window of 72


@pytest.fixture(scope="module")
def decoder(model):
    return model.codec.decoder


@pytest.fixture(scope="module")
def whole(decoder):
    return decoder.decode(torch.from_numpy(codec_frames(FRAMES))[None], CodecState())[0]


def in_chunks(decoder, sizes) -> torch.Tensor:
    codes, state, pieces, start = torch.from_numpy(codec_frames(FRAMES))[None], CodecState(), [], 0
    for size in sizes:
        pieces.append(decoder.decode(codes[:, start : start + size], state)[0])
        start += size
        if start >= FRAMES:
            return torch.cat(pieces)
    raise AssertionError("too few chunks")


@pytest.mark.parametrize("sizes", [(1, 2, 4, 8), (1,), (89, 1), (25,), (72,)])
def test_chunks_join_without_seam(decoder, whole, sizes):
    assert torch.allclose(in_chunks(decoder, chain(sizes, repeat(sizes[-1]))), whole, atol=1e-6, rtol=0)


@settings(max_examples=8, deadline=None)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=5))
def test_any_division_gives_the_same(decoder, whole, sizes):
    assert torch.allclose(in_chunks(decoder, chain(sizes, repeat(16))), whole, atol=1e-6, rtol=0)


def test_without_the_past_it_would_not_join(decoder, whole):
    codes = torch.from_numpy(codec_frames(FRAMES))[None]
    alone = decoder.decode(codes[:, 80:], CodecState())[0]
    assert (alone - whole[80 * 1920 :]).abs().max() > 1e-3


def test_a_copied_state_goes_its_own_way(decoder, whole):
    codes, state = torch.from_numpy(codec_frames(FRAMES))[None], CodecState()
    decoder.decode(codes[:, :40], state)
    other = state.copy()
    decoder.decode(codes[:, :5], state)
    assert torch.allclose(decoder.decode(codes[:, 40:], other)[0], whole[40 * 1920 :], atol=1e-6, rtol=0)


def test_batched_streams_equal_single_ones(decoder, whole):
    codes = torch.from_numpy(codec_frames(FRAMES))[None]
    both = decoder.decode(torch.cat((codes, codes.flip(1))), CodecState())
    assert torch.allclose(both[0], whole, atol=1e-6, rtol=0)


def test_state_does_not_grow(decoder):
    codes, state = torch.from_numpy(codec_frames(FRAMES))[None], CodecState()
    sizes = []
    for _ in range(3):
        decoder.decode(codes, state)
        sizes.append(sum(tensor.numel() for kept in state._carried.values() for tensor in kept))
    assert sizes[0] == sizes[1] == sizes[2]
    assert np.isfinite(sizes).all()
