"""A stand-in for a GPU: on the meta device an operation fails when one of its tensors was made on the processor."""

import pytest
import torch

from services.tts.qwen3.attention import eager, sdpa
from services.tts.qwen3.codec import CodecDecoder
from services.tts.qwen3.codec_layers import CodecState
from services.tts.qwen3.frame import FrameStep
from services.tts.qwen3.prompt import PromptBuilder, Reference, Request
from services.tts.qwen3.sampling import Sampling
from services.tts.qwen3.talker import Talker
from tests.bench.gpu_qwen3 import tiny

META, SIZE = torch.device("meta"), tiny()
CUT_BOTH_WAYS = (Sampling(top_p=0.8), Sampling(top_p=0.9, repetition_penalty=1.0))


def on_the_device(build):
    with META:
        return build().to(torch.bfloat16).eval()


def ids(*shape):
    return torch.zeros(shape, dtype=torch.int64, device=META)


@pytest.fixture(scope="module")
def talker():
    return on_the_device(lambda: Talker(SIZE.model.talker, SIZE.model.predictor))


@pytest.mark.parametrize("attention", [sdpa, eager])
@torch.inference_mode()
def test_prompts_and_frames_stay_on_the_device(talker, attention):
    voice = Reference(torch.empty(SIZE.model.talker.hidden_size, device=META), ids(9, 16), ids(5))
    prompts = [
        PromptBuilder(talker, SIZE.model).build(
            Request(ids(20), language_id=2055, reference=reference, instruction_ids=ids(4)), text_in_prefill=at_once
        )
        for reference in (voice, None)
        for at_once in (True, False)
    ]
    step = FrameStep(talker, SIZE.model, attention, rows=4, max_positions=300, sampling=CUT_BOTH_WAYS)
    for row, prompt in enumerate(prompts):
        step.draw_noise(row, None)
        step.prefill(row, prompt)
    for span in step.spans():
        step.frame(2, span)
    step.move(2, 0)
    step.clear(2)
    assert {tensor.device for tensor in step.state.tensors()} == {META}
    assert step.state.embedding.dtype is torch.bfloat16


@torch.inference_mode()
def test_samples_stay_on_the_device():
    decoder, state = on_the_device(lambda: CodecDecoder(SIZE.codec)), CodecState()
    for frames in (1, 72, 8):
        wave = decoder.decode(ids(2, frames, 16), state)
        assert (wave.device, wave.shape) == (META, (2, frames * 1920))
