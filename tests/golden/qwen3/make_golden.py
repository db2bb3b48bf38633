"""Runs the published package on the tiny checkpoint of tests/checkpoints/qwen3.py and stores what it computes.

Not part of the test run: it needs qwen-tts 0.1.1 (see README.md). From the root of the project:
    python -m tests.golden.qwen3.make_golden tests/golden/qwen3/golden.npz
"""

from __future__ import annotations

import importlib.machinery
import sys
import tempfile
import types
from pathlib import Path

import numpy as np
import torch

from tests.checkpoints.qwen3 import KINDS, make_checkpoint

TEXT = "你好 hello, Qwen3."
REFERENCE_TEXT = "一二 three."
INSTRUCTION = "calm and low"
GREEDY = {"do_sample": False, "subtalker_dosample": False}
FRAMES = 12


def reference_audio() -> np.ndarray:
    """2.1 s of a gliding tone and noise at 24 kHz, float32."""
    noise = np.random.Generator(np.random.PCG64(7)).standard_normal(50_400)
    time = np.arange(50_400) / 24_000
    return (0.4 * np.sin(2 * np.pi * (180 + 60 * time) * time) + 0.05 * noise).astype(np.float32)


def codec_frames(frames: int) -> np.ndarray:
    """Random codes (frames, 16)."""
    return np.random.Generator(np.random.PCG64(11)).integers(0, 64, (frames, 16))


def published_package() -> types.ModuleType:
    """qwen_tts without its unused 25 Hz tokenizer, whose imports need torchaudio, sox and onnxruntime."""
    name = "qwen_tts.core.tokenizer_25hz.vq.speech_vq"
    stub = types.ModuleType(name)
    stub.__spec__ = importlib.machinery.ModuleSpec(name, None)
    stub.WhisperEncoderVQ = stub.XVectorExtractor = type("Unused", (), {})
    sys.modules[name] = stub
    import qwen_tts

    return qwen_tts


def main(target: Path) -> None:
    """Writes `target`."""
    torch.set_num_threads(1)
    package = published_package()
    numbers: dict[str, np.ndarray] = {}
    with tempfile.TemporaryDirectory() as root:
        folders = {kind: make_checkpoint(Path(root) / kind, kind) for kind in KINDS}
        models = {kind: package.Qwen3TTSModel.from_pretrained(str(folder)) for kind, folder in folders.items()}
        base = models["base"]
        prompts = {
            "icl": base.create_voice_clone_prompt((reference_audio(), 24_000), REFERENCE_TEXT)[0],
            "speaker": base.create_voice_clone_prompt((reference_audio(), 24_000), x_vector_only_mode=True)[0],
        }
        numbers["speaker_vector"] = prompts["icl"].ref_spk_embedding.numpy()
        numbers["reference_codes"] = prompts["icl"].ref_code.numpy()
        from qwen_tts.core.models.modeling_qwen3_tts import mel_spectrogram

        audio = torch.from_numpy(reference_audio())[None]
        numbers["log_mel"] = mel_spectrogram(audio, 1024, 128, 24_000, 256, 1024, 0, 12_000)[0, :, :6].numpy()
        codes = torch.from_numpy(codec_frames(100))
        with torch.inference_mode():
            waveform = base.model.speech_tokenizer.model.decoder(codes.T[None])[0, 0].numpy()
        numbers["codec_every_101st_sample"] = waveform[::101]
        for name, prompt in prompts.items():
            for layout in (False, True):
                run(numbers, f"{name}_prefill_text{int(layout)}", models["base"], layout, voice_clone_prompt=[prompt])
        run(numbers, "vivian", models["custom_voice"], True, speaker="vivian", language="english")
        run(numbers, "eric", models["custom_voice"], False, speaker="eric", language="chinese", instruct=INSTRUCTION)
        run(numbers, "design", models["voice_design"], True, instruct=INSTRUCTION, language="chinese")
    np.savez_compressed(target, **numbers)


def run(numbers: dict[str, np.ndarray], name: str, model: object, layout: bool, **arguments: object) -> None:
    """Stores greedy codes, the logits of the first step, and codes drawn with the global seed 5."""
    call = {
        "base": "generate_voice_clone",
        "custom_voice": "generate_custom_voice",
        "voice_design": "generate_voice_design",
    }[model.model.tts_model_type]
    kept: list[torch.Tensor] = []
    logits: list[torch.Tensor] = []
    codec = model.model.speech_tokenizer
    decode = codec.decode
    codec.decode = lambda encoded: (kept.append(encoded[0]["audio_codes"]), decode(encoded))[1]
    hook = model.model.talker.register_forward_hook(lambda _m, _a, output: logits.append(output.logits))
    try:
        for kind, options in (("greedy", GREEDY), ("seed5", {})):
            torch.manual_seed(5)
            kept.clear()
            getattr(model, call)(TEXT, non_streaming_mode=layout, max_new_tokens=FRAMES + 1, **options, **arguments)
            codes = kept[0]
            numbers[f"{name}_{kind}_codes"] = codes[-FRAMES:].numpy().astype(np.int16)
            if kind == "greedy":
                numbers[f"{name}_logits"] = logits[0][0, -1].float().numpy()
    finally:
        hook.remove()
        codec.decode = decode


if __name__ == "__main__":
    main(Path(sys.argv[1]))
