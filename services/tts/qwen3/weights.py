"""The published folder to modules: memory-mapped safetensors, offline, names and shapes checked one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from services.base.errors import FailedPreconditionError
from services.enginekit.checkpoints import refused
from services.tts.qwen3.codec import CodecDecoder
from services.tts.qwen3.config import Qwen3Config, SpeechTokenizerConfig, read_json
from services.tts.qwen3.networks.codec_encoder import mimi_encoder
from services.tts.qwen3.networks.speaker import SpeakerEncoder
from services.tts.qwen3.networks.talker import Talker

Module = TypeVar("Module", bound=nn.Module)

REQUIRED_FILES = (
    "config.json",
    "generation_config.json",
    "preprocessor_config.json",
    "tokenizer_config.json",
    "speech_tokenizer/config.json",
    "speech_tokenizer/preprocessor_config.json",
)


class Qwen3Model(nn.Module):
    """`model.safetensors` of the root folder: the talker, and in Base checkpoints the speaker encoder."""

    def __init__(self, config: Qwen3Config) -> None:
        super().__init__()
        self.talker = Talker(config.talker, config.predictor)
        self.speaker_encoder = SpeakerEncoder(config.speaker_encoder) if config.speaker_encoder else None


class SpeechTokenizer(nn.Module):
    """`speech_tokenizer/model.safetensors`: the codec."""

    def __init__(self, config: SpeechTokenizerConfig) -> None:
        super().__init__()
        self.encoder = mimi_encoder(config.encoder)
        self.decoder = CodecDecoder(config.decoder)


def check_folder(folder: Path) -> None:
    """Raises FailedPreconditionError naming the files that a published folder has and this one lacks."""
    missing = [name for name in REQUIRED_FILES if not (folder / name).is_file()]
    if not (folder / "tokenizer.json").is_file():
        missing += [name for name in ("vocab.json", "merges.txt") if not (folder / name).is_file()]
    for part in (folder, folder / "speech_tokenizer"):
        if not any((part / name).is_file() for name in ("model.safetensors", "model.safetensors.index.json")):
            missing.append(str((part / "model.safetensors").relative_to(folder)))
    if missing:
        problem = f"The checkpoint {folder} lacks {', '.join(missing)}."
        raise refused("CHECKPOINT_MISSING", problem, "Run `vigent models pull`.")


def load(
    build: Callable[[], Module], folder: Path, device: torch.device, dtype: torch.dtype, loaded: Callable[[], None]
) -> Module:
    """Builds a module without memory and gives it the tensors of `folder`; calls `loaded` after each.

    On the CPU, tensors that already have `dtype` stay mapped to the file. Raises FailedPreconditionError when a tensor
    is missing, unknown or of another shape, or when a file is broken.
    """
    with torch.device("meta"):
        module = build()
    wanted = {name: parameter.shape for name, parameter in module.state_dict().items()}
    tensors: dict[str, Tensor] = {}
    for name, tensor in _tensors(folder, device):
        if name not in wanted or tensor.shape != wanted[name]:
            shape = tuple(wanted[name]) if name in wanted else "none"
            raise _mismatch(folder, f"{name} has shape {tuple(tensor.shape)}, the model wants {shape}")
        tensors[name] = tensor.to(dtype) if tensor.is_floating_point() else tensor
        loaded()
    if missing := sorted(wanted.keys() - tensors.keys()):
        raise _mismatch(folder, f"{len(missing)} tensors are missing, the first is {missing[0]}")
    module.load_state_dict(tensors, assign=True)
    return module.to(device).eval().requires_grad_(requires_grad=False)


def _tensors(folder: Path, device: torch.device) -> Iterator[tuple[str, Tensor]]:
    for path in weight_files(folder):
        with _opened(path, device) as file:
            for name in file.keys():  # noqa: SIM118 - the file is not a mapping
                yield name, file.get_tensor(name)


def _opened(path: Path, device: torch.device | str = "cpu") -> safe_open:
    try:
        return safe_open(path, framework="pt", device=str(device))
    except (SafetensorError, OSError) as error:
        problem = f"{path} is broken or truncated."
        raise refused("CHECKPOINT_TRUNCATED", problem, "Run `vigent models pull` again.") from error


def tensor_count(folder: Path) -> int:
    """Tensors in the weight files of `folder`, read from their headers. Raises FailedPreconditionError."""
    count = 0
    for path in weight_files(folder):
        with _opened(path) as file:
            count += len(file.keys())
    return count


def weight_files(folder: Path) -> list[Path]:
    """The shards of `folder`, or its one file. Raises FailedPreconditionError for an index that names none."""
    index = folder / "model.safetensors.index.json"
    if not index.is_file():
        return [folder / "model.safetensors"]
    shards = read_json(index).get("weight_map")
    if not isinstance(shards, dict) or not shards:
        raise refused("CHECKPOINT_INVALID", f"{index} has no weight_map.", "Run `vigent models pull` again.")
    return [folder / name for name in sorted(set(shards.values()))]


def _mismatch(folder: Path, problem: str) -> FailedPreconditionError:
    sentence = f"The weights in {folder} do not fit their configuration: {problem}."
    return refused("CHECKPOINT_INVALID", sentence, "Use an unchanged published checkpoint.")
