"""The frame step as recordings, done again instead of replayed: the way from rows and spans to them is the same."""

import numpy as np
import pytest
import torch

from services.enginekit.progress import RECORD_WORDS, Progress, read_progress
from services.tts.qwen3.frame import FrameStep
from services.tts.qwen3.loop import FrameLoop
from services.tts.qwen3.networks.graphs import FrameGraphs
from services.tts.qwen3.prompt import Request
from tests.support.recorder import checked


@pytest.fixture(scope="module")
def prompts(model):
    texts = ("one", "二三四五六七八九十", "a rather longer text, to be sure")
    return [model.prompts.build(Request(model.tokenizer.spoken(text)), text_in_prefill=False) for text in texts]


def endless(model, rows=1):
    """A step whose takes never end by themselves."""
    step = FrameStep(model.model.talker, model.config, model.loop.step.attention, rows=rows, max_positions=600)
    step._ends = torch.zeros_like(step._ends)
    step._forbidden[step.end_id] = True
    return step


def spoken(loop, prompt, seed, frames) -> np.ndarray:
    with loop.take(prompt, seed, frames, Progress()) as take:
        return np.stack(list(take))


def test_every_bucket_of_rows_and_span_is_recorded_once(model):
    step, record = endless(model, rows=5), [0] * RECORD_WORDS
    recorded = []
    FrameGraphs(step, lambda work: recorded.append(work.args) or checked(work), Progress(record))
    assert recorded == [(rows, span) for rows in (1, 2, 4, 5) for span in (256, 512, 600)]
    assert len(recorded) == FrameGraphs.count(step) == read_progress(record).units_done


def test_recorded_frames_equal_plain_ones(model, prompts):
    """Over the border of two spans, and again in the row that the first take has left."""
    step = endless(model)
    loop = FrameLoop(step, FrameGraphs(step, checked).run)
    for seed in (4, 5):
        plain = spoken(FrameLoop(endless(model)), prompts[0], seed, 250)
        assert np.array_equal(spoken(loop, prompts[0], seed, 250), plain)


def test_rows_out_of_use_run_along_unnoticed(model, prompts):
    """Three takes in the graph of four rows; one leaves, and two go on in the graph of two."""
    step = endless(model, rows=4)
    loop = FrameLoop(step, FrameGraphs(step, checked).run)
    found = [[], [], []]
    with loop.take(prompts[2], 12, 20, Progress()) as last, loop.take(prompts[1], 11, 20, Progress()) as middle:
        with loop.take(prompts[0], 10, 20, Progress()) as first:
            streams = [iter(first), iter(middle), iter(last)]
            for _ in range(6):
                for frames, stream in zip(found, streams, strict=True):
                    frames.append(next(stream))
        for frames, stream in zip(found[1:], streams[1:], strict=True):
            frames.extend(stream)
    for index, frames in enumerate(found):
        plain = spoken(FrameLoop(endless(model)), prompts[index], 10 + index, 20)
        assert np.array_equal(np.stack(frames), plain[: len(frames)])
    assert [len(frames) for frames in found] == [6, 20, 20]
