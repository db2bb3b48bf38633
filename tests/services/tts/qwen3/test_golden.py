"""Equality with the published package on the same tiny checkpoint; how the numbers were made: tests/golden/qwen3."""

from pathlib import Path

import numpy as np
import pytest
import torch

from services.enginekit.progress import Progress
from services.tts.qwen3.frame import FrameStep
from services.tts.qwen3.loop import FrameLoop
from services.tts.qwen3.networks.attention import eager, sdpa
from services.tts.qwen3.networks.codec_encoder import encode
from services.tts.qwen3.networks.codec_layers import CodecState
from services.tts.qwen3.networks.speaker import log_mel
from services.tts.qwen3.prompt import Reference, Request
from services.tts.qwen3.sampling import Sampling
from tests.golden.qwen3.make_golden import INSTRUCTION, REFERENCE_TEXT, TEXT, codec_frames, reference_audio

GREEDY = (Sampling(do_sample=False), Sampling(do_sample=False, repetition_penalty=1.0))
SAMPLED = (Sampling(), Sampling(repetition_penalty=1.0))
FRAMES = 12


@pytest.fixture(scope="module")
def golden():
    return np.load(Path(__file__).parents[3] / "golden/qwen3/golden.npz")


@pytest.fixture(scope="module")
def loaded(make_engine):
    models = {}
    for kind in ("base", "custom_voice", "voice_design"):
        engine = make_engine(kind)
        engine.warm_up(Progress())
        models[kind] = engine._model
    return models


def test_log_mel(golden):
    assert np.abs(log_mel(torch.from_numpy(reference_audio()))[:, :6].numpy() - golden["log_mel"]).max() < 1e-5


def test_speaker_vector(loaded, golden):
    vector = loaded["base"].model.speaker_encoder.vector(reference_audio()).numpy()
    assert np.abs(vector - golden["speaker_vector"]).max() < 1e-5


def test_reference_codes(loaded, golden):
    codes = encode(loaded["base"].codec.encoder, reference_audio(), 16, 1920)
    assert np.array_equal(codes.numpy(), golden["reference_codes"])


def test_codec_decoder(loaded, golden):
    codes = torch.from_numpy(codec_frames(100))[None]
    wave = loaded["base"].codec.decoder.decode(codes, CodecState())[0].numpy()
    expected = golden["codec_every_101st_sample"]
    assert len(wave) == 100 * 1920
    assert np.abs(expected).mean() > 0.01
    assert np.abs(wave[::101] - expected).max() < 1e-6


CASES = {
    "icl_prefill_text0": ("base", False),
    "icl_prefill_text1": ("base", True),
    "speaker_prefill_text0": ("base", False),
    "speaker_prefill_text1": ("base", True),
    "vivian": ("custom_voice", True),
    "eric": ("custom_voice", False),
    "design": ("voice_design", True),
}


def request_of(name, model, golden) -> Request:
    ids, talker = model.tokenizer, model.config.talker
    languages = talker.codec_language_id
    text = ids.spoken(TEXT)
    if model.config.kind == "base":
        cloned = name.startswith("icl")
        codes, transcript = torch.from_numpy(golden["reference_codes"]), ids.transcript(REFERENCE_TEXT)
        vector = torch.from_numpy(golden["speaker_vector"])
        return Request(text, reference=Reference(vector, *((codes, transcript) if cloned else ())))
    if name == "vivian":
        return Request(text, languages["english"], talker.spk_id["vivian"])
    if name == "eric":  # a speaker of dialect: Chinese means his own
        instruction = ids.instruction(INSTRUCTION)
        return Request(text, languages["sichuan_dialect"], talker.spk_id["eric"], instruction_ids=instruction)
    return Request(text, languages["chinese"], instruction_ids=ids.instruction(INSTRUCTION))


@pytest.mark.parametrize("attention", [sdpa, eager])
@pytest.mark.parametrize("name", CASES)
def test_talker_and_predictor(name, attention, loaded, golden):
    kind, text_in_prefill = CASES[name]
    model = loaded[kind]
    prompt = model.prompts.build(request_of(name, model, golden), text_in_prefill=text_in_prefill)
    seen: list[torch.Tensor] = []
    with torch.inference_mode():
        hook = model.model.talker.codec_head.register_forward_hook(lambda _m, _a, logits: seen.append(logits[0]))
    for suffix, sampling in {"greedy": GREEDY, "seed5": SAMPLED}.items():
        step = FrameStep(model.model.talker, model.config, attention, sampling=sampling)
        with FrameLoop(step).take(prompt, 5, FRAMES, Progress()) as take:
            frames = np.stack(list(take))
        assert np.array_equal(frames, golden[f"{name}_{suffix}_codes"]), suffix
    hook.remove()
    assert np.abs(seen[0].numpy() - golden[f"{name}_logits"]).max() < 1e-5
