"""The generation loop: all open takes advance together, one frame of 16 codes a step.

The loop has no thread: whichever take needs a frame runs one step for all of them, so nothing is generated that no
caller waits for, and a closed take stops within one frame.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, islice, repeat

import numpy as np
import torch
from numpy import int64
from numpy.typing import NDArray

from services.base.errors import ExhaustedError, InternalError, InvalidInputError, VigentError
from services.enginekit.device import seed_of_noise
from services.enginekit.progress import Progress
from services.tts.engine import FinishReason
from services.tts.qwen3.frame import FrameStep
from services.tts.qwen3.prompt import Prompt

Frame = NDArray[int64]
_WAIT_S = 1.0  # how often a take waiting for another's step checks whether its caller has gone


class Take:
    """One voice being generated; iterate it for frames (16,) of codes, then read `reason`."""

    def __init__(self, loop: FrameLoop, row: int, seed: int, max_frames: int, progress: Progress) -> None:
        self.row = row
        self.max_frames = max_frames
        self.noise = torch.Generator(loop.step.device).manual_seed(seed_of_noise(seed))
        self.noise_ready = False
        self.frames_made = 0
        self.waiting: deque[Frame] = deque()
        self.reason: FinishReason | None = None
        self.error: VigentError | None = None
        self.progress = progress
        self._loop = loop

    def __iter__(self) -> Iterator[Frame]:
        """Frames until the take ends. Raises CancelledError, InternalError (NaN), or what the device raises.

        A device error, such as running out of memory, ends the take that ran the step; the others step again.
        """
        while True:
            ended = not self.open  # read first: another thread's step may add the last frames and the end meanwhile
            if self.waiting:
                yield self.waiting.popleft()
            elif not ended:
                self._loop.advance(self)
            elif self.error is not None:
                raise self.error
            else:
                return

    def receive(self, codes: Frame, *, finite: bool, end_id: int) -> None:
        """Receives the result of a step: a frame, the end of the text, or invalid numbers."""
        if not finite:
            self.error = InternalError("The voice model computed invalid numbers.", reason="INVALID_NUMBERS")
        elif codes[0] == end_id:
            self.reason = FinishReason.END_OF_TEXT
        else:
            self.waiting.append(codes)
            self.frames_made += 1
            if self.frames_made >= self.max_frames:
                self.reason = FinishReason.LENGTH_CAP

    @property
    def open(self) -> bool:
        """Whether the take still generates."""
        return self.reason is None and self.error is None


class FrameLoop:
    """The takes that are open, one per row of the step's state; rows [0, open takes) are in use."""

    def __init__(self, step: FrameStep, run: Callable[[int], None] | None = None) -> None:
        """`run` replaces `step.run` in making the next frame of the first n rows, for example with CUDA graphs."""
        self.step = step
        self._run = run or step.run
        self._takes: list[Take] = []
        self._lock = threading.Lock()

    def frames_left(self, prompt: Prompt) -> int:
        """Frames that fit after `prompt` in the cache."""
        return self.step.max_positions - prompt.positions

    @contextmanager
    def take(self, prompt: Prompt, seed: int, max_frames: int, progress: Progress) -> Iterator[Take]:
        """Opens a take of at most `max_frames`. Same prompt, seed and device give the same frames.

        Raises ExhaustedError when all rows are in use, InvalidInputError when the prompt leaves no room.
        """
        if max_frames < 1 or max_frames > self.frames_left(prompt):
            raise InvalidInputError(
                f"Text, reference and instruction take {prompt.positions} of {self.step.max_positions} positions; "
                f"there is no room for {max(1, max_frames)} frames of speech.",
                "Shorten them, or raise VIGENT_TTS_OPTIONS__MAX_POSITIONS.",
                "text",
                "TEXT_TOO_LONG",
            )
        take = self._join(prompt, seed, max_frames, progress)
        try:
            yield take
        finally:
            with self._lock:
                self._remove(take)

    def advance(self, take: Take) -> None:
        """Runs one step for all takes, unless another thread's step brought `take` its frame meanwhile."""
        while not self._lock.acquire(timeout=_WAIT_S):
            take.progress.raise_if_cancelled()
        try:
            if take.open and not take.waiting:
                self._step()
        finally:
            self._lock.release()

    def _join(self, prompt: Prompt, seed: int, max_frames: int, progress: Progress) -> Take:
        while not self._lock.acquire(timeout=_WAIT_S):
            progress.raise_if_cancelled()
        try:
            if len(self._takes) == self.step.rows:
                remedy = "Try again; set VIGENT_TTS_OPTIONS__STREAMS to the server's VIGENT_TTS_SLOTS."
                raise ExhaustedError(f"All {self.step.rows} streams are speaking.", remedy, retry_after_s=1.0)
            take = Take(self, len(self._takes), seed, max_frames, progress)
            self.step.draw_noise(take.row, take.noise)
            self.step.prefill(take.row, prompt)
            self._takes.append(take)
            self._deliver([take])
        finally:
            self._lock.release()
        return take

    def _step(self) -> None:
        # Ended takes give up their rows; a failed step's noise is kept, so that its repetition gives the same.
        for take in [take for take in self._takes if not take.open]:
            self._remove(take)
        for take in self._takes:
            if not take.noise_ready:
                self.step.draw_noise(take.row, take.noise)
                take.noise_ready = True
        self._run(len(self._takes))
        self._deliver(self._takes)

    def _deliver(self, takes: list[Take]) -> None:
        codes, finite = self.step.results()
        for take in takes:
            take.noise_ready = False
            take.receive(codes[take.row], finite=bool(finite[take.row]), end_id=self.step.end_id)

    def _remove(self, take: Take) -> None:
        if take not in self._takes:
            return
        last = self._takes.pop()
        if last is not take:
            self.step.move(last.row, take.row)
            self._takes[take.row], last.row = last, take.row
        self.step.clear(len(self._takes))


def frame_cap(text_tokens: int) -> int:
    """Most frames a text may need: 12 a text token, at least 192 (15 s).

    The end token is missing in 0.15 to 0.7 % of takes; vLLM-Omni 0.30 has this cap for Base requests.
    """
    return max(192, 12 * text_tokens)


def chunks(take: Take, sizes: Sequence[int]) -> Iterator[NDArray[int64]]:
    """Groups (frames, 16) of growing `sizes`, the last size repeated; the last group has what is left.

    Counts one progress unit per frame, so a cancelled call stops within one.
    """
    frames = _counted(take)
    for size in chain(sizes, repeat(sizes[-1])):
        group = list(islice(frames, size))
        if group:
            yield np.stack(group)
        if len(group) < size:
            return


def _counted(take: Take) -> Iterator[Frame]:
    for frame in take:
        take.progress.advance()
        yield frame
