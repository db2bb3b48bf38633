import sys
import types

import pytest
import torch

from services.base.errors import InvalidInputError
from services.tts.qwen3.networks.attention import Visible, choose_attention, eager, flash, sdpa

CPU, CUDA = torch.device("cpu"), torch.device("cuda:0")


def tensors(queries, span, rows=3):
    generator = torch.Generator().manual_seed(1)
    shapes = ((rows, queries, 4, 8), (rows, span, 2, 8), (rows, span, 2, 8))
    return [torch.randn(shape, generator=generator) for shape in shapes]


@pytest.fixture
def flash_attn(monkeypatch):
    """The two functions of the flash-attn package, as its documentation has them, computed by formula."""

    def attend(q, k, v, seen):
        k, v = (part.repeat_interleave(q.shape[2] // k.shape[2], dim=2) for part in (k, v))
        scores = torch.einsum("bqhd,bkhd->bhqk", q, k) / q.shape[-1] ** 0.5
        return torch.einsum("bhqk,bkhd->bqhd", scores.masked_fill(~seen, float("-inf")).softmax(-1), v)

    def flash_attn_func(q, k, v, causal):
        assert causal
        return attend(q, k, v, torch.ones(q.shape[1], k.shape[1], dtype=torch.bool).tril())

    def flash_attn_with_kvcache(q, k_cache, v_cache, cache_seqlens, causal):
        assert causal
        lengths = torch.as_tensor(cache_seqlens)
        assert lengths.dim() == 0 or lengths.dtype == torch.int32
        seen = torch.arange(k_cache.shape[1])[None] < lengths.reshape(-1, 1)
        return attend(q, k_cache, v_cache, seen[:, None, None])

    module = types.ModuleType("flash_attn")
    module.flash_attn_func, module.flash_attn_with_kvcache = flash_attn_func, flash_attn_with_kvcache
    monkeypatch.setitem(sys.modules, "flash_attn", module)


@pytest.mark.parametrize("other", [eager, flash])
def test_kernels_agree_on_a_prefill(other, flash_attn):
    parts = tensors(5, 5)
    assert torch.allclose(other(*parts, Visible()), sdpa(*parts, Visible()), atol=1e-6)


@pytest.mark.parametrize("other", [eager, flash])
def test_kernels_agree_on_ragged_steps(other, flash_attn):
    parts = tensors(1, 9)
    visible = Visible.up_to(torch.tensor([0, 4, 8]), 9)
    found = sdpa(*parts, visible)
    assert torch.allclose(other(*parts, visible), found, atol=1e-6)
    assert torch.allclose(found[0, 0, 0], parts[2][0, 0, 0], atol=1e-6)  # the first row sees only its first value


@pytest.mark.parametrize("other", [eager, flash])
def test_kernels_agree_where_all_rows_see_everything(other, flash_attn):
    parts = tensors(1, 6)
    assert torch.allclose(other(*parts, Visible(6)), sdpa(*parts, Visible(6)), atol=1e-6)


@pytest.fixture
def ampere(monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (8, 0))


def test_flash_is_taken_where_it_can_run(flash_attn, ampere):
    assert choose_attention("auto", CUDA, torch.bfloat16) == ("flash_attention_2", flash)
    assert choose_attention("auto", CUDA, torch.float32) == ("sdpa", sdpa)
    assert choose_attention("auto", CPU, torch.bfloat16) == ("sdpa", sdpa)
    assert choose_attention("sdpa", CUDA, torch.bfloat16) == ("sdpa", sdpa)


def test_flash_is_not_taken_on_gpus_that_it_refuses(flash_attn, monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (7, 5))
    assert choose_attention("auto", CUDA, torch.float16) == ("sdpa", sdpa)
    with pytest.raises(InvalidInputError, match="needs an Ampere GPU"):
        choose_attention("flash_attention_2", CUDA, torch.float16)


def test_without_flash_attn_it_is_sdpa_and_said_so(ampere, monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, "flash_attn", None)
    with caplog.at_level("INFO"):
        assert choose_attention("auto", CUDA, torch.bfloat16)[0] == "sdpa"
    assert "attention: sdpa (flash_attention_2 is not installed)" in caplog.text
    with pytest.raises(InvalidInputError, match="is not installed"):
        choose_attention("flash_attention_2", CUDA, torch.bfloat16)


def test_unknown_attention():
    with pytest.raises(InvalidInputError) as unknown:
        choose_attention("flash", CPU, torch.float32)
    assert unknown.value.field == "options.attention"
