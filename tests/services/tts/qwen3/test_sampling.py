import pytest
import torch

from services.tts.qwen3.model import samplings
from services.tts.qwen3.options import Qwen3Options
from services.tts.qwen3.sampling import Sampling, draw, penalise_repetition

LOGITS = torch.tensor([[1.0, 3.0, 2.0, -1.0, 0.5]])


def noise(rows: int, codes: int) -> torch.Tensor:
    return torch.empty(rows, codes).exponential_(generator=torch.Generator().manual_seed(2))


def frequencies(sampling: Sampling, draws: int = 40_000) -> torch.Tensor:
    codes = draw(LOGITS.expand(draws, -1), noise(draws, 5), sampling)
    return codes.bincount(minlength=5) / draws


def test_draws_follow_the_softmax_at_the_temperature():
    found = frequencies(Sampling(temperature=0.7, top_k=0))
    assert torch.allclose(found, (LOGITS[0] / 0.7).softmax(0), atol=0.01)


def test_top_k_keeps_the_best():
    expected = torch.tensor([0, 3.0, 2.0, 0, 0]).exp() * torch.tensor([0, 1, 1, 0, 0])
    assert torch.allclose(frequencies(Sampling(temperature=1.0, top_k=2)), expected / expected.sum(), atol=0.01)


def test_top_p_keeps_the_smallest_set_that_reaches_it():
    probabilities = LOGITS[0].softmax(0)
    kept = probabilities * torch.tensor([0, 1, 1, 0, 0])  # 0.62 + 0.23 reach 0.8
    found = frequencies(Sampling(temperature=1.0, top_k=0, top_p=0.8))
    assert torch.allclose(found, kept / kept.sum(), atol=0.01)
    assert frequencies(Sampling(temperature=1.0, top_k=0, top_p=0.01))[1] == 1


def test_greedy_needs_no_noise():
    assert draw(LOGITS, torch.zeros(1, 5), Sampling(do_sample=False)).tolist() == [1]


def test_zero_noise_does_not_break_the_draw():
    assert draw(LOGITS, torch.zeros(1, 5), Sampling(top_k=1)).tolist() == [1]


def test_repetition_penalty_lowers_both_signs():
    seen = torch.tensor([[False, True, False, True, False]])
    found = penalise_repetition(LOGITS, seen, 2.0)
    assert found.tolist() == [[1.0, 1.5, 2.0, -2.0, 0.5]]


@pytest.mark.parametrize("options", [{}, {"temperature": "0.5", "top_k": "10"}])
def test_operator_before_checkpoint_before_default(options):
    published = {"temperature": 0.8, "subtalker_temperature": 0.6, "top_p": 0.95, "max_new_tokens": 8192}
    talker, predictor = samplings(published, Qwen3Options.of(options))
    assert (talker.temperature, predictor.temperature) == ((0.5, 0.5) if options else (0.8, 0.6))
    assert (talker.top_k, predictor.top_k) == ((10, 10) if options else (50, 50))
    assert (talker.top_p, predictor.top_p) == (0.95, 1.0)
    assert (talker.repetition_penalty, predictor.repetition_penalty) == (1.05, 1.0)
