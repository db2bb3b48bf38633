"""Speech whose word times are known: espeak-ng's voices against their own word events, disturbed on purpose."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy import int16
from numpy.typing import NDArray

from services.espeak.library import SAMPLE_RATE_HZ
from services.espeak.narration import SpokenWord, narrate

CHINESE = [
    "大家好，欢迎来到我们的频道，今天我们来介绍一款全新的产品。",
    "如果你喜欢这个视频，请点赞、收藏并且转发给你的朋友们，我们下期再见！",
    "银行行长在重庆长大，他的哥哥去了北京工作，2025年12月才回来。",
    "春天来了，花儿开了，小鸟在树上唱歌，孩子们在草地上奔跑。",
]
ENGLISH = [
    "Good morning everyone, and welcome to our channel.",
    "Today we are going to look at a product that turns a script into a finished video.",
    "In 2025, the company sold 3.5 million units, which is 20% more than the year before.",
    "Don't worry: the quick brown fox still jumps over the lazy dog.",
]
MIXED = [
    "大家好，这是 Qwen3 TTS 的 Hello world 测试，价格是128元。",
    "我们用 Python 和 gRPC 搭建了一个 mesh，支持 streaming 推理，延迟只有97毫秒。",
    "GPT-4 和 Claude 都支持中文，但是 token 的数量增长了3.5%。",
    "今天的 meeting 改到下午3点，请大家准时参加，别忘了带上 laptop。",
]


@dataclass(frozen=True)
class Recording:
    """Speech and the truth about it: start and end of each word in samples."""

    samples: NDArray[int16]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    sample_rate_hz: int = SAMPLE_RATE_HZ


def record(text: str, *, variant: str = "", speed: float = 1.0) -> Recording:
    """A text as espeak-ng says it."""
    events = list(narrate(text, variant=variant, speed=speed))
    words = [event for event in events if isinstance(event, SpokenWord)]
    samples = np.concatenate([event for event in events if not isinstance(event, SpokenWord)])
    return Recording(
        samples, np.array([word.start_sample for word in words]), np.array([word.end_sample for word in words])
    )


def with_pauses(recording: Recording, random: np.random.Generator) -> Recording:
    """Silence of 0.3 to 1.2 s before, after, and before every fifth word."""
    pauses = np.zeros(len(recording.starts) + 1, int)
    pauses[::5] = random.integers(SAMPLE_RATE_HZ * 3 // 10, SAMPLE_RATE_HZ * 12 // 10, len(pauses[::5]))
    pieces = np.split(recording.samples, recording.starts)
    silences = [np.zeros(length, int16) for length in pauses]
    whole = [pieces[0], *(part for pair in zip(silences, pieces[1:], strict=False) for part in pair), silences[-1]]
    shift = np.cumsum(pauses)[:-1]
    return Recording(np.concatenate(whole), recording.starts + shift, recording.ends + shift)


def with_noise(recording: Recording, snr_db: float, random: np.random.Generator) -> Recording:
    """White noise, `snr_db` below the power of the whole recording."""
    power = np.mean(np.square(recording.samples.astype(float))) / 10 ** (snr_db / 10)
    noisy = recording.samples + random.normal(scale=np.sqrt(power), size=len(recording.samples))
    return Recording(np.clip(noisy, -(2**15), 2**15 - 1).astype(int16), recording.starts, recording.ends)
