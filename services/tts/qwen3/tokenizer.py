"""Text to ids in the chat layout that the talker was trained on."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor

from services.enginekit.checkpoints import refused


class Tokenizer:
    """The checkpoint's own Qwen2 tokenizer, read from its folder and nowhere else."""

    def __init__(self, folder: Path, device: torch.device) -> None:
        from transformers import AutoTokenizer

        try:
            self._tokenizer: Callable[[str], Mapping[str, list[int]]] = AutoTokenizer.from_pretrained(  # type: ignore[no-untyped-call]
                folder, local_files_only=True
            )
        except (OSError, ValueError, KeyError) as error:
            problem = f"The tokenizer in {folder} cannot be read."
            raise refused("CHECKPOINT_INVALID", problem, "Run `vigent models pull` again.") from error
        self._device = device
        marks = [mark for mark in self._tokenizer.get_added_vocab() if mark.startswith("<")]
        self._marks = re.compile("|".join(map(re.escape, marks)) or "(?!)")

    def spoken(self, text: str) -> Tensor:
        """Ids (tokens,) of what is to be said: 3 of the role, the text, 5 that close it."""
        return self._ids(f"<|im_start|>assistant\n{self._plain(text)}<|im_end|>\n<|im_start|>assistant\n")

    def transcript(self, text: str) -> Tensor:
        """Ids (tokens,) of a reference's bare transcript."""
        return self._ids(f"<|im_start|>assistant\n{self._plain(text)}<|im_end|>\n")[3:-2]

    def instruction(self, text: str) -> Tensor:
        """Ids (tokens,) of how to say it."""
        return self._ids(f"<|im_start|>user\n{self._plain(text)}<|im_end|>\n")

    def _plain(self, text: str) -> str:
        """The text without the layout's control tokens: a script that says <|im_end|> must not end a turn."""
        return self._marks.sub(" ", text)

    def _ids(self, text: str) -> Tensor:
        return torch.tensor(self._tokenizer(text)["input_ids"], device=self._device)
