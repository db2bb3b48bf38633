"""Engines for one question each: what the runtime does with inputs, attributes, errors and cancels."""

from __future__ import annotations

import os
import sys
import weakref
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from services.base.errors import InvalidInputError, NotFoundError
from services.enginekit.progress import Progress
from services.enginekit.settings import EngineSettings


class EngineOnlyError(InvalidInputError):
    """An error class that lives with its engine, where the server must not look for it."""


@dataclass(frozen=True)
class Echo:
    """What was received, and how much of it had been asked for before."""

    item: object


class _Much:
    itself: object


class _LostDevice(ModuleType):
    """A framework whose device answers nothing but errors."""

    def __init__(self) -> None:
        super().__init__("torch")
        self.cuda = self

    def is_initialized(self) -> bool:
        return True

    def empty_cache(self) -> None:
        raise RuntimeError("CUDA error: an illegal memory access was encountered")


class EchoEngine:
    rate_hz = 8000

    def __init__(self, settings: EngineSettings) -> None:
        self.options = dict(settings.options)
        self.cleaned = 0

    def languages(self) -> list[str]:
        return ["en", "zh"]

    def warm_up(self, progress: Progress) -> None:
        progress.advance()
        self.warm = True

    def echo(self, request: str, inputs: Iterator[object], progress: Progress) -> Iterator[Echo]:
        for item in inputs:
            progress.advance()
            yield Echo(item)

    def greedy(self, request: int, inputs: Iterator[object], progress: Progress) -> Iterator[int]:
        """Takes `request` inputs, then no more."""
        taken = [next(inputs) for _ in range(request)]
        yield len(taken)
        while True:
            progress.raise_if_cancelled()

    def phases(self, request: tuple[str, ...], progress: Progress) -> Iterator[str]:
        for name in request:
            progress.phase(name, 2, 7.5)
            progress.advance(2)
            yield name

    def picture(self, request: int, progress: Progress) -> Iterator[NDArray[np.uint8]]:
        yield np.arange(request * 3, dtype=np.uint8).reshape(request, 3)
        yield np.arange(request * 3, dtype=np.uint8).reshape(request, 3)[:, ::2]
        yield np.zeros((0, 3), np.uint8)

    def own_error(self, request: str, progress: Progress) -> Iterator[object]:
        raise EngineOnlyError("Too long.", "Make it shorter.", request, "TOO_LONG")
        yield

    def silent(self, request: str, progress: Progress) -> Generator[object]:
        """Says in a file that it was closed."""
        try:
            while True:
                progress.advance()
                yield "tick"
        finally:
            Path(request).touch()

    def exhausted(self, request: str, progress: Progress) -> Iterator[object]:
        """Runs out of memory while it holds much, as a network holds its activations."""
        held = _Much()
        held.itself = held
        self._held = weakref.ref(held)
        raise RuntimeError("CUDA failed with error out of memory")
        yield

    def loses_device(self, request: str, progress: Progress) -> Iterator[object]:
        """Runs out of memory on a device that is lost before it can give some back."""
        sys.modules["torch"] = _LostDevice()
        raise RuntimeError("CUDA failed with error out of memory")
        yield

    def holds(self, request: str, progress: Progress) -> Iterator[bool]:
        """Whether what `exhausted` held is still there."""
        yield self._held() is not None

    def leaves(self, request: str, progress: Progress) -> Iterator[object]:
        sys.exit(3)
        yield

    def unpicklable(self, request: str, progress: Progress) -> Iterator[object]:
        yield lambda: None


class LooksAround(EchoEngine):
    """Tells in `options` what it found when it was made."""

    def __init__(self, settings: EngineSettings) -> None:
        super().__init__(settings)
        waits = {name: value for name, value in os.environ.items() if name.startswith("OPENCV_")}
        self.options = {"cv2": str("cv2" in sys.modules), **waits}


class NeedsWeights(EchoEngine):
    def __init__(self, settings: EngineSettings) -> None:
        if settings.checkpoint is None or not settings.checkpoint.exists():
            raise NotFoundError("There is no checkpoint.", "Pull one.", "checkpoint")
        super().__init__(settings)
