import threading
from collections import deque

import numpy as np
import pytest
import torch

from services.base.errors import CancelledError, ExhaustedError, InternalError, InvalidInputError
from services.enginekit.progress import Progress
from services.tts.engine import FinishReason
from services.tts.qwen3.loop import chunks, frame_cap
from services.tts.qwen3.networks.attention import sdpa
from services.tts.qwen3.prompt import Request

TEXTS = ("one", "二三四五六七八九十", "a rather longer text, to be sure")


@pytest.fixture(scope="module")
def prompts(model):
    return [
        model.prompts.build(Request(model.tokenizer.spoken(text)), text_in_prefill=index == 1)
        for index, text in enumerate(TEXTS)
    ]


def alone(make_loop, prompt, seed, frames=20) -> np.ndarray:
    with make_loop().take(prompt, seed, frames, Progress()) as take:
        return np.stack(list(take))


def test_same_seed_same_frames_another_seed_others(make_loop, prompts):
    first = alone(make_loop, prompts[0], 1)
    torch.manual_seed(99)  # the process's own seed is not asked
    assert np.array_equal(alone(make_loop, prompts[0], 1), first)
    assert not np.array_equal(alone(make_loop, prompts[0], 2)[: len(first)], first)


def test_all_64_bits_of_a_seed_count(make_loop, prompts):
    loop, noises = make_loop(), set()
    for seed in (1, 2**32 + 1, 2**63 - 1, 2**64 - 1):
        with loop.take(prompts[0], seed, 5, Progress()) as take:
            noises.add(float(torch.empty(1).exponential_(generator=take.noise)))
    assert len(noises) == 4


def test_the_global_seed_is_left_alone(make_loop, prompts):
    torch.manual_seed(3)
    before = torch.get_rng_state()
    alone(make_loop, prompts[0], 1)
    assert torch.equal(torch.get_rng_state(), before)


def test_streams_side_by_side_equal_single_ones(make_loop, prompts):
    loop = make_loop(rows=3)
    found: dict[int, list[np.ndarray]] = {0: [], 1: [], 2: []}
    with (
        loop.take(prompts[0], 10, 20, Progress()) as first,
        loop.take(prompts[1], 11, 20, Progress()) as second,
        loop.take(prompts[2], 12, 20, Progress()) as third,
    ):
        streams = [iter(take) for take in (first, second, third)]
        running = {0, 1, 2}
        while running:
            for index in sorted(running):
                frame = next(streams[index], None)
                if frame is None:
                    running.remove(index)
                else:
                    found[index].append(frame)
    for index, prompt in enumerate(prompts):
        assert np.array_equal(np.stack(found[index]), alone(make_loop, prompt, 10 + index))


def test_takes_join_and_leave_while_others_go_on(make_loop, prompts):
    loop = make_loop(rows=3)
    with loop.take(prompts[2], 7, 20, Progress()) as last:
        frames = iter(last)
        kept = [next(frames)]
        with loop.take(prompts[0], 1, 20, Progress()) as left, loop.take(prompts[1], 2, 20, Progress()) as moved:
            next(iter(left))
            moving = iter(moved)
            found = [next(moving) for _ in range(4)]
            kept += [next(frames) for _ in range(2)]
        kept += frames
        assert last.row == 0
    assert np.array_equal(np.stack(kept), alone(make_loop, prompts[2], 7))
    assert np.array_equal(np.stack(found), alone(make_loop, prompts[1], 2)[:4])


def test_a_take_that_leaves_hands_its_row_to_the_last(make_loop, prompts):
    loop = make_loop(rows=2)
    with loop.take(prompts[0], 1, 20, Progress()) as first:
        next(iter(first))
        context = loop.take(prompts[1], 2, 20, Progress())
        second = context.__enter__()
        stream = iter(second)
        found = [next(stream) for _ in range(3)]
    assert second.row == 0
    found += stream
    context.__exit__(None, None, None)
    assert np.array_equal(np.stack(found), alone(make_loop, prompts[1], 2))


def test_threads_share_steps(make_loop, prompts):
    loop = make_loop(rows=3)
    found: dict[int, np.ndarray] = {}

    def speak(index):
        with loop.take(prompts[index], 10 + index, 20, Progress()) as take:
            found[index] = np.stack(list(take))

    threads = [threading.Thread(target=speak, args=(index,)) for index in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for index, prompt in enumerate(prompts):
        assert np.array_equal(found[index], alone(make_loop, prompt, 10 + index))


class Overtaken(deque):
    """The frames of a take to which another thread's steps bring all the rest, just when it was found to have none."""

    def __init__(self, steps):
        super().__init__()
        self._steps = steps

    def __bool__(self):
        found = len(self) > 0
        if not found and self._steps is not None:
            steps, self._steps = self._steps, None
            steps()
        return found


def test_frames_and_an_end_that_another_thread_brings_at_once_are_not_lost(make_loop, prompts):
    loop = make_loop(rows=2)
    with loop.take(prompts[0], 1, 7, Progress()) as take, loop.take(prompts[1], 2, 9, Progress()) as other:
        ahead = take.waiting.popleft()
        take.waiting = Overtaken(lambda: list(other))
        found = [ahead, *take]
    assert np.array_equal(np.stack(found), alone(make_loop, prompts[0], 1, frames=7))


def test_no_row_left(make_loop, prompts):
    loop = make_loop(rows=1)
    with loop.take(prompts[0], 1, 5, Progress()):
        with pytest.raises(ExhaustedError) as full, loop.take(prompts[1], 1, 5, Progress()):
            pass
        assert full.value.retry_after_s
    with loop.take(prompts[1], 1, 5, Progress()) as take:
        assert len(list(take)) == 5


def test_length_cap(make_loop, prompts):
    with make_loop().take(prompts[0], 1, 7, Progress()) as take:
        assert len(list(take)) == 7
    assert take.reason is FinishReason.LENGTH_CAP
    assert (frame_cap(3), frame_cap(100)) == (192, 1200)


def test_no_room_for_the_prompt(make_loop, prompts):
    loop = make_loop(max_positions=256)
    assert loop.frames_left(prompts[0]) == 256 - prompts[0].positions
    with pytest.raises(InvalidInputError, match="no room"), loop.take(prompts[0], 1, 256, Progress()):
        pass


def test_long_takes_cross_the_buckets_of_the_cache(make_loop, prompts):
    """Read spans grow from 256 to 512 positions on the way; a cache that is read whole gives the same."""
    loop, wide = make_loop(max_positions=600), make_loop(max_positions=600)
    wide.step.spans = lambda: [600]
    for each in (loop, wide):
        each.step._ends = torch.zeros_like(each.step._ends)  # never ends
        each.step._forbidden[each.step.end_id] = True
    frames = []
    for each in (loop, wide):
        with each.take(prompts[0], 4, 250, Progress()) as take:
            frames.append(np.stack(list(take)))
    assert loop.step.spans() == [256, 512, 600]
    assert len(frames[0]) == 250
    assert np.array_equal(*frames)


def test_cancel_stops_within_one_frame(make_loop, prompts):
    cancelled = threading.Event()
    progress = Progress(cancelled=cancelled)
    loop = make_loop()
    steps: list[int] = []
    run = loop._run
    loop._run = lambda rows: (steps.append(rows), run(rows))
    with loop.take(prompts[0], 1, 100, progress) as take:
        groups = chunks(take, (1, 2, 4, 8))
        assert [len(next(groups)) for _ in range(3)] == [1, 2, 4]
        made = len(steps)
        cancelled.set()
        with pytest.raises(CancelledError):
            next(groups)
    assert len(steps) - made == 1


def test_one_frame_is_one_unit(make_loop, prompts):
    progress = Progress()
    with make_loop().take(prompts[0], 1, 13, progress) as take:
        groups = [len(group) for group in chunks(take, (1, 2, 4))]
    assert groups == [1, 2, 4, 4, 2]
    assert progress.units_done == 13


class Faulty:
    """Attention that breaks once, as a device does."""

    def __init__(self, fault):
        self.fault, self.armed = fault, False

    def __call__(self, query, key, value, visible):
        if self.armed:
            self.armed = False
            return self.fault(query, key, value, visible)
        return sdpa(query, key, value, visible)


def out_of_memory(*parts):
    raise torch.OutOfMemoryError("CUDA out of memory.")


def test_out_of_memory_ends_one_take_and_the_others_go_on_unchanged(make_loop, prompts):
    attention = Faulty(out_of_memory)
    loop = make_loop(rows=2, attention=attention)
    with loop.take(prompts[1], 2, 20, Progress()) as survivor:
        stream = iter(survivor)
        found = [next(stream)]
        with loop.take(prompts[0], 1, 20, Progress()) as victim:
            frames = iter(victim)
            next(frames)
            attention.armed = True
            with pytest.raises(torch.OutOfMemoryError):
                next(frames)
        found += stream
    assert np.array_equal(np.stack(found), alone(make_loop, prompts[1], 2))
    with loop.take(prompts[0], 1, 20, Progress()) as take:
        assert np.array_equal(np.stack(list(take)), alone(make_loop, prompts[0], 1))


def test_invalid_numbers_end_the_take_and_leave_nothing_behind(make_loop, prompts):
    attention = Faulty(lambda query, *_: torch.full_like(query, float("nan")))
    loop = make_loop(attention=attention)
    with loop.take(prompts[0], 1, 20, Progress()) as take:
        frames = iter(take)
        next(frames)
        attention.armed = True
        with pytest.raises(InternalError) as broken:
            next(frames)
    assert broken.value.reason == "INVALID_NUMBERS"
    with loop.take(prompts[0], 1, 20, Progress()) as take:
        assert np.array_equal(np.stack(list(take)), alone(make_loop, prompts[0], 1))


def test_invalid_numbers_of_one_take_stay_its_own(make_loop, prompts):
    """The other one takes over the row of the broken one, whose past was longer."""

    def first_row_broken(query, *others):
        found = sdpa(query, *others)
        found[0] = float("nan")
        return found

    attention = Faulty(first_row_broken)
    loop = make_loop(rows=2, attention=attention)
    assert prompts[1].positions > prompts[0].positions + 5
    context = loop.take(prompts[1], 1, 20, Progress())
    broken = context.__enter__()
    with loop.take(prompts[0], 2, 20, Progress()) as survivor:
        attention.armed = True
        with pytest.raises(InternalError):
            list(broken)
        context.__exit__(None, None, None)
        assert survivor.row == 0
        assert np.array_equal(np.stack(list(survivor)), alone(make_loop, prompts[0], 2))
