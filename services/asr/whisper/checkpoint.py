"""The checkpoint folder, a Whisper model converted by CTranslate2, and loading it, all from local disk.

config.json, model.bin, tokenizer.json, vocabulary.json (or .txt)
preprocessor_config.json      only for models without 80 mel bands, such as large-v3
manifest.json                 see services/enginekit/checkpoints.py; optional, verified if present
"""

from __future__ import annotations

import json
from pathlib import Path

import ctranslate2
from faster_whisper import WhisperModel

from services.asr.whisper.cublas import load_cublas
from services.asr.whisper.options import WhisperOptions
from services.base.errors import InvalidInputError
from services.enginekit.checkpoints import MANIFEST, read_manifest, refused, verify_once
from services.enginekit.cores import usable_cores
from services.enginekit.device import is_out_of_memory, no_device
from services.enginekit.progress import Progress
from services.enginekit.settings import EngineSettings

FILES = ("config.json", "model.bin", "tokenizer.json")
VOCABULARIES = ("vocabulary.json", "vocabulary.txt")

_PULL = "Pull the checkpoint with `vigent models pull`, or set the folder that holds it."


def find_checkpoint(folder: Path | None) -> Path:
    """The folder, if it holds what it must. Raises FailedPreconditionError: CHECKPOINT_MISSING, CHECKPOINT_INVALID."""
    if folder is None:
        remedy = "Pull one with `vigent models pull` and set VIGENT_ASR_CHECKPOINT to its folder."
        raise refused("CHECKPOINT_MISSING", "Whisper needs a checkpoint and none is set.", remedy)
    for name in FILES:
        if not (folder / name).is_file():
            raise refused("CHECKPOINT_MISSING", f"{folder / name} is missing.", _PULL)
    if not any((folder / name).is_file() for name in VOCABULARIES):
        raise refused("CHECKPOINT_MISSING", f"{folder / VOCABULARIES[0]} is missing.", _PULL)
    if (folder / MANIFEST).is_file() and (engine := read_manifest(folder / MANIFEST).engine) != "whisper":
        raise refused("CHECKPOINT_INVALID", f"{folder / MANIFEST} describes a checkpoint for {engine}.", _PULL)
    return folder


def load(folder: Path, settings: EngineSettings, options: WhisperOptions, progress: Progress) -> WhisperModel:
    """Verifies and loads; a unit is a hashed piece, then the model.

    Raises FailedPreconditionError (CHECKPOINT_..., DEVICE_MISSING, ENGINE_NOT_INSTALLED), InvalidInputError
    (options.compute_type), and what the device raises when it is full.
    """
    device, index = _device(settings.device)
    if device == "cuda":
        load_cublas()
    _check_compute_type(options.compute_type, device, index)
    if options.verify and (folder / MANIFEST).is_file():
        progress.phase("verify")
        verify_once(folder, read_manifest(folder / MANIFEST), settings.cache_root, lambda _: progress.advance())
    _check_config(folder)
    progress.phase("load", 1, stall_budget_s=_LOAD_BUDGET_S)
    model = _loaded(folder, device, index, options)
    progress.advance()
    return model


_MOST_THREADS = 4  # CTranslate2's default; more wait for each other
_LOAD_BUDGET_S = 300.0  # CTranslate2 reads 3 GB without saying how far it is


def _loaded(folder: Path, device: str, index: int, options: WhisperOptions) -> WhisperModel:
    try:
        return WhisperModel(
            str(folder),
            device=device,
            device_index=index,
            compute_type=_compute_type(options.compute_type, device),
            cpu_threads=options.cpu_threads or min(usable_cores(), _MOST_THREADS),
            num_workers=options.parallel,
            local_files_only=True,
        )
    except Exception as error:
        if is_out_of_memory(error):
            raise
        # CTranslate2 and tokenizers raise RuntimeError and bare Exception for a bad file
        raise refused("CHECKPOINT_INVALID", f"{folder} cannot be loaded: {error}", _PULL) from error


def _check_config(folder: Path) -> None:
    try:
        json.loads((folder / "config.json").read_bytes())["alignment_heads"]
    except (ValueError, KeyError, TypeError) as error:
        problem = f"{folder / 'config.json'} names no alignment_heads, without which words have no times."
        raise refused("CHECKPOINT_INVALID", problem, "Convert the model again with CTranslate2 4 or newer.") from error


def _device(name: str) -> tuple[str, int]:
    kind, _, number = name.partition(":")
    index = int(number) if number.isdecimal() else 0 if not number else -1
    count = {"cpu": 1, "cuda": ctranslate2.get_cuda_device_count() if kind == "cuda" else 0}.get(kind, 0)
    if not 0 <= index < count:
        raise no_device(name)
    return kind, index


def _compute_type(name: str, device: str) -> str:
    """CTranslate2's own "auto" takes what is fastest, on a GPU less exact than what is stored."""
    if name != "auto":
        return name
    return "int8" if device == "cpu" else "default"


def _check_compute_type(name: str, device: str, index: int) -> None:
    possible = {"default", "auto", *ctranslate2.get_supported_compute_types(device, index)}
    if name not in possible:
        problem = f"{device} cannot compute in {name!r}."
        raise InvalidInputError(problem, f"Possible: {', '.join(sorted(possible))}.", "options.compute_type")
